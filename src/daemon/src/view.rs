//! Read-only questions for the command line, the API and metrics. Nothing here waits for a CRM.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use handoff_core::contract::{ContractRef, Mode};
use handoff_core::gate::Verdict;
use handoff_core::handoff::{GateState, Handoff, Phase, Stamp, Turn};
use handoff_core::id::{ConnectionId, ContractId, GateName, HandoffId, ObjectName, RecordRef, StageName};
use handoff_core::journal::LogEntry;
use handoff_store::tlog::Checkpoint;
use handoff_transport::TransportStatus;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::books::{Account, Source};
use crate::calls::{self, CallsView, Count, PlaceView, ReaskView};
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::finance::{self, ContractRow};
use crate::ingress::Refusals;
use crate::parked::Parked;
use crate::tasks::{self, OwedView, TasksView};

/// One handoff at a glance; holds no values of the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// `contract/motion/connection/object/record`; shared by all cycles.
    pub stream: String,
    /// The account or company of the record, if mapped.
    #[serde(default)]
    pub account: Option<String>,
    /// Which handoff and cycle.
    pub handoff: HandoffId,
    /// The pin.
    pub contract: ContractRef,
    /// Where it stands.
    pub phase: Phase,
    /// Round within the cycle, from 1.
    pub round: u32,
    /// Who has to act.
    pub turn: Turn,
    /// Our stage name, if known.
    pub stage: Option<StageName>,
    /// One line for people.
    pub status: String,
    /// How many things are missing.
    pub missing: usize,
    /// Per gate: whether it shall be open now.
    pub gates: BTreeMap<GateName, bool>,
    /// Per gate: what we know of its flag.
    pub flags: BTreeMap<GateName, GateState>,
    /// When this cycle opened.
    pub opened: Stamp,
    /// When the running round became complete, as the CRM claims.
    pub completed: Option<Timestamp>,
    /// When the acceptance in force was given, as the CRM claims.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Timestamp>,
    /// Whether the receiver's time ran out in this round.
    pub overdue: bool,
    /// By-passes so far.
    pub bypasses: u32,
    /// The same deal in another CRM, as this record names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub twin: Option<RecordRef>,
    /// Records whose handoffs parts of this one's package are carried from.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub carried: BTreeSet<RecordRef>,
    /// When time alone will change something.
    pub look_again_at: Option<Timestamp>,
    /// Gates that stand open by break-glass.
    #[serde(default)]
    pub overridden: usize,
    /// The record that this one was merged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<RecordRef>,
    /// The last log entry.
    pub last: Stamp,
    /// Log entries of the stream.
    pub entries: u64,
    /// Places of calls that may speak of its fields.
    #[serde(default)]
    pub evidence: Count,
}

/// Which handoffs to list; empty = all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only in this phase.
    pub phase: Option<Phase>,
    /// Only of this contract.
    pub contract: Option<ContractId>,
    /// Only on this connection.
    pub connection: Option<ConnectionId>,
    /// Only this record.
    pub record: Option<RecordRef>,
}

/// One log entry with its place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Position in the log.
    pub position: u64,
    /// The entry; `None` = its record was erased.
    pub entry: Option<LogEntry>,
}

/// One handoff with everything.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detail {
    /// At a glance.
    pub summary: Summary,
    /// The folded state; `None` = the record was erased.
    pub state: Option<Handoff>,
    /// What holds now; `None` = erased, or its contract is not known.
    pub verdict: Option<Verdict>,
    /// Its whole stream, oldest first.
    pub entries: Vec<Entry>,
    /// Places of calls that may speak of its fields, oldest call first.
    pub evidence: Vec<PlaceView>,
    /// Questions of calls that seem to ask again for what its accepted package held, oldest call first.
    pub reasks: Vec<ReaskView>,
    /// What people owe it now, and how the tasks stand for it.
    pub owed: Vec<OwedView>,
}

/// One connection now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConnectionView {
    /// Its name.
    pub connection: ConnectionId,
    /// Circuit, session and budgets.
    pub transport: TransportStatus,
    /// Whether any gate on it is enforced; if not, nothing can be written.
    pub writes: bool,
    /// The governed objects.
    pub objects: Vec<ObjectView>,
}

/// One governed object of a connection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectView {
    /// The object.
    pub object: ObjectName,
    /// The contracts that govern it, with the modes in force.
    pub contracts: BTreeMap<ContractId, BTreeMap<GateName, Mode>>,
    /// When a pass over the changes last ended.
    pub polled_at: Option<Timestamp>,
    /// Records that are due now or being worked on.
    pub due: usize,
    /// Records that will be due by time alone.
    pub scheduled: usize,
}

/// The log and its signed head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Head {
    /// Durable entries.
    pub entries: u64,
    /// Entries covered by the last checkpoint.
    pub signed: u64,
    /// The checkpoint as published.
    pub checkpoint: Option<String>,
    /// The public key that verifies it.
    pub vkey: String,
}

/// Whether we write.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SwitchView {
    /// Whether writing is off.
    pub paused: bool,
    /// Who switched last.
    pub by: Option<String>,
    /// When.
    pub at: Option<Timestamp>,
    /// Mappings whose cap of writes per hour was reached; `resume` lets them write again.
    pub tripped: Vec<String>,
}

/// Asks one running daemon; cheap to clone.
#[derive(Clone)]
pub struct View(pub(crate) Arc<Engine>);

impl View {
    /// The handoffs that fit, by stream.
    pub fn handoffs(&self, filter: &Filter) -> Vec<Summary> {
        let mut found = self.0.snapshots.list(|summary| {
            let subject = &summary.handoff.subject;
            filter.phase.is_none_or(|phase| summary.phase == phase)
                && filter.contract.as_ref().is_none_or(|contract| &summary.handoff.contract == contract)
                && filter.connection.as_ref().is_none_or(|connection| &subject.connection == connection)
                && filter.record.as_ref().is_none_or(|record| subject == record)
        });
        for summary in &mut found {
            summary.evidence = self.0.evidence.count(&summary.stream);
        }
        found
    }

    /// How many handoffs are in each phase, per contract.
    pub fn counts(&self) -> BTreeMap<(ContractId, Phase), u64> {
        let mut counts = BTreeMap::new();
        self.0.snapshots.for_each(|summary| {
            *counts.entry((summary.handoff.contract.clone(), summary.phase)).or_default() += 1;
        });
        counts
    }

    /// How many gates stand open by break-glass.
    pub fn overridden(&self) -> usize {
        let mut open = 0;
        self.0.snapshots.for_each(|summary| open += summary.overridden);
        open
    }

    /// One handoff with its whole stream, by the stream's name; `None` = there is none.
    pub async fn handoff(&self, stream: &str) -> Result<Option<Detail>, Fatal> {
        let Some(mut summary) = self.0.snapshots.summary(stream) else { return Ok(None) };
        summary.evidence = self.0.evidence.count(stream);
        let known = self.0.evidence.load(stream).await?;
        let (evidence, reasks) = (calls::places(&known), calls::reasks(&known.reasks));
        let state = self.0.snapshots.load(stream).await?.map(|saved| saved.state);
        let entries = self.0.snapshots.entries(stream).await?;
        let entries = entries.into_iter().map(|(position, entry)| Entry { position, entry }).collect();
        let verdict = state.as_ref().and_then(|state| {
            let contract = self.0.contracts.get(&state.contract)?;
            Some(handoff_core::gate::evaluate(&contract, state, self.0.clock.now()))
        });
        let owed = state.as_ref().and_then(|state| {
            let contract = self.0.contracts.get(&state.contract)?;
            let owed = self.0.tasks.owed(&self.0, &contract, state, &known, self.0.clock.now());
            Some(tasks::told(&self.0, &state.id.subject.connection, stream, owed))
        });
        let owed = owed.unwrap_or_default();
        Ok(Some(Detail { summary, state, verdict, entries, evidence, reasks, owed }))
    }

    /// Log entries from a position on, at most `limit`, decoded.
    pub async fn log(&self, from: u64, limit: usize) -> Result<Vec<Entry>, Fatal> {
        let entries = self.0.journal.read(from, limit).await?;
        Ok(entries.into_iter().map(|(position, entry)| Entry { position, entry }).collect())
    }

    /// All accounts.
    pub fn books(&self) -> BTreeMap<Source, Account> {
        self.0.memory.books()
    }

    /// All connections.
    pub fn connections(&self) -> Vec<ConnectionView> {
        self.0.links.values().map(|link| link.view(&self.0)).collect()
    }

    /// All connections whose calls are evidence.
    pub fn calls(&self) -> Vec<CallsView> {
        self.0.listeners.iter().map(|listener| listener.view(&self.0)).collect()
    }

    /// All connections with tasks for people.
    pub fn tasks(&self) -> Vec<TasksView> {
        tasks::views(&self.0)
    }

    /// What people owe wherever tasks are written: what is due first comes first, at most `most`.
    pub fn owed(&self, most: usize) -> Vec<OwedView> {
        tasks::everything(&self.0, most)
    }

    /// Contract texts that the files name and nobody approved, and those in force or to come that demand less than the text before.
    pub fn contracts_to_look_at(&self) -> Vec<ContractRow> {
        let rows = finance::rows(&self.0).into_iter();
        rows.filter(ContractRow::needs_a_look).collect()
    }

    /// Everything that waits for a person, a record or a mapping.
    pub fn parked(&self) -> Vec<Parked> {
        self.0.parked.list()
    }

    /// The log and its signed head.
    pub fn head(&self) -> Head {
        let checkpoint: Option<Checkpoint> = self.0.journal.signed_head();
        Head {
            entries: self.0.journal.head(),
            signed: checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size),
            checkpoint: checkpoint.map(|checkpoint| String::from_utf8_lossy(&checkpoint.note).into_owned()),
            vkey: self.0.journal.vkey().to_owned(),
        }
    }

    /// Whether we write.
    pub fn switch(&self) -> SwitchView {
        self.0.switch.view()
    }

    /// Deliveries that were turned away, by reason.
    pub fn refusals(&self) -> Refusals {
        self.0.ingress.refusals()
    }

    /// Whether the store works; false = the process is about to end.
    pub fn healthy(&self) -> bool {
        !self.0.has_failed()
    }

    /// Whether a first pass over all changes has ended.
    pub fn ready(&self) -> bool {
        self.0.objects.iter().all(|object| object.polled_at().is_some())
    }
}
