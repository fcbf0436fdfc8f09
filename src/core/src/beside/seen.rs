//! What was seen beside the package, in our vocabulary.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::id::{FieldKey, MotionId};
use crate::observation::Actor;

/// What was seen beside the package of one record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct BesideSeen {
    /// The record's motion, where a rule says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub motion: Option<MotionSeen>,
    /// The receiving team's status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusSeen>,
    /// Messages that the customer can see, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Doing>,
    /// Contacts with the customer, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub activities: Vec<Doing>,
    /// Signs of life of the receiving team, newest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub updates: Vec<Doing>,
    /// Who created the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<Actor>,
    /// Fields whose text is not the writer's own.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub copied: BTreeMap<FieldKey, Copied>,
    /// The users that parts name, by `field.part`; only parts that the contract's conduct is about.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub persons: BTreeMap<String, Actor>,
    /// Who claims the relationship, by motion or team.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, Actor>,
    /// Who stands as primary owner of the relationship.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary: Option<Actor>,
    /// Moments by our name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub moments: BTreeMap<String, Timestamp>,
    /// Moments that the mapping knows, whether or not they have happened.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub known_moments: BTreeSet<String>,
    /// Measures by our name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub measures: BTreeMap<String, Decimal>,
    /// Measures that the mapping knows, whether or not they can be read.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub known_measures: BTreeSet<String>,
    /// Whether the lead has a score.
    #[serde(skip_serializing_if = "is_false")]
    pub scored: bool,
    /// When the lead went back to be nurtured, while it stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recycled: Option<Timestamp>,
    /// Signals that fire now.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub signals: BTreeSet<String>,
    /// A deal of another motion than the account's, without a cross-motion handoff on the account.
    #[serde(skip_serializing_if = "is_false")]
    pub unguarded: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it may skip by reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// The record's motion, where a rule says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MotionSeen {
    /// The motion; `None` = a value that nobody names, or none.
    pub motion: Option<MotionId>,
    /// What stood there before, if history tells it and it was a motion.
    #[serde(default)]
    pub before: Option<MotionId>,
    /// When it was assigned, if history tells.
    pub since: Option<Timestamp>,
    /// Who assigned it, if history tells.
    pub by: Option<Actor>,
    /// Whether the mapped field for the reason says something.
    #[serde(default)]
    pub reasoned: bool,
}

/// The receiving team's status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusSeen {
    /// The CRM's value.
    pub value: String,
    /// Identifies this entry into it.
    pub entry: String,
    /// When it was entered.
    pub since: Option<Timestamp>,
    /// Who set it.
    pub by: Option<Actor>,
    /// Whether it means that the cause is gone.
    pub resolved: bool,
}

/// Somebody did something at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doing {
    /// The row's record, as text.
    pub id: String,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}

/// Whose words a text repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Copied {
    /// The daemon's or the contract's.
    OwnWords,
    /// A meeting's notes.
    MeetingNotes,
}
