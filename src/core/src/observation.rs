//! One record, at one moment, in our vocabulary. This is all that [`decide`](crate::decide::decide) sees.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::carried::CarriedSeen;
use crate::exception::Asked;
use crate::extract::{Existence, RecordVersion};
use crate::id::{ActorId, FieldKey, GateName, PersonId, RecordRef, StageName};
use crate::pay::Pay;
use crate::twin::TwinSeen;
use crate::value::Package;

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The record.
    pub subject: RecordRef,
    /// Its version.
    pub version: Option<RecordVersion>,
    /// Whether it is still there.
    pub existence: Existence,
    /// The stage.
    pub stage: StageSeen,
    /// When the customer was first contacted, if mapped.
    #[serde(default)]
    pub first_contact: Option<Timestamp>,
    /// The id of the account or company, if mapped. Nothing is decided by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The package as it stands.
    pub package: Package,
    /// The last known edit per field; a claim of the CRM.
    pub edits: BTreeMap<FieldKey, Edit>,
    /// Upper bound for the time of any edit that field history cannot place.
    pub edited_by_latest: Option<Timestamp>,
    /// Who hands over; `None` = nobody named.
    pub sender: Option<Actor>,
    /// Who decides; `None` = nobody named.
    pub receiver: Option<Actor>,
    /// Acts of answering, oldest first.
    pub acts: Vec<Act>,
    /// The gate flags as they stand.
    pub flags: BTreeMap<GateName, FlagSeen>,
    /// What happens beside the package, if mapped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<Box<crate::beside::BesideSeen>>,
    /// The same deal in another CRM, as this record names it. An emptied or unreadable name frees nothing: the last one counts.
    #[serde(default)]
    pub link: Option<RecordRef>,
    /// How the handoffs of that record, and of all records that name this one, stand; in record order.
    #[serde(default)]
    pub twins: Vec<TwinSeen>,
    /// The ids of records that are known to have been merged into this one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub absorbed: BTreeSet<String>,
    /// What the deal is worth for pay and to whom, if mapped. No gate depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pay: Option<Pay>,
    /// How the handoffs stand that parts of the package are carried from, in the order of our parts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carried: Vec<CarriedSeen>,
    /// A concrete test of this handoff whose answers contradict what was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contradicted: Option<crate::concrete::Contradicted>,
}

impl Observation {
    /// A record that could not be read because it is gone or no longer visible.
    pub fn gone(subject: RecordRef) -> Self {
        Self {
            subject,
            version: None,
            existence: Existence::Gone,
            stage: StageSeen {
                name: None,
                raw: String::new(),
                before: None,
                since: None,
                opening_since: None,
                by: None,
                entry: String::new(),
                back: None,
                close_date: None,
            },
            first_contact: None,
            account: None,
            beside: None,
            package: Package::new(),
            edits: BTreeMap::new(),
            edited_by_latest: None,
            sender: None,
            receiver: None,
            acts: Vec::new(),
            flags: BTreeMap::new(),
            link: None,
            twins: Vec::new(),
            absorbed: BTreeSet::new(),
            pay: None,
            carried: Vec::new(),
            contradicted: None,
        }
    }
}

/// A user of the CRM, resolved to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The CRM's user id.
    pub id: ActorId,
    /// The person behind it, over all logins.
    pub person: PersonId,
    /// Whether it is a machine.
    pub machine: bool,
    /// Whether the user can still act.
    pub active: bool,
    /// Roles held now.
    pub roles: BTreeSet<String>,
}

/// The stage as seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageSeen {
    /// Our name; `None` = the mapping does not know the CRM's value.
    pub name: Option<StageName>,
    /// The CRM's value.
    pub raw: String,
    /// The CRM's value before, if history tells it.
    pub before: Option<String>,
    /// When it was entered.
    pub since: Option<Timestamp>,
    /// When the record entered the stages that open the handoff, if it has not left them since: the deal may have passed through one before
    /// anybody looked.
    #[serde(default)]
    pub opening_since: Option<Timestamp>,
    /// Who moved it.
    pub by: Option<Actor>,
    /// Identifies this entry into the stage (history row, or record creation); by-passes are consumed by it.
    pub entry: String,
    /// The CRM's last value before the run of stages that the present one's gate guards, if history tells it: where a deal goes that is put
    /// back.
    #[serde(default)]
    pub back: Option<String>,
    /// The close date, if entering the stage changed it and nobody has changed it since.
    #[serde(default)]
    pub close_date: Option<DateMove>,
}

/// A date that was moved together with the stage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateMove {
    /// What stood there before, as the CRM writes it; `None` = nothing.
    pub from: Option<String>,
}

/// An edit of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// When.
    pub at: Timestamp,
    /// Who, if told.
    pub by: Option<Actor>,
    /// Whether no row of history tells of it, so that the value counts as there since the record was created. Of a value that was not there
    /// at an earlier look that cannot be true: the field's history is not kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_the_start: bool,
}

impl Edit {
    /// An edit that the CRM places.
    pub fn placed(at: Timestamp, by: Option<Actor>) -> Self {
        Self { at, by, from_the_start: false }
    }
}

/// An act of answering. Consumed once, by its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// The history row's id.
    pub id: String,
    /// Who.
    pub by: Actor,
    /// When, as the CRM claims.
    pub at: Timestamp,
    /// What.
    pub answer: Answer,
}

/// What somebody answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Answer {
    /// The sender hands the package over.
    Submit,
    /// The receiver takes it.
    Accept,
    /// The receiver sends it back.
    Reject {
        /// The rejected fields; empty = the whole package.
        fields: BTreeSet<FieldKey>,
        /// Why, in the receiver's words.
        reason: String,
        /// Why, per field, where he said so.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        reasons: BTreeMap<FieldKey, String>,
    },
    /// The receiver takes it although these fields are missing; none named = all that the sender marks as unknown.
    AcceptWith {
        /// What is said of each field.
        exceptions: BTreeMap<FieldKey, Asked>,
    },
    /// The receiver confirms edits of what he accepted.
    Confirm {
        /// The edited fields; empty = all of them, as they stand.
        fields: BTreeSet<FieldKey>,
    },
}

impl Answer {
    /// Whether it takes something as it stands: such an answer never counts for what stood there before.
    pub fn takes(&self) -> bool {
        match self {
            Self::Accept | Self::AcceptWith { .. } | Self::Confirm { .. } => true,
            Self::Submit | Self::Reject { .. } => false,
        }
    }
}

/// A gate flag as seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagSeen {
    /// Whether it stands open; `None` = unreadable or neither of the two values.
    pub open: Option<bool>,
    /// The clearance id beside it, if mapped and not empty.
    pub clearance: Option<String>,
    /// Who last moved the flag, and when, and the history row, if told.
    pub moved: Option<FlagMove>,
}

/// The last move of a flag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagMove {
    /// The history row's id.
    pub id: String,
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
}
