//! The only birthplace of events: from what was, what is seen and the time, to what happened.

mod answers;
mod beside;
mod clock;
mod concerns;
mod flags;
mod outage;
mod package;
mod pay;
mod record;
mod returns;
mod revert;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::completeness::{Completeness, Situation, assess};
use crate::contract::{Contract, ContractRef, GateKind, Mode, OnBypass};
use crate::event::{Event, ReopenCause};
use crate::handoff::{Handoff, Stamp};
use crate::id::{GateName, MotionId};
use crate::observation::Observation;
use crate::seat::Seats;
use crate::sla::{Calendar, Interval};

/// What an installation adds to a contract. Logged with every decision, so that replay needs nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Terms {
    /// Deals that entered their stage before this moment are not governed.
    pub governed_since: Option<Timestamp>,
    /// Modes in force per gate; a gate that is not named has its contract's mode.
    pub modes: BTreeMap<GateName, Mode>,
    /// By-pass policies in force per gate; a gate that is not named has its contract's policy.
    #[serde(default)]
    pub on_bypass: BTreeMap<GateName, OnBypass>,
    /// Calendars that versions of this contract name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calendars: BTreeMap<String, Calendar>,
    /// When handoffd was down lately.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outages: Vec<Interval>,
    /// Who stands in for whom.
    #[serde(default, skip_serializing_if = "Seats::is_empty")]
    pub seats: Seats,
    /// What a due re-unification does, if it is another than the contract says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reunify: Option<crate::beside::Reunify>,
}

impl Terms {
    /// The mode in force.
    pub fn mode(&self, contract: &Contract, gate: &GateName) -> Mode {
        self.modes
            .get(gate)
            .copied()
            .or_else(|| contract.gates.get(gate).map(|gate| gate.mode))
            .unwrap_or(Mode::Off)
    }

    /// The by-pass policy in force.
    pub fn on_bypass(&self, contract: &Contract, gate: &GateName) -> OnBypass {
        let written = contract.gates.get(gate).map(|gate| gate.on_bypass);
        self.on_bypass.get(gate).copied().or(written).unwrap_or_default()
    }
}

/// The rules under which one record is decided.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The pinned contract.
    pub contract: &'a Contract,
    /// Its pin.
    pub pin: &'a ContractRef,
    /// The record's motion.
    pub motion: &'a MotionId,
    /// What the installation adds.
    pub terms: &'a Terms,
}

pub use flags::confirm;

/// Decides. Seeing the same observation again yields nothing (L1).
pub fn decide(case: Case<'_>, before: Option<&Handoff>, seen: &Observation, now: Timestamp) -> Vec<Event> {
    let mut decision =
        Decision { case, seen, now, before, state: before.cloned(), returned: false, events: Vec::new() };
    decision.run();
    decision.events
}

/// One decision in the making: events so far, and the state that they lead to.
struct Decision<'a> {
    case: Case<'a>,
    seen: &'a Observation,
    now: Timestamp,
    before: Option<&'a Handoff>,
    state: Option<Handoff>,
    /// The record came back from being lost, and nothing tells which of its answers are older than that.
    returned: bool,
    events: Vec<Event>,
}

impl Decision<'_> {
    fn run(&mut self) {
        if self.is_lost() {
            self.void_lost();
            self.end_overrides();
            return;
        }
        self.open();
        if self.state.is_none() {
            return;
        }
        self.note_twins();
        self.note_absorbed();
        self.note_pay();
        self.note_carried();
        self.note_people();
        self.note_vacancy();
        self.break_by_people();
        let own_revert = self.own_revert();
        let entered = self.note_stage();
        self.void_by_stage();
        self.void_by_motion();
        if !self.is_voided() {
            self.answer_before_edits();
            self.note_package();
            self.note_beside();
            self.note_contradiction();
            self.advance();
            self.answer();
            self.note_exceptions();
            self.run_clock();
            self.follow_beside();
        }
        self.settle_pay();
        let expired = self.end_grace();
        match own_revert {
            Some(reverted) => self.emit(reverted),
            None if entered => {
                self.note_bypass();
                self.order_revert();
            }
            None if expired => self.order_revert(),
            None => {}
        }
        self.end_overrides();
        self.note_concerns();
        self.note_tampering();
        // Earlier orders first, so that what they wrote is known as ours before they are overruled; then what was ordered just now.
        self.settle();
        self.order();
        self.settle();
    }

    fn emit(&mut self, event: Event) {
        // The position is known only once the entry is in the log; nothing that is decided here looks at it.
        let stamp = Stamp { position: u64::MAX, time: self.now };
        self.state = Handoff::evolve(self.state.take(), stamp, &event);
        self.events.push(event);
    }

    fn assessed(&self, state: &Handoff) -> Completeness {
        let rejected = state.still_rejected();
        let situation = Situation {
            stage: state.stage.as_ref(),
            motion: &state.id.motion,
            still_rejected: &rejected,
            disputed: &state.beside.disputed,
            as_of: state.as_of(),
        };
        assess(self.case.contract, &state.package, &situation)
    }

    fn has_commission_gate(&self) -> bool {
        self.case.contract.gates.values().any(|gate| gate.kind == GateKind::Commission)
    }

    fn note_twins(&mut self) {
        let Some(state) = &self.state else { return };
        if state.link != self.seen.link || state.twins != self.seen.twins {
            let (link, twins) = (self.seen.link.clone(), self.seen.twins.clone());
            self.emit(Event::TwinsChanged { link, twins });
        }
    }

    fn note_carried(&mut self) {
        let Some(state) = &self.state else { return };
        if state.carried != self.seen.carried {
            let carried = self.seen.carried.clone();
            self.emit(Event::CarriedChanged { carried });
        }
    }

    /// Asked blind, the sides contradict what was accepted in the running cycle: it is not documented, and begins again.
    fn note_contradiction(&mut self) {
        let (Some(state), Some(said)) = (&self.state, &self.seen.contradicted) else { return };
        if state.is_accepted() && state.id.cycle == said.cycle {
            self.reopen(ReopenCause::Contradicted { test: said.test.clone() });
        }
    }

    /// Pay follows the acceptance as soon as no other authority over the deal says otherwise, and is held again when one does.
    fn settle_pay(&mut self) {
        let Some(state) = &self.state else { return };
        let agreed = state.disagreeing_twin().is_none();
        if state.acceptance_holds() && !state.released && agreed && self.has_commission_gate() {
            let cycle = state.id.cycle;
            self.emit(Event::CommissionReleased { cycle });
        } else if state.released && !agreed {
            self.hold(ReopenCause::AuthoritiesDisagree);
        }
    }

    /// Pay that was released is held again; finance sees a numbered adjustment.
    fn hold(&mut self, cause: ReopenCause) {
        let Some(state) = self.state.as_ref().filter(|state| state.released) else { return };
        let adjustment = state.adjustments + 1;
        self.emit(Event::CommissionHeld { adjustment, cause });
    }
}
