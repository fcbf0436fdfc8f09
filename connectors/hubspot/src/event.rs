//! Events of a delivery: a list of up to a hundred, of which only ids are ever used.

use std::collections::BTreeSet;

use handoff_core::digest::Digest;
use serde_json::{Map, Value};

use crate::custom::{self, Types};
use crate::id::HsId;

/// Most events of one delivery; HubSpot sends at most 100.
const MOST: usize = 100;

/// Objects that can carry a handoff: name in event types, object type id, name in addresses.
const OBJECTS: [(&str, &str, &str); 4] = [
    ("contact", "0-1", "contacts"),
    ("deal", "0-3", "deals"),
    ("ticket", "0-5", "tickets"),
    ("lead", "0-136", "leads"),
];

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
fn object_of(event: &Value, class: &str, types: &Types) -> Option<String> {
    let type_id = text(event, "objectTypeId");
    if class == "object" { of_type(type_id, types) } else { of_name(class) }
}

/// The object of a type id; custom ones under the name that mappings know.
fn of_type(type_id: &str, types: &Types) -> Option<String> {
    if custom::is_type(type_id) {
        return Some(types.name(type_id));
    }
    OBJECTS.iter().find(|(_, id, _)| *id == type_id).map(|(_, _, plural)| (*plural).to_owned())
}

fn of_name(name: &str) -> Option<String> {
    OBJECTS.iter().find(|(own, _, _)| *own == name).map(|(_, _, plural)| (*plural).to_owned())
}

/// The records that an event of this portal speaks of, as (object, id). Events of other portals, of objects that carry no handoff and
/// of unknown types speak of none.
pub(crate) fn records(event: &Value, portal: HsId, types: &Types) -> Vec<(String, HsId)> {
    let id = |name: &str| event.get(name).and_then(HsId::of);
    if id("portalId") != Some(portal) {
        return Vec::new();
    }
    let Some((class, what)) = kind(event).split_once('.') else { return Vec::new() };
    match what {
        "creation" | "deletion" | "restore" | "propertyChange" => {
            object_of(event, class, types).zip(id("objectId")).into_iter().collect()
        }
        "merge" => {
            let Some(object) = object_of(event, class, types) else { return Vec::new() };
            let merged = event.get("mergedObjectIds").and_then(Value::as_array).into_iter().flatten();
            let named = ["objectId", "primaryObjectId", "newObjectId"].into_iter().filter_map(id);
            let all: BTreeSet<HsId> = named.chain(merged.take(1_000).filter_map(HsId::of)).collect();
            all.into_iter().map(|id| (object.clone(), id)).collect()
        }
        "associationChange" => associated(event, class, types),
        _ => Vec::new(),
    }
}

/// Both ends of an association that can carry a handoff.
fn associated(event: &Value, class: &str, types: &Types) -> Vec<(String, HsId)> {
    let id = |name: &str| event.get(name).and_then(HsId::of);
    let kind = text(event, "associationType").to_ascii_lowercase();
    let ends = kind.split_once("_to_").unwrap_or_default();
    let end = |name: &str, type_id: &str| of_name(name).or_else(|| of_type(text(event, type_id), types));
    let mut found: Vec<(String, HsId)> = Vec::new();
    found.extend(end(ends.0, "fromObjectTypeId").zip(id("fromObjectId")));
    found.extend(end(ends.1, "toObjectTypeId").zip(id("toObjectId")));
    if found.is_empty() {
        // A type that names its ends otherwise: the subscribed object is the one that it goes from.
        let from = id("fromObjectId").or_else(|| id("objectId"));
        found.extend(object_of(event, class, types).zip(from));
    }
    found
}
