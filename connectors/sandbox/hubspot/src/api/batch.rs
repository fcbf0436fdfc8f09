//! Batches of records, with their caps and partial failures.

use std::collections::{BTreeMap, BTreeSet};

use handoff_sandbox_host::{Call, Reply};
use serde_json::{Map, Value as Json, json};

use super::{
    Answer, batched, body, flag, id_text, inputs,
    objects::{Wanted, create_one, lookup, not_unique, show, update_one},
};
use crate::{
    Refusal,
    schema::ObjectIx,
    state::{Actor, State},
};

const MOST: usize = 100;
const MOST_WITH_HISTORY: usize = 50;

pub(super) fn answer(state: &mut State, call: &Call, actor: &Actor, object: ObjectIx, step: &str) -> Answer {
    let body: Json = body(call)?;
    match step {
        "read" => read(state, call, object, &body),
        "create" => create(state, actor, object, &body),
        "update" => update(state, actor, object, &body),
        "upsert" => upsert(state, actor, object, &body),
        "archive" => archive(state, actor, object, &body),
        _ => Err(Refusal::no_such_address()),
    }
}

fn names(body: &Json, key: &str) -> Vec<String> {
    let list = body.get(key).and_then(Json::as_array);
    list.into_iter().flatten().filter_map(Json::as_str).map(ToOwned::to_owned).collect()
}

fn id_of(input: &Json) -> Result<String, Refusal> {
    input.get("id").and_then(id_text).ok_or_else(|| Refusal::validation("Invalid input JSON: id is missing"))
}

fn trace_of(input: &Json) -> Option<&str> {
    input.get("objectWriteTraceId").and_then(Json::as_str)
}

/// The error of ids that do not exist.
fn missing(state: &State, object: ObjectIx, ids: &[String]) -> Json {
    let plural = state.schema.object(object).map_or_else(String::new, |kind| kind.plural.to_string());
    let words = format!(
        "Could not get some {plural} objects, they may be deleted or not exist. Check that ids are valid."
    );
    Refusal::new(207, "OBJECT_NOT_FOUND", words).with("ids", ids.to_vec()).json()
}

/// The error of one input: by its trace id when it has one.
fn failed(refusal: &Refusal, input: &Json, id: Option<&str>) -> Json {
    let mut refusal = refusal.clone();
    if let Some(trace) = trace_of(input) {
        refusal = refusal.with("objectWriteTraceId", vec![trace.to_owned()]);
    }
    if let Some(id) = id {
        refusal = refusal.with("ids", vec![id.to_owned()]);
    }
    if refusal.category.is_empty() {
        refusal.category = "OBJECT_WRITE_FAILED".into();
    }
    refusal.json()
}

fn read(state: &State, call: &Call, object: ObjectIx, body: &Json) -> Answer {
    let wanted = Wanted {
        properties: names(body, "properties"),
        history: names(body, "propertiesWithHistory"),
        associations: Vec::new(),
    };
    if !wanted.history.is_empty() {
        let count = body.get("inputs").and_then(Json::as_array).map_or(0, Vec::len);
        if count > MOST_WITH_HISTORY {
            return Err(Refusal::validation(format!(
                "The maximum number of inputs supported in a batch request for property histories is \
                 {MOST_WITH_HISTORY}. Received: {count}"
            )));
        }
    }
    let inputs = inputs(body, MOST)?;
    let property = body.get("idProperty").and_then(Json::as_str);
    let archived = flag(call, "archived");
    let (mut results, mut lost, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for input in inputs {
        let text = id_of(input)?;
        // A batch treats an id that is no number as one that does not exist.
        let number = lookup(state, object, &text, property).unwrap_or(None);
        let record = number.and_then(|number| state.record(object, number));
        match record.filter(|record| record.archived_at.is_some() == archived) {
            Some(record) if seen.insert(record.id) => results.push(show(state, object, record, &wanted)),
            Some(_) => {}
            None => lost.push(text),
        }
    }
    let errors: Vec<Json> = if lost.is_empty() { Vec::new() } else { vec![missing(state, object, &lost)] };
    Ok(batched(state, 200, &results, &errors))
}

fn asked(input: &Json) -> Result<Map<String, Json>, Refusal> {
    let properties = input.get("properties").and_then(Json::as_object);
    properties.cloned().ok_or_else(|| Refusal::validation("Invalid input JSON: properties is missing"))
}

fn create(state: &mut State, actor: &Actor, object: ObjectIx, body: &Json) -> Answer {
    let inputs = inputs(body, MOST)?;
    let partial = inputs.iter().all(|input| trace_of(input).is_some());
    if !partial {
        for input in inputs {
            let asked = asked(input)?;
            if state.would_save(actor, object, None, &asked).is_err() {
                // The write that fails the batch is remembered as refused.
                state.save(actor, object, None, &asked, None)?;
            }
        }
    }
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in inputs {
        match create_one(state, actor, object, input) {
            Ok((shown, _)) => results.push(shown),
            Err(refusal) if partial => errors.push(failed(&refusal, input, None)),
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(batched(state, 201, &results, &errors))
}

fn update(state: &mut State, actor: &Actor, object: ObjectIx, body: &Json) -> Answer {
    let inputs = inputs(body, MOST)?;
    let partial = inputs.iter().all(|input| trace_of(input).is_some());
    let (mut lost, mut found, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
    for input in inputs {
        let text = id_of(input)?;
        let property = input.get("idProperty").and_then(Json::as_str);
        if property == Some("hs_object_id") || property == Some("email") {
            return Err(not_unique(state, object, property.unwrap_or_default()));
        }
        let asked = asked(input)?;
        let number = lookup(state, object, &text, property).unwrap_or(None);
        let live = number.filter(|number| {
            state.record(object, *number).is_some_and(|record| record.archived_at.is_none())
        });
        match live {
            Some(number) if seen.insert(number) => found.push((number, text, asked, input)),
            Some(_) => {
                return Err(Refusal::validation(format!("Duplicate IDs found in batch input: [{text}]")));
            }
            None => lost.push((text, input)),
        }
    }
    if !partial {
        for (number, _, asked, _) in &found {
            let verdict = state.would_save(actor, object, Some(*number), asked);
            if verdict.is_err() {
                // The write that fails the batch is remembered as refused.
                state.save(actor, object, Some(*number), asked, None)?;
            }
        }
    }
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for (number, text, asked, input) in found {
        match update_one(state, actor, object, number, &asked, trace_of(input)) {
            Ok(shown) => results.push(shown),
            Err(refusal) => errors.push(failed(&refusal, input, Some(&text))),
        }
    }
    if partial {
        for (text, input) in &lost {
            let refusal = Refusal::new(404, "OBJECT_NOT_FOUND", "resource not found");
            errors.push(failed(&refusal, input, Some(text)));
        }
    } else if !lost.is_empty() {
        let ids: Vec<String> = lost.into_iter().map(|(text, _)| text).collect();
        errors.push(missing(state, object, &ids));
    }
    Ok(batched(state, 200, &results, &errors))
}

fn upsert(state: &mut State, actor: &Actor, object: ObjectIx, body: &Json) -> Answer {
    let inputs = inputs(body, MOST)?;
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut wishes = Vec::new();
    for input in inputs {
        let text = id_of(input)?;
        let property = input.get("idProperty").and_then(Json::as_str);
        let property = property.ok_or_else(|| Refusal::validation("idProperty is required for upserts"))?;
        *seen.entry(text.to_lowercase()).or_insert(0) += 1;
        let known = lookup(state, object, &text, Some(property))?;
        let mut asked = asked(input)?;
        asked.entry(property.to_owned()).or_insert_with(|| json!(text));
        wishes.push((known, asked, input));
    }
    if let Some((text, _)) = seen.iter().find(|(_, times)| **times > 1) {
        return Err(Refusal::validation(format!("Duplicate IDs found in batch input: [{text}]")));
    }
    let partial = inputs.iter().all(|input| trace_of(input).is_some());
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for (known, asked, input) in wishes {
        let done = if let Some(id) = known {
            update_one(state, actor, object, id, &asked, trace_of(input))
        } else {
            let body = json!({"properties": asked, "objectWriteTraceId": trace_of(input)});
            create_one(state, actor, object, &body).map(|(shown, _)| shown)
        };
        match done {
            Ok(mut shown) => {
                if let Some(map) = shown.as_object_mut() {
                    map.insert("new".to_owned(), json!(known.is_none()));
                }
                results.push(shown);
            }
            Err(refusal) if partial => errors.push(failed(&refusal, input, None)),
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(batched(state, 200, &results, &errors))
}

fn archive(state: &mut State, actor: &Actor, object: ObjectIx, body: &Json) -> Answer {
    for input in inputs(body, MOST)? {
        if let Ok(id) = id_of(input)?.parse() {
            state.archive(actor, object, id)?;
        }
    }
    Ok(Reply::empty(204))
}
