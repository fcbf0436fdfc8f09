//! Where what was worked out afterwards and what was watched meet: every happening counts once.
//!
//! A handoff's past may have been reconstructed before anybody watched it. The daemon's first look at it then tells some of that past again, in
//! cycles that it counts from one. The sieve lets the reconstructed cycle go on, leaves out what was told already, and goes on counting cycles, so
//! that the numbers are those of a daemon that had watched all along.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use handoff_core::event::Event;
use handoff_core::id::HandoffId;
use handoff_core::journal::LogEntry;
use jiff::Timestamp;

/// The handoffs whose past was reconstructed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Past {
    streams: BTreeMap<String, Retold>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Retold {
    /// The newest reconstructed cycle.
    cycle: u32,
    /// Whether it ended without going on.
    voided: bool,
    /// Up to which moment everything is told.
    until: Timestamp,
    /// Acts that were told, whatever time they claim; none once it is watched.
    acts: BTreeSet<String>,
    /// Since watching began: what is added to the watched cycles.
    ahead: Option<u32>,
}

impl Past {
    /// What of an entry counts; `None` = all of it was told already.
    pub fn sift<'e>(&mut self, entry: &'e LogEntry) -> Option<Cow<'e, LogEntry>> {
        if let LogEntry::Reconstructed { handoff, contract, terms, at, seen, events, made, .. } = entry {
            let fresh = Retold { cycle: 0, voided: false, until: *made, acts: BTreeSet::new(), ahead: None };
            let retold = self.streams.entry(handoff.stream()).or_insert(fresh);
            // Once it is watched, the past is closed.
            if retold.ahead.is_some() {
                return None;
            }
            retold.tell(handoff, events, *made);
            let (handoff, contract, terms) = (handoff.clone(), contract.clone(), terms.clone());
            let (at, seen, events) = (*at, seen.clone(), events.clone());
            return Some(Cow::Owned(LogEntry::Decided { handoff, contract, terms, at, seen, events }));
        }
        if let LogEntry::ReaskSuggested { handoff, .. }
        | LogEntry::ReaskAnswered { handoff, .. }
        | LogEntry::ReaskReported { handoff, .. } = entry
        {
            let ahead = self.streams.get(&handoff.stream()).and_then(|retold| retold.ahead);
            return Some(ahead.map_or(Cow::Borrowed(entry), |ahead| Cow::Owned(about_later(entry, ahead))));
        }
        let Some((handoff, _)) = entry.handoff() else { return Some(Cow::Borrowed(entry)) };
        match self.streams.get_mut(&handoff.stream()) {
            Some(retold) => retold.watch(entry),
            None => Some(Cow::Borrowed(entry)),
        }
    }
}

impl Retold {
    fn tell(&mut self, handoff: &HandoffId, events: &[Event], made: Timestamp) {
        self.cycle = newest(handoff, events).max(self.cycle);
        self.until = self.until.max(made);
        self.acts.extend(events.iter().filter_map(act).cloned());
        for event in events {
            if let Event::Voided { .. } = event {
                self.voided = true;
            } else if let Event::Opened { .. } = event {
                self.voided = false;
            }
        }
    }

    /// An entry of the daemon's own, told on.
    fn watch<'e>(&mut self, entry: &'e LogEntry) -> Option<Cow<'e, LogEntry>> {
        let first = self.ahead.is_none();
        let (handoff, events) = entry.handoff()?;
        // A cycle that was off begins anew; one that was running goes on.
        let goes_on = !self.voided;
        let watched = newest(handoff, events);
        let fresh = if goes_on { self.cycle.saturating_sub(watched) } else { self.cycle };
        let ahead = *self.ahead.get_or_insert(fresh);
        let kept = events.iter().filter(|event| !first || !self.is_told(event, goes_on));
        let kept: Vec<Event> = kept.map(|event| later(event, ahead)).collect();
        self.acts.clear();
        if kept.is_empty() {
            return None;
        }
        let mut entry = entry.clone();
        if let LogEntry::Decided { handoff, events, .. }
        | LogEntry::Confirmed { handoff, events, .. }
        | LogEntry::Overridden { handoff, events, .. } = &mut entry
        {
            handoff.cycle = handoff.cycle.saturating_add(ahead);
            *events = kept;
        }
        Some(Cow::Owned(entry))
    }

    /// Whether the first look tells what was told already, perhaps in other words: it sees all that ever happened at once.
    fn is_told(&self, event: &Event, goes_on: bool) -> bool {
        let over = |at: &Timestamp| *at <= self.until;
        // An act that claims a time to come was told at the moment that it was found at.
        if act(event).is_some_and(|act| self.acts.contains(act)) {
            return true;
        }
        if let Event::Completed { at, .. } = event {
            goes_on && over(at)
        } else if let Event::PackageChanged { edits, .. } = event {
            goes_on && !edits.is_empty() && edits.values().all(|(at, _)| over(at))
        } else if matches!(event, Event::Opened { .. } | Event::Reopened { .. }) {
            goes_on
        } else {
            claimed(event).is_some_and(|at| over(&at))
        }
    }
}

/// The newest cycle that an entry speaks of.
fn newest(handoff: &HandoffId, events: &[Event]) -> u32 {
    begun(events).fold(handoff.cycle, u32::max)
}

/// The cycles that begin in these events.
pub(crate) fn begun(events: &[Event]) -> impl Iterator<Item = u32> {
    events.iter().filter_map(begins)
}

/// The cycle that begins with this event.
pub(crate) fn begins(event: &Event) -> Option<u32> {
    if let Event::Opened { handoff, .. } = event {
        Some(handoff.cycle)
    } else if let Event::Reopened { cycle, .. } = event {
        Some(*cycle)
    } else {
        None
    }
}

/// The same word about a later cycle.
fn about_later(entry: &LogEntry, by: u32) -> LogEntry {
    let mut entry = entry.clone();
    if let LogEntry::ReaskSuggested { handoff, .. }
    | LogEntry::ReaskAnswered { handoff, .. }
    | LogEntry::ReaskReported { handoff, .. } = &mut entry
    {
        handoff.cycle = handoff.cycle.saturating_add(by);
    }
    entry
}

/// The same event of a later cycle.
fn later(event: &Event, by: u32) -> Event {
    let mut event = event.clone();
    if let Event::Opened { handoff, .. } = &mut event {
        handoff.cycle = handoff.cycle.saturating_add(by);
    } else if let Event::Reopened { cycle, .. } = &mut event {
        *cycle = cycle.saturating_add(by);
    }
    event
}

/// The act that an answer is.
fn act(event: &Event) -> Option<&String> {
    if let Event::Accepted { act, .. } | Event::Rejected { act, .. } | Event::AnswerRefused { act, .. } =
        event
    {
        Some(act)
    } else {
        None
    }
}

/// When something happened that is counted, if the event claims a time.
fn claimed(event: &Event) -> Option<Timestamp> {
    if let Event::Accepted { at, .. }
    | Event::Rejected { at, .. }
    | Event::AnswerRefused { at, .. }
    | Event::Bypassed { at: Some(at), .. }
    | Event::SlaBreached { due: at, .. }
    | Event::ExceptionsLapsed { due: at, .. } = event
    {
        Some(*at)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{answered, at};
    use crate::scorecard::Scorecard;

    /// A claim that is not believed counts at the moment at which it was found; the first look finds it again, later.
    #[test]
    fn an_answer_that_claims_a_time_to_come_is_told_once() {
        let entry = answered("006", "2026-01-10T00:00:00Z", 90 * 24, ("sam", "rita"), true);
        let LogEntry::Decided { handoff, contract, terms, seen, events, .. } = entry else {
            panic!("an answer is decided")
        };
        let (found, made) = (at("2026-01-11T00:00:00Z"), at("2026-02-01T00:00:00Z"));
        let mut card = Scorecard::new();
        card.apply(&LogEntry::Reconstructed {
            handoff: handoff.clone(),
            contract: contract.clone(),
            terms: terms.clone(),
            at: found,
            seen: seen.clone(),
            events: events.clone(),
            unknown: BTreeMap::new(),
            made,
        });
        let at = at("2026-02-02T00:00:00Z");
        card.apply(&LogEntry::Decided { handoff, contract, terms, at, seen, events });
        let units: Vec<_> = card.units().iter().map(|unit| unit.acceptance.map(|each| each.at)).collect();
        assert_eq!(units, [Some(found)]);
    }
}
