//! What happened to a handoff, in the past tense. Additive: old logs stay readable.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::break_glass::OverrideEnd;
use crate::carried::CarriedSeen;
use crate::completeness::Finding;
use crate::contract::ContractRef;
use crate::digest::Digest;
use crate::exception::Exception;
use crate::id::{FieldKey, GateName, HandoffId, PartKey, RecordRef, StageName};
use crate::observation::{Actor, DateMove};
use crate::outage::Grace;
use crate::pay::Pay;
use crate::seat::Behalf;
use crate::sla::Settings;
use crate::twin::TwinSeen;
use crate::value::Sourced;

mod cause;

pub use cause::{Concern, EditEffect, NotReverted, Refusal, ReopenCause, VoidCause};

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
        /// For whom he answered, if he is not the named receiver himself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        behalf: Option<Behalf>,
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
        /// Why, per field, where the receiver said so.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        reasons: BTreeMap<FieldKey, String>,
    },
    /// The receiver accepts that these fields are still missing; his acceptance follows.
    ExceptionsGranted {
        /// The act.
        act: String,
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
        /// The fields, each with reason and day.
        exceptions: BTreeMap<FieldKey, Exception>,
    },
    /// Fields that might be missing are filled.
    ExceptionsMet {
        /// Which.
        fields: BTreeSet<FieldKey>,
    },
    /// The day of these exceptions has passed, and their fields are still missing.
    ExceptionsLapsed {
        /// Which.
        fields: BTreeSet<FieldKey>,
        /// The day that passed last among them.
        due: Timestamp,
    },
    /// Edits of an accepted package wait for the receiver to confirm exactly these fields; none = they were taken back.
    ConfirmationNeeded {
        /// Which, with the digest of what he accepted.
        fields: BTreeMap<FieldKey, Digest>,
    },
    /// The receiver confirmed exactly the edited fields: the acceptance covers the package as it stands.
    Confirmed {
        /// The act.
        act: String,
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
        /// The fields.
        fields: BTreeSet<FieldKey>,
    },
    /// Somebody asks to open a gate without what it waits for; nothing opens by it.
    OverrideAsked {
        /// The gate.
        gate: GateName,
        /// Why.
        reason: String,
        /// Until when.
        expires: Timestamp,
        /// Who.
        by: Actor,
        /// When, by the daemon's clock.
        at: Timestamp,
    },
    /// A second person agreed: the gate stands open until its time is over. It is no acceptance.
    Overridden {
        /// The gate.
        gate: GateName,
        /// Why.
        reason: String,
        /// Who asked.
        asked_by: Actor,
        /// Who agreed.
        confirmed_by: Actor,
        /// Until when.
        expires: Timestamp,
        /// When, by the daemon's clock.
        at: Timestamp,
    },
    /// A gate no longer stands open by an override.
    OverrideEnded {
        /// The gate.
        gate: GateName,
        /// When, by the daemon's clock.
        at: Timestamp,
        /// Why.
        because: OverrideEnd,
    },
    /// Another record of the same deal was merged into this one.
    Absorbed {
        /// The ids of all records that were merged into it so far.
        records: BTreeSet<String>,
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
    /// The instants of the receiver's clock, where the contract asks for more than calendar hours that begin anew in every round.
    ClockSet {
        /// Round.
        round: u32,
        /// The instants that hold from now on.
        clock: Settings,
    },
    /// The receiver was to be reminded. Who tells him, and how, is not decided here.
    Reminded {
        /// Round.
        round: u32,
        /// The step of the ladder, from 1; earlier steps that were missed are not told any more.
        step: u32,
        /// The receiver in force, if one is named.
        to: Option<Actor>,
    },
    /// The receiver did not answer in time, or cannot: somebody above him was to be told.
    Escalated {
        /// Round.
        round: u32,
        /// Since when the answer is due; if nobody could give it, since when it is asked for.
        since: Timestamp,
        /// The role that is told.
        to: String,
        /// Whether nobody could answer, rather than somebody did not.
        vacant: bool,
    },
    /// Nobody whom the record names could answer any more, so that the fallback role does, or somebody can again.
    Reassigned {
        /// The receiver in force, if one is named.
        from: Option<Actor>,
        /// The role that answers; `None` = the receiver in force.
        to: Option<String>,
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
    /// A guarded stage was entered past its gate while handoffd was down; the contract gives it time to be accepted.
    GraceGranted {
        /// What, and until when.
        grace: Grace,
    },
    /// A grace was checked again, for the last time.
    GraceEnded {
        /// The gate.
        gate: GateName,
        /// The entry into the stage.
        entry: String,
        /// Whether it was made good or is void; else a by-pass follows.
        kept: bool,
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
    /// Something happened beside the package.
    Beside {
        /// What.
        what: crate::beside::Happening,
    },
    /// What the deal is worth for pay, or to whom, changed. No gate depends on it.
    PayChanged {
        /// As it stands now; `None` = not mapped any more.
        pay: Option<Box<Pay>>,
    },
    /// A person put an open handoff onto another version of its contract.
    Repinned {
        /// The version that it is judged by from now on.
        contract: ContractRef,
        /// Who, as the command line or API knows him.
        by: String,
        /// Why.
        reason: String,
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
            Self::ExceptionsGranted { .. } => "exceptions_granted",
            Self::ExceptionsMet { .. } => "exceptions_met",
            Self::ExceptionsLapsed { .. } => "exceptions_lapsed",
            Self::ConfirmationNeeded { .. } => "confirmation_needed",
            Self::Confirmed { .. } => "confirmed",
            Self::OverrideAsked { .. } => "override_asked",
            Self::Overridden { .. } => "overridden",
            Self::OverrideEnded { .. } => "override_ended",
            Self::Absorbed { .. } => "absorbed",
            Self::AnswerRefused { .. } => "answer_refused",
            Self::Reopened { .. } => "reopened",
            Self::SlaBreached { .. } => "sla_breached",
            Self::ClockSet { .. } => "clock_set",
            Self::Reminded { .. } => "reminded",
            Self::Escalated { .. } => "escalated",
            Self::Reassigned { .. } => "reassigned",
            Self::ConcernsChanged { .. } => "concerns_changed",
            Self::Bypassed { .. } => "bypassed",
            Self::GraceGranted { .. } => "grace_granted",
            Self::GraceEnded { .. } => "grace_ended",
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
            Self::Beside { what } => what.name(),
            Self::PayChanged { .. } => "pay_changed",
            Self::Repinned { .. } => "repinned",
        }
    }
}
