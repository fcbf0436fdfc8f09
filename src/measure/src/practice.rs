//! What is done with handoffs beside the six numbers: how deals stood when they were won, whose escalations came back, what was found late, which
//! gates were enforced since when, how people answered when they were asked. Concrete tests, self-assessment and rollout read it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use handoff_core::beside::{Happening, disputes};
use handoff_core::completeness::{Situation, assess, required};
use handoff_core::concrete::{TestRun, TestStep};
use handoff_core::contract::{Contract, ContractRef, GateKind, Mode};
use handoff_core::decide::Terms;
use handoff_core::event::{EditEffect, Event};
use handoff_core::handoff::day;
use handoff_core::id::{FieldKey, GateName, HandoffId};
use handoff_core::journal::LogEntry;
use handoff_core::lifecycle::Step;
use handoff_core::observation::Observation;
use handoff_core::registry::parse_contract;
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::past::Past;
use crate::unit::{Untold, When};

/// A deal that was won, or a handoff that was accepted or passed by, and how its package stood then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// `contract/motion/connection/object/record`.
    pub stream: Arc<str>,
    /// The cycle.
    pub cycle: u32,
    /// When.
    pub at: Timestamp,
    /// Mandatory fields.
    pub required: usize,
    /// Those that were missing.
    pub missing: BTreeSet<FieldKey>,
}

/// An escalation whose cause is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// `contract/motion/connection/object/record`.
    pub stream: Arc<str>,
    /// The cycle.
    pub cycle: u32,
    /// When it was resolved.
    pub resolved: Timestamp,
    /// The CSM told the customer himself.
    pub closed: bool,
    /// He did not in time.
    pub missed: bool,
}

/// What is known of one contract, over all its versions and motions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Type {
    /// Handoffs that began, oldest first.
    pub opened: Vec<Timestamp>,
    /// Deals that came into a stage that a gate guards, in log order; each cycle once.
    pub won: Vec<Passage>,
    /// Transitions (acceptances, or guarded stages without one), in log order; each cycle once.
    pub passed: Vec<Passage>,
    /// First answers, oldest first: when, and whether it was an acceptance.
    pub decided: Vec<(Timestamp, bool)>,
    /// Milliseconds from the accepted round's completion, by acceptance.
    pub waited: Vec<(Timestamp, i64)>,
    /// Rejections.
    pub rejected: Vec<Timestamp>,
    /// Escalations whose cause is gone.
    pub escalations: Vec<Escalation>,
    /// Messages to the customer by others than the CSM.
    pub foreign: Vec<Timestamp>,
    /// Pay or credit gates that were opened without an acceptance, by two people.
    pub overridden: Vec<Timestamp>,
    /// Pay or credit flags that somebody else set.
    pub tampered: Vec<Timestamp>,
    /// Fields that were found only after the acceptance.
    pub late: Vec<(Timestamp, FieldKey)>,
    /// Deals won and handoffs passed of which nothing can be said: the CRM does not tell what stood in their packages then. Only where the past was
    /// reconstructed.
    pub untold: usize,
    /// Texts that the receiving role approved.
    pub approved: Vec<Timestamp>,
    /// Texts that took effect in the log.
    pub published: Vec<Timestamp>,
    /// Changes of the strongest mode of its gates, oldest first.
    pub modes: Vec<(Timestamp, Mode)>,
    /// Changes of the strongest mode of its pay and credit gates, oldest first.
    pub pay_modes: Vec<(Timestamp, Mode)>,
}

/// A stream's running cycle.
#[derive(Debug, Clone, Default)]
struct Running {
    cycle: u32,
    passed: bool,
    won: bool,
    decided: bool,
    completed: Option<When>,
    excepted: bool,
    escalation: Option<usize>,
}

/// The fold over the log.
#[derive(Debug, Clone, Default)]
pub struct Practice {
    /// By contract.
    pub types: BTreeMap<String, Type>,
    /// Concrete tests by id.
    pub tests: BTreeMap<String, TestRun>,
    /// Closed commission periods: month, quality weight in percent, when.
    pub closed: Vec<(String, Decimal, Timestamp)>,
    contracts: BTreeMap<ContractRef, Contract>,
    running: BTreeMap<Arc<str>, Running>,
    past: Past,
}

/// What an event is seen with.
#[derive(Clone, Copy)]
struct Scene<'a> {
    handoff: &'a HandoffId,
    contract: Option<&'a Contract>,
    seen: Option<&'a Observation>,
    logged: Timestamp,
    /// The decision was reconstructed, and these values of its observation are not told.
    unknown: Option<&'a Untold>,
}

impl Practice {
    /// Takes the entry at this log position; entries come in log order. What was reconstructed counts as if it had been watched, but for modes:
    /// nothing was governed then.
    pub fn apply(&mut self, position: u64, entry: &LogEntry) {
        let unknown = if let LogEntry::Reconstructed { unknown, .. } = entry { Some(unknown) } else { None };
        // Before the sieve: a look that tells nothing new was taken under these modes all the same.
        if let LogEntry::Decided { handoff, contract, terms, at, .. } = entry {
            self.governed(handoff, contract, terms, *at);
        }
        if let Some(entry) = self.past.sift(entry) {
            self.take(position, &entry, unknown);
        }
    }

    /// Takes what counts of an entry; `unknown` = it was reconstructed, and these values are not told.
    fn take(&mut self, position: u64, entry: &LogEntry, unknown: Option<&Untold>) {
        match entry {
            LogEntry::Test { handoff, test, step, at } => self.test(position, handoff, test, step, *at),
            LogEntry::ContractPublished { contract, text, at } => {
                if let Ok(parsed) = parse_contract(contract.id.as_str(), text) {
                    self.contracts.insert(contract.clone(), parsed);
                }
                self.of(&contract.id.0).published.push(*at);
            }
            LogEntry::ContractStep { contract, step: Step::Approved, at, .. } => {
                self.of(&contract.id.0).approved.push(*at);
            }
            LogEntry::PeriodClosed { period, weight_percent, at, .. } => {
                self.closed.push((period.clone(), *weight_percent, *at));
            }
            LogEntry::Decided { handoff, contract, at, seen, events, .. } => {
                let scene = Scene { handoff, contract: None, seen: Some(seen), logged: *at, unknown };
                self.decided(contract, scene, events);
            }
            LogEntry::Confirmed { handoff, events, at } | LogEntry::Overridden { handoff, events, at } => {
                let scene = Scene { handoff, contract: None, seen: None, logged: *at, unknown: None };
                for event in events {
                    self.event(&scene, event);
                }
            }
            // The sieve made a decision of what was reconstructed.
            LogEntry::ContractStep { .. }
            | LogEntry::Reconstructed { .. }
            | LogEntry::ReaskSuggested { .. }
            | LogEntry::ReaskAnswered { .. }
            | LogEntry::ReaskReported { .. }
            | LogEntry::AccountSeen { .. }
            | LogEntry::SurveyAnswered { .. }
            | LogEntry::MetricsFrozen { .. }
            | LogEntry::EvidenceSuggested { .. }
            | LogEntry::EvidenceAnswered { .. }
            | LogEntry::EvidenceWithdrawn { .. }
            | LogEntry::Task { .. }
            | LogEntry::FeedTaken { .. }
            | LogEntry::ConfigChanged { .. }
            | LogEntry::Switched { .. }
            | LogEntry::Started { .. } => {}
        }
    }

    fn of(&mut self, contract: &str) -> &mut Type {
        self.types.entry(contract.to_owned()).or_default()
    }

    fn test(&mut self, position: u64, handoff: &HandoffId, test: &str, step: &TestStep, at: Timestamp) {
        let before = self.tests.remove(test);
        if let Some(run) = TestRun::apply(before, handoff, position, at, step) {
            self.tests.insert(test.to_owned(), run);
        }
    }

    /// Notes how the contract's gates are governed now.
    fn governed(&mut self, handoff: &HandoffId, pin: &ContractRef, terms: &Terms, at: Timestamp) {
        let Some(contract) = self.contracts.get(pin) else { return };
        let (all, pay) = (strongest(contract, terms, |_| true), strongest(contract, terms, is_pay));
        let of = self.of(&handoff.contract.0);
        note_mode(&mut of.modes, at, all);
        note_mode(&mut of.pay_modes, at, pay);
    }

    fn decided(&mut self, pin: &ContractRef, scene: Scene<'_>, events: &[Event]) {
        // Taken out while its events are folded, so that nothing is copied.
        let contract = self.contracts.remove(pin);
        let scene = Scene { contract: contract.as_ref(), ..scene };
        for event in events {
            self.event(&scene, event);
        }
        if let Some(contract) = contract {
            self.contracts.insert(pin.clone(), contract);
        }
    }

    fn event(&mut self, scene: &Scene<'_>, event: &Event) {
        let name = scene.handoff.stream();
        let known = self.running.get_key_value(name.as_str()).map(|(known, _)| Arc::clone(known));
        let stream = known.unwrap_or_else(|| name.into());
        let running = self.running.entry(Arc::clone(&stream)).or_default();
        let of = self.types.entry(scene.handoff.contract.0.clone()).or_default();
        fold(of, running, &stream, scene, event);
        if matches!(event, Event::Voided { .. }) {
            self.running.remove(&stream);
        }
    }
}

fn note_mode(modes: &mut Vec<(Timestamp, Mode)>, at: Timestamp, mode: Mode) {
    if modes.last().is_none_or(|(_, known)| *known != mode) {
        modes.push((at, mode));
    }
}

fn is_pay(kind: GateKind) -> bool {
    match kind {
        GateKind::Commission | GateKind::Credit => true,
        GateKind::Stage | GateKind::Routing | GateKind::Queue => false,
    }
}

/// The strongest mode of the gates of these kinds; off where there is none.
pub fn strongest(contract: &Contract, terms: &Terms, of: impl Fn(GateKind) -> bool) -> Mode {
    let gates = contract.gates.iter().filter(|(_, gate)| of(gate.kind));
    let modes = gates.map(|(name, _)| terms.mode(contract, name));
    modes.max_by_key(|mode| strength(*mode)).unwrap_or(Mode::Off)
}

/// How strong a mode is: off, observe, enforce.
pub fn strength(mode: Mode) -> u8 {
    match mode {
        Mode::Off => 0,
        Mode::Observe => 1,
        Mode::Enforce => 2,
    }
}

fn pays(scene: &Scene<'_>, contract: Option<&Contract>, gate: &GateName) -> bool {
    // A confirmation does not say its contract: its gate's name has to do.
    let kind =
        contract.or(scene.contract).and_then(|contract| contract.gates.get(gate)).map(|gate| gate.kind);
    kind.map_or_else(|| matches!(gate.as_str(), "commission" | "sdr_credit"), is_pay)
}

fn fold(of: &mut Type, running: &mut Running, stream: &Arc<str>, scene: &Scene<'_>, event: &Event) {
    match event {
        Event::Opened { handoff, stage, at, .. } => {
            let at = When::weigh(*at, scene.logged).at;
            *running = Running { cycle: handoff.cycle, ..Running::default() };
            of.opened.push(at);
            if guards(scene, stage.as_str()) {
                won(of, running, stream, scene, at);
            }
        }
        Event::Reopened { cycle, .. } => {
            // A deal is won once, however often its handoff begins again.
            *running = Running {
                cycle: *cycle,
                won: running.won,
                escalation: running.escalation,
                ..Running::default()
            };
        }
        Event::StageChanged { stage: Some(stage), at, .. } if guards(scene, stage.as_str()) => {
            won(of, running, stream, scene, When::weigh(*at, scene.logged).at);
        }
        Event::Completed { at, .. } => running.completed = Some(When::weigh(Some(*at), scene.logged)),
        Event::FellIncomplete { .. } => running.completed = None,
        Event::ExceptionsGranted { .. } => running.excepted = true,
        Event::Accepted { at, .. } => {
            let when = When::weigh(Some(*at), scene.logged);
            answer(of, running, when.at, true);
            let waited = running.completed.and_then(|completed| completed.until(when));
            of.waited.extend(waited.map(|waited| (when.at, waited)));
            pass(of, running, stream, scene, when.at, !running.excepted);
        }
        Event::Rejected { at, .. } => {
            let at = When::weigh(Some(*at), scene.logged).at;
            answer(of, running, at, false);
            running.completed = None;
            of.rejected.push(at);
        }
        Event::Bypassed { at, .. } => {
            let complete = running.completed.is_some() && !running.excepted;
            pass(of, running, stream, scene, When::weigh(*at, scene.logged).at, complete);
        }
        Event::Overridden { gate, .. } if pays(scene, None, gate) => of.overridden.push(scene.logged),
        Event::Tampered { gate, .. } if pays(scene, None, gate) => of.tampered.push(scene.logged),
        Event::PackageChanged { set, acceptance, .. } => {
            if !matches!(acceptance, EditEffect::BeforeAcceptance) {
                of.late.extend(set.keys().map(|key| (scene.logged, key.clone())));
            }
        }
        Event::Beside { what } => beside(of, running, stream, scene, what),
        Event::Overridden { .. }
        | Event::Tampered { .. }
        | Event::StageChanged { .. }
        | Event::PeopleChanged { .. }
        | Event::Submitted { .. }
        | Event::ExceptionsMet { .. }
        | Event::ConfirmationNeeded { .. }
        | Event::Confirmed { .. }
        | Event::OverrideAsked { .. }
        | Event::OverrideEnded { .. }
        | Event::Absorbed { .. }
        | Event::ExceptionsLapsed { .. }
        | Event::ConcernsChanged { .. }
        | Event::AnswerRefused { .. }
        | Event::SlaBreached { .. }
        | Event::ClockSet { .. }
        | Event::Reminded { .. }
        | Event::Escalated { .. }
        | Event::Reassigned { .. }
        | Event::GraceGranted { .. }
        | Event::GraceEnded { .. }
        | Event::GateWritten { .. }
        | Event::CommissionReleased { .. }
        | Event::CommissionHeld { .. }
        | Event::Voided { .. }
        | Event::Healed { .. }
        | Event::TwinsChanged { .. }
        | Event::CarriedChanged { .. }
        | Event::RevertOrdered { .. }
        | Event::StageReverted { .. }
        | Event::RevertGivenUp { .. }
        | Event::RevertRefused { .. }
        | Event::PayChanged { .. }
        | Event::Repinned { .. }
        | Event::GateOrdered { .. } => {}
    }
}

/// Whether a stage gate of the contract guards this stage.
fn guards(scene: &Scene<'_>, stage: &str) -> bool {
    let gates = scene.contract.into_iter().flat_map(|contract| contract.gates.values());
    gates.flat_map(|gate| &gate.stages).any(|guarded| guarded.as_str() == stage)
}

fn answer(of: &mut Type, running: &mut Running, at: Timestamp, accepted: bool) {
    if !running.decided {
        running.decided = true;
        of.decided.push((at, accepted));
    }
}

fn won(of: &mut Type, running: &mut Running, stream: &Arc<str>, scene: &Scene<'_>, at: Timestamp) {
    if !running.won {
        running.won = true;
        match passage(running, stream, scene, at, false) {
            Stood::Told(passage) => of.won.push(passage),
            Stood::Untold => of.untold += 1,
            Stood::Unknown => {}
        }
    }
}

fn pass(
    of: &mut Type,
    running: &mut Running,
    stream: &Arc<str>,
    scene: &Scene<'_>,
    at: Timestamp,
    complete: bool,
) {
    if !running.passed {
        running.passed = true;
        match passage(running, stream, scene, at, complete) {
            Stood::Told(passage) => of.passed.push(passage),
            Stood::Untold => of.untold += 1,
            Stood::Unknown => {}
        }
    }
}

/// How a package stood.
enum Stood {
    /// Like this.
    Told(Passage),
    /// That hangs on values of the past that the CRM does not tell.
    Untold,
    /// The contract or the record is not known.
    Unknown,
}

fn passage(running: &Running, stream: &Arc<str>, scene: &Scene<'_>, at: Timestamp, complete: bool) -> Stood {
    let Some((contract, seen)) = scene.contract.zip(scene.seen) else { return Stood::Unknown };
    let disputed = disputes(contract, seen);
    let situation = Situation {
        stage: seen.stage.name.as_ref(),
        motion: &scene.handoff.motion,
        still_rejected: &BTreeSet::new(),
        disputed: &disputed,
        as_of: seen.stage.opening_since.map(day),
    };
    let (keys, missing) = if complete {
        (required(contract, &seen.package, &situation), BTreeSet::new())
    } else {
        let found = assess(contract, &seen.package, &situation);
        let missing = found.required.difference(&found.filled).cloned().collect();
        (found.required, missing)
    };
    let is_untold = |key: &FieldKey| scene.unknown.is_some_and(|unknown| unknown.contains_key(key));
    if keys.iter().any(is_untold) {
        return Stood::Untold;
    }
    Stood::Told(Passage {
        stream: Arc::clone(stream),
        cycle: running.cycle.max(1),
        at,
        required: keys.len(),
        missing,
    })
}

fn beside(of: &mut Type, running: &mut Running, stream: &Arc<str>, scene: &Scene<'_>, happening: &Happening) {
    let known = running.escalation.filter(|index| *index < of.escalations.len());
    match happening {
        Happening::Resolved { at } => {
            let resolved = When::weigh(Some(*at), scene.logged).at;
            let (stream, cycle) = (Arc::clone(stream), scene.handoff.cycle);
            let fresh = Escalation { stream, cycle, resolved, closed: false, missed: false };
            if let Some(escalation) = known.and_then(|index| of.escalations.get_mut(index)) {
                *escalation = fresh;
            } else {
                running.escalation = Some(of.escalations.len());
                of.escalations.push(fresh);
            }
        }
        Happening::ResolutionWithdrawn => {
            // Resolved again later, it is judged by that.
            if let Some(escalation) = known.and_then(|index| of.escalations.get_mut(index)) {
                (escalation.closed, escalation.missed) = (false, false);
            }
        }
        Happening::LoopClosed { .. } => {
            if let Some(escalation) = known.and_then(|index| of.escalations.get_mut(index)) {
                escalation.closed = true;
            }
        }
        Happening::LoopMissed { .. } => {
            if let Some(escalation) = known.and_then(|index| of.escalations.get_mut(index)) {
                escalation.missed = true;
            }
        }
        Happening::ForeignMessage { at, .. } => of.foreign.push(When::weigh(Some(*at), scene.logged).at),
        Happening::FieldsDisputed { .. }
        | Happening::MotionAssigned { .. }
        | Happening::ReturnPathBegan { .. }
        | Happening::Acknowledged { .. }
        | Happening::AckMissed { .. }
        | Happening::EtaGiven { .. }
        | Happening::EtaPassed { .. }
        | Happening::Echoed { .. }
        | Happening::EchoMissed { .. }
        | Happening::PrimaryAssigned { .. }
        | Happening::HealthFell { .. }
        | Happening::HealthRecovered { .. }
        | Happening::SteadySince { .. }
        | Happening::TriggerSet { .. }
        | Happening::ReunificationDue { .. }
        | Happening::Reunified { .. }
        | Happening::FirstTouched { .. }
        | Happening::FirstTouchMissed { .. }
        | Happening::LeadRecycled { .. }
        | Happening::SignalsChanged { .. } => {}
    }
}

#[cfg(test)]
#[path = "practice_tests.rs"]
pub(crate) mod tests;
