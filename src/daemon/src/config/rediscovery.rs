//! Questions that the customer had answered before, found in recorded calls.

use std::path::PathBuf;

use handoff_core::id::ConnectionId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Share of accounts with an incident that the detector finds, in percent. The held-out development calls (20 accounts) gave 100; they are of the same
/// hand as the lexicon, so less is taken for granted.
pub const SENSITIVITY: u8 = 90;
/// Share of accounts without one that it leaves alone, in percent; there it was 100, too.
pub const SPECIFICITY: u8 = 95;

/// Questions that the customer had answered before: recorded calls are held against accepted packages, and a person confirms what is found. Without
/// this section no call is scored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rediscovery {
    /// Connections with recorded calls whose calls are scored.
    pub calls: Vec<ConnectionId>,
    /// Folder of a lexicon of your own; absent = `rediscovery/` in `mappings_dir` if it is there, else the one inside the program.
    pub lexicon: Option<PathBuf>,
    /// E-mail domains of your side, for people of a call of whom its vendor does not know whose side they are on.
    pub our_domains: Vec<String>,
    /// Share of accounts with an incident that is found, in percent: 51 to 100. The estimate is corrected with it; measure it on calls of your own.
    pub sensitivity_percent: u8,
    /// Share of accounts without an incident that is left alone, in percent: 51 to 100.
    pub specificity_percent: u8,
}

impl Default for Rediscovery {
    fn default() -> Self {
        Self {
            calls: Vec::new(),
            lexicon: None,
            our_domains: Vec::new(),
            sensitivity_percent: SENSITIVITY,
            specificity_percent: SPECIFICITY,
        }
    }
}

/// How often the detector is right, as a configuration says or as it was measured.
pub(crate) fn accuracy(config: &super::Config) -> handoff_measure::reask::Accuracy {
    let settings = config.rediscovery.clone().unwrap_or_default();
    handoff_measure::reask::Accuracy {
        sensitivity_percent: settings.sensitivity_percent,
        specificity_percent: settings.specificity_percent,
    }
}
