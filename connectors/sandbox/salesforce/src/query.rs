//! Queries: the bridge from the language crate to the tables, paging, and locators bound to their session.

use std::{collections::BTreeMap, ops::Bound};

use handoff_sandbox_lang::{
    schema::{FieldSchema, FieldType as LangType, ObjectSchema},
    soql::{Access, Answer, Catalog, Prepared, Row as LangRow, Rows, Scan, ScanHint, StampFrom},
    value::Cell,
};
use serde_json::{Value as Json, json};

use crate::{
    ids::Id,
    schema::{FieldType, Object, Schema, Slot},
    state::State,
    table::Row,
    wire::ApiError,
};

const STORED: usize = 16;
const LOCATOR_LIFE: i64 = 2 * 24 * 3600;

/// What the language crate needs to know of every object, by lower-case API name.
pub(crate) fn catalog(schema: &Schema) -> BTreeMap<String, ObjectSchema> {
    let mut all: BTreeMap<String, ObjectSchema> = schema
        .objects
        .iter()
        .map(|object| (object.name().to_ascii_lowercase(), translated(object)))
        .collect();
    for object in &schema.objects {
        for field in &object.fields {
            let Some(children) = &field.spec.children else { continue };
            for parent in &field.spec.reference_to {
                if let Some(parent) = all.get_mut(&parent.to_ascii_lowercase()) {
                    parent.push_child(children, object.name(), &field.spec.name);
                }
            }
        }
    }
    all
}

fn translated(object: &Object) -> ObjectSchema {
    let fields = object.fields.iter().map(|field| {
        let mut out =
            FieldSchema::new(field.spec.name.clone(), lang_type(field.spec.kind), encode(field.slot));
        out.relationship.clone_from(&field.spec.relationship);
        out.refers_to.clone_from(&field.spec.reference_to);
        out.filterable = !field.spec.is_long_text();
        out
    });
    ObjectSchema::new(object.name(), fields)
}

const fn lang_type(kind: FieldType) -> LangType {
    match kind {
        FieldType::Id => LangType::Id,
        FieldType::Reference => LangType::Reference,
        FieldType::String | FieldType::Combobox | FieldType::AnyType => LangType::String,
        FieldType::Textarea => LangType::TextArea,
        FieldType::Picklist => LangType::Picklist,
        FieldType::Multipicklist => LangType::MultiPicklist,
        FieldType::Boolean => LangType::Boolean,
        FieldType::Int => LangType::Int,
        FieldType::Double => LangType::Double,
        FieldType::Currency => LangType::Currency,
        FieldType::Percent => LangType::Percent,
        FieldType::Date => LangType::Date,
        FieldType::Datetime => LangType::DateTime,
        FieldType::Email => LangType::Email,
        FieldType::Phone => LangType::Phone,
        FieldType::Url => LangType::Url,
    }
}

fn encode(slot: Slot) -> usize {
    match slot {
        Slot::Id => 0,
        Slot::IsDeleted => 1,
        Slot::CreatedDate => 2,
        Slot::CreatedById => 3,
        Slot::LastModifiedDate => 4,
        Slot::LastModifiedById => 5,
        Slot::SystemModstamp => 6,
        Slot::Stored(number) => usize::from(number) + STORED,
    }
}

fn decode(slot: usize) -> Option<Slot> {
    Some(match slot {
        0 => Slot::Id,
        1 => Slot::IsDeleted,
        2 => Slot::CreatedDate,
        3 => Slot::CreatedById,
        4 => Slot::LastModifiedDate,
        5 => Slot::LastModifiedById,
        6 => Slot::SystemModstamp,
        other => Slot::Stored(u16::try_from(other.checked_sub(STORED)?).ok()?),
    })
}

impl LangRow for Row {
    fn cell(&self, field: &FieldSchema) -> Cell<'_> {
        decode(field.slot)
            .map_or(Cell::Null, |slot| Row::cell(self, slot, field.field_type == LangType::Boolean))
    }
}

/// The objects and fields a user sees.
struct UserCatalog<'a> {
    state: &'a State,
    user: Id,
}

impl Catalog for UserCatalog<'_> {
    fn object(&self, name: &str) -> Option<&ObjectSchema> {
        self.state.catalog.get(&name.to_ascii_lowercase())
    }

    fn can_read(&self, object: &ObjectSchema, field: &FieldSchema) -> bool {
        let spec = self.state.schema.object(&object.name).and_then(|object| object.field(&field.name));
        let login = self.state.logins.get(&self.user);
        spec.zip(login).is_some_and(|(field, login)| login.can_read(&object.name, &field.spec))
    }
}

/// The rows a call sees.
struct View<'a> {
    state: &'a State,
    deleted: bool,
}

impl View<'_> {
    fn shows(&self, row: &Row) -> bool {
        self.deleted || !row.deleted
    }
}

impl Rows for View<'_> {
    type Row = Row;

    fn scan<'a>(&'a self, object: &str, hint: &ScanHint) -> Scan<'a, Row> {
        let Some(table) = self.state.table(object) else {
            return Scan { rows: Box::new(std::iter::empty()), in_stamp_order: false };
        };
        match &hint.access {
            Access::All => Scan {
                rows: Box::new(table.rows().map(|row| &**row).filter(|row| self.shows(row))),
                in_stamp_order: false,
            },
            Access::Ids(ids) => {
                let found: Vec<&Row> = ids
                    .iter()
                    .filter_map(|id| Some(&**table.get(Id::parse(id)?)?))
                    .filter(|row| self.shows(row))
                    .collect();
                Scan { rows: Box::new(found.into_iter()), in_stamp_order: false }
            }
            Access::Lookup { field, ids } => {
                let slot = decode(field.slot);
                let mut found: Vec<&Row> = Vec::new();
                for id in ids.iter().filter_map(|id| Id::parse(id)) {
                    match slot {
                        Some(Slot::Stored(slot)) => match table.pointing_at(slot, id) {
                            Some(rows) => found.extend(rows.map(|row| &**row)),
                            None => found.extend(
                                table
                                    .rows()
                                    .map(|row| &**row)
                                    .filter(|row| row.stored(slot).as_id() == Some(id)),
                            ),
                        },
                        _ => found.extend(
                            table
                                .rows()
                                .map(|row| &**row)
                                .filter(|row| LangRow::cell(*row, field) == Cell::Text(id.as_str())),
                        ),
                    }
                }
                Scan {
                    rows: Box::new(found.into_iter().filter(|row| self.shows(row))),
                    in_stamp_order: false,
                }
            }
            Access::Stamp(range) => {
                // The index is on the row's stamp, which is its creation where an object has no SystemModstamp.
                let indexed = match decode(range.field.slot) {
                    Some(Slot::SystemModstamp) => true,
                    Some(Slot::CreatedDate) => self
                        .state
                        .schema
                        .object(object)
                        .is_some_and(|object| object.field("SystemModstamp").is_none()),
                    _ => false,
                };
                if !indexed {
                    let rows = table.rows().map(|row| &**row).filter(|row| self.shows(row));
                    return Scan { rows: Box::new(rows), in_stamp_order: false };
                }
                let from = match &range.from {
                    None => Bound::Unbounded,
                    Some(StampFrom::At(at)) => Bound::Included((at.as_second(), Id::LOWEST)),
                    Some(StampFrom::After(at)) => Bound::Excluded((at.as_second(), Id::HIGHEST)),
                    Some(StampFrom::AfterId(at, id)) => {
                        Bound::Excluded((at.as_second(), Id::parse(id).unwrap_or(Id::LOWEST)))
                    }
                };
                let until =
                    range.until.map_or(Bound::Unbounded, |at| Bound::Included((at.as_second(), Id::HIGHEST)));
                if is_empty(&from, &until) {
                    return Scan { rows: Box::new(std::iter::empty()), in_stamp_order: hint.stamp_order };
                }
                let rows = table.by_stamp(from, until).filter_map(|(_, id)| table.get(*id)).map(|row| &**row);
                Scan { rows: Box::new(rows.filter(|row| self.shows(row))), in_stamp_order: hint.stamp_order }
            }
        }
    }

    fn get(&self, object: &str, id: &str) -> Option<&Row> {
        self.state.table(object)?.get(Id::parse(id)?).map(|row| &**row).filter(|row| self.shows(row))
    }
}

fn is_empty(from: &Bound<(i64, Id)>, until: &Bound<(i64, Id)>) -> bool {
    match (from, until) {
        (Bound::Included(from) | Bound::Excluded(from), Bound::Included(until)) => from > until,
        _ => false,
    }
}

/// One query whose later pages are still to be fetched.
struct Locator {
    token: String,
    prepared: Prepared,
    ids: Vec<Id>,
    total: usize,
    deleted: bool,
    page: usize,
    made_at: i64,
}

/// Open queries by their locator's text.
#[derive(Default)]
pub(crate) struct Locators {
    open: BTreeMap<String, Locator>,
    made: u64,
}

/// One query request.
pub(crate) struct Ask<'a> {
    pub(crate) soql: &'a str,
    pub(crate) user: Id,
    pub(crate) token: &'a str,
    pub(crate) version: &'a str,
    pub(crate) deleted: bool,
    pub(crate) batch: usize,
}

impl State {
    /// Runs a query and returns its first page.
    pub(crate) fn query(&mut self, ask: &Ask<'_>) -> Result<Json, ApiError> {
        let prepared = self.prepare(ask.user, ask.soql)?;
        let page = if prepared.selects_long_text() { ask.batch.min(200) } else { ask.batch };
        let view = View { state: self, deleted: ask.deleted };
        let ids: Vec<Id>;
        let records: Vec<Json>;
        match prepared.run(&view) {
            Answer::Count(total) => return Ok(json!({"totalSize": total, "done": true, "records": []})),
            Answer::Aggregates(rows) => {
                return Ok(json!({"totalSize": rows.len(), "done": true, "records": rows}));
            }
            Answer::Rows(rows) => {
                records = rows
                    .iter()
                    .take(page)
                    .map(|row| prepared.render(&view, row, ask.version).into())
                    .collect();
                if rows.len() <= page {
                    return Ok(json!({"totalSize": rows.len(), "done": true, "records": records}));
                }
                ids = rows.iter().map(|row| row.id).collect();
            }
        }
        self.locators.made += 1;
        let name = Id::numbered("0r8", self.locators.made).to_string();
        let total = ids.len();
        let next = format!("/services/data/v{}/query/{name}-{page}", ask.version);
        let made_at = self.second();
        let token = ask.token.to_owned();
        let locator = Locator { token, prepared, ids, total, deleted: ask.deleted, page, made_at };
        self.locators.open.insert(name, locator);
        Ok(json!({"totalSize": total, "done": false, "nextRecordsUrl": next, "records": records}))
    }

    /// A later page; a locator lives with the session that made it.
    pub(crate) fn query_more(&self, locator: &str, token: &str, version: &str) -> Result<Json, ApiError> {
        let refused = || ApiError::new(400, "INVALID_QUERY_LOCATOR", "invalid query locator");
        let (name, start) = locator.rsplit_once('-').ok_or_else(refused)?;
        let start: usize = start.parse().map_err(|_| refused())?;
        let open = self.locators.open.get(name).ok_or_else(refused)?;
        if open.token != token {
            let same_user = self.sessions.user_of(&open.token) == self.sessions.user_of(token);
            return Err(if same_user { ApiError::session() } else { refused() });
        }
        if self.second() - open.made_at > LOCATOR_LIFE {
            return Err(refused());
        }
        let view = View { state: self, deleted: open.deleted };
        let object = open.prepared.object();
        let records: Vec<Json> = open
            .ids
            .iter()
            .skip(start)
            .take(open.page)
            .filter_map(|id| view.get(object, id.as_str()))
            .map(|row| open.prepared.render(&view, row, version).into())
            .collect();
        let end = start.saturating_add(open.page);
        let mut answer = json!({"totalSize": open.total, "done": end >= open.total, "records": records});
        if end < open.total
            && let Some(answer) = answer.as_object_mut()
        {
            answer.insert(
                "nextRecordsUrl".to_owned(),
                json!(format!("/services/data/v{version}/query/{name}-{end}")),
            );
        }
        Ok(answer)
    }

    fn prepare(&self, user: Id, soql: &str) -> Result<Prepared, ApiError> {
        let catalog = UserCatalog { state: self, user };
        Prepared::new(soql, &catalog, self.now())
            .map_err(|error| ApiError::new(400, error.code.as_str(), error.message))
    }

    /// Every record of a query, for the control interface and bulk jobs; `user`'s permissions apply.
    pub(crate) fn query_all_rows(&self, user: Id, soql: &str, deleted: bool) -> Result<Vec<Json>, ApiError> {
        let prepared = self.prepare(user, soql)?;
        let view = View { state: self, deleted };
        Ok(match prepared.run(&view) {
            Answer::Count(total) => vec![json!({"count": total})],
            Answer::Aggregates(rows) => rows.into_iter().map(Json::from).collect(),
            Answer::Rows(rows) => rows.iter().map(|row| prepared.render(&view, row, "62.0").into()).collect(),
        })
    }
}
