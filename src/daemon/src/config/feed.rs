//! A feed as an admin writes it.

use handoff_core::account::{AccountColumns, SurveyColumns};
use handoff_core::feed::FeedSchema;
use handoff_core::id::{ConnectionId, ObjectName};
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
    /// What its rows tell of accounts beside any package; absent = nothing. Then the key is the account's id.
    #[serde(default)]
    pub about: Option<About>,
}

/// What rows tell of accounts: what they pay and whether they left, or what their people answered to a survey. Exactly one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The CRM that knows the accounts.
    pub connection: ConnectionId,
    /// Its object for accounts, e.g. `Account` or `companies`.
    pub object: ObjectName,
    /// Columns with what an account pays, since when it is a customer and when it left; one row per account.
    #[serde(default)]
    pub account: Option<AccountColumns>,
    /// Columns with an answer to a survey; as many rows per account as there are answers.
    #[serde(default)]
    pub survey: Option<SurveyColumns>,
}

impl Feed {
    /// What its rows look like.
    pub fn schema(&self) -> FeedSchema {
        FeedSchema { key: self.key.clone(), identity: self.identity.clone(), columns: self.columns.clone() }
    }
}
