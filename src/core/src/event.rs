//! What happened to a handoff, in the past tense. Additive: old logs stay readable.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::carried::CarriedSeen;
use crate::completeness::Finding;
use crate::contract::ContractRef;
use crate::id::{FieldKey, GateName, HandoffId, PartKey, RecordRef, StageName};
use crate::observation::{Actor, DateMove};
use crate::twin::TwinSeen;
use crate::value::Sourced;

/// One event. Times named `at` are the CRM's claims; the log's own time and position stand beside the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The handoff began (cycle 1) or began again (later cycles).
    Opened {
        /// Which handoff and cycle.
        handoff: HandoffId,
        /// The pin.
        contract: ContractRef,
        /// The stage that opened it.
        stage: StageName,
        /// When the stage was entered.
        at: Option<Timestamp>,
    },
    /// Who hands over or who decides changed.
    PeopleChanged {
        /// Now.
        sender: Option<Actor>,
        /// Now.
        receiver: Option<Actor>,
    },
    /// The stage changed.
    StageChanged {
        /// Our name, if known.
        stage: Option<StageName>,
        /// The CRM's value.
        raw: String,
        /// When.
        at: Option<Timestamp>,
        /// Identifies this entry into the stage.
        entry: String,
    },
    /// The package changed.
    PackageChanged {
        /// Fields with their parts as they stand now.
        set: BTreeMap<FieldKey, BTreeMap<PartKey, Sourced>>,
        /// Fields that are empty now.
        cleared: BTreeSet<FieldKey>,
        /// Who edited each field and when, if told.
        edits: BTreeMap<FieldKey, (Timestamp, Option<Actor>)>,
        /// What it means for an acceptance in force.
        acceptance: EditEffect,
    },
    /// The sender handed over.
    Submitted {
        /// The act.
        act: String,
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// Every mandatory field is filled and the package is handed over; the receiver's clock starts.
    Completed {
        /// Round from 1 within the cycle.
        round: u32,
        /// When the last missing piece came, as the CRM claims.
        at: Timestamp,
    },
    /// A complete package is no longer complete.
    FellIncomplete {
        /// What is missing.
        missing: Vec<Finding>,
    },
    /// The receiver took exactly this package.
    Accepted {
        /// The act.
        act: String,
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
        /// Round.
        round: u32,
    },
    /// The receiver sent it back.
    Rejected {
        /// The act.
        act: String,
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
        /// Round.
        round: u32,
        /// Fields; empty = the whole package.
        fields: BTreeSet<FieldKey>,
        /// Why.
        reason: String,
    },
    /// An answer did not count. It is consumed all the same.
    AnswerRefused {
        /// The act.
        act: String,
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
        /// Why not.
        why: Refusal,
    },
    /// An accepted handoff began again: the next cycle.
    Reopened {
        /// The new cycle.
        cycle: u32,
        /// Why.
        cause: ReopenCause,
    },
    /// The receiver's time is up.
    SlaBreached {
        /// Round.
        round: u32,
        /// When it was due.
        due: Timestamp,
    },
    /// What looks wrong about the record changed; each concern stands here by name.
    ConcernsChanged {
        /// All that stand now.
        concerns: BTreeSet<Concern>,
    },
    /// A guarded stage was entered while its gate was shut.
    Bypassed {
        /// The gate.
        gate: GateName,
        /// The stage.
        stage: StageName,
        /// The CRM's value before, if told.
        from: Option<String>,
        /// Who moved it, if told.
        by: Option<Actor>,
        /// When.
        at: Option<Timestamp>,
        /// The entry into the stage.
        entry: String,
        /// Whether the handoff ever had been accepted.
        ever_accepted: bool,
    },
    /// A flag is not what we last confirmed.
    Tampered {
        /// The gate.
        gate: GateName,
        /// What it should be.
        expected_open: bool,
        /// What stands there.
        seen_open: bool,
        /// Identifies the deviation, so that it stands in the ledger once.
        deviation: String,
        /// Who moved it, if told.
        by: Option<Actor>,
        /// When.
        at: Option<Timestamp>,
    },
    /// A gate's flag was written and read back.
    GateWritten {
        /// The gate.
        gate: GateName,
        /// As read back.
        open: bool,
        /// The clearance id written with it.
        clearance: Option<String>,
    },
    /// Pay may follow: the first moment is the acceptance.
    CommissionReleased {
        /// The cycle.
        cycle: u32,
    },
    /// Pay that had been released is held again: finance books an adjustment, never a rewrite.
    CommissionHeld {
        /// Number of the adjustment on this record, from 1.
        adjustment: u32,
        /// Why.
        cause: ReopenCause,
    },
    /// The handoff ended without a decision.
    Voided {
        /// Why.
        cause: VoidCause,
    },
    /// A tampered flag reads again as it should, without our doing.
    Healed {
        /// The gate.
        gate: GateName,
    },
    /// A stage that was entered past its gate shall be put back. Durable before the write leaves; each order counts towards the most that
    /// may be put back within an hour.
    RevertOrdered {
        /// The gate.
        gate: GateName,
        /// The entry into the stage that is undone.
        entry: String,
        /// The CRM's value that stands there.
        from: String,
        /// The CRM's value that it goes back to.
        to: String,
        /// The close date that goes back with it.
        close_date: Option<DateMove>,
    },
    /// The stage was seen to be back where it came from, by our own write.
    StageReverted {
        /// The gate.
        gate: GateName,
        /// The entry into the stage that was undone.
        entry: String,
        /// The CRM's value that stood there.
        from: String,
        /// The CRM's value that stands there now.
        to: String,
    },
    /// A stage that was entered past its gate stays where it is, against the policy; a person has to act.
    RevertGivenUp {
        /// The gate.
        gate: GateName,
        /// The entry into the stage.
        entry: String,
        /// Why it stays.
        why: NotReverted,
    },
    /// The CRM refused to put the stage back, e.g. by a rule of its own.
    RevertRefused {
        /// The gate.
        gate: GateName,
        /// The entry into the stage that should have been undone.
        entry: String,
    },
    /// The same deal in another CRM, or what its authority says, changed.
    TwinsChanged {
        /// The record that this one names.
        link: Option<RecordRef>,
        /// All that have a say, in record order.
        twins: Vec<TwinSeen>,
    },
    /// How the handoffs stand that parts of the package are carried from changed.
    CarriedChanged {
        /// All of them, in the order of our parts.
        carried: Vec<CarriedSeen>,
    },
    /// A flag shall be written. Durable before the write leaves, so that our own write is told from somebody else's after a crash.
    GateOrdered {
        /// The gate.
        gate: GateName,
        /// What it shall be.
        open: bool,
    },
}

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
}

impl Event {
    /// Stable name for logs, metrics and the public header of a log entry.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::PeopleChanged { .. } => "people_changed",
            Self::StageChanged { .. } => "stage_changed",
            Self::PackageChanged { .. } => "package_changed",
            Self::Submitted { .. } => "submitted",
            Self::Completed { .. } => "completed",
            Self::FellIncomplete { .. } => "fell_incomplete",
            Self::Accepted { .. } => "accepted",
            Self::Rejected { .. } => "rejected",
            Self::AnswerRefused { .. } => "answer_refused",
            Self::Reopened { .. } => "reopened",
            Self::SlaBreached { .. } => "sla_breached",
            Self::ConcernsChanged { .. } => "concerns_changed",
            Self::Bypassed { .. } => "bypassed",
            Self::Tampered { .. } => "tampered",
            Self::GateWritten { .. } => "gate_written",
            Self::CommissionReleased { .. } => "commission_released",
            Self::CommissionHeld { .. } => "commission_held",
            Self::Voided { .. } => "voided",
            Self::Healed { .. } => "healed",
            Self::GateOrdered { .. } => "gate_ordered",
            Self::TwinsChanged { .. } => "twins_changed",
            Self::CarriedChanged { .. } => "carried_changed",
            Self::RevertOrdered { .. } => "revert_ordered",
            Self::StageReverted { .. } => "stage_reverted",
            Self::RevertGivenUp { .. } => "revert_given_up",
            Self::RevertRefused { .. } => "revert_refused",
        }
    }
}
