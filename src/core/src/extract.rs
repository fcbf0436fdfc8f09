//! From a CRM's raw record to an [`Observation`](crate::observation::Observation) in our vocabulary.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::{ActorId, ObjectName, PersonId, RecordRef};
use crate::observation::Actor;

mod aggregate;
mod answer;
mod convert;
mod feeds;
mod observe;
mod parts;
mod pay;
mod read_plan;
mod relation;
#[cfg(test)]
mod tests;
mod time;

pub(crate) use aggregate::split;
pub(crate) use convert::text as plain_text;
pub use feeds::{feed_relation, feeds};
pub use observe::extract;
pub(crate) use parts::{first_row, text_of};
pub use read_plan::read_plan;
pub use relation::{relation_key, relation_parts};
pub use time::{parse_date, parse_timestamp, timestamp_of};

/// Who is behind a CRM's user id.
pub trait Directory {
    /// The user as a person with roles. For a user it does not know it returns [`stranger`].
    fn actor(&self, id: &ActorId) -> Actor;
}

/// A user that nobody knows: inactive and without roles, so that nothing he does counts as an answer.
pub fn stranger(id: &ActorId) -> Actor {
    Actor {
        id: id.clone(),
        person: PersonId(id.0.clone()),
        machine: false,
        active: false,
        roles: BTreeSet::new(),
    }
}

/// A record's version as the CRM stamps it: what an opening is guarded by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordVersion {
    /// The vendor's last-change stamp.
    pub stamp: Timestamp,
}

/// Whether a record is still there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Existence {
    /// It is there.
    #[default]
    Present,
    /// It was deleted (and may come back).
    Deleted,
    /// It was merged into another.
    Merged {
        /// The survivor's id.
        into: String,
    },
    /// It is gone, or our user can no longer see it.
    Gone,
}

/// A record as a connector read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawRecord {
    /// Which record.
    pub record: RecordRef,
    /// Its version at the time of reading.
    pub version: Option<RecordVersion>,
    /// Whether it is still there.
    pub existence: Existence,
    /// When it was created.
    pub created_at: Option<Timestamp>,
    /// When and by whom it was last changed by a person or integration.
    pub last_modified: Option<(Timestamp, ActorId)>,
    /// The fields asked for; an unreadable field is absent, an empty one is `null`.
    pub fields: BTreeMap<String, Value>,
    /// For fields that are another record's (dotted ones): which record's. A field that is not named is this record's own.
    #[serde(default)]
    pub found_on: BTreeMap<String, RecordRef>,
    /// For fields that hold ids which people do not see, stages for instance: the label of each value that the field or its history holds, as far
    /// as the CRM tells. Words show it; nothing is decided by it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shown: BTreeMap<String, BTreeMap<String, String>>,
    /// Child rows by [`relation_key`], in id order; one that the CRM does not tell is absent.
    pub related: BTreeMap<String, Vec<RelatedRow>>,
    /// Changes of the tracked fields asked for, oldest first; `None` = the CRM offers no history for this field set.
    pub history: Option<Vec<FieldChange>>,
}

impl RawRecord {
    /// A field's value as people see it.
    pub fn in_words<'a>(&'a self, field: &str, value: &'a str) -> &'a str {
        self.shown.get(field).and_then(|labels| labels.get(value)).map_or(value, String::as_str)
    }
}

/// A child row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RelatedRow {
    /// Which record it is.
    pub record: RecordRef,
    /// When it last changed.
    pub stamp: Option<Timestamp>,
    /// Its fields.
    pub fields: BTreeMap<String, Value>,
}

/// One row of field history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Id of the history row; acts are consumed by it.
    pub id: String,
    /// The field.
    pub field: String,
    /// Value before, if the CRM tells it.
    pub old: Option<Value>,
    /// Value after, if the CRM tells it (long texts are not told).
    pub new: Option<Value>,
    /// Who.
    pub by: ActorId,
    /// When (one second resolution in Salesforce).
    pub at: Timestamp,
}

/// Everything a mapping needs from one object, computed once: what to select, which children, which history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPlan {
    /// The object.
    pub object: ObjectName,
    /// Fields of the record itself, sorted.
    pub fields: BTreeSet<String>,
    /// Child relationship, named by [`relation_key`] → fields, sorted.
    pub related: BTreeMap<String, BTreeSet<String>>,
    /// Fields whose history is read, sorted.
    pub history: BTreeSet<String>,
    /// The stage field.
    pub stage_field: String,
    /// Stage values for which a record is of interest; records in other stages may be left out of `changes`. Empty = all.
    pub interesting_stages: BTreeSet<String>,
}
