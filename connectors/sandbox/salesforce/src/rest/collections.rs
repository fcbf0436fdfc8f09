//! sObject collections: up to 200 rows per write, 2000 per retrieve.

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::{Answer, Caller, object_position, rows};
use crate::{
    ids::Id,
    record::{ActorKind, SaveError},
    state::State,
    wire::{ApiError, Call, JsonBody as _, Reply, row_errors},
};

const ROWS: usize = 200;
const RUNS: usize = 10;
const RETRIEVED: usize = 2000;

#[derive(Deserialize)]
struct Batch {
    #[serde(default, rename = "allOrNone")]
    all_or_none: bool,
    records: Vec<Map<String, Json>>,
}

#[derive(Deserialize)]
struct Wanted {
    ids: Vec<String>,
    fields: Vec<String>,
}

/// What became of one row.
struct Outcome {
    id: Option<Id>,
    created: Option<bool>,
    errors: Vec<SaveError>,
}

impl Outcome {
    const fn done(id: Id) -> Self {
        Self { id: Some(id), created: None, errors: Vec::new() }
    }

    const fn failed(id: Option<Id>, errors: Vec<SaveError>) -> Self {
        Self { id, created: None, errors }
    }
}

pub(super) fn answer(state: &mut State, call: &Call, caller: &Caller, rest: &[&str]) -> Answer {
    match (call.method.as_str(), rest) {
        ("POST" | "PATCH", []) => save(state, call, caller),
        ("DELETE", []) => delete(state, call, caller),
        ("POST", [object]) => {
            let wanted: Wanted = call.json()?;
            retrieve(state, caller, object, &wanted.ids, &wanted.fields)
        }
        ("GET", [object]) => {
            let list = |name: &str| -> Vec<String> {
                call.param(name).unwrap_or_default().split(',').map(|part| part.trim().to_owned()).collect()
            };
            retrieve(state, caller, object, &list("ids"), &list("fields"))
        }
        ("PATCH", [object, key]) => upsert(state, call, caller, object, key),
        _ => Err(ApiError::method(&call.method)),
    }
}

fn check_size(count: usize) -> Result<(), ApiError> {
    if count > ROWS {
        let message = format!("record limit reached. cannot submit more than {ROWS} records in this call");
        return Err(ApiError::new(400, "EXCEEDED_MAX_SIZE_REQUEST", message));
    }
    Ok(())
}

fn type_of(record: &Map<String, Json>) -> Result<&str, ApiError> {
    record
        .get("attributes")
        .and_then(|attributes| attributes.get("type"))
        .and_then(Json::as_str)
        .ok_or_else(|| ApiError::new(400, "INVALID_INPUT", "attributes.type is required for every record"))
}

/// Consecutive rows of one type make a run; more than ten runs are refused.
fn check_runs(records: &[Map<String, Json>]) -> Result<(), ApiError> {
    let mut runs = 0;
    let mut last = "";
    for record in records {
        let kind = type_of(record)?;
        if kind != last {
            runs += 1;
            last = kind;
        }
    }
    if runs > RUNS {
        let message = format!(
            "Cannot have more than {RUNS} chunks in a single operation. Please rearrange the data to reduce chunking."
        );
        return Err(ApiError::new(400, "LIMIT_EXCEEDED", message));
    }
    Ok(())
}

fn save(state: &mut State, call: &Call, caller: &Caller) -> Answer {
    let mut batch: Batch = call.json()?;
    check_size(batch.records.len())?;
    check_runs(&batch.records)?;
    let update = call.method == Method::PATCH;
    let outcomes = atomically(state, batch.all_or_none, batch.records.len(), |state, at| {
        let Some(record) = batch.records.get_mut(at) else { return Outcome::failed(None, Vec::new()) };
        save_one(state, caller, record, update)
    });
    Ok(Reply::json(200, &results(&outcomes)))
}

fn save_one(state: &mut State, caller: &Caller, record: &mut Map<String, Json>, update: bool) -> Outcome {
    let kind = type_of(record).unwrap_or_default().to_owned();
    let Some(position) = state.schema.position(&kind) else {
        return Outcome::failed(
            None,
            vec![SaveError::new("INVALID_TYPE", format!("sObject type '{kind}' is not supported."))],
        );
    };
    let given = record.remove("id").or_else(|| record.remove("Id"));
    let actor = caller.actor(ActorKind::Api);
    let id = match (update, given) {
        (false, None) => None,
        (false, Some(_)) => {
            let message = "cannot specify Id in an insert call";
            return Outcome::failed(
                None,
                vec![SaveError::on("INVALID_FIELD_FOR_INSERT_UPDATE", message, "Id")],
            );
        }
        (true, given) => match given.as_ref().and_then(Json::as_str) {
            None => {
                let message = "Id not specified in an update call";
                return Outcome::failed(None, vec![SaveError::on("MISSING_ARGUMENT", message, "Id")]);
            }
            Some(text) => match Id::parse(text) {
                None => {
                    let message = format!("{kind} ID: id value of incorrect type: {text}");
                    return Outcome::failed(None, vec![SaveError::on("MALFORMED_ID", message, "Id")]);
                }
                some => some,
            },
        },
    };
    match state.save(&actor, position, id, record) {
        Ok(id) => Outcome::done(id),
        Err(errors) => Outcome::failed(id, errors),
    }
}

fn delete(state: &mut State, call: &Call, caller: &Caller) -> Answer {
    let ids: Vec<&str> =
        call.param("ids").unwrap_or_default().split(',').filter(|id| !id.is_empty()).collect();
    if ids.is_empty() {
        return Err(ApiError::new(400, "MISSING_ARGUMENT", "ids"));
    }
    check_size(ids.len())?;
    let all_or_none = call.param("allOrNone") == Some("true");
    let actor = caller.actor(ActorKind::Api);
    let outcomes = atomically(state, all_or_none, ids.len(), |state, at| {
        let text = ids.get(at).copied().unwrap_or_default();
        let Some(id) = Id::parse(text) else {
            return Outcome::failed(
                None,
                vec![SaveError::new("MALFORMED_ID", format!("malformed id {text}"))],
            );
        };
        match state.delete(&actor, id) {
            Ok(()) => Outcome::done(id),
            Err(errors) => Outcome::failed(Some(id), errors),
        }
    });
    Ok(Reply::json(200, &results(&outcomes)))
}

fn upsert(state: &mut State, call: &Call, caller: &Caller, object: &str, key: &str) -> Answer {
    let batch: Batch = call.json()?;
    check_size(batch.records.len())?;
    let position = object_position(state, object)?;
    let outcomes = atomically(state, batch.all_or_none, batch.records.len(), |state, at| {
        let Some(mut record) = batch.records.get(at).cloned() else {
            return Outcome::failed(None, Vec::new());
        };
        let value = record.remove(key).or_else(|| record.remove(&key.to_ascii_lowercase()));
        let text = match &value {
            Some(Json::String(text)) => text.clone(),
            Some(other) if !other.is_null() => other.to_string(),
            _ => {
                let message = format!("{key} not specified");
                return Outcome::failed(None, vec![SaveError::on("MISSING_ARGUMENT", message, key)]);
            }
        };
        match rows::upsert(state, caller, position, key, &text, &record, false) {
            Ok(rows::Upserted::Created(id)) => Outcome { created: Some(true), ..Outcome::done(id) },
            Ok(rows::Upserted::Updated(id)) => Outcome { created: Some(false), ..Outcome::done(id) },
            Ok(rows::Upserted::Ambiguous(_)) => {
                let message = format!("{key}: more than one record found for external id field");
                Outcome::failed(None, vec![SaveError::on("DUPLICATE_EXTERNAL_ID", message, key)])
            }
            Err(error) => Outcome { created: Some(false), ..Outcome::failed(None, error.errors) },
        }
    });
    let created = outcomes.iter().any(|outcome| outcome.created == Some(true) && outcome.errors.is_empty());
    Ok(Reply::json(if created { 201 } else { 200 }, &results(&outcomes)))
}

/// Runs every row; with `all_or_none` one failure takes the others back.
fn atomically(
    state: &mut State,
    all_or_none: bool,
    count: usize,
    mut row: impl FnMut(&mut State, usize) -> Outcome,
) -> Vec<Outcome> {
    let nested = state.savepoint.is_some();
    let guard = all_or_none && !nested;
    if guard {
        state.begin();
    }
    let mut outcomes: Vec<Outcome> = (0..count).map(|at| row(state, at)).collect();
    let failed = outcomes.iter().any(|outcome| !outcome.errors.is_empty());
    if guard && failed {
        state.roll_back();
        for outcome in outcomes.iter_mut().filter(|outcome| outcome.errors.is_empty()) {
            let message = "Record rolled back because not all records were valid and the request was using AllOrNone header";
            *outcome = Outcome::failed(
                outcome.id,
                vec![SaveError::new("ALL_OR_NONE_OPERATION_ROLLED_BACK", message)],
            );
        }
    } else if guard {
        state.keep();
    }
    outcomes
}

fn results(outcomes: &[Outcome]) -> Json {
    outcomes
        .iter()
        .map(|outcome| {
            let success = outcome.errors.is_empty();
            let mut entry = json!({"success": success, "errors": row_errors(&outcome.errors)});
            if let Some(entry) = entry.as_object_mut() {
                if let Some(id) = outcome.id.filter(|_| success) {
                    entry.insert("id".to_owned(), json!(id));
                }
                if let Some(created) = outcome.created {
                    entry.insert("created".to_owned(), json!(created));
                }
            }
            entry
        })
        .collect()
}

fn retrieve(state: &State, caller: &Caller, object: &str, ids: &[String], fields: &[String]) -> Answer {
    let position = object_position(state, object)?;
    if ids.len() > RETRIEVED {
        let message =
            format!("record limit reached. cannot submit more than {RETRIEVED} records in this call");
        return Err(ApiError::new(400, "EXCEEDED_MAX_SIZE_REQUEST", message));
    }
    let names: Vec<&str> = fields.iter().map(String::as_str).collect();
    let shape = rows::Shape::new(state, caller, position, Some(&names))?;
    let table = state.tables.get(position).ok_or_else(ApiError::not_found)?;
    let mut body = String::with_capacity(ids.len().saturating_mul(256));
    body.push('[');
    for (at, text) in ids.iter().enumerate() {
        if at > 0 {
            body.push(',');
        }
        match Id::parse(text).and_then(|id| table.get(id)).filter(|row| !row.deleted) {
            Some(row) => shape.write(row, &mut body),
            None => body.push_str("null"),
        }
    }
    body.push(']');
    Ok(Reply::text(200, "application/json;charset=UTF-8", body))
}
