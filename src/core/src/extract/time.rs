//! Times as CRMs write them.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::Value;

/// A moment from a CRM's text: `Z`, `+0000`, `+00:00` or any other offset, epoch milliseconds, or a date alone (its UTC midnight).
/// A time without an offset counts as UTC. `None` = none of these.
pub fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > 64 {
        return None;
    }
    if is_number(text) {
        return text.parse().ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    }
    text.parse::<Timestamp>().ok().or_else(|| {
        let civil = text
            .parse::<DateTime>()
            .ok()
            .or_else(|| text.parse::<Date>().ok().map(|date| date.at(0, 0, 0, 0)))?;
        civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}

/// A calendar date from a CRM's text: a date alone as written, a moment as its date in UTC. `None` = neither.
pub fn parse_date(text: &str) -> Option<Date> {
    let text = text.trim();
    let bare = text.len() == 10;
    let date = if bare { text.parse::<Date>().ok() } else { None };
    date.or_else(|| parse_timestamp(text).map(|at| at.to_zoned(TimeZone::UTC).date()))
}

/// A moment from a CRM's JSON: text as in [`parse_timestamp`], or a number of epoch milliseconds.
pub fn timestamp_of(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => parse_timestamp(text),
        Value::Number(millis) => millis.as_i64().and_then(|millis| Timestamp::from_millisecond(millis).ok()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

// Eight digits are a date without dashes, not milliseconds.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    (digits.len() >= 9 || digits == "0") && digits.chars().all(|each| each.is_ascii_digit())
}
