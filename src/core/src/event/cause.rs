//! Why something happened, did not happen, or is to be looked at.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::completeness::Finding;
use crate::id::{FieldKey, StageName};

/// Why a stage that was entered past its gate is not put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotReverted {
    /// It was put back twice within an hour already: something or somebody moves it again and again.
    TooOften,
    /// Nothing tells which stage it came from.
    NoWayBack,
    /// It has stood there for a day: people have acted on it.
    TooLate,
}

/// What an edit means for an acceptance in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EditEffect {
    /// There was no acceptance in force.
    BeforeAcceptance,
    /// The contract lets these fields change: the acceptance is carried over to the package as it stands now.
    Noted,
    /// The acceptance no longer covers the package.
    Breaks,
}

/// Something about a record that a person should look at. It opens nothing and shuts nothing by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Concern {
    /// Sender and receiver are one person: nobody can accept this handoff.
    SenderIsReceiver,
    /// Nobody is named as receiver.
    NoReceiver,
    /// The receiver's user is switched off.
    ReceiverInactive,
    /// The mapping does not know the stage.
    UnknownStage,
    /// The stage was entered before the customer was first contacted.
    WonBeforeFirstContact,
    /// The CRM's stamps lie in the future.
    StampInFuture,
    /// The deal was put back twice within an hour and moved past its gate again: it stays there.
    RevertLimit,
    /// The deal was moved past its gate and is not put back: nothing tells where it came from, or it stood there for a day.
    NotPutBack,
    /// The CRM refuses to put the deal back.
    RevertRefused,
    /// The same deal in another CRM says otherwise: accepted there and not here, or the other way round, or another package. No pay gate of
    /// either is open.
    AuthoritiesDisagree,
    /// The day of an exception has passed and its field is still missing.
    ExceptionOverdue,
    /// A gate stands open by break-glass.
    Overridden,
    /// The mapping does not know the motion: gates are shut, and no other motion's rules are taken for it.
    UnknownMotion,
    /// The motion was changed without a reason beside it.
    MotionWithoutReason,
    /// Something on the return path is overdue: acknowledgement, promised date, echo, or the sender's word to the customer.
    ReturnPathOverdue,
    /// Somebody else than the sender wrote to the customer.
    CustomerHeardFromOthers,
    /// Not exactly one person owns the relationship.
    NotOnePrimaryOwner,
    /// Motion A's health is below the line while the cross-sell runs.
    HealthBelowLine,
    /// The relationship is to come back into one hand, and is not there yet.
    ReunificationDue,
    /// A deal of another motion than the account's, without a cross-motion handoff.
    CrossSellWithoutHandoff,
    /// A score, and nothing that tells why to call.
    ScoreWithoutContext,
    /// Nobody touched the lead in time.
    FirstTouchOverdue,
    /// The lead went back to be nurtured soon after it was handed over.
    LeadRecycled,
    /// What is carried from another handoff changed there since this one was accepted.
    CarriedDrifted,
}

/// Why an answer did not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Refusal {
    /// The sender (by person, not by login) cannot answer for the receiver.
    OwnHandoff,
    /// He is not the receiver in force.
    NotTheReceiver,
    /// He does not hold the receiving role.
    LacksRole,
    /// A machine cannot accept.
    Machine,
    /// The user is no longer active.
    Inactive,
    /// Nobody is named as receiver.
    NoReceiver,
    /// Nobody is named as sender, so it cannot be shown that he is not the receiver.
    NoSender,
    /// The package was not complete.
    Incomplete {
        /// What was missing.
        missing: Vec<Finding>,
    },
    /// The package changed at or after the moment of the answer.
    PackageChanged,
    /// The handoff was not waiting for an answer (already accepted, voided, or rejected in this round).
    NotWaiting,
    /// A rejection needs a reason.
    NoReason,
    /// Only the sender submits.
    NotTheSender,
    /// An exception needs a reason and a day that lies ahead, at most a year.
    ExceptionUnclear {
        /// Fields without them.
        fields: BTreeSet<FieldKey>,
    },
    /// What was confirmed is not exactly what changed.
    OtherFields,
}

/// Why a handoff began again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum ReopenCause {
    /// Accepted fields were edited.
    Edited {
        /// Which.
        fields: BTreeSet<FieldKey>,
    },
    /// The receiver took his acceptance back.
    Receiver {
        /// Which fields.
        fields: BTreeSet<FieldKey>,
        /// Why.
        reason: String,
    },
    /// The receiver in force is no longer who accepted, or is the sender now.
    People,
    /// Edited fields wait for the receiver to confirm them; nothing is re-opened by it, pay waits.
    Unconfirmed {
        /// Which.
        fields: BTreeSet<FieldKey>,
    },
    /// The day of exceptions has passed and their fields are still missing.
    ExceptionsLapsed {
        /// Which.
        fields: BTreeSet<FieldKey>,
    },
    /// Asked blind, the two sides contradict each other or what was accepted.
    Contradicted {
        /// The concrete test.
        test: String,
    },
    /// Another record was merged into this one: what was accepted is not what stands there now.
    Merged,
    /// The same deal in another CRM says otherwise; nothing is re-opened by it, pay waits.
    AuthoritiesDisagree,
    /// The deal is off, or its record was lost, after acceptance.
    Voided {
        /// Why.
        cause: VoidCause,
    },
}

/// Why a handoff ended without a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "because", rename_all = "snake_case")]
pub enum VoidCause {
    /// The deal reached a stage in which it is off.
    Stage {
        /// Which.
        stage: StageName,
    },
    /// The record was deleted.
    Deleted,
    /// The record was merged into another.
    Merged {
        /// The survivor's id.
        into: String,
    },
    /// The record is gone or can no longer be read.
    Gone,
    /// The record belongs to another motion now, where it has a handoff of its own.
    OtherMotion {
        /// Which; `unknown` = nobody can tell.
        motion: crate::id::MotionId,
    },
}
