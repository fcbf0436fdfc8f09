//! Feeds: data from outside the CRM, e.g. product telemetry, with a schema per feed. A row that does not fit its schema is no row.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use thiserror::Error;

use crate::digest::Digest;
use crate::extract::{RelatedRow, parse_date, parse_timestamp};
use crate::id::{ConnectionId, ObjectName, RecordId, RecordRef};

/// The connection that rows of feeds are read from, as the record of a value says; no configured connection has this name.
pub const CONNECTION: &str = "feed";
/// Longest key of a row, in bytes.
pub const MAX_KEY: usize = 255;
/// Longest text of a column, in bytes.
const MAX_TEXT: usize = 4_096;
/// Longest row as JSON, in bytes.
const MAX_ROW: usize = 6_000;

/// What rows of a feed look like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedSchema {
    /// The column that says what a row is about, e.g. the account's id; a mapping names the CRM field that holds the same.
    pub key: String,
    /// Columns that tell one row of a key from another. A row that comes again with the same ones takes the place of the earlier one; empty =
    /// all columns, so that the same row counts once.
    #[serde(default)]
    pub identity: Vec<String>,
    /// Column = what it holds. Every row has the key and the identity; other columns may be empty, none may be unknown.
    pub columns: BTreeMap<String, ColumnKind>,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Text of at most 4,096 bytes.
    Text,
    /// An exact decimal number.
    Number,
    /// A calendar date.
    Date,
    /// A moment with its offset, or epoch milliseconds; kept in UTC.
    Time,
    /// Yes or no.
    Flag,
}

impl ColumnKind {
    fn noun(self) -> &'static str {
        match self {
            Self::Text => "text of at most 4096 bytes",
            Self::Number => "a number",
            Self::Date => "a date like 2026-03-01",
            Self::Time => "a time like 2026-03-01T09:30:00Z",
            Self::Flag => "true or false",
        }
    }
}

/// One row that fits its schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedRow {
    /// Tells it from other rows of its key.
    pub id: Digest,
    /// Its columns without the empty ones: numbers and dates as text in one spelling, flags as booleans.
    pub fields: BTreeMap<String, Json>,
}

/// Why a row does not fit. Names columns, never values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RowFault {
    /// The schema does not know the column.
    #[error("the column `{0}` is not in the schema")]
    Unknown(String),
    /// A needed column is empty or absent.
    #[error("the column `{0}` is empty, and every row needs it")]
    Missing(String),
    /// A column holds something else.
    #[error("the column `{column}` does not hold {noun}")]
    Kind {
        /// The column.
        column: String,
        /// What it should hold.
        noun: &'static str,
    },
    /// The row is too long.
    #[error("the row is longer than {MAX_ROW} bytes")]
    Long,
    /// The key is too long.
    #[error("the key in `{0}` is longer than {MAX_KEY} bytes or holds control characters")]
    Key(String),
}

/// What is wrong with a schema.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SchemaFault {
    /// There are no columns.
    #[error("a feed needs columns")]
    Empty,
    /// A named column is none.
    #[error("`{0}` is named as key or identity, but is no column")]
    NoColumn(String),
    /// The key has a kind that cannot name anything.
    #[error("the key `{0}` has to be of kind text or number")]
    KeyKind(String),
}

impl FeedSchema {
    /// Everything that is wrong with the schema.
    pub fn faults(&self) -> Vec<SchemaFault> {
        let mut faults = Vec::new();
        if self.columns.is_empty() {
            faults.push(SchemaFault::Empty);
        }
        for column in self.identity.iter().chain([&self.key]) {
            if !self.columns.contains_key(column) {
                faults.push(SchemaFault::NoColumn(column.clone()));
            }
        }
        if let Some(ColumnKind::Date | ColumnKind::Time | ColumnKind::Flag) = self.columns.get(&self.key) {
            faults.push(SchemaFault::KeyKind(self.key.clone()));
        }
        faults
    }

    /// A row with its key, or everything that does not fit.
    pub fn row(&self, raw: &BTreeMap<String, Json>) -> Result<(String, FeedRow), Vec<RowFault>> {
        let unknown = raw.keys().filter(|column| !self.columns.contains_key(*column));
        let mut faults: Vec<RowFault> = unknown.map(|column| RowFault::Unknown(column.clone())).collect();
        let mut fields = BTreeMap::new();
        for (column, kind) in &self.columns {
            match raw.get(column).map_or(Ok(None), |cell| cell_of(*kind, cell)) {
                Ok(Some(cell)) => {
                    fields.insert(column.clone(), cell);
                }
                Ok(None) => {}
                Err(NotOfKind) => {
                    faults.push(RowFault::Kind { column: column.clone(), noun: kind.noun() });
                }
            }
        }
        let needed: BTreeSet<&String> = self.identity.iter().chain([&self.key]).collect();
        for column in needed {
            let is_faulty =
                faults.iter().any(|fault| matches!(fault, RowFault::Kind { column: at, .. } if at == column));
            if !fields.contains_key(column) && !is_faulty {
                faults.push(RowFault::Missing(column.clone()));
            }
        }
        let key = fields.get(&self.key).and_then(key_text);
        if let Some(text) = &key
            && (text.len() > MAX_KEY || text.chars().any(char::is_control))
        {
            faults.push(RowFault::Key(self.key.clone()));
        }
        if serde_json::to_vec(&fields).map_or(true, |row| row.len() > MAX_ROW) {
            faults.push(RowFault::Long);
        }
        match key {
            Some(key) if faults.is_empty() => {
                let id = self.identify(&fields);
                Ok((key, FeedRow { id, fields }))
            }
            Some(_) | None => Err(faults),
        }
    }

    fn identify(&self, fields: &BTreeMap<String, Json>) -> Digest {
        if self.identity.is_empty() {
            return Digest::of(fields);
        }
        let told: Vec<Option<&Json>> = self.identity.iter().map(|column| fields.get(column)).collect();
        Digest::of(&told)
    }
}

struct NotOfKind;

/// A cell in its one spelling; `None` = empty.
fn cell_of(kind: ColumnKind, cell: &Json) -> Result<Option<Json>, NotOfKind> {
    let text = match cell {
        Json::Null => return Ok(None),
        Json::Bool(flag) if kind == ColumnKind::Flag => return Ok(Some(Json::Bool(*flag))),
        Json::Number(number) if matches!(kind, ColumnKind::Number | ColumnKind::Time) => number.to_string(),
        Json::String(text) => text.trim().to_owned(),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => return Err(NotOfKind),
    };
    if text.is_empty() {
        return Ok(None);
    }
    let spelled = match kind {
        ColumnKind::Text => Some(text).filter(|text| text.len() <= MAX_TEXT).map(Json::String),
        ColumnKind::Number => number(&text).map(|number| Json::String(number.normalize().to_string())),
        ColumnKind::Date => parse_date(&text).map(|date| Json::String(date.to_string())),
        ColumnKind::Time => parse_timestamp(&text).map(|at| Json::String(at.to_string())),
        ColumnKind::Flag => match text.to_ascii_lowercase().as_str() {
            "true" => Some(Json::Bool(true)),
            "false" => Some(Json::Bool(false)),
            _ => None,
        },
    };
    spelled.map(Some).ok_or(NotOfKind)
}

fn number(text: &str) -> Option<Decimal> {
    if text.len() > 64 {
        return None;
    }
    text.parse().ok().or_else(|| Decimal::from_scientific(text).ok())
}

/// A CRM field's value as the key of a feed; `None` = it names nothing.
pub fn key_text(value: &Json) -> Option<String> {
    let text = match value {
        Json::String(text) => text.trim().to_owned(),
        Json::Number(number) => number.to_string(),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => return None,
    };
    Some(text).filter(|text| !text.is_empty() && text.len() <= MAX_KEY)
}

/// What the rows of one key are about, as a record: values that come from them are sealed and erased together under it.
pub fn subject(feed: &str, key: &str) -> RecordRef {
    RecordRef {
        connection: ConnectionId(CONNECTION.to_owned()),
        object: ObjectName(feed.to_owned()),
        record: RecordId(key.to_owned()),
    }
}

/// The rows of one key as rows that a mapping reads, in the order of their ids, each with the moment when it was taken: an answer that is older
/// was given without it.
pub fn related(
    feed: &str,
    key: &str,
    rows: impl IntoIterator<Item = (FeedRow, Timestamp)>,
) -> Vec<RelatedRow> {
    let record = subject(feed, key);
    let mut rows: Vec<(FeedRow, Timestamp)> = rows.into_iter().collect();
    rows.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
    rows.into_iter()
        .map(|(row, at)| RelatedRow { record: record.clone(), stamp: Some(at), fields: row.fields })
        .collect()
}

#[cfg(test)]
mod tests;
