//! Values of record fields, borrowed ([`Cell`]) and owned ([`Value`]), and their wire form.

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::schema::FieldType;

/// One field of one record, borrowed from its storage.
///
/// Ids, picklists and every kind of text are `Text`; a multi-select picklist is its values joined by `;`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// No value.
    Null,
    /// A checkbox.
    Bool(bool),
    /// Any number, currency or percent.
    Number(Decimal),
    /// Text, an id or a picklist value.
    Text(&'a str),
    /// A calendar date.
    Date(Date),
    /// An instant.
    DateTime(Timestamp),
}

/// One field of one record, owned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// A checkbox.
    Bool(bool),
    /// Any number, currency or percent.
    Number(Decimal),
    /// Text, an id or a picklist value.
    Text(String),
    /// A calendar date.
    Date(Date),
    /// An instant.
    DateTime(Timestamp),
}

impl Value {
    /// The borrowed form.
    pub fn cell(&self) -> Cell<'_> {
        match self {
            Self::Null => Cell::Null,
            Self::Bool(b) => Cell::Bool(*b),
            Self::Number(n) => Cell::Number(*n),
            Self::Text(t) => Cell::Text(t),
            Self::Date(d) => Cell::Date(*d),
            Self::DateTime(t) => Cell::DateTime(*t),
        }
    }
}

impl Cell<'_> {
    /// The owned form.
    pub fn to_value(self) -> Value {
        match self {
            Cell::Null => Value::Null,
            Cell::Bool(b) => Value::Bool(b),
            Cell::Number(n) => Value::Number(n),
            Cell::Text(t) => Value::Text(t.to_owned()),
            Cell::Date(d) => Value::Date(d),
            Cell::DateTime(t) => Value::DateTime(t),
        }
    }

    /// Whether there is no value; the platform stores empty text as no value.
    pub fn is_blank(self) -> bool {
        matches!(self, Cell::Null | Cell::Text(""))
    }

    /// The value as REST prints it: integers only for [`FieldType::Int`], other numbers as floats, instants by
    /// [`datetime_text`].
    pub fn to_json(self, field_type: FieldType) -> serde_json::Value {
        match self {
            Cell::Null | Cell::Text("") => serde_json::Value::Null,
            Cell::Bool(b) => b.into(),
            Cell::Number(n) if field_type == FieldType::Int => {
                n.to_i64().map_or(serde_json::Value::Null, Into::into)
            }
            Cell::Number(n) => n.to_f64().map_or(serde_json::Value::Null, Into::into),
            Cell::Text(t) => t.into(),
            Cell::Date(d) => d.to_string().into(),
            Cell::DateTime(t) => datetime_text(t).into(),
        }
    }
}

/// An instant as REST prints it, `2026-11-20T09:15:27.000+0000`: milliseconds, UTC, offset without a colon.
pub fn datetime_text(at: Timestamp) -> String {
    let utc = at.to_zoned(TimeZone::UTC);
    let time = utc.datetime();
    format!(
        "{}T{:02}:{:02}:{:02}.{:03}+0000",
        time.date(),
        time.hour(),
        time.minute(),
        time.second(),
        time.millisecond()
    )
}
