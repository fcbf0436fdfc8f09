//! A feed as an admin writes it.

use handoff_core::feed::FeedSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretRef;

/// Data from outside the CRM, e.g. product telemetry, sent to `/feeds/NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// Secrets that its deliveries are signed with (Standard Webhooks: `whsec_` and base64 of 24 to 64 bytes); two while one is rotated.
    pub secrets: Vec<SecretRef>,
    /// The column that says what a row is about, e.g. the account's id; a mapping names the CRM field that holds the same.
    pub key: String,
    /// Columns that tell one row of a key from another; a row that comes again with the same ones takes the place of the earlier one. Empty = all.
    #[serde(default)]
    pub identity: Vec<String>,
    /// Column = what it holds.
    pub columns: std::collections::BTreeMap<String, handoff_core::feed::ColumnKind>,
}

impl Feed {
    /// What its rows look like.
    pub fn schema(&self) -> FeedSchema {
        FeedSchema { key: self.key.clone(), identity: self.identity.clone(), columns: self.columns.clone() }
    }
}
