//! Opening, voiding, people and stages.

use jiff::Timestamp;

use super::Decision;
use crate::contract::GateKind;
use crate::event::{EditEffect, Event, ReopenCause, VoidCause};
use crate::extract::Existence;
use crate::handoff::{Handoff, Phase};
use crate::id::{GateName, HandoffId, StageName};
use crate::seat::falls_to;

impl Decision<'_> {
    pub(super) fn is_lost(&self) -> bool {
        self.seen.existence != Existence::Present
    }

    pub(super) fn is_voided(&self) -> bool {
        self.state.as_ref().is_some_and(|state| state.phase == Phase::Voided)
    }

    pub(super) fn void_lost(&mut self) {
        let cause = match &self.seen.existence {
            Existence::Present => return,
            Existence::Deleted => VoidCause::Deleted,
            Existence::Merged { into } => VoidCause::Merged { into: into.clone() },
            Existence::Gone => VoidCause::Gone,
        };
        self.void(cause);
    }

    pub(super) fn void_by_stage(&mut self) {
        let off = &self.case.contract.opens.void_when_stage_becomes;
        let stage = self.seen.stage.name.clone().filter(|stage| off.contains(stage));
        if let Some(stage) = stage {
            self.void(VoidCause::Stage { stage });
        }
    }

    pub(super) fn void(&mut self, cause: VoidCause) {
        if self.state.is_none() || self.is_voided() {
            return;
        }
        self.hold(ReopenCause::Voided { cause: cause.clone() });
        self.emit(Event::Voided { cause });
    }

    /// Opens a handoff that is not open yet, or opens a voided one again as its next cycle.
    pub(super) fn open(&mut self) {
        let again = self.state.as_ref().filter(|state| state.phase == Phase::Voided);
        if (self.state.is_some() && again.is_none()) || !self.should_open() {
            return;
        }
        let cycle = again.map_or(1, |state| state.id.cycle + 1);
        let lost = again.is_some_and(|state| !matches!(state.voided, Some(VoidCause::Stage { .. })));
        self.returned = again.is_some() && (lost || self.seen.stage.since.is_none());
        let stage = self.seen.stage.name.clone().unwrap_or_else(|| StageName::from("unknown"));
        let handoff = HandoffId {
            contract: self.case.contract.contract.clone(),
            motion: self.case.motion.clone(),
            subject: self.seen.subject.clone(),
            cycle,
        };
        self.emit(Event::Opened {
            handoff,
            contract: self.case.pin.clone(),
            stage,
            at: self.seen.stage.opening_since.or(self.seen.stage.since),
        });
    }

    fn should_open(&self) -> bool {
        let opens = &self.case.contract.opens;
        let stage = self.seen.stage.name.as_ref();
        let in_stage = stage.is_some_and(|stage| opens.when_stage_becomes.contains(stage));
        // A flag that stands open on a record that nobody handed over is governed at once, or it would never be undone.
        let forged = self.state.is_none() && self.seen.flags.values().any(|flag| flag.open == Some(true));
        let too_old = match (self.case.terms.governed_since, self.seen.stage.since) {
            (Some(from), Some(since)) => since < from,
            (Some(_) | None, None) | (None, Some(_)) => false,
        };
        self.belongs() && (in_stage || forged) && (self.state.is_some() || !too_old)
    }

    pub(super) fn note_people(&mut self) {
        let Some(state) = &self.state else { return };
        if state.sender != self.seen.sender || state.receiver != self.seen.receiver {
            self.emit(Event::PeopleChanged {
                sender: self.seen.sender.clone(),
                receiver: self.seen.receiver.clone(),
            });
        }
    }

    /// Says once that the fallback role answers from now on, or no longer.
    pub(super) fn note_vacancy(&mut self) {
        let Some(state) = self.state.as_ref().filter(|state| state.phase != Phase::Voided) else { return };
        let to =
            falls_to(self.case.contract, state.sender.as_ref(), state.receiver.as_ref()).map(str::to_owned);
        if state.falls_to != to {
            let from = state.receiver.clone();
            self.emit(Event::Reassigned { from, to });
        }
    }

    /// An acceptance does not outlive its receiver: another one answers for himself, and nobody's own handoff stays accepted.
    pub(super) fn break_by_people(&mut self) {
        let seats = &self.case.terms.seats;
        let senders = |state: &Handoff| match (&state.sender, &state.accepted) {
            (Some(sender), Some(acceptance)) => seats.is_senders(sender, &acceptance.by, acceptance.at),
            (Some(_) | None, None) | (None, Some(_)) => false,
        };
        let broken =
            |state: &Handoff| state.is_accepted() && (state.is_outlived_by_people() || senders(state));
        if self.state.as_ref().is_some_and(broken) {
            self.reopen(ReopenCause::People);
        }
    }

    /// Notes the stage; true if this entry into it has not been judged yet.
    pub(super) fn note_stage(&mut self) -> bool {
        let seen = &self.seen.stage;
        let known = self.state.as_ref().is_some_and(|state| {
            state.stage == seen.name && state.stage_raw == seen.raw && state.stage_entry == seen.entry
        });
        if known {
            return false;
        }
        self.emit(Event::StageChanged {
            stage: seen.name.clone(),
            raw: seen.raw.clone(),
            at: seen.since,
            entry: seen.entry.clone(),
        });
        true
    }

    /// Judges one entry into a guarded stage, once: was its gate shut at that moment?
    pub(super) fn note_bypass(&mut self) {
        let (Some(stage), Some(state)) = (&self.seen.stage.name, &self.state) else { return };
        let events: Vec<Event> = self
            .case
            .contract
            .gates
            .iter()
            .filter(|(_, gate)| gate.kind == GateKind::Stage && gate.stages.contains(stage))
            .filter(|(name, _)| {
                !self.was_accepted_on_entry(state) && !self.was_overridden_on_entry(state, name)
            })
            .map(|(name, _)| Event::Bypassed {
                gate: name.clone(),
                stage: stage.clone(),
                from: self.seen.stage.before.clone(),
                by: self.seen.stage.by.clone(),
                at: self.seen.stage.since,
                entry: self.seen.stage.entry.clone(),
                ever_accepted: state.ever_accepted,
            })
            .collect();
        for event in events {
            let event = self.with_grace(event);
            self.emit(event);
        }
    }

    fn was_overridden_on_entry(&self, state: &Handoff, gate: &GateName) -> bool {
        let at = self.seen.stage.since.unwrap_or(self.now);
        state.overrides.get(gate).is_some_and(|known| known.was_in_force(at))
    }

    /// Whether edits of the accepted package waited for a confirmation at that moment, so that the gate was shut.
    fn was_unconfirmed_at(state: &Handoff, at: Timestamp) -> bool {
        let waiting = state.returns.unconfirmed.keys().filter_map(|key| state.edits.get(key)).min();
        let waited = state.returns.confirmed.as_ref().filter(|confirmed| at < confirmed.at);
        waiting.is_some_and(|edited| *edited <= at)
            || waited.and_then(|confirmed| confirmed.edited).is_some_and(|edited| edited <= at)
    }

    fn was_accepted_on_entry(&self, state: &Handoff) -> bool {
        if self.seen.stage.since.is_some_and(|since| Self::was_unconfirmed_at(state, since)) {
            return false;
        }
        let before = self.before.filter(|before| before.is_accepted() && self.was_broken_after_entry());
        let acceptances =
            [before, Some(state)].into_iter().flatten().filter_map(|state| state.accepted.as_ref());
        let since = self.seen.stage.since;
        acceptances.into_iter().any(|acceptance| since.is_none_or(|since| acceptance.at <= since))
    }

    /// Whether what broke an acceptance in this decision happened after the stage was entered.
    fn was_broken_after_entry(&self) -> bool {
        let Some(since) = self.seen.stage.since else { return true };
        let broken_at = self.events.iter().find_map(|event| match event {
            Event::PackageChanged { edits, acceptance: EditEffect::Breaks, .. } => {
                edits.values().map(|edit| edit.0).min()
            }
            Event::Rejected { at, .. } | Event::ExceptionsLapsed { due: at, .. } => Some(*at),
            Event::Reopened { cause: ReopenCause::People, .. } => Some(since),
            Event::Opened { .. }
            | Event::PeopleChanged { .. }
            | Event::StageChanged { .. }
            | Event::PackageChanged { .. }
            | Event::Submitted { .. }
            | Event::Completed { .. }
            | Event::FellIncomplete { .. }
            | Event::Accepted { .. }
            | Event::ExceptionsGranted { .. }
            | Event::ExceptionsMet { .. }
            | Event::ConfirmationNeeded { .. }
            | Event::Confirmed { .. }
            | Event::OverrideAsked { .. }
            | Event::Overridden { .. }
            | Event::OverrideEnded { .. }
            | Event::Absorbed { .. }
            | Event::AnswerRefused { .. }
            | Event::Reopened { .. }
            | Event::SlaBreached { .. }
            | Event::ClockSet { .. }
            | Event::Reminded { .. }
            | Event::Escalated { .. }
            | Event::Reassigned { .. }
            | Event::GraceGranted { .. }
            | Event::GraceEnded { .. }
            | Event::ConcernsChanged { .. }
            | Event::Bypassed { .. }
            | Event::Tampered { .. }
            | Event::GateWritten { .. }
            | Event::CommissionReleased { .. }
            | Event::CommissionHeld { .. }
            | Event::Voided { .. }
            | Event::Healed { .. }
            | Event::GateOrdered { .. }
            | Event::TwinsChanged { .. }
            | Event::CarriedChanged { .. }
            | Event::RevertOrdered { .. }
            | Event::StageReverted { .. }
            | Event::RevertGivenUp { .. }
            | Event::RevertRefused { .. }
            | Event::Beside { .. }
            | Event::PayChanged { .. }
            | Event::Repinned { .. } => None,
        });
        broken_at.is_some_and(|at| at > since)
    }
}
