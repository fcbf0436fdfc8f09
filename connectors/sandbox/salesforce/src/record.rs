//! What the sandbox remembers about saves: who did what, what came of it, and what truly changed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::ids::Id;

/// The way a save reaches the org; it decides which checks run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person in the user interface.
    Ui,
    /// REST.
    #[default]
    Api,
    /// Bulk API.
    Bulk,
    /// The import wizard.
    Import,
    /// Apex or a flow in system mode: field permissions do not count, validation rules do.
    Apex,
    /// A workflow field update: neither field permissions nor validation rules.
    Workflow,
    /// A field update of an approval process: as workflow.
    Approval,
    /// Restoring from the recycle bin: no validation.
    Undelete,
    /// Conversion of a lead: no validation unless the org demands it.
    LeadConversion,
    /// Setup's "replace picklist value": no validation.
    PicklistReplace,
    /// A test's loader: no checks but types, and audit fields may be set.
    Load,
}

impl ActorKind {
    /// Whether validation rules run for such a save.
    pub const fn runs_validation(self) -> bool {
        matches!(self, Self::Ui | Self::Api | Self::Bulk | Self::Import | Self::Apex)
    }

    /// Whether the user's field permissions limit such a save.
    pub const fn respects_field_permissions(self) -> bool {
        matches!(self, Self::Ui | Self::Api | Self::Bulk | Self::Import)
    }
}

/// One reason why a row was not saved, in the vendor's code and words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct SaveError {
    /// `FIELD_CUSTOM_VALIDATION_EXCEPTION` and so on; `statusCode` or `errorCode` on the wire.
    pub code: String,
    /// What a user reads.
    pub message: String,
    /// API names of the fields concerned.
    pub fields: Vec<String>,
}

impl SaveError {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), fields: Vec::new() }
    }

    pub(crate) fn on(code: &str, message: impl Into<String>, field: &str) -> Self {
        Self { code: code.to_owned(), message: message.into(), fields: vec![field.to_owned()] }
    }
}

/// What a save attempted to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A new row.
    Create,
    /// Other field values.
    Update,
    /// Into the recycle bin.
    Delete,
    /// Out of the recycle bin.
    Undelete,
    /// Gone for good.
    HardDelete,
    /// Loser of a merge.
    Merge,
}

/// One field before and after a save.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// API name.
    pub field: String,
    /// Value before, null on create.
    pub old: Json,
    /// Value asked for.
    pub new: Json,
}

/// One write as it was received, whatever came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WriteRecord {
    /// Dense, from 1: the order in which the org took the writes.
    pub seq: u64,
    /// Number of the HTTP request that carried it, in order of arrival; 0 for a save by the control interface.
    pub request: u64,
    /// The sandbox's time.
    pub at: Timestamp,
    /// Who saved.
    pub user: Id,
    /// `client` of the Sforce-Call-Options header.
    pub client: Option<String>,
    /// How the save came in.
    pub kind: ActorKind,
    /// What it attempted.
    pub operation: Operation,
    /// API name of the object.
    pub object: String,
    /// The row; absent for a refused create.
    pub id: Option<Id>,
    /// Fields whose value the write asked to change, and those it repeated (old equals new).
    pub fields: Vec<FieldChange>,
    /// `ok`, or the code of the first error.
    pub status: String,
    /// Every error.
    pub errors: Vec<SaveError>,
}

/// One true change of a row: the ground truth that a reader of the org should arrive at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Dense, from 1, in the order in which changes became visible.
    pub seq: u64,
    /// SystemModstamp the change carries.
    pub stamped_at: Timestamp,
    /// When it became visible; later than the stamp for a late commit.
    pub visible_at: Timestamp,
    /// API name of the object.
    pub object: String,
    /// The row.
    pub id: Id,
    /// What happened.
    pub operation: Operation,
    /// API names of the fields that differ, derived ones included.
    pub fields: Vec<String>,
    /// Who did it.
    pub user: Id,
}
