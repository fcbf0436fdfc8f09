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
pub(crate) struct Past {
    streams: BTreeMap<String, Retold>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Retold {
    /// The newest reconstructed cycle.
    cycle: u32,
    /// Whether it ended without going on.
    voided: bool,
    /// What was told, by kind and claimed time.
    told: BTreeSet<(Kind, Timestamp)>,
    /// Since watching began: what is added to the watched cycles.
    ahead: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Completed,
    Accepted,
    Rejected,
    Refused,
    Bypassed,
    Breached,
    Lapsed,
}

impl Past {
    /// What of an entry counts; `None` = all of it was told already.
    pub(crate) fn sift<'e>(&mut self, entry: &'e LogEntry) -> Option<Cow<'e, LogEntry>> {
        if let LogEntry::Reconstructed { handoff, contract, terms, at, seen, events, .. } = entry {
            let retold = self.streams.entry(handoff.stream()).or_default();
            // Once it is watched, the past is closed.
            if retold.ahead.is_some() {
                return None;
            }
            retold.tell(handoff, events);
            let (handoff, contract, terms) = (handoff.clone(), contract.clone(), terms.clone());
            let (at, seen, events) = (*at, seen.clone(), events.clone());
            return Some(Cow::Owned(LogEntry::Decided { handoff, contract, terms, at, seen, events }));
        }
        let Some((handoff, _)) = entry.handoff() else { return Some(Cow::Borrowed(entry)) };
        match self.streams.get_mut(&handoff.stream()) {
            Some(retold) => retold.watch(entry),
            None => Some(Cow::Borrowed(entry)),
        }
    }
}

impl Retold {
    fn tell(&mut self, handoff: &HandoffId, events: &[Event]) {
        self.cycle = handoff.cycle;
        for event in events {
            if let Event::Voided { .. } = event {
                self.voided = true;
            } else if let Event::Opened { .. } = event {
                self.voided = false;
            }
            self.told.extend(claimed(event));
        }
    }

    /// An entry of the daemon's own, told on.
    fn watch<'e>(&mut self, entry: &'e LogEntry) -> Option<Cow<'e, LogEntry>> {
        let first = self.ahead.is_none();
        // A cycle that was off begins anew; one that was running goes on.
        let ahead =
            *self.ahead.get_or_insert(if self.voided { self.cycle } else { self.cycle.saturating_sub(1) });
        let goes_on = first && !self.voided;
        let keep = |event: &Event| {
            let begins = matches!(event, Event::Opened { .. });
            let told = claimed(event).is_some_and(|claim| self.told.contains(&claim));
            !(first && told) && !(goes_on && begins)
        };
        let shift = |events: &[Event]| {
            events.iter().filter(|event| keep(event)).map(|event| later(event, ahead)).collect()
        };
        let mut entry = entry.clone();
        if let LogEntry::Decided { handoff, events, .. }
        | LogEntry::Confirmed { handoff, events, .. }
        | LogEntry::Overridden { handoff, events, .. } = &mut entry
        {
            handoff.cycle = handoff.cycle.saturating_add(ahead);
            let kept: Vec<Event> = shift(events);
            *events = kept;
        }
        if first {
            self.told.clear();
        }
        let empty = entry.handoff().is_some_and(|(_, events)| events.is_empty());
        (!empty).then_some(Cow::Owned(entry))
    }
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

/// By what an event is known again, if it claims a time.
fn claimed(event: &Event) -> Option<(Kind, Timestamp)> {
    if let Event::Completed { at, .. } = event {
        Some((Kind::Completed, *at))
    } else if let Event::Accepted { at, .. } = event {
        Some((Kind::Accepted, *at))
    } else if let Event::Rejected { at, .. } = event {
        Some((Kind::Rejected, *at))
    } else if let Event::AnswerRefused { at, .. } = event {
        Some((Kind::Refused, *at))
    } else if let Event::Bypassed { at: Some(at), .. } = event {
        Some((Kind::Bypassed, *at))
    } else if let Event::SlaBreached { due, .. } = event {
        Some((Kind::Breached, *due))
    } else if let Event::ExceptionsLapsed { due, .. } = event {
        Some((Kind::Lapsed, *due))
    } else {
        None
    }
}
