//! A field's part, written short (`authority = "text"`) or as a table (`target = { kind = "text", needs_number = true }`).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::Kind;

/// A part's kind, or its kind with rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Kind of value.
    pub kind: Kind,
    /// What people call it; absent = the key in words.
    pub label: Option<String>,
    /// Kind `choice`: what may be chosen; empty = anything.
    pub choices: Vec<String>,
    /// Kind `list`: the columns each row needs.
    pub columns: BTreeMap<String, Kind>,
    /// Must contain a number: a target without a figure is a wish.
    pub needs_number: bool,
    /// Overrides the contract's `quality.min_chars`.
    pub min_chars: Option<u32>,
    /// Kinds `series`, `date` and `list`: the newest point or date may be at most this many days older than the handoff's opening.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age_days: Option<u32>,
}

impl Part {
    /// A part of this kind, without rules.
    pub fn of(kind: Kind) -> Self {
        Self {
            kind,
            label: None,
            choices: Vec::new(),
            columns: BTreeMap::new(),
            needs_number: false,
            min_chars: None,
            max_age_days: None,
        }
    }
}

/// A part's kind with rules.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PartTable {
    /// Kind of value.
    kind: Kind,
    /// What people call it; absent = the key in words.
    #[serde(default)]
    label: Option<String>,
    /// Kind `choice`: what may be chosen; empty = anything.
    #[serde(default)]
    choices: Vec<String>,
    /// Kind `list`: the columns each row needs.
    #[serde(default)]
    columns: BTreeMap<String, Kind>,
    /// Kind `text`: must contain a number.
    #[serde(default)]
    needs_number: bool,
    /// Kind `text`: overrides the contract's `quality.min_chars`.
    #[serde(default)]
    min_chars: Option<u32>,
    /// Kinds `series`, `date` and `list`: the newest point or date may be at most this many days older than the handoff's opening.
    #[serde(default)]
    max_age_days: Option<u32>,
}

impl From<PartTable> for Part {
    fn from(table: PartTable) -> Self {
        let PartTable { kind, label, choices, columns, needs_number, min_chars, max_age_days } = table;
        Self { kind, label, choices, columns, needs_number, min_chars, max_age_days }
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PartVisitor)
    }
}

struct PartVisitor;

impl<'de> Visitor<'de> for PartVisitor {
    type Value = Part;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a kind such as \"text\", or a table with `kind`")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Part, E> {
        Kind::deserialize(StrDeserializer::new(text)).map(Part::of)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Part, A::Error> {
        PartTable::deserialize(MapAccessDeserializer::new(map)).map(Part::from)
    }
}

impl JsonSchema for Part {
    fn schema_name() -> Cow<'static, str> {
        "Part".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let short = generator.subschema_for::<Kind>();
        let table = generator.subschema_for::<PartTable>();
        json_schema!({ "description": "A part's kind, or its kind with rules.", "anyOf": [short, table] })
    }
}
