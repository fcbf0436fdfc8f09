//! Questions that the customer had answered before, from the log: per handoff cycle and per account.
//!
//! A cycle is *asked again* when a person confirmed that a question of a call within 30 days after its acceptance asked for what its package held,
//! or when somebody reported it on the record within that time. What calls merely suggest is told apart and counts in no share.

mod cells;
mod estimate;
mod rates;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use handoff_core::event::Event;
use handoff_core::evidence::Standing;
use handoff_core::id::{ConnectionId, ContractId, HandoffId, MotionId};
use handoff_core::journal::LogEntry;
use handoff_core::observation::Observation;
use handoff_core::reask::{self, DAYS};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

pub use estimate::{Accuracy, Estimate, Share, estimate};
pub use rates::{CallsRow, RateRow, rates};

use self::cells::{Cells, Flags, Placed};
use crate::few::Few;
use crate::metric::Slice;
use crate::past::begun;
use crate::unit::When;

/// How many scored calls after an acceptance the automatic estimate looks at.
const CALLS: usize = 3;

/// The re-asks of a log. Folding entry by entry gives the same as folding all at once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reasks {
    streams: BTreeMap<String, Stream>,
    cells: Cells,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Stream {
    /// The running cycle.
    cycle: u32,
    /// Whose it is, once it was accepted.
    handoff: Option<Box<HandoffId>>,
    /// Cycle → when it was accepted first.
    accepted: Few<u32, Accepted>,
    /// The account of the record, as last seen.
    account: Option<String>,
    known: reask::Reasks,
}

/// The first acceptance of a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Accepted {
    at: Timestamp,
    placed: Option<Placed>,
}

/// How one cycle stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct CycleStanding {
    /// When it was accepted; `None` = it was not, and nothing could be asked again.
    pub accepted: Option<Timestamp>,
    /// A person confirmed or reported that the customer was asked again within the window.
    pub asked_again: bool,
    /// A call suggests so, and nobody answered yet.
    pub waits: bool,
    /// At least one call within the window was scored.
    pub scored: bool,
    /// One of the first scored calls holds a question that is clear enough for the automatic estimate, whatever people said.
    pub automatic: bool,
}

/// Whose handoffs are counted together: the account of one CRM, or the record where it names none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Account {
    /// The CRM.
    pub connection: ConnectionId,
    /// The account's id, or the record's.
    pub id: String,
}

/// How often accounts were asked again: the unit is the account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Incidence {
    /// Accounts with a handoff that was accepted in the window: the denominator.
    pub accounts: u64,
    /// Of those, accounts with a confirmed or reported re-ask: the numerator.
    pub asked_again: u64,
    /// Of the others, accounts where a suggestion waits for a person: with them the figure would be at most this much higher.
    pub waiting: u64,
    /// Accounts with at least one scored call: what the automatic estimate is made of.
    pub scored: u64,
    /// Of those, accounts with a question that is clear enough by itself.
    pub automatic: u64,
    /// Whether the 30 days of some acceptance are not over.
    pub provisional: bool,
}

impl Reasks {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Folds one entry of the log; entries come in log order. Returns the stream whose standing may be another one now.
    pub fn apply(&mut self, entry: &LogEntry) -> Option<String> {
        if let Some(handoff) = entry.evidence() {
            let name = handoff.stream();
            self.streams.entry(name.clone()).or_default().known.apply(entry);
            self.count(&name);
            return Some(name);
        }
        let (handoff, events) = entry.handoff()?;
        let name = handoff.stream();
        // What was never accepted has nothing to be asked again.
        let is_accepted = events.iter().any(|event| matches!(event, Event::Accepted { .. }));
        if !is_accepted && !self.streams.contains_key(&name) {
            return None;
        }
        let stream = self.streams.entry(name.clone()).or_default();
        if stream.cycle == 0 {
            stream.cycle = running(handoff, events);
        }
        let mut news = false;
        if let LogEntry::Decided { seen, .. } = entry {
            news = stream.see(seen);
        }
        for event in events {
            news |= stream.event(handoff, entry.at(), event);
        }
        if news {
            self.count(&name);
        }
        news.then_some(name)
    }

    /// How one cycle of a stream stands.
    pub fn standing(&self, stream: &str, cycle: u32) -> CycleStanding {
        self.streams.get(stream).map(|stream| stream.standing(cycle)).unwrap_or_default()
    }

    /// The account that a stream's record belongs to.
    pub fn account(&self, stream: &str) -> Option<Account> {
        let stream = self.streams.get(stream)?;
        Some(stream.of(stream.handoff.as_ref()?))
    }

    /// How often accounts were asked again, of those whose handoff of a contract in a motion was accepted in a slice; `None` = all of them together,
    /// for which only all time is kept.
    pub fn incidence(&self, line: Option<(&str, &str)>, slice: Slice, as_of: Timestamp) -> Incidence {
        self.cells.incidence(line, slice, as_of)
    }

    /// Every contract and motion with an accepted handoff.
    pub fn lines(&self) -> impl Iterator<Item = &(ContractId, MotionId)> {
        self.cells.lines()
    }

    /// The accepted cycles of a stream, and whether the customer was asked again in each.
    pub fn cycles(&self, stream: &str) -> Vec<(u32, bool)> {
        let known = self.streams.get(stream);
        let cycles =
            known.into_iter().flat_map(|known| known.accepted.keys().map(move |cycle| (known, *cycle)));
        cycles.map(|(known, cycle)| (cycle, known.standing(cycle).asked_again)).collect()
    }

    /// The cycles that were asked again, of a contract in a motion, accepted in a slice: stream and cycle.
    pub fn asked_again(&self, contract: &str, motion: &str, slice: Slice) -> Vec<(String, u32)> {
        let mut found = Vec::new();
        for (name, stream) in &self.streams {
            let is_meant = |id: &HandoffId| id.contract.as_str() == contract && id.motion.as_str() == motion;
            let meant = stream.handoff.as_deref().is_some_and(is_meant);
            let own = stream.accepted.iter().filter(|(cycle, accepted)| {
                meant && slice.holds(accepted.at) && stream.standing(**cycle).asked_again
            });
            found.extend(own.map(|(cycle, _)| (name.clone(), *cycle)));
        }
        found
    }

    fn count(&mut self, name: &str) {
        let Some(stream) = self.streams.get_mut(name) else { return };
        let Some(handoff) = stream.handoff.as_deref() else { return };
        let line = (handoff.contract.clone(), handoff.motion.clone());
        let account = stream.of(handoff);
        let cycles: Vec<u32> = stream.accepted.keys().copied().collect();
        for cycle in cycles {
            let standing = stream.standing(cycle);
            let flags = Flags {
                asked_again: standing.asked_again,
                waits: standing.waits,
                scored: standing.scored,
                automatic: standing.automatic,
            };
            let Some(accepted) = stream.accepted.get(&cycle) else { continue };
            let placed = self.cells.place(&line, accepted.at, &account, flags, accepted.placed);
            if let Some(accepted) = stream.accepted.get_mut(&cycle) {
                accepted.placed = Some(placed);
            }
        }
    }
}

/// The cycle that ran before these events: an entry names the one after them, and one look may see an acceptance and what ended it.
fn running(handoff: &HandoffId, events: &[Event]) -> u32 {
    begun(events).next().map_or(handoff.cycle, |cycle| cycle.saturating_sub(1))
}

/// The end of the time in which a question counts.
pub(crate) fn until(accepted: Timestamp) -> Timestamp {
    let window = SignedDuration::from_hours(i64::from(DAYS) * 24);
    accepted.checked_add(window).unwrap_or(Timestamp::MAX)
}

impl Stream {
    /// True = it belongs to another account than before.
    fn see(&mut self, seen: &Observation) -> bool {
        let moved = seen.account.is_some() && seen.account != self.account;
        if moved {
            self.account.clone_from(&seen.account);
        }
        moved
    }

    /// True = something that counts.
    fn event(&mut self, handoff: &HandoffId, logged: Timestamp, event: &Event) -> bool {
        if let Event::Opened { handoff, .. } = event {
            self.cycle = handoff.cycle;
        } else if let Event::Reopened { cycle, .. } = event {
            self.cycle = *cycle;
        } else if let Event::Accepted { at, .. } = event {
            let at = When::weigh(Some(*at), logged).at;
            let cycle = self.cycle;
            if self.handoff.is_none() {
                self.handoff = Some(Box::new(handoff.clone()));
            }
            if self.accepted.get(&cycle).is_none() {
                self.accepted.insert(cycle, Accepted { at, placed: None });
            }
            return true;
        }
        false
    }

    fn of(&self, handoff: &HandoffId) -> Account {
        let subject = &handoff.subject;
        let id = self.account.clone().unwrap_or_else(|| subject.record.as_str().to_owned());
        Account { connection: subject.connection.clone(), id }
    }

    fn standing(&self, cycle: u32) -> CycleStanding {
        let Some(Accepted { at: accepted, .. }) = self.accepted.get(&cycle) else {
            return CycleStanding::default();
        };
        let counts = |at: Timestamp| *accepted <= at && at < until(*accepted);
        let mut calls: Vec<_> = self
            .known
            .calls
            .values()
            .filter(|call| call.withdrawn.is_none() && call.cycle == cycle && counts(call.started))
            .collect();
        calls.sort_by(|a, b| (a.started, &a.call).cmp(&(b.started, &b.call)));
        let has = |standing: Standing| {
            calls.iter().flat_map(|call| &call.suggested).any(|one| one.standing() == standing)
        };
        let first = calls.iter().take(CALLS).flat_map(|call| &call.suggested);
        let reported = self.known.reports.values();
        let reported = reported.into_iter().any(|one| one.stands && one.cycle == cycle && counts(one.asked));
        CycleStanding {
            accepted: Some(*accepted),
            asked_again: has(Standing::Confirmed) || reported,
            waits: has(Standing::Suggested),
            scored: !calls.is_empty(),
            automatic: first.into_iter().any(|one| one.reask.automatic && one.reask.strict),
        }
    }
}
