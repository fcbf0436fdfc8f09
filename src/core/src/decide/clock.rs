//! The receiver's clock: its instants, that his time is up, the ladder of reminders.

use super::Decision;
use crate::event::Event;
use crate::gate::due;
use crate::handoff::{Handoff, Phase};
use crate::sla::Clock;

impl Decision<'_> {
    pub(super) fn run_clock(&mut self) {
        self.set_clock();
        self.note_overdue();
        self.climb();
    }

    /// Logs the instants that follow from the contract and the calendars in force, whenever they are others than the logged ones.
    fn set_clock(&mut self) {
        let Some(state) = self.state.as_ref().filter(|state| state.phase == Phase::Complete) else { return };
        let sla = &self.case.contract.sla;
        let Some(completed) = state.completed.filter(|_| sla.is_kept()) else { return };
        let known = state.clock.as_ref();
        let settings = sla.settings(&self.case.terms.calendars, known, completed);
        let stands = |clock: &Clock| clock.set == settings && clock.paused_since.is_none();
        if !known.is_some_and(stands) {
            let round = state.round;
            self.emit(Event::ClockSet { round, clock: settings });
        }
    }

    fn note_overdue(&mut self) {
        let Some(state) = &self.state else { return };
        let due = due(self.case.contract, state).filter(|due| *due <= self.now && !state.sla_breached);
        if let Some(due) = due {
            let round = state.round;
            self.emit(Event::SlaBreached { round, due });
        }
    }

    /// Tells the newest step of the ladder that was not told yet. Steps that were missed meanwhile are not told any more.
    fn climb(&mut self) {
        let Some(told) = self.state.as_ref().and_then(|state| self.step(state)) else { return };
        self.emit(told);
    }

    fn step(&self, state: &Handoff) -> Option<Event> {
        let clock = state.clock.as_ref().filter(|_| state.phase == Phase::Complete)?;
        if clock.escalated.is_some() {
            return None;
        }
        let round = state.round;
        let contract = self.case.contract;
        let vacant = state.receiver.as_ref().is_none_or(|receiver| !receiver.active);
        let vacant = vacant && contract.roles.fallback.is_none();
        let over = clock.set.escalate_at.filter(|at| *at <= self.now);
        let since = over.map(|at| clock.set.due.unwrap_or(at)).or(vacant.then_some(clock.set.started));
        if let (Some(since), Some(to)) = (since, &contract.sla.escalate_to) {
            return Some(Event::Escalated { round, since, to: to.clone(), vacant: over.is_none() });
        }
        let step = clock.step(self.now);
        (step > clock.reminded).then(|| Event::Reminded { round, step, to: state.receiver.clone() })
    }
}
