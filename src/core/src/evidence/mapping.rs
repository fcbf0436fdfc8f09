//! Evidence mappings: what is said in a call when a contract's field is spoken of.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{ContractId, FieldKey};

/// An evidence mapping as an admin writes it in TOML.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceMapping {
    /// Its name, e.g. `gong/h03-ae-to-onboarding`.
    pub evidence: String,
    /// The contract whose fields it speaks of.
    pub contract: ContractId,
    /// The contract version that it fits.
    pub version: u32,
    /// The connector of the calls, e.g. `gong`.
    pub connector: String,
    /// How hits become places.
    #[serde(default)]
    pub places: Places,
    /// Contract field → what gives it away; any rule is enough.
    pub field: BTreeMap<FieldKey, Vec<Rule>>,
}

/// How hits become places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Places {
    /// Hits of one field that are at most this many seconds apart are one place.
    pub gap_seconds: u32,
    /// Most places per field and call; those with the most hits stay.
    pub most: u32,
}

impl Default for Places {
    fn default() -> Self {
        Self { gap_seconds: 20, most: 5 }
    }
}

/// What gives a field away. A sentence, a tracker or a topic is enough.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rule {
    /// Who has to say it.
    pub said_by: SaidBy,
    /// Words in this order within one sentence, whole words, without case and accents. `word*` = any word that begins so, `..` = up to
    /// four words between.
    pub phrases: Vec<String>,
    /// Names of the vendor's trackers.
    pub trackers: Vec<String>,
    /// Names of the vendor's topics: the whole turn counts.
    pub topics: Vec<String>,
}

/// Who has to say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SaidBy {
    /// Whoever speaks, known or not.
    #[default]
    Anyone,
    /// Somebody whom the vendor knows to be ours.
    Ours,
    /// Somebody whom the vendor knows not to be ours.
    Theirs,
}
