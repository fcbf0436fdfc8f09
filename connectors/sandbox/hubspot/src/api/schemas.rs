//! Schemas of custom objects over HTTP.

use handoff_sandbox_host::{Call, Reply};
use serde_json::{Value as Json, json};

use super::{Answer, body, object_of};
use crate::{
    Refusal,
    schema::{ObjectIx, custom::Wish},
    state::State,
    when,
};

pub(super) fn answer(state: &mut State, call: &Call, rest: &[&str]) -> Answer {
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            let all: Vec<Json> =
                (0..state.schema.objects.len()).filter_map(|object| shown(state, object)).collect();
            Ok(Reply::json(200, &json!({"results": all})))
        }
        ("POST", []) => {
            let wish: Json = body(call)?;
            let wish: Wish = serde_json::from_value(wish)
                .map_err(|error| Refusal::validation(format!("Invalid input JSON: {error}")))?;
            let object = state.put_schema(wish)?;
            Ok(Reply::json(201, &one(state, object)?))
        }
        ("GET", [name]) => Ok(Reply::json(200, &one(state, object_of(state, name)?)?)),
        ("PATCH", [name]) => {
            let object = object_of(state, name)?;
            edit(state, object, &body(call)?)?;
            Ok(Reply::json(200, &one(state, object)?))
        }
        ("DELETE", [name]) => {
            let object = object_of(state, name)?;
            remove(state, object)?;
            Ok(Reply::empty(204))
        }
        ("POST", [name, "associations"]) => {
            let from = object_of(state, name)?;
            one(state, from)?;
            let body: Json = body(call)?;
            let to = body.get("toObjectTypeId").and_then(Json::as_str).unwrap_or_default();
            let to = object_of(state, to)?;
            state.links.add_plain(from, to);
            let made = state.links.plain(from, to).map(|key| key.1.to_string());
            let made =
                associations(state, from).into_iter().find(|known| known["id"].as_str() == made.as_deref());
            Ok(Reply::json(201, &made.unwrap_or_default()))
        }
        _ => Err(Refusal::no_such_address()),
    }
}

fn shown(state: &State, object: ObjectIx) -> Option<Json> {
    let kind = state.schema.object(object)?;
    kind.custom.as_ref().filter(|custom| custom.archived_at.is_none())?;
    kind.schema_json(state.portal_id, &associations(state, object))
}

/// The vendor's own objects have no schema of their own here.
fn one(state: &State, object: ObjectIx) -> Result<Json, Refusal> {
    shown(state, object).ok_or_else(Refusal::no_record)
}

/// Plain links of an object, both ways.
fn associations(state: &State, object: ObjectIx) -> Vec<Json> {
    let kind = |object: ObjectIx| state.schema.object(object);
    let stamp = |object: ObjectIx| kind(object)?.custom.as_ref().map(|custom| when::iso(custom.created));
    let plain = state.links.touching(object).filter(|known| known.label.is_none());
    plain
        .filter_map(|known| {
            let (from, to) = (kind(known.from)?, kind(known.to)?);
            Some(json!({
                "id": known.key.1.to_string(), "fromObjectTypeId": from.type_id, "toObjectTypeId": to.type_id,
                "name": format!("{}_to_{}", from.singular, to.singular), "createdAt": stamp(object),
                "updatedAt": stamp(object),
            }))
        })
        .collect()
}

fn edit(state: &mut State, object: ObjectIx, body: &Json) -> Result<(), Refusal> {
    one(state, object)?;
    let now = state.now();
    let names = |field: &str| {
        let list = body.get(field)?.as_array()?;
        Some(list.iter().filter_map(Json::as_str).map(ToOwned::to_owned).collect::<Vec<String>>())
    };
    let text = |value: Option<&Json>| value.and_then(Json::as_str).map(ToOwned::to_owned);
    let Some(kind) = state.schema.objects.get_mut(object) else { return Ok(()) };
    let named =
        [names("requiredProperties"), names("searchableProperties"), names("secondaryDisplayProperties")];
    let stranger = named.iter().flatten().flatten().find(|name| kind.find(name).is_none()).cloned();
    if let Some(name) = stranger {
        return Err(Refusal::validation(format!("Property {name} is not defined on the object")));
    }
    let Some(custom) = kind.custom.as_mut() else { return Ok(()) };
    let [required, searchable, secondary] = named;
    custom.required = required.unwrap_or_else(|| custom.required.clone());
    custom.searchable = searchable.unwrap_or_else(|| custom.searchable.clone());
    custom.secondary = secondary.unwrap_or_else(|| custom.secondary.clone());
    custom.primary = text(body.get("primaryDisplayProperty")).unwrap_or_else(|| custom.primary.clone());
    custom.description = text(body.get("description")).unwrap_or_else(|| custom.description.clone());
    let labels = body.get("labels");
    let label = |name: &str| text(labels.and_then(|labels| labels.get(name)));
    custom.labels.singular = label("singular").unwrap_or_else(|| custom.labels.singular.clone());
    custom.labels.plural = label("plural").unwrap_or_else(|| custom.labels.plural.clone());
    custom.updated = now;
    Ok(())
}

/// Only an object without records can be removed.
fn remove(state: &mut State, object: ObjectIx) -> Result<(), Refusal> {
    one(state, object)?;
    let now = state.now();
    let in_use =
        state.tables.get(object).is_some_and(|table| table.rows().any(|record| record.archived_at.is_none()));
    if in_use {
        return Err(Refusal::validation("The object still has records: delete them first"));
    }
    let custom = state.schema.objects.get_mut(object).and_then(|kind| kind.custom.as_mut());
    if let Some(custom) = custom {
        custom.archived_at = Some(now);
    }
    Ok(())
}
