//! Putting a stage back that was entered past its gate: at most twice an hour, never after an acceptance, never after a day.

use jiff::SignedDuration;

use super::Decision;
use crate::contract::{Mode, OnBypass};
use crate::event::{Event, NotReverted};
use crate::gate::evaluate;
use crate::handoff::{Handoff, Phase, REVERTS_PER_HOUR};
use crate::id::GateName;

/// Within this time [`REVERTS_PER_HOUR`] orders may be given.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);
/// A stage that has stood for longer is left alone: orders were shipped, invoices were written.
const LATE: SignedDuration = SignedDuration::from_hours(24);

impl Decision<'_> {
    /// Our own write that put the stage back, if that is what is seen. It is told by its order, which was durable before it left.
    pub(super) fn own_revert(&self) -> Option<Event> {
        let bypass = self.state.as_ref()?.bypass.as_ref()?;
        let order = bypass.order.as_ref()?;
        let stage = &self.seen.stage;
        let ours = stage.raw == order.to
            && stage.entry != order.entry
            && stage.by.as_ref().is_none_or(|by| by.machine);
        ours.then(|| Event::StageReverted {
            gate: bypass.gate.clone(),
            entry: order.entry.clone(),
            from: order.from.clone(),
            to: order.to.clone(),
        })
    }

    /// Decides about the by-pass that was just judged, once.
    pub(super) fn order_revert(&mut self) {
        let Some(state) = &self.state else { return };
        let Some(gate) = self.gate_to_defend(state) else { return };
        let stage = &self.seen.stage;
        let (entry, from) = (stage.entry.clone(), stage.raw.clone());
        let event = match self.way_back(state) {
            Ok(to) => Event::RevertOrdered { gate, entry, from, to, close_date: stage.close_date.clone() },
            Err(why) => Event::RevertGivenUp { gate, entry, why },
        };
        self.emit(event);
    }

    /// The first gate passed by in this decision whose policy is to put the stage back.
    fn gate_to_defend(&self, state: &Handoff) -> Option<GateName> {
        if matches!(state.phase, Phase::Accepted | Phase::Voided) {
            return None;
        }
        let (contract, terms) = (self.case.contract, self.case.terms);
        let verdict = evaluate(contract, state, self.now);
        let defended = |gate: &&GateName| {
            terms.mode(contract, gate) == Mode::Enforce
                && terms.on_bypass(contract, gate) == OnBypass::Revert
                && verdict.gates.get(*gate) != Some(&true)
        };
        let passed = self
            .events
            .iter()
            .filter_map(|event| if let Event::Bypassed { gate, .. } = event { Some(gate) } else { None });
        passed.into_iter().find(defended).cloned()
    }

    fn way_back(&self, state: &Handoff) -> Result<String, NotReverted> {
        let stage = &self.seen.stage;
        // An order that our clock has not reached yet counts as given just now.
        let recent = |at: &&jiff::Timestamp| self.now.duration_since(**at) < WINDOW;
        if state.reverts.iter().filter(recent).count() >= REVERTS_PER_HOUR {
            return Err(NotReverted::TooOften);
        }
        let to = stage.back.clone().filter(|back| *back != stage.raw).ok_or(NotReverted::NoWayBack)?;
        let since = stage.since.ok_or(NotReverted::NoWayBack)?;
        if self.now.duration_since(since) > LATE { Err(NotReverted::TooLate) } else { Ok(to) }
    }
}
