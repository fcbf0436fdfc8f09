//! Set-up as queries see it: field permissions, and through the tooling API validation rules and field definitions.

use std::collections::BTreeMap;

use handoff_sandbox_lang::{
    schema::{FieldSchema, FieldType, ObjectSchema},
    soql::{Answer as Found, Catalog, Prepared, Row, Rows, Scan, ScanHint},
    value::Cell,
};
use http::Method;
use serde_json::{Value as Json, json};

use super::{Answer, Caller};
use crate::{
    ids::Id,
    state::State,
    wire::{ApiError, Call, Reply},
};

/// The user permission that opens set-up.
const VIEW_SETUP: &str = "ViewSetup";
const DATA: &[&str] = &["FieldPermissions", "PermissionSet", "Profile"];
const TOOLING: &[&str] = &["ValidationRule", "EntityDefinition", "FieldDefinition"];

/// Whether a query of the data API is about set-up.
pub(super) fn concerns(soql: &str) -> bool {
    let words: Vec<String> = soql.split_whitespace().map(str::to_ascii_lowercase).collect();
    words.windows(2).any(|pair| {
        matches!(pair, [from, object] if from == "from" && DATA.iter().any(|name| name.eq_ignore_ascii_case(object)))
    })
}

/// Answers a query of the data API about set-up.
pub(super) fn data(state: &State, soql: &str, caller: &Caller) -> Answer {
    answer(state, soql, caller, DATA)
}

/// Answers a query of the tooling API.
pub(super) fn tooling(state: &State, call: &Call, caller: &Caller) -> Answer {
    if call.method != Method::GET {
        return Err(ApiError::method(&call.method));
    }
    let missing = "A query string has to be specified as parameter named 'q'";
    let soql = call.param("q").ok_or_else(|| ApiError::new(400, "MALFORMED_QUERY", missing))?;
    answer(state, soql, caller, TOOLING)
}

fn answer(state: &State, soql: &str, caller: &Caller, objects: &[&str]) -> Answer {
    let shelf = Shelf::new(state, objects, state.sees_setup(caller.user));
    let prepared = Prepared::new(soql, &shelf, state.now())
        .map_err(|error| ApiError::new(400, error.code.as_str(), error.message))?;
    let records: Vec<Json> = match prepared.run(&shelf) {
        Found::Count(total) => {
            return Ok(Reply::json(200, &json!({"totalSize": total, "done": true, "records": []})));
        }
        Found::Aggregates(rows) => rows.into_iter().map(Json::from).collect(),
        Found::Rows(rows) => {
            rows.iter().map(|row| prepared.render(&shelf, row, &caller.version).into()).collect()
        }
    };
    Ok(Reply::json(200, &json!({"totalSize": records.len(), "done": true, "records": records})))
}

#[derive(Debug, Clone)]
enum Held {
    Text(String),
    Flag(bool),
}

/// One row of set-up: its cells by field.
#[derive(Debug, Default)]
struct Line(BTreeMap<&'static str, Held>);

impl Line {
    fn text(mut self, field: &'static str, value: impl Into<String>) -> Self {
        self.0.insert(field, Held::Text(value.into()));
        self
    }

    fn flag(mut self, field: &'static str, value: bool) -> Self {
        self.0.insert(field, Held::Flag(value));
        self
    }
}

impl Row for Line {
    fn cell(&self, field: &FieldSchema) -> Cell<'_> {
        match self.0.get(field.name.as_str()) {
            None => Cell::Null,
            Some(Held::Text(text)) => Cell::Text(text),
            Some(Held::Flag(flag)) => Cell::Bool(*flag),
        }
    }
}

/// The objects and rows of set-up.
struct Shelf {
    objects: BTreeMap<String, ObjectSchema>,
    rows: BTreeMap<&'static str, Vec<Line>>,
}

impl Shelf {
    fn new(state: &State, objects: &[&str], allowed: bool) -> Self {
        let schemas =
            schemas().into_iter().filter(|object| allowed && objects.contains(&object.name.as_str()));
        let objects = schemas.map(|object| (object.name.to_ascii_lowercase(), object)).collect();
        Self { objects, rows: rows(state) }
    }
}

impl Catalog for Shelf {
    fn object(&self, name: &str) -> Option<&ObjectSchema> {
        self.objects.get(&name.to_ascii_lowercase())
    }

    fn can_read(&self, _object: &ObjectSchema, _field: &FieldSchema) -> bool {
        true
    }
}

impl Rows for Shelf {
    type Row = Line;

    fn scan<'a>(&'a self, object: &str, _hint: &ScanHint) -> Scan<'a, Line> {
        let rows = self.rows.get(object).into_iter().flatten();
        Scan { rows: Box::new(rows), in_stamp_order: false }
    }

    fn get(&self, object: &str, id: &str) -> Option<&Line> {
        let own = |row: &&Line| matches!(row.0.get("Id"), Some(Held::Text(text)) if text == id);
        self.rows.get(object)?.iter().find(own)
    }
}

fn schemas() -> Vec<ObjectSchema> {
    use FieldType::{Boolean, Id as Key, String as Text};
    let of = |name: &str, fields: &[(&str, FieldType)], lookups: &[(&str, &str, &str)]| {
        let mut all = vec![FieldSchema::new("Id", Key, 0)];
        all.extend(fields.iter().map(|(name, kind)| FieldSchema::new(*name, *kind, 0)));
        all.extend(lookups.iter().map(|(name, path, to)| FieldSchema::lookup(*name, path, &[to], 0)));
        ObjectSchema::new(name, all)
    };
    vec![
        of(
            "FieldPermissions",
            &[
                ("SobjectType", Text),
                ("Field", Text),
                ("PermissionsRead", Boolean),
                ("PermissionsEdit", Boolean),
            ],
            &[("ParentId", "Parent", "PermissionSet")],
        ),
        of(
            "PermissionSet",
            &[("Name", Text), ("Label", Text), ("IsOwnedByProfile", Boolean)],
            &[("ProfileId", "Profile", "Profile")],
        ),
        of("Profile", &[("Name", Text)], &[]),
        of(
            "ValidationRule",
            &[("ValidationName", Text), ("Active", Boolean), ("ErrorMessage", Text)],
            &[("EntityDefinitionId", "EntityDefinition", "EntityDefinition")],
        ),
        of("EntityDefinition", &[("QualifiedApiName", Text)], &[]),
        of(
            "FieldDefinition",
            &[("QualifiedApiName", Text), ("IsFieldHistoryTracked", Boolean)],
            &[("EntityDefinitionId", "EntityDefinition", "EntityDefinition")],
        ),
    ]
}

fn rows(state: &State) -> BTreeMap<&'static str, Vec<Line>> {
    let mut rows: BTreeMap<&'static str, Vec<Line>> = BTreeMap::new();
    let mut put = |object: &'static str, prefix: &str, line: Line| {
        let all = rows.entry(object).or_default();
        let id = Id::numbered(prefix, u64::try_from(all.len()).unwrap_or(u64::MAX).saturating_add(1));
        all.push(line.text("Id", id.as_str()));
        id
    };
    for (name, set) in &state.sets.0 {
        let line =
            Line::default().text("Name", name).text("Label", &set.label).flag("IsOwnedByProfile", false);
        let parent = put("PermissionSet", "0PS", line);
        for right in &set.field_permissions {
            let object = right.field.split('.').next().unwrap_or_default();
            let line = Line::default().text("SobjectType", object).text("Field", &right.field);
            let line = line.flag("PermissionsRead", right.readable || right.editable);
            put(
                "FieldPermissions",
                "01k",
                line.flag("PermissionsEdit", right.editable).text("ParentId", parent.as_str()),
            );
        }
    }
    for object in &state.schema.objects {
        let entity = put("EntityDefinition", "000", Line::default().text("QualifiedApiName", object.name()));
        for rule in state.rules.get(&object.name().to_ascii_lowercase()).into_iter().flatten() {
            let line = Line::default().text("ValidationName", &rule.name).flag("Active", rule.active);
            put(
                "ValidationRule",
                "03d",
                line.text("ErrorMessage", &rule.message).text("EntityDefinitionId", entity.as_str()),
            );
        }
        for field in &object.fields {
            let line = Line::default().text("QualifiedApiName", &field.spec.name);
            let line = line.flag("IsFieldHistoryTracked", field.spec.track_history);
            put("FieldDefinition", "4ie", line.text("EntityDefinitionId", entity.as_str()));
        }
    }
    rows
}

impl State {
    /// Whether the user may look at set-up.
    fn sees_setup(&self, user: Id) -> bool {
        let Some(login) = self.logins.get(&user) else { return false };
        let granted = |name: &String| {
            self.sets
                .0
                .get(name)
                .is_some_and(|set| set.user_permissions.iter().any(|right| right == VIEW_SETUP))
        };
        login.admin || login.sets.iter().any(granted)
    }
}
