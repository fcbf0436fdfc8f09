//! Single rows, by id and by external id.

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::{Answer, Caller, object_position};
use crate::{
    ids::Id,
    record::{ActorKind, SaveError},
    schema::Slot,
    state::State,
    table::Row,
    value::{http_date, parse_http_date, write_json_text},
    wire::{ApiError, Call, JsonBody as _, Reply},
};

pub(super) fn answer(state: &mut State, call: &Call, caller: &Caller, object: &str, rest: &[&str]) -> Answer {
    let position = object_position(state, object)?;
    match rest {
        [] if call.method == Method::POST => {
            let fields = call.json::<Map<String, Json>>()?;
            let id = create(state, caller, position, &fields)?;
            Ok(Reply::json(201, &json!({"id": id, "success": true, "errors": []})))
        }
        [] => Err(ApiError::method(&call.method)),
        ["Id" | "id"] if call.method == Method::POST => {
            let fields = call.json::<Map<String, Json>>()?;
            let id = create(state, caller, position, &fields)?;
            Ok(Reply::json(201, &json!({"id": id, "success": true, "errors": [], "created": true})))
        }
        [id] => by_id(state, call, caller, position, id),
        [key, value] => by_key(state, call, caller, position, key, value),
        _ => Err(ApiError::not_found()),
    }
}

fn create(
    state: &mut State,
    caller: &Caller,
    position: usize,
    fields: &Map<String, Json>,
) -> Result<Id, ApiError> {
    if fields.keys().any(|name| name.eq_ignore_ascii_case("id")) {
        return Err(ApiError::save(vec![SaveError::on(
            "INVALID_FIELD_FOR_INSERT_UPDATE",
            "cannot specify Id in an insert call",
            "Id",
        )]));
    }
    state.save(&caller.actor(ActorKind::Api), position, None, fields).map_err(ApiError::save)
}

fn by_id(state: &mut State, call: &Call, caller: &Caller, position: usize, text: &str) -> Answer {
    let id = Id::parse(text).ok_or_else(ApiError::not_found)?;
    match call.method {
        Method::GET => get(state, call, caller, position, id),
        Method::PATCH => {
            let fields = call.json::<Map<String, Json>>()?;
            unmodified_since(state, call, id)?;
            update(state, caller, position, id, &fields)?;
            Ok(Reply::empty(204))
        }
        Method::DELETE => {
            state.delete(&caller.actor(ActorKind::Api), id).map_err(ApiError::save)?;
            Ok(Reply::empty(204))
        }
        _ => Err(ApiError::method(&call.method)),
    }
}

fn update(
    state: &mut State,
    caller: &Caller,
    position: usize,
    id: Id,
    fields: &Map<String, Json>,
) -> Result<(), ApiError> {
    if fields.keys().any(|name| name.eq_ignore_ascii_case("id")) {
        let message = "The Id field should not be specified in the sobject data.";
        return Err(ApiError::new(400, "INVALID_FIELD", message));
    }
    state.save(&caller.actor(ActorKind::Api), position, Some(id), fields).map(|_| ()).map_err(ApiError::save)
}

/// `If-Unmodified-Since` on a write: 412 when the row is younger, 400 when the header is no date.
fn unmodified_since(state: &State, call: &Call, id: Id) -> Result<(), ApiError> {
    let Some(header) = call.header("if-unmodified-since") else { return Ok(()) };
    let limit = parse_http_date(header)
        .ok_or_else(|| ApiError::new(400, "INVALID_HEADER", "Invalid If-Unmodified-Since header value"))?;
    match state.row(id) {
        Some((_, row)) if row.modified_at > limit => Err(ApiError::new(
            412,
            "PRECONDITION_FAILED",
            "The requested resource does not meet the preconditions in the request headers",
        )),
        _ => Ok(()),
    }
}

fn get(state: &State, call: &Call, caller: &Caller, position: usize, id: Id) -> Answer {
    let row = state.existing(position, id, None).map_err(|error| ApiError::save(vec![error]))?;
    if let Some(since) = call.header("if-modified-since").and_then(parse_http_date)
        && row.modified_at <= since
    {
        return Ok(Reply::empty(304));
    }
    if let Some(limit) = call.header("if-unmodified-since").and_then(parse_http_date)
        && row.modified_at > limit
    {
        return Err(ApiError::new(412, "PRECONDITION_FAILED", "The resource was modified"));
    }
    let names: Option<Vec<&str>> = call.param("fields").map(|list| list.split(',').map(str::trim).collect());
    let shape = Shape::new(state, caller, position, names.as_deref())?;
    let mut body = String::new();
    shape.write(&row, &mut body);
    let modified = jiff::Timestamp::from_second(row.modified_at).map(http_date).unwrap_or_default();
    Ok(Reply::text(200, "application/json;charset=UTF-8", body).with("Last-Modified", modified))
}

/// Which fields of an object are written out, with everything that does not change from row to row prepared.
pub(super) struct Shape {
    head: String,
    fields: Vec<(String, crate::schema::Field)>,
}

impl Shape {
    /// The named fields, or all that the caller may read; an unknown or hidden one is INVALID_FIELD.
    pub(super) fn new(
        state: &State,
        caller: &Caller,
        position: usize,
        names: Option<&[&str]>,
    ) -> Result<Self, ApiError> {
        let object = state.schema.objects.get(position).ok_or_else(ApiError::not_found)?;
        let login = state.logins.get(&caller.user).ok_or_else(ApiError::session)?;
        let mut fields = Vec::new();
        let mut add = |field: &crate::schema::Field| {
            let mut key = String::from(",");
            write_json_text(&field.spec.name, &mut key);
            key.push(':');
            fields.push((key, field.clone()));
        };
        match names {
            None => object
                .fields
                .iter()
                .filter(|field| login.can_read(object.name(), &field.spec))
                .for_each(&mut add),
            Some(names) => {
                for name in names.iter().filter(|name| !name.is_empty()) {
                    let field = object.field(name).filter(|field| login.can_read(object.name(), &field.spec));
                    let field = field.ok_or_else(|| {
                        let message = format!("No such column '{name}' on sobject of type {}", object.name());
                        ApiError::new(400, "INVALID_FIELD", message)
                    })?;
                    add(field);
                }
                if !fields.iter().any(|(_, field)| field.slot == Slot::Id)
                    && let Some(field) = object.field("Id")
                {
                    let mut key = String::from(",");
                    write_json_text("Id", &mut key);
                    key.push(':');
                    fields.push((key, field.clone()));
                }
            }
        }
        let name = object.name();
        let head = format!(
            "{{\"attributes\":{{\"type\":\"{name}\",\"url\":\"/services/data/v{}/sobjects/{name}/",
            caller.version
        );
        Ok(Self { head, fields })
    }

    /// Appends the row as JSON.
    pub(super) fn write(&self, row: &Row, out: &mut String) {
        out.push_str(&self.head);
        out.push_str(row.id.as_str());
        out.push_str("\"}");
        for (key, field) in &self.fields {
            out.push_str(key);
            row.get(field).write_json(out);
        }
        out.push('}');
    }
}

/// What an upsert by external id came to.
pub(super) enum Upserted {
    Created(Id),
    Updated(Id),
    Ambiguous(Vec<Id>),
}

/// Creates or updates the row whose external id `key` is `value`.
pub(super) fn upsert(
    state: &mut State,
    caller: &Caller,
    position: usize,
    key: &str,
    value: &str,
    fields: &Map<String, Json>,
    update_only: bool,
) -> Result<Upserted, ApiError> {
    let matches = find_by_key(state, caller, position, key, value)?;
    let actor = caller.actor(ActorKind::Api);
    match matches.as_slice() {
        [] if update_only => Err(ApiError::not_found()),
        [] => {
            let mut fields = fields.clone();
            fields.insert(key.to_owned(), json!(value));
            state.save(&actor, position, None, &fields).map(Upserted::Created).map_err(ApiError::save)
        }
        [id] => {
            state.save(&actor, position, Some(*id), fields).map(Upserted::Updated).map_err(ApiError::save)
        }
        _ => Ok(Upserted::Ambiguous(matches)),
    }
}

fn find_by_key(
    state: &State,
    caller: &Caller,
    position: usize,
    key: &str,
    value: &str,
) -> Result<Vec<Id>, ApiError> {
    let missing = || {
        let message = format!("Provided external ID field does not exist or is not accessible: {key}");
        ApiError::new(404, "NOT_FOUND", message)
    };
    let object = state.schema.objects.get(position).ok_or_else(ApiError::not_found)?;
    if key.eq_ignore_ascii_case("id") {
        let id = Id::parse(value)
            .ok_or_else(|| ApiError::new(400, "MALFORMED_ID", format!("malformed id {value}")))?;
        return Ok(state
            .row(id)
            .filter(|(at, row)| *at == position && !row.deleted)
            .map(|_| id)
            .into_iter()
            .collect());
    }
    let field = object
        .field(key)
        .filter(|field| field.spec.external_id || field.spec.id_lookup)
        .ok_or_else(missing)?;
    let login = state.logins.get(&caller.user).ok_or_else(ApiError::session)?;
    if !login.can_read(object.name(), &field.spec) {
        return Err(missing());
    }
    let Slot::Stored(slot) = field.slot else { return Err(missing()) };
    let table = state.tables.get(position).ok_or_else(ApiError::not_found)?;
    Ok(table.by_key(slot, value))
}

fn by_key(
    state: &mut State,
    call: &Call,
    caller: &Caller,
    position: usize,
    key: &str,
    value: &str,
) -> Answer {
    let links = |state: &State, ids: &[Id]| -> Json {
        let name =
            state.schema.objects.get(position).map(|object| object.name().to_owned()).unwrap_or_default();
        ids.iter()
            .map(|id| json!(format!("/services/data/v{}/sobjects/{name}/{id}", caller.version)))
            .collect()
    };
    match call.method {
        Method::PATCH => {
            let fields = call.json::<Map<String, Json>>()?;
            if fields.keys().any(|name| name.eq_ignore_ascii_case(key)) {
                let message = format!("The {key} field should not be specified in the sobject data.");
                return Err(ApiError::new(400, "INVALID_FIELD", message));
            }
            let update_only = call.param("updateOnly") == Some("true");
            let body =
                |id: Id, created: bool| json!({"id": id, "success": true, "errors": [], "created": created});
            match upsert(state, caller, position, key, value, &fields, update_only)? {
                Upserted::Created(id) => Ok(Reply::json(201, &body(id, true))),
                Upserted::Updated(id) if at_least(&caller.version, 46) => {
                    Ok(Reply::json(200, &body(id, false)))
                }
                Upserted::Updated(_) => Ok(Reply::empty(204)),
                Upserted::Ambiguous(ids) => Ok(Reply::json(300, &links(state, &ids))),
            }
        }
        Method::GET | Method::DELETE => {
            let matches = find_by_key(state, caller, position, key, value)?;
            match matches.as_slice() {
                [] => Err(ApiError::not_found()),
                [id] => by_id(state, call, caller, position, id.as_str()),
                ids => Ok(Reply::json(300, &links(state, ids))),
            }
        }
        _ => Err(ApiError::method(&call.method)),
    }
}

fn at_least(version: &str, wanted: u32) -> bool {
    version.split('.').next().and_then(|major| major.parse().ok()).is_some_and(|major: u32| major >= wanted)
}
