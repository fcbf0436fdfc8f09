//! What would have been decided, look by look.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{AsOf, PastRecord, as_of, moments};
use crate::contract::Mode;
use crate::decide::{Case, Terms, decide};
use crate::event::Event;
use crate::extract::{Directory, RawRecord, extract};
use crate::gate::evaluate;
use crate::handoff::{Handoff, Stamp};
use crate::id::FieldKey;
use crate::mapping::Mapping;
use crate::observation::Observation;

/// Most looks at one record under one rule; beyond it only what the CRM tells last is left out.
const LOOKS: usize = 20_000;

/// From when to when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// As if watching had begun at this moment; `None` = with the record.
    pub since: Option<Timestamp>,
    /// The last moment.
    pub until: Timestamp,
}

/// Under what the past is judged.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    /// The rules, as they are now: what was demanded then was never written down.
    pub case: Case<'a>,
    /// How the record is read.
    pub mapping: &'a Mapping,
    /// Who is behind the CRM's user ids.
    pub who: &'a dyn Directory,
}

/// One reconstructed decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Then {
    /// The moment.
    pub at: Timestamp,
    /// What would have been seen.
    pub seen: Observation,
    /// What would have happened; never empty.
    pub events: Vec<Event>,
    /// The contract's fields whose values the CRM does not tell for that moment, with the moment from which on it does.
    pub unknown: BTreeMap<FieldKey, Timestamp>,
    /// What it led to.
    pub state: Handoff,
}

impl Terms {
    /// The same terms for the past: nothing was enforced, and only what entered its stage since then counts.
    #[must_use]
    pub fn of_the_past(&self, case: Case<'_>, since: Option<Timestamp>) -> Self {
        let gates = case.contract.gates.keys();
        Self {
            governed_since: since,
            modes: gates.map(|gate| (gate.clone(), Mode::Observe)).collect(),
            outages: Vec::new(),
            ..self.clone()
        }
    }
}

/// Looks at the record at every moment at which something changed, and whenever time alone would have changed something, and decides as a daemon
/// would have that enforced nothing. `before` is what an earlier run led to, with the moment that it came to: only what is later is told.
///
/// `beside` adds to an observation what other records said at that moment.
pub fn reconstruct<E>(
    frame: Frame<'_>,
    past: &PastRecord,
    before: Option<(Handoff, Timestamp)>,
    span: Span,
    mut beside: impl FnMut(&RawRecord, Timestamp, &mut Observation) -> Result<(), E>,
) -> Result<Vec<Then>, E> {
    // Where the stage is not told nothing can be said: the present one would count as that of the first day.
    let told = past.told_from(&frame.mapping.stage.field);
    let after = before.as_ref().map(|(_, at)| *at);
    let looks = moments(past, span);
    let looks = looks.into_iter().filter(|at| *at >= told && after.is_none_or(|after| *at > after));
    let mut run = Run { frame, past, state: before.map(|(state, _)| state), found: Vec::new(), looks: 0 };
    let mut here = after;
    for at in looks {
        if let Some(here) = here {
            run.wake(here, at, &mut beside)?;
        }
        run.look(at, &mut beside)?;
        here = Some(at);
    }
    if let Some(here) = here {
        let end = span.until.checked_add(jiff::SignedDuration::from_nanos(1)).unwrap_or(span.until);
        run.wake(here, end, &mut beside)?;
    }
    Ok(run.found)
}

struct Run<'a> {
    frame: Frame<'a>,
    past: &'a PastRecord,
    state: Option<Handoff>,
    found: Vec<Then>,
    looks: usize,
}

impl Run<'_> {
    /// Looks whenever time alone changes something between two changes.
    fn wake<E>(
        &mut self,
        from: Timestamp,
        until: Timestamp,
        beside: &mut impl FnMut(&RawRecord, Timestamp, &mut Observation) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut here = from;
        while let Some(state) = &self.state {
            let next = evaluate(self.frame.case.contract, state, here).look_again_at;
            let Some(at) = next.filter(|at| *at > here && *at < until && self.looks < LOOKS) else { break };
            self.look(at, beside)?;
            here = at;
        }
        Ok(())
    }

    fn look<E>(
        &mut self,
        at: Timestamp,
        beside: &mut impl FnMut(&RawRecord, Timestamp, &mut Observation) -> Result<(), E>,
    ) -> Result<(), E> {
        self.looks += 1;
        if self.looks > LOOKS {
            return Ok(());
        }
        let Some(then) = as_of(self.past, at) else { return Ok(()) };
        let Frame { case, mapping, who } = self.frame;
        let mut seen = extract(mapping, case.contract, &then.raw, who);
        // Gates that nobody had could not be tampered with.
        seen.flags.clear();
        beside(&then.raw, at, &mut seen)?;
        let events = decide(case, self.state.as_ref(), &seen, at);
        if events.is_empty() {
            return Ok(());
        }
        // Nothing that is decided looks at a position, and this one is not known yet.
        let stamp = Stamp { position: u64::MAX, time: at };
        if let Some(state) = Handoff::apply(self.state.take(), stamp, &events) {
            let unknown = AsOf::unknown_fields(&then, mapping, case.contract);
            self.state = Some(state.clone());
            self.found.push(Then { at, seen, events, unknown, state });
        }
        Ok(())
    }
}
