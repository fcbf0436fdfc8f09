//! Values in an entry that are another record's: they are sealed under that record's key.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::id::RecordRef;

/// A sourced value's record, if the JSON node is one.
fn source(node: &Value) -> Option<RecordRef> {
    let object = node.as_object().filter(|object| object.len() == 3 && object.contains_key("field"))?;
    object.get("value")?;
    serde_json::from_value(object.get("from")?.clone()).ok()
}

/// Takes the values that are another record's out of a body: record → place → value.
pub(super) fn take(
    node: &mut Value,
    subject: &str,
    pointer: &mut String,
    foreign: &mut BTreeMap<String, BTreeMap<String, Value>>,
) {
    if let Some(record) = source(node).map(|record| record.to_string()).filter(|record| record != subject) {
        if let Some(value) = node.get_mut("value") {
            let taken = std::mem::replace(value, json!({"kind": "erased"}));
            foreign.entry(record).or_default().insert(format!("{pointer}/value"), taken);
        }
        return;
    }
    let length = pointer.len();
    match node {
        Value::Object(object) => {
            for (key, child) in object {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                take(child, subject, pointer, foreign);
                pointer.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, child) in items.iter_mut().enumerate() {
                pointer.push('/');
                pointer.push_str(&index.to_string());
                take(child, subject, pointer, foreign);
                pointer.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The other records whose values a body had.
pub(super) fn records(node: &Value, subject: &str, found: &mut Vec<String>) {
    if let Some(record) = source(node).map(|record| record.to_string()).filter(|record| record != subject) {
        if !found.contains(&record) {
            found.push(record);
        }
        return;
    }
    match node {
        Value::Object(object) => object.values().for_each(|child| records(child, subject, found)),
        Value::Array(items) => items.iter().for_each(|child| records(child, subject, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
