//! Events of a delivery: a list of up to a hundred, of which only ids are ever used.

use std::collections::BTreeSet;

use handoff_core::digest::Digest;
use serde_json::{Map, Value};

use crate::id::HsId;

/// Most events of one delivery; HubSpot sends at most 100.
const MOST: usize = 100;

/// Objects that can carry a handoff: name in event types, object type id, name in addresses.
const OBJECTS: [(&str, &str, &str); 3] =
    [("deal", "0-3", "deals"), ("ticket", "0-5", "tickets"), ("lead", "0-136", "leads")];

/// Reads a delivery's list; `None` = not a list of at most a hundred.
pub(crate) fn list(body: &[u8]) -> Option<Vec<Value>> {
    match serde_json::from_slice(body) {
        Ok(Value::Array(events)) if events.len() <= MOST => Some(events),
        Ok(_) | Err(_) => None,
    }
}

fn text<'a>(event: &'a Value, name: &str) -> &'a str {
    event.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// `deal.propertyChange`, under either of the names that HubSpot uses for it.
fn kind(event: &Value) -> &str {
    let kind = text(event, "subscriptionType");
    if kind.is_empty() { text(event, "eventType") } else { kind }
}

/// What an event is about, as HubSpot's own retries repeat it. The event's id is not unique and the attempt's number changes, so neither
/// is part of it.
fn key(event: &Value) -> String {
    const PARTS: [&str; 9] = [
        "portalId",
        "subscriptionType",
        "eventType",
        "objectId",
        "propertyName",
        "occurredAt",
        "propertyValue",
        "fromObjectId",
        "toObjectId",
    ];
    let Some(event) = event.as_object() else { return event.to_string() };
    let part = |name: &str| event.get(name).map(|value| (name.to_owned(), value.clone()));
    Value::Object(PARTS.into_iter().filter_map(part).collect::<Map<String, Value>>()).to_string()
}

/// Identifies a delivery by what its events are about, in whatever order they come.
pub(crate) fn digest(events: &[Value]) -> Digest {
    let keys: BTreeSet<String> = events.iter().map(key).collect();
    Digest::of_bytes(keys.into_iter().collect::<Vec<_>>().join("\n").as_bytes())
}

/// The object of an event type such as `deal.merge` or, with its type id, `object.merge`.
fn object_of(event: &Value, class: &str) -> Option<&'static str> {
    let type_id = text(event, "objectTypeId");
    let is =
        |(name, id, _): &&(&str, &str, &str)| if class == "object" { *id == type_id } else { *name == class };
    OBJECTS.iter().find(is).map(|(_, _, plural)| *plural)
}

/// The records that an event of this portal speaks of, as (object, id). Events of other portals, of objects that carry no handoff and
/// of unknown types speak of none.
pub(crate) fn records(event: &Value, portal: HsId) -> Vec<(&'static str, HsId)> {
    let id = |name: &str| event.get(name).and_then(HsId::of);
    if id("portalId") != Some(portal) {
        return Vec::new();
    }
    let Some((class, what)) = kind(event).split_once('.') else { return Vec::new() };
    match what {
        "creation" | "deletion" | "restore" | "propertyChange" => {
            object_of(event, class).zip(id("objectId")).into_iter().collect()
        }
        "merge" => {
            let Some(object) = object_of(event, class) else { return Vec::new() };
            let merged = event.get("mergedObjectIds").and_then(Value::as_array).into_iter().flatten();
            let named = ["objectId", "primaryObjectId", "newObjectId"].into_iter().filter_map(id);
            let all: BTreeSet<HsId> = named.chain(merged.take(1_000).filter_map(HsId::of)).collect();
            all.into_iter().map(|id| (object, id)).collect()
        }
        "associationChange" => associated(event, class),
        _ => Vec::new(),
    }
}

/// Both ends of an association that can carry a handoff.
fn associated(event: &Value, class: &str) -> Vec<(&'static str, HsId)> {
    let id = |name: &str| event.get(name).and_then(HsId::of);
    let kind = text(event, "associationType").to_ascii_lowercase();
    let ends = kind.split_once("_to_").unwrap_or_default();
    let end = |name: &str, type_id: &str| {
        let type_id = text(event, type_id);
        let is = |(own, id, _): &&(&str, &str, &str)| *own == name || *id == type_id;
        OBJECTS.iter().find(is).map(|(_, _, plural)| *plural)
    };
    let mut found: Vec<(&'static str, HsId)> = Vec::new();
    found.extend(end(ends.0, "fromObjectTypeId").zip(id("fromObjectId")));
    found.extend(end(ends.1, "toObjectTypeId").zip(id("toObjectId")));
    if found.is_empty() {
        // A type that names its ends otherwise: the subscribed object is the one that it goes from.
        let from = id("fromObjectId").or_else(|| id("objectId"));
        found.extend(object_of(event, class).zip(from));
    }
    found
}
