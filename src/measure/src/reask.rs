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
use std::sync::Arc;

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
use crate::unit::{When, stream_of};

/// How many scored calls after an acceptance the automatic estimate looks at.
const CALLS: usize = 3;

/// The re-asks of a log. Folding entry by entry gives the same as folding all at once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reasks {
    streams: BTreeMap<Arc<str>, Stream>,
    cells: Cells,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Stream {
    /// The running cycle.
    cycle: u32,
    /// Its contract and motion, by number, once it was accepted.
    line: Option<u32>,
    /// The account of the record as last seen, by number; of a record that names none the record itself, once it was accepted.
    account: Option<u32>,
    /// Cycle → when it was accepted first.
    accepted: Few<u32, Accepted>,
    /// What calls and people say; most streams have nothing.
    known: Option<Box<reask::Reasks>>,
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
    pub fn apply(&mut self, entry: &LogEntry) -> Option<Arc<str>> {
        let name = stream_of(entry)?;
        self.apply_of(&name, entry).then_some(name)
    }

    /// Folds one entry of a stream. True = its standing may be another one now.
    pub(crate) fn apply_of(&mut self, name: &Arc<str>, entry: &LogEntry) -> bool {
        if entry.evidence().is_some() {
            let stream = self.streams.entry(Arc::clone(name)).or_default();
            stream.known.get_or_insert_default().apply(entry);
            self.count(name);
            return true;
        }
        let Some((handoff, events)) = entry.handoff() else { return false };
        // What was never accepted has nothing to be asked again.
        let is_accepted = events.iter().any(|event| matches!(event, Event::Accepted { .. }));
        if !is_accepted && !self.streams.contains_key(name) {
            return false;
        }
        let stream = self.streams.entry(Arc::clone(name)).or_default();
        if stream.cycle == 0 {
            stream.cycle = running(handoff, events);
        }
        let mut news = false;
        if let LogEntry::Decided { seen, .. } = entry {
            news = stream.see(seen, &mut self.cells);
        }
        for event in events {
            news |= stream.event(handoff, entry.at(), event, &mut self.cells);
        }
        if news {
            self.count(name);
        }
        news
    }

    /// How one cycle of a stream stands.
    pub fn standing(&self, stream: &str, cycle: u32) -> CycleStanding {
        self.streams.get(stream).map(|stream| stream.standing(cycle)).unwrap_or_default()
    }

    /// The account that a stream's record belongs to.
    pub fn account(&self, stream: &str) -> Option<Account> {
        let stream = self.streams.get(stream).filter(|stream| stream.line.is_some())?;
        self.cells.account(stream.account?).cloned()
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
        let Some(line) = self.cells.line_of(contract, motion) else { return Vec::new() };
        let mut found = Vec::new();
        for (name, stream) in self.streams.iter().filter(|(_, stream)| stream.line == Some(line)) {
            let own = stream
                .accepted
                .iter()
                .filter(|(cycle, accepted)| slice.holds(accepted.at) && stream.standing(**cycle).asked_again);
            found.extend(own.map(|(cycle, _)| (name.to_string(), *cycle)));
        }
        found
    }

    fn count(&mut self, name: &str) {
        let Some(stream) = self.streams.get_mut(name) else { return };
        let (Some(line), Some(account)) = (stream.line, stream.account) else { return };
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
            let placed = self.cells.place(line, accepted.at, account, flags, accepted.placed);
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
    fn see(&mut self, seen: &Observation, cells: &mut Cells) -> bool {
        let Some(id) = seen.account.clone() else { return false };
        let account = Some(cells.number(Account { connection: seen.subject.connection.clone(), id }));
        std::mem::replace(&mut self.account, account) != account
    }

    /// True = something that counts.
    fn event(&mut self, handoff: &HandoffId, logged: Timestamp, event: &Event, cells: &mut Cells) -> bool {
        if let Event::Opened { handoff, .. } = event {
            self.cycle = handoff.cycle;
        } else if let Event::Reopened { cycle, .. } = event {
            self.cycle = *cycle;
        } else if let Event::Accepted { at, .. } = event {
            let at = When::weigh(Some(*at), logged).at;
            let cycle = self.cycle;
            let subject = &handoff.subject;
            self.line.get_or_insert_with(|| cells.line(&handoff.contract, &handoff.motion));
            self.account.get_or_insert_with(|| {
                let id = subject.record.as_str().to_owned();
                cells.number(Account { connection: subject.connection.clone(), id })
            });
            if self.accepted.get(&cycle).is_none() {
                self.accepted.insert(cycle, Accepted { at, placed: None });
            }
            return true;
        }
        false
    }

    fn standing(&self, cycle: u32) -> CycleStanding {
        let Some(Accepted { at: accepted, .. }) = self.accepted.get(&cycle) else {
            return CycleStanding::default();
        };
        let counts = |at: Timestamp| *accepted <= at && at < until(*accepted);
        let Some(known) = &self.known else {
            return CycleStanding { accepted: Some(*accepted), ..CycleStanding::default() };
        };
        let mut calls: Vec<_> = known
            .calls
            .values()
            .filter(|call| call.withdrawn.is_none() && call.cycle == cycle && counts(call.started))
            .collect();
        calls.sort_by(|a, b| (a.started, &a.call).cmp(&(b.started, &b.call)));
        let has = |standing: Standing| {
            calls.iter().flat_map(|call| &call.suggested).any(|one| one.standing() == standing)
        };
        let first = calls.iter().take(CALLS).flat_map(|call| &call.suggested);
        let reported = known.reports.values();
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
