//! What happens beside the package.

use super::Decision;
use crate::beside::{BesideSeen, Happening, disputes};
use crate::completeness::Problem;
use crate::event::{Concern, Event, VoidCause};
use crate::handoff::Handoff;
use crate::{escalation, first_touch, motion};

impl Decision<'_> {
    /// A record that belongs to another motion has its handoff there. One whose motion nobody can tell any more stays, shut.
    pub(super) fn void_by_motion(&mut self) {
        let Some(seen) = self.beside().motion.as_ref() else { return };
        let other = seen.motion.clone().filter(|motion| motion != self.case.motion);
        if let Some(motion) = other {
            self.void(VoidCause::OtherMotion { motion });
        }
    }

    /// Whether a handoff of this motion may open for the record.
    pub(super) fn belongs(&self) -> bool {
        let Some(seen) = &self.beside().motion else { return true };
        match &seen.motion {
            Some(motion) => motion == self.case.motion,
            None => self.case.motion.as_str() == motion::UNKNOWN,
        }
    }

    /// When the record came here from another motion, if it did; the latest moment that it can have been, where history does not tell.
    pub(super) fn moved_into_motion(&self) -> Option<jiff::Timestamp> {
        let seen = self.beside().motion.as_ref().filter(|seen| seen.before.is_some())?;
        Some(seen.since.unwrap_or(self.now))
    }

    fn beside(&self) -> &BesideSeen {
        static NOTHING: std::sync::OnceLock<BesideSeen> = std::sync::OnceLock::new();
        self.seen.beside.as_deref().unwrap_or_else(|| NOTHING.get_or_init(BesideSeen::default))
    }

    /// What decides whether the package counts: the motion, and who wrote or named what.
    pub(super) fn note_beside(&mut self) {
        self.note_motion();
        let troubles = disputes(self.case.contract, self.seen);
        if self.state.as_ref().is_some_and(|state| state.beside.disputed != troubles) {
            self.happen(Happening::FieldsDisputed { fields: troubles });
        }
    }

    fn note_motion(&mut self) {
        let Some(state) = &self.state else { return };
        let Some(seen) = self.beside().motion.clone() else { return };
        let known = state.beside.assigned.as_ref();
        let unreasoned = seen.before.is_some() && !seen.reasoned;
        let same = known.is_some_and(|known| known.at == seen.since && known.unreasoned == unreasoned)
            && state.beside.motion_unknown == seen.motion.is_none();
        if !same {
            self.happen(Happening::MotionAssigned {
                motion: seen.motion,
                before: seen.before,
                by: seen.by,
                at: seen.since,
                reasoned: seen.reasoned,
            });
        }
    }

    /// What follows from the package and its acceptance: timers, echoes, the shared account, the first touch, signals.
    pub(super) fn follow_beside(&mut self) {
        let (contract, now) = (self.case.contract, self.now);
        let Some(state) = &self.state else { return };
        let mut happened = Vec::new();
        if let Some(terms) = &contract.return_path {
            happened.extend(escalation::advance(terms, state, self.seen, now));
        }
        if let Some(terms) = &contract.cross_motion {
            happened.extend(motion::advance(terms, self.case.terms.reunify, state, self.seen, now));
        }
        if let Some(terms) = &contract.first_touch {
            happened.extend(first_touch::advance(terms, state, self.seen, now));
        }
        let signals = &self.beside().signals;
        if !signals.iter().eq(state.beside.signals.keys()) {
            happened.push(Happening::SignalsChanged { signals: signals.clone(), at: now });
        }
        for happening in happened {
            self.happen(happening);
        }
    }

    fn happen(&mut self, what: Happening) {
        self.emit(Event::Beside { what });
    }

    /// What a person should look at beside the package.
    pub(super) fn concerns_beside(&self, state: &Handoff) -> Vec<(bool, Concern)> {
        let beside = &state.beside;
        let unreasoned = beside.assigned.as_ref().is_some_and(|assigned| assigned.unreasoned);
        let path = beside.return_path.as_deref();
        let overdue = path.is_some_and(|path| {
            (path.ack_missed && path.acknowledged.is_none())
                || (path.eta_passed && path.resolved.is_none())
                || (path.silent && path.resolved.is_none())
                || (path.loop_missed && path.closed.is_none())
        });
        let shared = beside.shared.as_deref();
        let torn = self.case.contract.cross_motion.is_some()
            && self.seen.beside.is_some()
            && shared.is_none_or(|shared| shared.primary.is_none());
        let due = shared.is_some_and(|shared| shared.due.is_some() && shared.reunified.is_none());
        let touch = beside.touch.clone().unwrap_or_default();
        vec![
            (beside.motion_unknown, Concern::UnknownMotion),
            (unreasoned, Concern::MotionWithoutReason),
            (overdue, Concern::ReturnPathOverdue),
            (path.is_some_and(|path| path.foreign > 0), Concern::CustomerHeardFromOthers),
            (torn, Concern::NotOnePrimaryOwner),
            (shared.is_some_and(|shared| shared.low), Concern::HealthBelowLine),
            (due, Concern::ReunificationDue),
            (self.beside().unguarded, Concern::CrossSellWithoutHandoff),
            (self.has_only_a_score(state), Concern::ScoreWithoutContext),
            (touch.missed && touch.touched.is_none(), Concern::FirstTouchOverdue),
            (touch.recycled.is_some(), Concern::LeadRecycled),
        ]
    }

    fn has_only_a_score(&self, state: &Handoff) -> bool {
        let Some(terms) = &self.case.contract.first_touch else { return false };
        let (field, part) = terms.context.split();
        let empty = |problem: &Problem| !matches!(problem, Problem::Rejected | Problem::RuleFailed);
        self.beside().scored
            && self.completeness(state).missing.iter().any(|finding| {
                finding.field == field
                    && finding.part.as_ref().is_none_or(|own| *own == part)
                    && empty(&finding.problem)
            })
    }
}
