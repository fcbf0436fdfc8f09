//! Records and their history, and what the sandbox remembers about writes.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::{Refusal, schema::PropIx};

/// How a change reaches the portal; it decides which rules stand in its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person in the user interface: every rule, except those that super admins pass.
    #[default]
    Ui,
    /// An app without a user: by dialect. Version 2026-09 obeys required properties, the others obey nothing.
    Api,
    /// An app with a user: as [`Self::Api`], and pipeline rules too.
    UserApi,
    /// A workflow: passes every rule but approvals on creation.
    Workflow,
    /// An import: passes every rule.
    Import,
    /// A test's loader: only types are checked; read-only values and stamps may be set.
    Load,
}

/// Where a value came from, as history tells it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// `CRM_UI`, `INTEGRATION`, `AUTOMATION_PLATFORM`, `IMPORT`, `CALCULATED`, …
    pub source_type: String,
    /// `userId:<n>`, an app's id, a workflow's id.
    pub source_id: Option<String>,
    /// A name for people.
    pub label: Option<String>,
    /// The user, where one acted.
    pub user: Option<u64>,
}

impl Origin {
    pub(crate) fn new(source_type: &str, source_id: Option<String>, user: Option<u64>) -> Arc<Self> {
        Arc::new(Self { source_type: source_type.to_owned(), source_id, label: None, user })
    }

    pub(crate) fn calculated() -> Arc<Self> {
        Self::new("CALCULATED", None, None)
    }
}

/// One value of one property, at one time.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) property: PropIx,
    pub(crate) at: i64,
    /// Empty when cleared.
    pub(crate) value: Arc<str>,
    pub(crate) origin: Arc<Origin>,
}

/// One record: its values are the newest entries of its history.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) id: u64,
    pub(crate) created: i64,
    pub(crate) modified: i64,
    pub(crate) archived_at: Option<i64>,
    pub(crate) merged: Vec<u64>,
    pub(crate) merges: u32,
    /// Oldest first.
    pub(crate) entries: Vec<Entry>,
}

impl Record {
    pub(crate) fn new(id: u64, at: i64) -> Self {
        Self {
            id,
            created: at,
            modified: at,
            archived_at: None,
            merged: Vec::new(),
            merges: 0,
            entries: Vec::new(),
        }
    }

    /// The stored value; `None` when unset or cleared.
    pub(crate) fn value(&self, property: PropIx) -> Option<&str> {
        let newest = self.entries.iter().rev().find(|entry| entry.property == property)?;
        (!newest.value.is_empty()).then_some(&*newest.value)
    }

    /// Newest first.
    pub(crate) fn history(&self, property: PropIx) -> impl Iterator<Item = &Entry> {
        self.entries.iter().rev().filter(move |entry| entry.property == property)
    }

    /// Properties with a value or a past.
    pub(crate) fn properties(&self) -> BTreeSet<PropIx> {
        self.entries.iter().map(|entry| entry.property).collect()
    }
}

/// What a write attempted to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A new record.
    Create,
    /// Other property values.
    Update,
    /// Into the recycling bin.
    Archive,
    /// Out of the recycling bin.
    Restore,
    /// Into another record.
    Merge,
    /// Gone for good.
    PrivacyDelete,
    /// A link or label between two records.
    Associate,
}

/// One property before and after a write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PropertyChange {
    /// Internal name.
    pub property: String,
    /// Value before; null when there was none.
    pub old: Option<String>,
    /// Value asked for; null when cleared.
    pub new: Option<String>,
}

/// One write as it was received, whatever came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WriteRecord {
    /// Dense, from 1: the order in which the portal took the writes.
    pub seq: u64,
    /// Number of the HTTP request that carried it; 0 for the control interface.
    pub request: u64,
    /// The sandbox's time.
    pub at: Timestamp,
    /// How it came in.
    pub kind: ActorKind,
    /// The app that carried it.
    pub app: Option<u64>,
    /// The user who acted.
    pub user: Option<u64>,
    /// What it attempted.
    pub operation: Operation,
    /// Plural name of the object.
    pub object: String,
    /// The record; absent for a refused create.
    pub id: Option<u64>,
    /// `objectWriteTraceId` of the input.
    pub trace: Option<String>,
    /// Properties as they were asked for.
    pub asked: Map<String, Json>,
    /// Properties that differ from what stood there, and those repeated (old equals new).
    pub changes: Vec<PropertyChange>,
    /// `ok`, or the code of the first error.
    pub status: String,
    /// Why it was refused.
    pub refusal: Option<Refusal>,
}

/// One true change of a record: the ground truth that a reader of the portal should arrive at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Dense, from 1.
    pub seq: u64,
    /// Modification stamp that the change carries.
    pub stamped_at: Timestamp,
    /// When it happened.
    pub at: Timestamp,
    /// Plural name of the object.
    pub object: String,
    /// The record.
    pub id: u64,
    /// What happened.
    pub operation: Operation,
    /// Properties that differ, calculated ones included; not named for bulk seeding.
    pub properties: Vec<String>,
    /// Where it came from.
    #[serde(with = "shared")]
    pub origin: Arc<Origin>,
}

/// A shared value is written and read like the value.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<T: Serialize, S: Serializer>(value: &Arc<T>, out: S) -> Result<S::Ok, S::Error> {
        T::serialize(value, out)
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Arc<T>, D::Error> {
        T::deserialize(from).map(Arc::new)
    }
}
