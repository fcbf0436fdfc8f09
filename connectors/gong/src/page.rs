//! A page of a list, and the values that all lists share.

use std::time::Duration;

use handoff_connector::Fault;
use serde_json::Value;

use crate::answer::protocol;

/// Longest cursor that is kept; Gong's have about 200 characters.
const LONGEST_CURSOR: usize = 4_096;
/// Longest id; Gong's have up to 20 digits.
const LONGEST_ID: usize = 64;

/// A page as answered.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) rows: Vec<Value>,
    /// Present only while more pages remain.
    pub(crate) cursor: Option<String>,
}

impl Page {
    pub(crate) fn empty() -> Self {
        Self { rows: Vec::new(), cursor: None }
    }

    /// Reads the list `key`; `asked` is the cursor that was sent, which may not come back: its page would never end.
    pub(crate) fn read(mut body: Value, key: &str, asked: Option<&str>) -> Result<Self, Fault> {
        let Some(Value::Array(rows)) = body.get_mut(key).map(Value::take) else {
            return Err(protocol(&format!("the answer has no list {key}")));
        };
        let cursor = match body.get("records").and_then(|records| records.get("cursor")) {
            None | Some(Value::Null) => None,
            Some(Value::String(cursor)) if cursor.is_empty() => None,
            Some(Value::String(cursor)) if cursor.len() <= LONGEST_CURSOR => Some(cursor.clone()),
            Some(_) => return Err(protocol("the cursor is not a short text")),
        };
        if cursor.is_some() && cursor.as_deref() == asked {
            return Err(protocol("the same page would come for ever"));
        }
        Ok(Self { rows, cursor })
    }
}

/// An id: a short text without spaces. A number is taken as its digits, where it is whole and small enough to be exact.
pub(crate) fn id(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if is_id(text) => Some(text.clone()),
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

pub(crate) fn is_id(text: &str) -> bool {
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A text that is there and not empty.
pub(crate) fn text<'a>(row: &'a Value, key: &str) -> Option<&'a str> {
    row.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// A list; absent and null are an empty one.
pub(crate) fn list<'a>(row: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    row.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// Seconds, possibly with a fraction; negative and unreadable = `None`.
pub(crate) fn seconds(value: Option<&Value>) -> Option<Duration> {
    Duration::try_from_secs_f64(value?.as_f64()?).ok()
}

/// Whole milliseconds; a fraction is cut off.
pub(crate) fn milliseconds(value: Option<&Value>) -> Option<u64> {
    let value = value?;
    value.as_u64().or_else(|| seconds(Some(value)).map(|whole| whole.as_secs()))
}
