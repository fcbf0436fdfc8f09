//! The fold over the log.

use std::collections::BTreeMap;

use handoff_core::contract::{Contract, ContractRef};
use handoff_core::event::{Event, Refusal};
use handoff_core::id::HandoffId;
use handoff_core::journal::LogEntry;
use handoff_core::lifecycle::Step;
use handoff_core::observation::Observation;
use handoff_core::registry::parse_contract;
use jiff::Timestamp;

use crate::answers::Answers;
use crate::hold::{Hold, Holds};
use crate::period::Period;
use crate::report::{self, Report, Weakening};
use crate::unit::{Scene, Unit, When};

/// All handoff cycles and marks of a log. Folding entry by entry gives the same as folding all at once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scorecard {
    contracts: BTreeMap<ContractRef, Contract>,
    streams: BTreeMap<String, Stream>,
    pub(crate) units: Vec<Unit>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) weakened: Vec<Weakening>,
    pub(crate) holds: Holds,
    pub(crate) answers: Answers,
}

/// A stream's running cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stream {
    unit: usize,
    accepted: bool,
    bypass_entry: Option<String>,
}

/// Something that is counted beside the cycles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Whose.
    pub handoff: HandoffId,
    /// When, as weighed.
    pub at: Timestamp,
    /// What.
    pub kind: MarkKind,
}

/// What is counted beside the cycles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// A guarded stage was entered while its gate was shut.
    Bypass {
        /// Whether the handoff had been accepted at any time before.
        ever_accepted: bool,
    },
    /// A guarded stage was entered during an outage, and may still be made good.
    Grace,
    /// A flag was set by somebody else.
    Tamper,
    /// Pay that had been released was held again.
    Adjustment,
    /// An answer did not count.
    Refused(&'static str),
    /// The receiver's time was up.
    Overdue,
    /// An accepted handoff began again.
    Reopened,
    /// The handoff ended without a decision.
    Voided,
    /// A gate was opened by break-glass.
    Overridden,
    /// The day of an exception passed and its field was still missing.
    ExceptionLapsed,
}

impl Scorecard {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Folds one entry of the log; entries come in log order.
    pub fn apply(&mut self, entry: &LogEntry) {
        self.holds.apply(entry);
        self.answers.apply(entry);
        match entry {
            LogEntry::Decided { handoff, contract, at, seen, events, .. } => {
                self.fold(handoff, Some(contract), *at, Some(seen), events);
            }
            LogEntry::Confirmed { handoff, at, events } | LogEntry::Overridden { handoff, at, events } => {
                self.fold(handoff, None, *at, None, events);
            }
            LogEntry::ContractPublished { contract, text, .. } => {
                // A text that cannot be read any more leaves the acceptance itself as the measure of completeness.
                if let Ok(parsed) = parse_contract(contract.id.as_str(), text) {
                    self.contracts.insert(contract.clone(), parsed);
                }
            }
            LogEntry::ContractStep { contract, step, at, .. } => self.weakened(contract, step, *at),
            LogEntry::EvidenceSuggested { .. }
            | LogEntry::EvidenceAnswered { .. }
            | LogEntry::EvidenceWithdrawn { .. }
            | LogEntry::Task { .. }
            | LogEntry::Test { .. }
            | LogEntry::FeedTaken { .. }
            | LogEntry::ConfigChanged { .. }
            | LogEntry::Switched { .. }
            | LogEntry::PeriodClosed { .. }
            | LogEntry::Started { .. } => {}
        }
    }

    /// Who held each cycle of a stream, as of this moment for one that still goes on; oldest first.
    pub fn holds(&self, stream: &str, as_of: Timestamp) -> Vec<Hold> {
        self.holds.of(stream, as_of)
    }

    /// What the entries so far amount to, per contract, motion and period. Acceptances younger than 30 days at `as_of` are provisional.
    pub fn report(&self, by: Period, as_of: Timestamp) -> Report {
        report::build(self, by, as_of)
    }

    /// Notes a published text that demands less than the one before.
    fn weakened(&mut self, contract: &ContractRef, step: &Step, at: Timestamp) {
        if let Step::Published { effective, weaker } = step
            && !weaker.is_empty()
        {
            self.weakened.push(Weakening {
                contract: contract.id.0.clone(),
                version: contract.version,
                published: at,
                effective: *effective,
                weaker: weaker.clone(),
            });
        }
    }

    /// Whether any cycle of this stream was ever accepted.
    pub(crate) fn was_accepted(&self, stream: &str) -> bool {
        self.streams.get(stream).is_some_and(|stream| stream.accepted)
    }

    fn fold(
        &mut self,
        handoff: &HandoffId,
        pin: Option<&ContractRef>,
        logged: Timestamp,
        seen: Option<&Observation>,
        events: &[Event],
    ) {
        let name = handoff.stream();
        for event in events {
            let index = self.cycle_of(&name, handoff, event);
            self.mark(&name, index, logged, event);
            let contract = pin.and_then(|pin| self.contracts.get(pin));
            if let Some(unit) = self.units.get_mut(index) {
                unit.apply(Scene { logged, seen, contract }, event);
            }
        }
    }

    /// The unit that an event belongs to; `Opened` and `Reopened` begin one.
    fn cycle_of(&mut self, name: &str, handoff: &HandoffId, event: &Event) -> usize {
        let begins = if let Event::Opened { handoff, .. } = event {
            Some(handoff.cycle)
        } else if let Event::Reopened { cycle, .. } = event {
            Some(*cycle)
        } else {
            None
        };
        let known = self.streams.get(name).map(|stream| stream.unit);
        if let (Some(unit), None) = (known, begins) {
            return unit;
        }
        let unit = self.units.len();
        self.units.push(Unit::new(HandoffId { cycle: begins.unwrap_or(handoff.cycle), ..handoff.clone() }));
        let fresh = Stream { unit, accepted: false, bypass_entry: None };
        self.streams.entry(name.to_owned()).or_insert(fresh).unit = unit;
        unit
    }

    fn mark(&mut self, name: &str, index: usize, logged: Timestamp, event: &Event) {
        let (Some(stream), Some(unit)) = (self.streams.get_mut(name), self.units.get(index)) else { return };
        let (kind, claim) = match event {
            Event::Accepted { .. } => {
                stream.accepted = true;
                return;
            }
            Event::Bypassed { entry, at, ever_accepted, .. } => {
                // One entry into a stage that several gates guard is one by-pass.
                if stream.bypass_entry.as_ref() == Some(entry) {
                    return;
                }
                stream.bypass_entry = Some(entry.clone());
                (MarkKind::Bypass { ever_accepted: *ever_accepted }, *at)
            }
            Event::GraceGranted { grace } => (MarkKind::Grace, grace.at),
            Event::Tampered { at, .. } => (MarkKind::Tamper, *at),
            Event::CommissionHeld { .. } => (MarkKind::Adjustment, None),
            Event::AnswerRefused { at, why, .. } => (MarkKind::Refused(refusal(why)), Some(*at)),
            Event::SlaBreached { due, .. } => (MarkKind::Overdue, Some(*due)),
            Event::Reopened { .. } => (MarkKind::Reopened, None),
            Event::Voided { .. } => (MarkKind::Voided, None),
            Event::Overridden { at, .. } => (MarkKind::Overridden, Some(*at)),
            Event::ExceptionsLapsed { due, .. } => (MarkKind::ExceptionLapsed, Some(*due)),
            Event::Opened { .. }
            | Event::PeopleChanged { .. }
            | Event::StageChanged { .. }
            | Event::PackageChanged { .. }
            | Event::Submitted { .. }
            | Event::ConcernsChanged { .. }
            | Event::ClockSet { .. }
            | Event::Reminded { .. }
            | Event::Escalated { .. }
            | Event::Reassigned { .. }
            | Event::GraceEnded { .. }
            | Event::Completed { .. }
            | Event::FellIncomplete { .. }
            | Event::Rejected { .. }
            | Event::ExceptionsGranted { .. }
            | Event::ExceptionsMet { .. }
            | Event::ConfirmationNeeded { .. }
            | Event::Confirmed { .. }
            | Event::OverrideAsked { .. }
            | Event::OverrideEnded { .. }
            | Event::Absorbed { .. }
            | Event::GateWritten { .. }
            | Event::CommissionReleased { .. }
            | Event::Healed { .. }
            | Event::TwinsChanged { .. }
            | Event::CarriedChanged { .. }
            | Event::RevertOrdered { .. }
            | Event::StageReverted { .. }
            | Event::RevertGivenUp { .. }
            | Event::RevertRefused { .. }
            | Event::Beside { .. }
            | Event::PayChanged { .. }
            | Event::Repinned { .. }
            | Event::GateOrdered { .. } => return,
        };
        let at = When::weigh(claim, logged).at;
        self.marks.push(Mark { handoff: unit.handoff.clone(), at, kind });
    }
}

/// A refusal's stable name.
pub fn refusal(why: &Refusal) -> &'static str {
    match why {
        Refusal::OwnHandoff => "own_handoff",
        Refusal::NotTheReceiver => "not_the_receiver",
        Refusal::LacksRole => "lacks_role",
        Refusal::Machine => "machine",
        Refusal::Inactive => "inactive",
        Refusal::NoReceiver => "no_receiver",
        Refusal::NoSender => "no_sender",
        Refusal::Incomplete { .. } => "incomplete",
        Refusal::PackageChanged => "package_changed",
        Refusal::NotWaiting => "not_waiting",
        Refusal::NoReason => "no_reason",
        Refusal::NotTheSender => "not_the_sender",
        Refusal::ExceptionUnclear { .. } => "exception_unclear",
        Refusal::OtherFields => "other_fields",
    }
}

#[cfg(test)]
mod tests;
