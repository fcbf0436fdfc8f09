//! Links between records over HTTP.

use handoff_sandbox_host::{Call, Reply};
use serde_json::{Value as Json, json};

use super::{Answer, Dialect, batched, body, id_text, inputs, object_of};
use crate::{
    Refusal,
    associations::{LinkType, Place, TypeKey, category},
    schema::ObjectIx,
    state::{Actor, State},
};

/// The documents promise 1,000; since December 2024 the vendor enforces less.
const READ: usize = 100;
const CREATE: usize = 2_000;
const ARCHIVE: usize = 100;
const PAGE: usize = 500;

/// Types as bodies write them.
pub(super) fn keys(types: Option<&Json>) -> Result<Vec<TypeKey>, Refusal> {
    let wrong = || Refusal::validation("Invalid association type");
    types
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .map(|wish| {
            let user_defined = match wish.get("associationCategory").and_then(Json::as_str) {
                Some("HUBSPOT_DEFINED") => false,
                Some("USER_DEFINED") => true,
                _ => return Err(wrong()),
            };
            let id = wish.get("associationTypeId").and_then(Json::as_u64);
            Ok((user_defined, id.and_then(|id| u32::try_from(id).ok()).ok_or_else(wrong)?))
        })
        .collect()
}

/// `/objects/{type}/{id}/associations/…`.
pub(super) fn of_record(
    state: &mut State,
    call: &Call,
    actor: &Actor,
    from: Place,
    rest: &[&str],
    dialect: Dialect,
) -> Answer {
    let target = |state: &State, name: &str, id: &str| {
        let id = id.parse().map_err(|_| Refusal::not_an_id(id))?;
        Ok::<Place, Refusal>((object_of(state, name)?, id))
    };
    match (call.method.as_str(), rest) {
        ("GET", [name]) if dialect == Dialect::Legacy => {
            let other = object_of(state, name)?;
            per_record(state, call, from, other)
        }
        ("PUT", ["default", name, id]) => {
            let to = target(state, name, id)?;
            state.associate(actor, from, to, &[])?;
            let results = vec![described(state, from, to)];
            Ok(batched(state, 200, &results, &[]))
        }
        ("PUT", [name, id]) => {
            let to = target(state, name, id)?;
            let keys = keys(Some(&body::<Json>(call)?))?;
            state.associate(actor, from, to, &keys)?;
            Ok(Reply::json(201, &labelled(state, from, to, &keys)))
        }
        ("DELETE", [name, id]) => {
            let to = target(state, name, id)?;
            state.dissociate(actor, from, to, None)?;
            Ok(Reply::empty(204))
        }
        _ => Err(Refusal::no_such_address()),
    }
}

fn described(state: &State, from: Place, to: Place) -> Json {
    let spec = state.links.plain(from.0, to.0);
    json!({
        "from": {"id": from.1.to_string()}, "to": {"id": to.1.to_string()},
        "associationSpec": spec.map(|key| json!({
            "associationCategory": category(key.0), "associationTypeId": key.1,
        })),
    })
}

fn labelled(state: &State, from: Place, to: Place, keys: &[TypeKey]) -> Json {
    let labels: Vec<&str> =
        keys.iter().filter_map(|key| state.links.find(from.0, to.0, *key)?.label.as_deref()).collect();
    let type_id = |object: ObjectIx| state.schema.object(object).map_or("", |kind| &*kind.type_id);
    json!({
        "fromObjectTypeId": type_id(from.0), "fromObjectId": from.1, "toObjectTypeId": type_id(to.0),
        "toObjectId": to.1, "labels": labels,
    })
}

fn ends(state: &State, from: Place, other: ObjectIx) -> Vec<Json> {
    let linked = state.links.of(from.0, from.1, other);
    linked
        .into_iter()
        .flatten()
        .filter(|(id, _)| state.record(other, **id).is_some_and(|record| record.archived_at.is_none()))
        .map(|(id, keys)| {
            let types: Vec<Json> = keys
                .iter()
                .filter_map(|key| state.links.find(from.0, other, *key).map(LinkType::json))
                .collect();
            json!({"toObjectId": id.to_string(), "associationTypes": types})
        })
        .collect()
}

fn per_record(state: &State, call: &Call, from: Place, other: ObjectIx) -> Answer {
    let limit: usize = call.param("limit").and_then(|text| text.parse().ok()).unwrap_or(PAGE);
    if limit == 0 || limit > PAGE {
        return Err(Refusal::validation(format!("limit must be between 1 and {PAGE}")));
    }
    let after: usize = call.param("after").and_then(|text| text.parse().ok()).unwrap_or(0);
    let all = ends(state, from, other);
    let page: Vec<&Json> = all.iter().skip(after).take(limit).collect();
    let reached = after + page.len();
    let mut out = json!({"results": page});
    if let (true, Some(map)) = (reached < all.len(), out.as_object_mut()) {
        map.insert(
            "paging".to_owned(),
            json!({"next": super::objects::next_page(state, call, &reached.to_string())}),
        );
    }
    Ok(Reply::json(200, &out))
}

/// `/associations/{from}/{to}/…`.
pub(super) fn answer(state: &mut State, call: &Call, actor: &Actor, rest: &[&str]) -> Answer {
    let [from, to, rest @ ..] = rest else { return Err(Refusal::no_such_address()) };
    let (from, to) = (object_of(state, from)?, object_of(state, to)?);
    match (call.method.as_str(), rest) {
        ("POST", ["batch", "read"]) => read(state, call, from, to),
        ("POST", ["batch", "create"]) => each(state, call, actor, (from, to), Step::Create, CREATE),
        ("POST", ["batch", "associate", "default"]) => {
            each(state, call, actor, (from, to), Step::Default, CREATE)
        }
        ("POST", ["batch", "archive"]) => each(state, call, actor, (from, to), Step::Archive, ARCHIVE),
        ("POST", ["batch", "labels", "archive"]) => {
            each(state, call, actor, (from, to), Step::ArchiveLabels, ARCHIVE)
        }
        (_, ["labels", rest @ ..]) => labels(state, call, from, to, rest),
        _ => Err(Refusal::no_such_address()),
    }
}

fn number(input: &Json, name: &str) -> Result<u64, Refusal> {
    let part = if name.is_empty() { Some(input) } else { input.get(name) };
    let text = part.and_then(|part| part.get("id")).and_then(id_text);
    text.and_then(|text| text.parse().ok())
        .ok_or_else(|| Refusal::validation("Invalid input JSON: id is missing"))
}

fn read(state: &State, call: &Call, from: ObjectIx, to: ObjectIx) -> Answer {
    let body: Json = body(call)?;
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in inputs(&body, READ)? {
        let id = number(input, "")?;
        let live = state.record(from, id).filter(|record| record.archived_at.is_none());
        let ends = live.map(|record| ends(state, (from, record.id), to)).unwrap_or_default();
        if ends.is_empty() {
            let plural = |object: ObjectIx| state.schema.object(object).map_or("", |kind| &*kind.singular);
            let words = format!("No {} is associated with {} {id}.", plural(to), plural(from));
            let refusal = Refusal::new(207, "OBJECT_NOT_FOUND", words)
                .sub("crm.associations.NO_ASSOCIATIONS_FOUND")
                .with("fromObjectId", vec![id.to_string()]);
            errors.push(refusal.json());
        } else {
            results.push(json!({"from": {"id": id.to_string()}, "to": ends}));
        }
    }
    Ok(batched(state, 200, &results, &errors))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Create,
    Default,
    Archive,
    ArchiveLabels,
}

fn each(
    state: &mut State,
    call: &Call,
    actor: &Actor,
    (from, to): (ObjectIx, ObjectIx),
    step: Step,
    most: usize,
) -> Answer {
    let body: Json = body(call)?;
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in inputs(&body, most)? {
        let first = (from, number(input, "from")?);
        let others: Vec<u64> = match input.get("to") {
            Some(Json::Array(list)) => list.iter().map(|end| number(end, "")).collect::<Result<_, _>>()?,
            _ => vec![number(input, "to")?],
        };
        for other in others {
            let second = (to, other);
            let done = match step {
                Step::Create => {
                    let keys = keys(input.get("types"))?;
                    state
                        .associate(actor, first, second, &keys)
                        .map(|()| labelled(state, first, second, &keys))
                }
                Step::Default => {
                    state.associate(actor, first, second, &[]).map(|()| described(state, first, second))
                }
                Step::Archive => state.dissociate(actor, first, second, None).map(|()| Json::Null),
                Step::ArchiveLabels => {
                    let keys = keys(input.get("types"))?;
                    state.dissociate(actor, first, second, Some(&keys)).map(|()| Json::Null)
                }
            };
            match done {
                Ok(shown) => results.push(shown),
                Err(refusal) => errors.push(
                    refusal
                        .with("fromObjectId", vec![first.1.to_string()])
                        .with("toObjectId", vec![other.to_string()])
                        .json(),
                ),
            }
        }
    }
    if matches!(step, Step::Archive | Step::ArchiveLabels) {
        return Ok(Reply::empty(204));
    }
    let whole = if step == Step::Create { 201 } else { 200 };
    Ok(batched(state, whole, &results, &errors))
}

fn labels(state: &mut State, call: &Call, from: ObjectIx, to: ObjectIx, rest: &[&str]) -> Answer {
    let text = |body: &Json, name: &str| body.get(name).and_then(Json::as_str).map(ToOwned::to_owned);
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            let results: Vec<Json> = state.links.types(from, to).map(LinkType::json).collect();
            Ok(Reply::json(200, &json!({"results": results})))
        }
        ("POST", []) => {
            let body: Json = body(call)?;
            let label = text(&body, "label").ok_or_else(|| Refusal::validation("label is missing"))?;
            if state.links.labelled(from, to, &label).is_some() {
                return Err(Refusal::new(
                    409,
                    "OBJECT_ALREADY_EXISTS",
                    format!("Label {label} exists already"),
                ));
            }
            let results = state.links.add_label(from, to, &label, text(&body, "inverseLabel").as_deref());
            Ok(Reply::json(200, &json!({"results": results})))
        }
        ("PUT", []) => {
            let body: Json = body(call)?;
            let id =
                body.get("associationTypeId").and_then(Json::as_u64).and_then(|id| u32::try_from(id).ok());
            let label = text(&body, "label").ok_or_else(|| Refusal::validation("label is missing"))?;
            let id = id.ok_or_else(|| Refusal::validation("associationTypeId is missing"))?;
            if state.links.rename_label(from, to, id, &label) {
                Ok(Reply::empty(204))
            } else {
                Err(Refusal::no_record())
            }
        }
        ("DELETE", [id]) => {
            let id = id.parse().map_err(|_| Refusal::not_an_id(id))?;
            state.links.remove_label(from, to, id);
            Ok(Reply::empty(204))
        }
        _ => Err(Refusal::no_such_address()),
    }
}
