//! `/composite/tree`: parents with their children, all or nothing.

use http::Method;
use serde_json::{Map, Value as Json, json};

use super::{Answer, Caller, object_position};
use crate::{
    ids::Id,
    record::{ActorKind, SaveError},
    schema::Schema,
    state::State,
    wire::{ApiError, Call, JsonBody as _, Reply, row_errors},
};

const ROWS: usize = 200;
const LEVELS: usize = 5;

struct Planting<'a> {
    caller: &'a Caller,
    done: Vec<(String, Id)>,
    failed: Vec<(String, Vec<SaveError>)>,
}

pub(super) fn answer(state: &mut State, call: &Call, caller: &Caller, object: &str) -> Answer {
    if call.method != Method::POST {
        return Err(ApiError::method(&call.method));
    }
    let body: Json = call.json()?;
    let records = body.get("records").and_then(Json::as_array);
    let records = records.ok_or_else(|| ApiError::new(400, "INVALID_INPUT", "records is required"))?;
    let position = object_position(state, object)?;
    if records.iter().map(size).sum::<usize>() > ROWS {
        return Err(ApiError::new(400, "INVALID_INPUT", format!("at most {ROWS} records per tree request")));
    }
    let mut planting = Planting { caller, done: Vec::new(), failed: Vec::new() };
    state.begin();
    for record in records {
        planting.plant(state, position, record, None, 1);
    }
    if planting.failed.is_empty() {
        state.keep();
        let results: Vec<Json> =
            planting.done.iter().map(|(reference, id)| json!({"referenceId": reference, "id": id})).collect();
        return Ok(Reply::json(201, &json!({"hasErrors": false, "results": results})));
    }
    state.roll_back();
    let results: Vec<Json> = planting
        .failed
        .iter()
        .map(|(reference, errors)| json!({"referenceId": reference, "errors": row_errors(errors)}))
        .collect();
    Ok(Reply::json(400, &json!({"hasErrors": true, "results": results})))
}

fn children(record: &Json) -> impl Iterator<Item = (&String, &Vec<Json>)> {
    record
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some((name, value.get("records")?.as_array()?)))
}

fn size(record: &Json) -> usize {
    1 + children(record).flat_map(|(_, records)| records).map(size).sum::<usize>()
}

impl Planting<'_> {
    fn plant(
        &mut self,
        state: &mut State,
        position: usize,
        record: &Json,
        parent: Option<(&str, Id)>,
        level: usize,
    ) {
        let reference = record
            .get("attributes")
            .and_then(|attributes| attributes.get("referenceId"))
            .and_then(Json::as_str)
            .unwrap_or_default()
            .to_owned();
        if level > LEVELS {
            self.failed.push((
                reference,
                vec![SaveError::new("INVALID_INPUT", "at most 5 levels per tree request")],
            ));
            return;
        }
        let mut fields: Map<String, Json> = record
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, value)| value.get("records").is_none())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if let Some((lookup, id)) = parent {
            fields.insert(lookup.to_owned(), json!(id));
        }
        let id = match state.save(&self.caller.actor(ActorKind::Api), position, None, &fields) {
            Ok(id) => id,
            Err(errors) => {
                self.failed.push((reference, errors));
                return;
            }
        };
        self.done.push((reference.clone(), id));
        for (relationship, records) in children(record) {
            let Some((child, lookup)) = child_of(&state.schema, position, relationship) else {
                let message = format!("No such child relationship '{relationship}'");
                self.failed.push((reference.clone(), vec![SaveError::new("INVALID_FIELD", message)]));
                continue;
            };
            for record in records {
                self.plant(state, child, record, Some((&lookup, id)), level + 1);
            }
        }
    }
}

fn child_of(schema: &Schema, parent: usize, relationship: &str) -> Option<(usize, String)> {
    let parent = schema.objects.get(parent)?;
    schema
        .children_of(parent.name())
        .into_iter()
        .find(|(_, field)| {
            field.spec.children.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(relationship))
        })
        .map(|(at, field)| (at, field.spec.name.clone()))
}
