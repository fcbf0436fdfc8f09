//! Rows of query answers.

use std::collections::BTreeMap;

use handoff_connector::Fault;
use jiff::Timestamp;
use serde_json::Value;

use crate::id::SfId;
use crate::stamp;

/// Longest address of a next page that is followed.
const URL_CAP: usize = 2_000;

/// One page of a query.
#[derive(Debug)]
pub(crate) struct Page {
    /// Its rows.
    pub(crate) rows: Vec<Value>,
    /// Where the next page is; `None` = this was the last.
    pub(crate) next: Option<String>,
}

/// Reads the body of a query answer.
pub(crate) fn page(mut body: Value) -> Result<Page, Fault> {
    let Some(Value::Array(rows)) = body.get_mut("records").map(Value::take) else {
        return Err(shape("a query answer without records"));
    };
    let next = match (body.get("done").and_then(Value::as_bool), body.get("nextRecordsUrl")) {
        (Some(true), _) => None,
        (Some(false), Some(Value::String(url))) if is_page_url(url) => Some(url.clone()),
        _ => return Err(shape("a query answer that neither ends nor names its next page")),
    };
    Ok(Page { rows, next })
}

/// Only an address of the same API may follow; it is sent with our session.
fn is_page_url(url: &str) -> bool {
    url.len() <= URL_CAP
        && url.starts_with("/services/data/v")
        && !url.contains("..")
        && url.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.?=&%".contains(&byte))
}

fn shape(detail: &str) -> Fault {
    Fault::Protocol { detail: detail.to_owned() }
}

/// The value at a path such as `Account.Name`; names are compared without case. `None` = the row does not hold it.
pub(crate) fn at(row: &Value, path: &str) -> Option<Value> {
    let mut here = row;
    for name in path.split('.') {
        match here {
            Value::Object(fields) => {
                here = fields.get(name).or_else(|| {
                    fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v)
                })?;
            }
            // A parent that is not there has empty fields.
            Value::Null => return Some(Value::Null),
            Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => return None,
        }
    }
    Some(here.clone())
}

/// The fields that the row holds, under the names asked for.
pub(crate) fn fields<'a>(
    row: &Value,
    names: impl IntoIterator<Item = &'a String>,
) -> BTreeMap<String, Value> {
    names.into_iter().filter_map(|name| Some((name.clone(), at(row, name)?))).collect()
}

/// A text.
pub(crate) fn text(row: &Value, name: &str) -> Option<String> {
    at(row, name)?.as_str().map(str::to_owned)
}

/// An id; `None` = empty or not there.
pub(crate) fn id(row: &Value, name: &str) -> Option<SfId> {
    SfId::parse(&text(row, name)?).ok()
}

/// The row's own id.
pub(crate) fn own_id(row: &Value) -> Result<SfId, Fault> {
    id(row, "Id").ok_or_else(|| shape("a row without a valid Id"))
}

/// A time.
pub(crate) fn time(row: &Value, name: &str) -> Option<Timestamp> {
    stamp::parse(&text(row, name)?)
}

/// Whether a check-box is ticked.
pub(crate) fn flag(row: &Value, name: &str) -> bool {
    at(row, name) == Some(Value::Bool(true))
}
