//! A CRM's JSON as a typed value. What does not fit stays text, and quality says so.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::Value as Json;

use super::time::{parse_date, timestamp_of};
use crate::contract::{Kind, Part};
use crate::digest::Digest;
use crate::value::Value;

/// Longest text kept whole, in bytes; Salesforce's longest text area has 131,072 characters.
const MAX_TEXT: usize = 128 * 1024;
/// Most rows or points of one part.
const MAX_ROWS: usize = 2_000;

/// A part's value; `None` = the CRM's field is empty.
pub(super) fn value(part: &Part, raw: &Json) -> Option<Value> {
    match part.kind {
        Kind::List => return list(part, raw),
        Kind::Series => return series(raw),
        Kind::Text
        | Kind::Name
        | Kind::Number
        | Kind::Money
        | Kind::Date
        | Kind::Choice
        | Kind::Person
        | Kind::Record
        | Kind::Flag => {}
    }
    single(part.kind, raw)
}

fn single(kind: Kind, raw: &Json) -> Option<Value> {
    let text = text(raw)?;
    let typed = match kind {
        Kind::Text => Some(Value::Text(text.clone())),
        Kind::Name => Some(Value::Name(text.clone())),
        Kind::Choice => Some(Value::Choice(text.clone())),
        Kind::Person => Some(Value::Person(text.clone())),
        Kind::Record => Some(Value::Record(text.clone())),
        Kind::Number => number(&text).map(Value::Number),
        Kind::Money => number(&text).map(|amount| Value::Money { amount, currency: None }),
        Kind::Date => date(raw).map(Value::Date),
        Kind::Flag => flag(raw).map(Value::Flag),
        Kind::List | Kind::Series => None,
    };
    Some(typed.unwrap_or(Value::Text(text)))
}

/// Whether a raw value is a yes or a no.
pub(super) fn flag(raw: &Json) -> Option<bool> {
    match raw {
        Json::Bool(flag) => Some(*flag),
        Json::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Json::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        Json::Null | Json::Number(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

/// A raw value as text; `None` = empty. A text over the cap keeps its head and the digest of the whole, so that a change of its tail
/// still is a change.
pub(crate) fn text(raw: &Json) -> Option<String> {
    match raw {
        Json::Null => None,
        Json::String(text) if text.is_empty() => None,
        Json::String(text) => Some(capped(text)),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => Some(capped(&raw.to_string())),
    }
}

fn capped(text: &str) -> String {
    if text.len() <= MAX_TEXT {
        return text.to_owned();
    }
    let mut end = MAX_TEXT;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let digest = Digest::of_bytes(text.as_bytes());
    format!("{}… [cut; sha-256 of the whole {digest}]", text.get(..end).unwrap_or_default())
}

fn number(text: &str) -> Option<Decimal> {
    let text = text.trim();
    text.parse().ok().or_else(|| Decimal::from_scientific(text).ok())
}

fn date(raw: &Json) -> Option<Date> {
    match raw {
        Json::String(text) => parse_date(text),
        Json::Number(_) => timestamp_of(raw).map(|at| at.to_zoned(jiff::tz::TimeZone::UTC).date()),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

fn list(part: &Part, raw: &Json) -> Option<Value> {
    match raw {
        Json::Null => None,
        Json::Array(items) if items.is_empty() => None,
        Json::Array(items) if items.len() <= MAX_ROWS => {
            Some(Value::List(items.iter().map(|item| row(part, item)).collect()))
        }
        Json::String(text) if text.is_empty() => None,
        // A multi-select is a list of one column.
        Json::String(text) if part.columns.len() == 1 && text.len() <= MAX_TEXT => {
            let items = text.split(';').filter(|item| !item.trim().is_empty()).take(MAX_ROWS);
            Some(Value::List(items.map(|item| row(part, &Json::String(item.trim().to_owned()))).collect()))
        }
        Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => {
            text(raw).map(Value::Text)
        }
    }
}

fn row(part: &Part, item: &Json) -> BTreeMap<String, Value> {
    match (item, part.columns.first_key_value()) {
        (Json::Object(cells), _) => part
            .columns
            .iter()
            .filter_map(|(column, kind)| Some((column.clone(), single(*kind, cells.get(column)?)?)))
            .collect(),
        (other, Some((column, kind))) if part.columns.len() == 1 => {
            single(*kind, other).map(|value| (column.clone(), value)).into_iter().collect()
        }
        (_, Some(_) | None) => BTreeMap::new(),
    }
}

fn series(raw: &Json) -> Option<Value> {
    let points = match raw {
        Json::Array(items) if items.is_empty() => return None,
        Json::Array(items) if items.len() <= MAX_ROWS => items.iter().map(point).collect::<Option<Vec<_>>>(),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) | Json::Object(_) => {
            None
        }
    };
    match points {
        Some(mut points) => {
            points.sort_unstable();
            Some(Value::Series(points))
        }
        None => text(raw).map(Value::Text),
    }
}

fn point(item: &Json) -> Option<(Date, Decimal)> {
    let (at, amount) = match item {
        Json::Array(pair) => (pair.first()?, pair.get(1)?),
        Json::Object(cells) => (cells.get("date")?, cells.get("value")?),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => return None,
    };
    Some((date(at)?, number(&text(amount)?)?))
}
