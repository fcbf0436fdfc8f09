//! Log entries: what is durable, split into a public header without personal data and parts sealed per record.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::account::{AccountFacts, SurveyAnswer};
use crate::concrete::TestStep;
use crate::contract::ContractRef;
use crate::decide::Terms;
use crate::digest::Digest;
use crate::event::Event;
use crate::evidence::{CallRef, Spot, Withdrawal};
use crate::feed::FeedRow;
use crate::id::{ConnectionId, FieldKey, HandoffId, PersonId, RecordRef};
use crate::lifecycle::Step;
use crate::observation::Observation;
use crate::reask::{Reask, ReportedBy};
use crate::task::TaskChange;

mod about;
mod foreign;
mod own;
mod seal;

pub use seal::{Encoded, JournalError};

/// Newest version of this encoding; readers refuse a newer one.
pub const VERSION: u32 = 2;

/// Version of the entries that were there from the beginning; they stay as they are, byte for byte.
const FIRST: u32 = 1;

/// The part that holds the names of those who operate the daemon; no record has this name.
pub const OPERATORS: &str = "operators";

/// The part that holds what is said of tasks that stand for several handoffs; no record has this name.
pub const LISTS: &str = "lists";

/// The part that holds the numbers of frozen months; no record has this name.
pub const NUMBERS: &str = "numbers";

/// One log entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum LogEntry {
    /// A decision with everything it was made from, so that it can be made again.
    Decided {
        /// The handoff and its cycle after the decision.
        handoff: HandoffId,
        /// The pin it was decided under.
        contract: ContractRef,
        /// What the installation added.
        terms: Terms,
        /// The daemon's time.
        at: Timestamp,
        /// What was seen.
        seen: Box<Observation>,
        /// What happened; never empty.
        events: Vec<Event>,
    },
    /// What became of writes: read back, or refused.
    Confirmed {
        /// The handoff.
        handoff: HandoffId,
        /// The daemon's time.
        at: Timestamp,
        /// `GateWritten` and `RevertRefused` events; never empty.
        events: Vec<Event>,
    },
    /// Somebody asked to open a gate without what it waits for, or a second person agreed. Written since version 2.
    Overridden {
        /// The handoff.
        handoff: HandoffId,
        /// The daemon's time.
        at: Timestamp,
        /// `OverrideAsked` or `Overridden`; never empty.
        events: Vec<Event>,
    },
    /// A decision as it would have been made, worked out afterwards from what a CRM tells of its past. Numbers are made of it; nothing is governed
    /// by it, so that its stream is apart from the handoff's own. Written since version 2.
    Reconstructed {
        /// The handoff and its cycle after the decision.
        handoff: HandoffId,
        /// The pin it was decided under: the one in force when it was worked out.
        contract: ContractRef,
        /// What the installation added; nothing was enforced.
        terms: Terms,
        /// The moment that it speaks of.
        at: Timestamp,
        /// What would have been seen.
        seen: Box<Observation>,
        /// What would have happened; never empty.
        events: Vec<Event>,
        /// Fields whose values the CRM does not tell for that moment, with the moment from which on it does.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        unknown: BTreeMap<FieldKey, Timestamp>,
        /// The daemon's time when it was worked out.
        made: Timestamp,
    },
    /// Places of a call that may speak of fields of a handoff, as they are suggested now; they stand in the place of earlier ones of this
    /// call. Written since version 2.
    EvidenceSuggested {
        /// The handoff; its stream of evidence is apart from its stream of decisions.
        handoff: HandoffId,
        /// The pin whose fields are spoken of.
        contract: ContractRef,
        /// The call.
        call: CallRef,
        /// Where a person can listen to it.
        url: Option<String>,
        /// When it began.
        started: Timestamp,
        /// The places; no words.
        spots: Vec<Spot>,
        /// The daemon's time.
        at: Timestamp,
    },
    /// A person said whether a suggested place speaks of its field. Written since version 2.
    EvidenceAnswered {
        /// The handoff.
        handoff: HandoffId,
        /// The call.
        call: CallRef,
        /// The field.
        field: FieldKey,
        /// Where the place begins.
        from_ms: u64,
        /// Whether it speaks of the field.
        confirmed: bool,
        /// Who says so, as the command line or API knows him.
        by: String,
        /// The daemon's time.
        at: Timestamp,
    },
    /// A call is no evidence any more. Written since version 2.
    EvidenceWithdrawn {
        /// The handoff.
        handoff: HandoffId,
        /// The call.
        call: CallRef,
        /// Why.
        because: Withdrawal,
        /// The daemon's time.
        at: Timestamp,
    },
    /// What scoring a call against the accepted package found; it stands in the place of what was found in this call before. Written since
    /// version 2.
    ReaskSuggested {
        /// The handoff, and the cycle whose acceptance was in force when the call began; in its stream of evidence.
        handoff: HandoffId,
        /// The pin whose fields were asked for.
        contract: ContractRef,
        /// The call.
        call: CallRef,
        /// Where a person can listen to it.
        url: Option<String>,
        /// When it began.
        started: Timestamp,
        /// When the acceptance was given that was in force then.
        accepted: Timestamp,
        /// SHA-256 of the lexicon.
        lexicon: String,
        /// What was found; empty = the call was scored and nothing was. No words.
        found: Vec<Reask>,
        /// The daemon's time.
        at: Timestamp,
    },
    /// A person said whether a suggested question was asked again. Written since version 2.
    ReaskAnswered {
        /// The handoff.
        handoff: HandoffId,
        /// The call.
        call: CallRef,
        /// The field.
        field: FieldKey,
        /// Where the question begins.
        from_ms: u64,
        /// Whether it was asked again.
        confirmed: bool,
        /// Who says so, as the CRM, the command line or the API knows him.
        by: String,
        /// The act on the record, consumed once; absent = said on the command line or over the API.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        act: Option<String>,
        /// The daemon's time.
        at: Timestamp,
    },
    /// Somebody reported on the record, without a call, that the customer was asked again, or took that back. Written since version 2.
    ReaskReported {
        /// The handoff and the cycle that it is about.
        handoff: HandoffId,
        /// Whose word it is.
        source: ReportedBy,
        /// Whether it stands.
        stands: bool,
        /// Who, if the CRM tells it.
        by: Option<String>,
        /// When, as the CRM claims.
        asked: Option<Timestamp>,
        /// The daemon's time.
        at: Timestamp,
    },
    /// A task in the CRM was ordered, or what became of it. Written since version 2.
    Task {
        /// The handoff that it stands for; `None` = it stands for several of one person.
        handoff: Option<HandoffId>,
        /// The connection.
        connection: ConnectionId,
        /// What happened.
        change: TaskChange,
        /// The daemon's time.
        at: Timestamp,
    },
    /// A step of a concrete test of a handoff: drawn, answered, scored. Written since version 2.
    Test {
        /// The handoff, in the cycle that is tested.
        handoff: HandoffId,
        /// The test.
        test: String,
        /// What happened.
        step: TestStep,
        /// The daemon's time.
        at: Timestamp,
    },
    /// Rows of a feed that were not there or were otherwise before. Written since version 2.
    FeedTaken {
        /// The feed.
        feed: String,
        /// What the rows are about.
        key: String,
        /// The rows.
        rows: Vec<FeedRow>,
        /// The daemon's time.
        at: Timestamp,
    },
    /// What a source tells of an account, when it differs from what the source told before. Written since version 2.
    AccountSeen {
        /// The account.
        account: RecordRef,
        /// Who tells, e.g. `feed/customers`; facts of one source never take the place of another's.
        source: String,
        /// What it tells.
        facts: AccountFacts,
        /// The daemon's time.
        at: Timestamp,
    },
    /// Somebody of an account answered a survey. Written since version 2.
    SurveyAnswered {
        /// The account.
        account: RecordRef,
        /// The answer; one that has the id of an earlier one takes its place.
        answer: SurveyAnswer,
        /// The daemon's time.
        at: Timestamp,
    },
    /// A contract's text, the first time it is used: replay needs no files.
    ContractPublished {
        /// Its pin.
        contract: ContractRef,
        /// Its text.
        text: String,
        /// The daemon's time.
        at: Timestamp,
    },
    /// A step in the life of a contract's text. Written since version 2.
    ContractStep {
        /// Which text.
        contract: ContractRef,
        /// What was done.
        step: Step,
        /// Who, as the command line or API knows him; sealed.
        by: String,
        /// The person behind him; sealed.
        person: PersonId,
        /// What he wrote; sealed.
        comment: String,
        /// The daemon's time.
        at: Timestamp,
    },
    /// A period of the commission ledger was frozen. Written since version 2.
    PeriodClosed {
        /// The month, e.g. `2026-10`.
        period: String,
        /// Format → SHA-256 of the frozen file.
        files: BTreeMap<String, Digest>,
        /// Log entries that the statement is made of.
        entries: u64,
        /// The quality weight in percent.
        weight_percent: Decimal,
        /// Which definition of quality its factors are made with: 1 = as measured, 2 = shrunk, 3 = with re-discovery too.
        #[serde(default = "own::first_rules", skip_serializing_if = "own::is_first_rules")]
        rules: u32,
        /// Size of the tree that the checkpoint signed before this entry.
        size: u64,
        /// That checkpoint, as it was published.
        checkpoint: String,
        /// Who, as the command line or API knows him; sealed.
        by: String,
        /// The daemon's time.
        at: Timestamp,
    },
    /// A month of the scorecard changes no more, or is restated. Written since version 2.
    MetricsFrozen {
        /// The month, e.g. `2026-10`.
        period: String,
        /// From 1; each restatement is the next one.
        version: u32,
        /// SHA-256 of `rows`.
        digest: Digest,
        /// The month's numbers as JSON, sealed; no people. Empty = too large to be kept, the digest alone stands.
        rows: String,
        /// They are made of so many entries from the beginning of the log.
        entries: u64,
        /// What is otherwise than in the version before, in words; sealed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changed: Vec<String>,
        /// Why, in words; sealed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        because: Vec<String>,
        /// The daemon's time.
        at: Timestamp,
    },
    /// A mapping's text or a setting that governs changed.
    ConfigChanged {
        /// What, e.g. `mapping salesforce/h03-ae-to-onboarding` or `terms`.
        what: String,
        /// SHA-256 of the new text.
        digest: String,
        /// The daemon's time.
        at: Timestamp,
    },
    /// Writing was switched off (kill switch) or on again.
    Switched {
        /// Whether writing is on.
        on: bool,
        /// Who, as the command line or API knows it.
        by: String,
        /// The daemon's time.
        at: Timestamp,
    },
    /// The daemon started; a control-run proof even when nothing happens.
    Started {
        /// Its version.
        version: String,
        /// When it was last known to work before this start; absent = never, or it did not say.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        down_since: Option<Timestamp>,
        /// The daemon's time.
        at: Timestamp,
    },
}

impl LogEntry {
    /// The daemon's time.
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Decided { at, .. }
            | Self::Confirmed { at, .. }
            | Self::Overridden { at, .. }
            | Self::EvidenceSuggested { at, .. }
            | Self::EvidenceAnswered { at, .. }
            | Self::EvidenceWithdrawn { at, .. }
            | Self::ReaskSuggested { at, .. }
            | Self::ReaskAnswered { at, .. }
            | Self::ReaskReported { at, .. }
            | Self::Task { at, .. }
            | Self::Test { at, .. }
            | Self::FeedTaken { at, .. }
            | Self::AccountSeen { at, .. }
            | Self::SurveyAnswered { at, .. }
            | Self::ContractPublished { at, .. }
            | Self::ContractStep { at, .. }
            | Self::MetricsFrozen { at, .. }
            | Self::PeriodClosed { at, .. }
            | Self::ConfigChanged { at, .. }
            | Self::Switched { at, .. }
            | Self::Started { at, .. } => *at,
            Self::Reconstructed { made, .. } => *made,
        }
    }

    /// The handoff it belongs to and its events.
    pub fn handoff(&self) -> Option<(&HandoffId, &[Event])> {
        match self {
            Self::Decided { handoff, events, .. }
            | Self::Confirmed { handoff, events, .. }
            | Self::Overridden { handoff, events, .. } => Some((handoff, events)),
            Self::Reconstructed { .. }
            | Self::EvidenceSuggested { .. }
            | Self::EvidenceAnswered { .. }
            | Self::EvidenceWithdrawn { .. }
            | Self::ReaskSuggested { .. }
            | Self::ReaskAnswered { .. }
            | Self::ReaskReported { .. }
            | Self::Task { .. }
            | Self::Test { .. }
            | Self::FeedTaken { .. }
            | Self::AccountSeen { .. }
            | Self::SurveyAnswered { .. }
            | Self::ContractPublished { .. }
            | Self::ContractStep { .. }
            | Self::MetricsFrozen { .. }
            | Self::PeriodClosed { .. }
            | Self::ConfigChanged { .. }
            | Self::Switched { .. }
            | Self::Started { .. } => None,
        }
    }

    /// The handoff that it tells the past of, and its events.
    pub fn reconstructed(&self) -> Option<(&HandoffId, &[Event])> {
        if let Self::Reconstructed { handoff, events, .. } = self { Some((handoff, events)) } else { None }
    }

    /// The handoff in whose stream of evidence it stands.
    pub fn evidence(&self) -> Option<&HandoffId> {
        match self {
            Self::EvidenceSuggested { handoff, .. }
            | Self::EvidenceAnswered { handoff, .. }
            | Self::EvidenceWithdrawn { handoff, .. }
            | Self::ReaskSuggested { handoff, .. }
            | Self::ReaskAnswered { handoff, .. }
            | Self::ReaskReported { handoff, .. } => Some(handoff),
            Self::Decided { .. }
            | Self::Reconstructed { .. }
            | Self::Confirmed { .. }
            | Self::Overridden { .. }
            | Self::Task { .. }
            | Self::Test { .. }
            | Self::FeedTaken { .. }
            | Self::AccountSeen { .. }
            | Self::SurveyAnswered { .. }
            | Self::ContractPublished { .. }
            | Self::ContractStep { .. }
            | Self::MetricsFrozen { .. }
            | Self::PeriodClosed { .. }
            | Self::ConfigChanged { .. }
            | Self::Switched { .. }
            | Self::Started { .. } => None,
        }
    }
}
