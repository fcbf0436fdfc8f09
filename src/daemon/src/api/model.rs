//! The API's own shapes: they stay as they are while the program inside changes.

use std::collections::BTreeMap;

use handoff_core::evidence::{Ground, Standing};
use handoff_core::handoff::{Phase, Turn};
use handoff_core::package_diff::PackageDiff;
use handoff_core::package_versions::PackageVersion;
use handoff_measure::hold::Hold;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use super::log::{LogPage, LogRow};
pub use super::tasks::{OwedRow, TasksRow};
use crate::calls::{CallsView, PlaceView};
use crate::overrides::{Said, Word};
use crate::view::{ConnectionView, Head, Summary, SwitchView};

/// One handoff at a glance; holds no values of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HandoffRow {
    /// `contract/motion/connection/object/record`; its page is `/api/v1/handoffs/{stream}`.
    #[schema(example = "h03-ae-to-onboarding/main/sf/Opportunity/006000000000001AAA")]
    pub stream: String,
    /// From 1; each re-open adds one.
    pub cycle: u32,
    /// The contract's pinned version.
    pub contract_version: u32,
    /// `draft`, `complete`, `accepted`, `rejected` or `voided`.
    pub phase: String,
    /// Round within the cycle, from 1.
    pub round: u32,
    /// Who has to act: `sender`, `receiver` or `nobody`.
    pub turn: String,
    /// Our stage name, if known.
    pub stage: Option<String>,
    /// One line for people.
    pub status: String,
    /// How many things are missing.
    pub missing: usize,
    /// Per gate: whether it shall be open now.
    pub gates: BTreeMap<String, bool>,
    /// Per gate: the value last written and read back; absent = never written.
    pub confirmed: BTreeMap<String, bool>,
    /// When this cycle opened.
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
    /// Whether the receiver's time ran out in this round.
    pub overdue: bool,
    /// By-passes so far.
    pub bypasses: u32,
    /// Places of calls that may speak of a field and that nobody answered.
    #[serde(default)]
    pub evidence_suggested: usize,
    /// Places of calls that a person confirmed.
    #[serde(default)]
    pub evidence_confirmed: usize,
    /// Questions of calls that seem to ask again for what the accepted package holds, and that nobody answered.
    #[serde(default)]
    pub reasks_waiting: usize,
    /// Of those, what a person confirmed.
    #[serde(default)]
    pub reasks_confirmed: usize,
    /// Reports on the record that the customer was asked again, without a call.
    #[serde(default)]
    pub reasks_reported: usize,
    /// Position of the last log entry.
    pub position: u64,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
}

/// A page of handoffs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HandoffPage {
    /// The handoffs, by stream.
    pub handoffs: Vec<HandoffRow>,
    /// Ask for more with `after` set to this; absent = this was the last page.
    pub next: Option<String>,
}

/// One handoff with everything, values included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HandoffDetail {
    /// At a glance.
    pub handoff: HandoffRow,
    /// The folded state; absent = the record was erased.
    #[schema(value_type = Option<Object>)]
    pub state: Option<serde_json::Value>,
    /// What holds now.
    #[schema(value_type = Option<Object>)]
    pub verdict: Option<serde_json::Value>,
    /// Its log entries, oldest first: `position` and `entry`.
    #[schema(value_type = Vec<Object>)]
    pub entries: Vec<serde_json::Value>,
    /// Places of calls that may speak of its fields, oldest call first; never words of a call.
    #[serde(default)]
    pub evidence: Vec<EvidenceRow>,
    /// Questions of calls that seem to ask again for what its accepted package held, oldest call first; never words of a call.
    #[serde(default)]
    pub reasks: Vec<super::rediscovery::ReaskRow>,
    /// Every version of the package that was in the receiver's hands, oldest first.
    #[serde(default)]
    pub versions: Vec<VersionRow>,
    /// Who held each of its cycles, oldest first.
    #[serde(default)]
    pub holds: Vec<Hold>,
    /// What people owe it now, and how the task stands that stands for it.
    #[serde(default)]
    pub owed: Vec<OwedRow>,
}

/// A place of a call that may speak of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceRow {
    /// The connection that knows the call.
    pub connection: String,
    /// The vendor's id of the call.
    pub call: String,
    /// Where a person can listen to it.
    pub url: Option<String>,
    /// When the call began.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// The contract's field.
    pub field: String,
    /// Milliseconds from the start of the call.
    pub from_ms: u64,
    /// Milliseconds from the start of the call.
    pub to_ms: u64,
    /// Why it was suggested: `phrase`, `tracker`, `topic`.
    pub grounds: Vec<String>,
    /// `suggested`, `confirmed` or `dismissed`.
    pub standing: String,
    /// Who answered.
    pub by: Option<String>,
    /// When he answered.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub answered_at: Option<Timestamp>,
}

/// What a person says about a place of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceAnswer {
    /// The connection that knows the call.
    pub connection: String,
    /// The vendor's id of the call.
    pub call: String,
    /// The contract's field.
    pub field: String,
    /// Where the place begins, in milliseconds from the start of the call.
    pub from_ms: u64,
    /// Whether it speaks of the field.
    pub confirmed: bool,
    /// Who says so; stands in the log, sealed with the record. At most 100 characters.
    pub by: String,
}

/// What one person says about opening a gate without what it waits for: with `reason` and `expires` he asks, without them he agrees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OverrideAnswer {
    /// The gate.
    pub gate: String,
    /// Who says so, by login; needs the role `break_glass`.
    pub by: String,
    /// Why, in 10 to 500 characters.
    #[serde(default)]
    pub reason: Option<String>,
    /// Until when, at most 30 days.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires: Option<Timestamp>,
}

impl From<&Said> for OverrideAnswer {
    fn from(said: &Said) -> Self {
        let (reason, expires) = match &said.word {
            Word::Ask { reason, expires } => (Some(reason.clone()), Some(*expires)),
            Word::Confirm => (None, None),
        };
        Self { gate: said.gate.0.clone(), by: said.by.clone(), reason, expires }
    }
}

/// One version of a package, with what changed since the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionRow {
    /// From 1, over all rounds and cycles.
    pub number: u32,
    /// SHA-256 of the package.
    pub digest: String,
    /// The cycle it was handed over in.
    pub cycle: u32,
    /// The round it was handed over in.
    pub round: u32,
    /// When, as the daemon's log says.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What changed, field by field.
    #[schema(value_type = Object)]
    pub changes: PackageDiff,
}

/// One by-pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Bypass {
    /// The handoff.
    pub stream: String,
    /// Its cycle.
    pub cycle: u32,
    /// Position in the log.
    pub position: u64,
    /// When it was recorded.
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
    /// The gate that was passed.
    pub gate: String,
    /// The stage that was entered.
    pub stage: String,
    /// The CRM's stage before, if told.
    pub from: Option<String>,
    /// The CRM's user id of who moved it, if told.
    pub by: Option<String>,
    /// When, as the CRM claims.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// Whether the handoff had been accepted at any time before.
    pub ever_accepted: bool,
}

/// A record that waits for a person, or for itself or its mapping to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParkedRow {
    /// `connection/object/record`.
    pub record: String,
    /// The mapping concerned, if one is.
    pub mapping: Option<String>,
    /// Kind of fault.
    pub kind: String,
    /// Why, in the vendor's words where it said any.
    pub why: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// How often it was tried.
    pub tries: u32,
}

/// The daemon now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// Whether the store works.
    pub healthy: bool,
    /// Whether a first pass over all changes has ended.
    pub ready: bool,
    /// Whether writing is off, and who switched it.
    pub writing: Writing,
    /// Handoffs by contract and phase.
    pub handoffs: BTreeMap<String, BTreeMap<String, u64>>,
    /// Gates that stand open by break-glass now: two people, a time, no acceptance.
    #[serde(default)]
    pub overridden: usize,
    /// Records that wait for somebody.
    pub parked: usize,
    /// The log and its signed head.
    pub log: LogHead,
    /// What came in and what became of it, by connection and channel.
    #[schema(value_type = Object)]
    pub books: BTreeMap<String, crate::books::Account>,
    /// The connections: circuit, session, budgets, objects.
    #[schema(value_type = Vec<Object>)]
    pub connections: Vec<serde_json::Value>,
    /// Calls as evidence, by connection.
    #[serde(default)]
    pub calls: Vec<CallsRow>,
    /// Tasks for people, by connection; empty = none are written.
    #[serde(default)]
    pub tasks: Vec<TasksRow>,
    /// Contract texts that need a look: not approved, or weaker than the text before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contracts: Vec<crate::finance::ContractRow>,
}

/// Calls of one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CallsRow {
    /// The connection.
    pub connection: String,
    /// When a pass over the look-back window last ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub polled_at: Option<Timestamp>,
    /// Calls that are remembered.
    pub known: usize,
    /// Calls that stand as evidence.
    pub evidence: usize,
    /// Calls whose details or transcript the vendor does not have yet; they are asked for again.
    pub waiting: usize,
    /// Calls whose details or transcript never came: a person has to look.
    pub unresolved: Vec<String>,
}

/// Whether we write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Writing {
    /// Whether writing is off.
    pub paused: bool,
    /// Who switched last.
    pub by: Option<String>,
    /// When.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// Mappings whose cap of writes per hour was reached; `resume` lets them write again.
    pub tripped: Vec<String>,
}

/// The log and its signed head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogHead {
    /// Durable entries.
    pub entries: u64,
    /// Entries that the last checkpoint covers.
    pub signed: u64,
    /// The checkpoint as published: keep one outside, and a rewritten log is found out.
    pub checkpoint: Option<String>,
    /// The public key that verifies it.
    pub vkey: String,
}

/// Who switches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// Who asks; stands in the log. At most 100 characters.
    #[serde(default)]
    pub by: Option<String>,
}

/// Why a request was not answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// What is wrong.
    pub error: String,
    /// What to do.
    pub remedy: String,
}

/// What one contract would make of a record now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PlanRow {
    /// The contract.
    pub contract: String,
    /// The mapping.
    pub mapping: String,
    /// The handoff's stream.
    pub stream: String,
    /// Where the handoff would stand; absent = none is open and none would open.
    pub phase: Option<String>,
    /// One line for people.
    pub status: Option<String>,
    /// What would be logged.
    #[schema(value_type = Vec<Object>)]
    pub events: Vec<serde_json::Value>,
    /// What would be written, as an admin reads it.
    pub writes: Option<String>,
    /// What would be written.
    #[schema(value_type = Option<Object>)]
    pub plan: Option<serde_json::Value>,
    /// Why nothing can be said.
    pub problem: Option<String>,
}

impl From<PackageVersion> for VersionRow {
    fn from(version: PackageVersion) -> Self {
        let PackageVersion { number, digest, cycle, round, at, changes, .. } = version;
        Self { number, digest: digest.0, cycle, round, at, changes }
    }
}

/// A phase's stable name.
pub fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Draft => "draft",
        Phase::Complete => "complete",
        Phase::Accepted => "accepted",
        Phase::Rejected => "rejected",
        Phase::Voided => "voided",
    }
}

/// The phase of that name.
pub fn phase_named(name: &str) -> Option<Phase> {
    [Phase::Draft, Phase::Complete, Phase::Accepted, Phase::Rejected, Phase::Voided]
        .into_iter()
        .find(|each| phase(*each) == name)
}

fn turn(turn: Turn) -> &'static str {
    match turn {
        Turn::Sender => "sender",
        Turn::Receiver => "receiver",
        Turn::Nobody => "nobody",
    }
}

impl From<&Summary> for HandoffRow {
    fn from(summary: &Summary) -> Self {
        Self {
            stream: summary.stream.clone(),
            cycle: summary.handoff.cycle,
            contract_version: summary.contract.version,
            phase: phase(summary.phase).to_owned(),
            round: summary.round,
            turn: turn(summary.turn).to_owned(),
            stage: summary.stage.as_ref().map(|stage| stage.0.clone()),
            status: summary.status.clone(),
            missing: summary.missing,
            gates: summary.gates.iter().map(|(gate, open)| (gate.0.clone(), *open)).collect(),
            confirmed: summary
                .flags
                .iter()
                .filter_map(|(gate, state)| Some((gate.0.clone(), state.confirmed?)))
                .collect(),
            opened_at: summary.opened.time,
            overdue: summary.overdue,
            bypasses: summary.bypasses,
            evidence_suggested: summary.evidence.suggested,
            evidence_confirmed: summary.evidence.confirmed,
            reasks_waiting: summary.evidence.reasks_waiting,
            reasks_confirmed: summary.evidence.reasks_confirmed,
            reasks_reported: summary.evidence.reasks_reported,
            position: summary.last.position,
            changed_at: summary.last.time,
        }
    }
}

impl From<&PlaceView> for EvidenceRow {
    fn from(place: &PlaceView) -> Self {
        let ground = |ground: &Ground| match ground {
            Ground::Phrase => "phrase".to_owned(),
            Ground::Tracker => "tracker".to_owned(),
            Ground::Topic => "topic".to_owned(),
        };
        let standing = match place.standing {
            Standing::Confirmed => "confirmed",
            Standing::Suggested => "suggested",
            Standing::Dismissed => "dismissed",
        };
        Self {
            connection: place.call.connection.0.clone(),
            call: place.call.id.clone(),
            url: place.url.clone(),
            started_at: place.started,
            field: place.field.0.clone(),
            from_ms: place.from_ms,
            to_ms: place.to_ms,
            grounds: place.grounds.iter().map(ground).collect(),
            standing: standing.to_owned(),
            by: place.by.clone(),
            answered_at: place.at,
        }
    }
}

impl From<CallsView> for CallsRow {
    fn from(view: CallsView) -> Self {
        Self {
            connection: view.connection.0,
            polled_at: view.polled_at,
            known: view.known,
            evidence: view.evidence,
            waiting: view.waiting,
            unresolved: view.unresolved,
        }
    }
}

impl From<SwitchView> for Writing {
    fn from(view: SwitchView) -> Self {
        Self { paused: view.paused, by: view.by, at: view.at, tripped: view.tripped }
    }
}

impl From<Head> for LogHead {
    fn from(head: Head) -> Self {
        Self { entries: head.entries, signed: head.signed, checkpoint: head.checkpoint, vkey: head.vkey }
    }
}

/// A connection as JSON.
pub(crate) fn connection(view: &ConnectionView) -> serde_json::Value {
    serde_json::to_value(view).unwrap_or_default()
}
