//! Stages entered past their gate while handoffd was down.

use super::Decision;
use crate::event::Event;
use crate::handoff::Handoff;
use crate::outage::{Grace, grace};

impl Decision<'_> {
    /// A by-pass, or the grace that stands in its place.
    pub(super) fn with_grace(&self, bypass: Event) -> Event {
        let Event::Bypassed { gate, stage, from, by, at, entry, .. } = &bypass else { return bypass };
        let until = self
            .case
            .contract
            .gates
            .get(gate)
            .and_then(|rules| grace(rules, &self.case.terms.outages, *at))
            .filter(|until| self.now < *until);
        let Some(until) = until else { return bypass };
        Event::GraceGranted {
            grace: Grace {
                gate: gate.clone(),
                stage: stage.clone(),
                from: from.clone(),
                by: by.clone(),
                at: *at,
                entry: entry.clone(),
                until,
            },
        }
    }

    /// Checks a grace again: an acceptance in time makes it good, leaving the stage does away with it, and else it is a by-pass in the end. True
    /// if it is.
    pub(super) fn end_grace(&mut self) -> bool {
        let Some(state) = &self.state else { return false };
        let Some(grace) = state.grace.clone() else { return false };
        let ever_accepted = state.ever_accepted;
        let made_good = state.is_accepted() && is_in_time(state, &grace);
        let left = self.seen.stage.entry != grace.entry;
        if !made_good && !left && self.now < grace.until {
            return false;
        }
        let Grace { gate, stage, from, by, at, entry, .. } = grace;
        let kept = made_good || left;
        self.emit(Event::GraceEnded { gate: gate.clone(), entry: entry.clone(), kept });
        if !kept {
            self.emit(Event::Bypassed { gate, stage, from, by, at, entry, ever_accepted });
        }
        !kept
    }
}

fn is_in_time(state: &Handoff, grace: &Grace) -> bool {
    state.accepted.as_ref().is_some_and(|acceptance| acceptance.at < grace.until)
}
