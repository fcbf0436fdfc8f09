//! Concrete tests, self-assessment and rollout.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::concrete::TestKind;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Concrete tests that people answer from memory in a task of their CRM's list: every week a random sample of each handoff. Without this section
/// nobody is asked; H03 and H05 are answered by the log anyway. Needs `[tasks]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tests {
    /// Which: `h01`, `h02`, `h04`, `h06`.
    pub ask: BTreeSet<TestKind>,
    /// What the sample is drawn by, so that anybody can draw it again; logged with every test. Choose your own.
    pub seed: u64,
    /// Handoffs that are drawn per test and week, 1 to 20.
    pub sample: u32,
    /// Hours to answer, 1 to 720; what comes later does not count.
    pub answer_within_hours: u32,
}

impl Default for Tests {
    fn default() -> Self {
        Self { ask: TestKind::ALL.into(), seed: 1, sample: 1, answer_within_hours: 72 }
    }
}

/// The self-assessment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Assessment {
    /// Answers by question for what the log cannot tell, e.g. `h02_no_reask`; `handoffd self-assessment` names all. What is measured counts
    /// more.
    pub declared: BTreeMap<String, Declared>,
}

/// Somebody's word on a question of the self-assessment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// Yes or no.
    pub yes: bool,
    /// Who says so.
    pub by: String,
    /// Why.
    pub because: String,
}

/// The ninety days.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rollout {
    /// When they began; absent = with the first contract in the log.
    #[schemars(with = "Option<String>")]
    pub started: Option<Timestamp>,
    /// Contracts in the order in which they are governed, the one that leaks most first.
    pub order: Vec<String>,
    /// Contract → why it is enforced before the one before it is proven.
    pub parallel: BTreeMap<String, String>,
}
