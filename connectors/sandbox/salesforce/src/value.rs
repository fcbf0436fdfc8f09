//! Typed field values, compact enough for a million rows, and their JSON and text forms.

use std::{fmt::Write as _, sync::Arc};

use jiff::{Timestamp, civil, tz::TimeZone};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde_json::Value as Json;

use crate::ids::Id;

/// One field's value as the sandbox keeps it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// A checkbox.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number, currency or percent, exact.
    Num(Decimal),
    /// Any text, including picklist API names.
    Text(Arc<str>),
    /// A reference to a record.
    Id(Id),
    /// A calendar day.
    Date(civil::Date),
    /// An instant in seconds since the epoch: the resolution Salesforce keeps.
    Time(i64),
}

impl Value {
    /// Text from anything that becomes an `Arc<str>`.
    pub fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// Whether there is no value.
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text of a text or id value.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Id(id) => Some(id.as_str()),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Num(_) | Self::Date(_) | Self::Time(_) => None,
        }
    }

    /// The id of a reference value.
    pub const fn as_id(&self) -> Option<Id> {
        if let Self::Id(id) = self { Some(*id) } else { None }
    }

    /// The JSON form of a REST answer: ids and instants as text, currency as a float.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(yes) => Json::Bool(*yes),
            Self::Int(number) => Json::from(*number),
            Self::Num(number) => number.to_f64().map_or(Json::Null, Json::from),
            Self::Text(text) => Json::from(&**text),
            Self::Id(id) => Json::from(id.as_str()),
            Self::Date(day) => Json::from(day.to_string()),
            Self::Time(second) => Json::from(datetime_text(*second)),
        }
    }

    /// Appends the JSON form to `out`.
    pub(crate) fn write_json(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            Self::Text(text) => write_json_text(text, out),
            Self::Id(id) => {
                out.push('"');
                out.push_str(id.as_str());
                out.push('"');
            }
            Self::Int(_) | Self::Num(_) | Self::Date(_) => {
                let _ = write!(out, "{}", self.to_json());
            }
            Self::Time(second) => {
                out.push('"');
                out.push_str(&datetime_text(*second));
                out.push('"');
            }
        }
    }

    /// The plain text form used in CSV and field history.
    pub fn to_plain(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(yes) => yes.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Num(number) => number.normalize().to_string(),
            Self::Text(text) => text.to_string(),
            Self::Id(id) => id.to_string(),
            Self::Date(day) => day.to_string(),
            Self::Time(second) => datetime_text(*second),
        }
    }
}

/// Appends `text` as a JSON string.
pub(crate) fn write_json_text(text: &str, out: &mut String) {
    if text.bytes().all(|byte| byte >= 0x20 && byte != b'"' && byte != b'\\') {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        let _ = write!(out, "{}", Json::from(text));
    }
}

/// `2026-11-20T09:15:27.000+0000`, the REST form of an instant.
pub fn datetime_text(second: i64) -> String {
    let at = Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
    let parts = TimeZone::UTC.to_datetime(at);
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.000+0000",
        parts.year(),
        parts.month(),
        parts.day(),
        parts.hour(),
        parts.minute(),
        parts.second()
    )
}

/// Reads `2026-11-20T09:15:27Z`, with or without fraction, with `+0000` or `+00:00`; seconds since the epoch.
pub(crate) fn parse_datetime(text: &str) -> Option<i64> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_second());
    }
    let (head, zone) = text.split_at_checked(text.len().checked_sub(5)?)?;
    let (hours, minutes) = zone.split_at_checked(3)?;
    format!("{head}{hours}:{minutes}").parse::<Timestamp>().ok().map(Timestamp::as_second)
}

/// `Fri, 20 Nov 2026 09:15:27 GMT`, the form of HTTP date headers.
pub(crate) fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Reads an HTTP date header; seconds since the epoch.
pub(crate) fn parse_http_date(text: &str) -> Option<i64> {
    let stem = text.trim().strip_suffix(" GMT")?;
    let at = civil::DateTime::strptime("%a, %d %b %Y %H:%M:%S", stem).ok()?;
    TimeZone::UTC.to_timestamp(at).ok().map(Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_and_read_in_the_vendors_form() {
        let text = "2026-11-20T09:15:27.000+0000";
        let second = parse_datetime(text).unwrap();
        assert_eq!(datetime_text(second), text);
        assert_eq!(parse_datetime("2026-11-20T09:15:27Z"), Some(second));
        assert_eq!(parse_datetime("2026-11-20T10:15:27+01:00"), Some(second));
        assert_eq!(parse_datetime("yesterday"), None);
        assert_eq!(parse_datetime(""), None);
        let header = http_date(Timestamp::from_second(second).unwrap());
        assert_eq!(header, "Fri, 20 Nov 2026 09:15:27 GMT");
        assert_eq!(parse_http_date(&header), Some(second));
    }

    #[test]
    fn json_by_hand_equals_json_by_serde() {
        for value in [
            Value::text("plain"),
            Value::text("quote \" and \u{1} control"),
            Value::Num(Decimal::new(120_005, 1)),
            Value::Bool(true),
            Value::Time(0),
            Value::Null,
        ] {
            let mut by_hand = String::new();
            value.write_json(&mut by_hand);
            assert_eq!(by_hand, value.to_json().to_string());
        }
    }
}
