//! How each receiver answers: signs of a rubber stamp, and of a veto that is used for other ends. They are shown, and nothing follows from them by
//! itself.

use std::collections::BTreeMap;

use handoff_core::event::Event;
use handoff_core::id::{HandoffId, PersonId};
use handoff_core::journal::LogEntry;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::report::Rate;
use crate::unit::When;

/// Nobody reads a package in less than this (milliseconds).
const QUICK: i64 = 60_000;
/// So many quick acceptances in a row are a sign.
const RUN: usize = 5;
/// Fewer answers say nothing about how often somebody rejects.
const ENOUGH: usize = 10;

/// How one person answers for one contract and motion.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Receiver {
    /// The contract.
    pub contract: String,
    /// The motion.
    pub motion: String,
    /// The person.
    pub person: String,
    /// Rejections, of all answers that counted.
    pub rejections: Rate,
    /// Acceptances less than a minute after the package was complete.
    pub quick: usize,
    /// The longest run of such acceptances, no other answer between.
    pub longest_quick_run: usize,
    /// Five or more of them in a row: does he read what he accepts?
    pub rubber_stamp: bool,
    /// More than half of ten or more answers are rejections: is the contract too strict, the sender too thin, or the veto misused?
    pub rejects_most: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Tally {
    answers: usize,
    rejected: usize,
    quick: usize,
    run: usize,
    longest: usize,
}

/// The answers of all receivers of a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answers {
    completed: BTreeMap<String, When>,
    tallies: BTreeMap<(String, String, String), Tally>,
}

impl Answers {
    /// Folds one entry of the log; entries come in log order.
    pub fn apply(&mut self, entry: &LogEntry) {
        let Some((handoff, events)) = entry.handoff() else { return };
        for event in events {
            self.fold(handoff, entry.at(), event);
        }
    }

    /// Everybody who answered this often or more, by contract, motion and person.
    pub fn receivers(&self, minimum: usize) -> Vec<Receiver> {
        let enough = self.tallies.iter().filter(|(_, tally)| tally.answers >= minimum);
        let rows = enough.map(|((contract, motion, person), tally)| Receiver {
            contract: contract.clone(),
            motion: motion.clone(),
            person: person.clone(),
            rejections: Rate::of(tally.rejected, tally.answers),
            quick: tally.quick,
            longest_quick_run: tally.longest,
            rubber_stamp: tally.longest >= RUN,
            rejects_most: tally.answers >= ENOUGH && tally.rejected * 2 > tally.answers,
        });
        rows.collect()
    }

    fn fold(&mut self, handoff: &HandoffId, logged: Timestamp, event: &Event) {
        if let Event::Completed { at, .. } = event {
            self.completed.insert(handoff.stream(), When::weigh(Some(*at), logged));
        } else if let Event::Accepted { by, at, .. } = event {
            let since = self.completed.remove(&handoff.stream());
            let waited = since.and_then(|since| since.until(When::weigh(Some(*at), logged)));
            let tally = self.tally(handoff, &by.person);
            tally.answers += 1;
            if waited.is_some_and(|waited| waited < QUICK) {
                tally.quick += 1;
                tally.run += 1;
                tally.longest = tally.longest.max(tally.run);
            } else {
                tally.run = 0;
            }
        } else if let Event::Rejected { by, .. } = event {
            self.completed.remove(&handoff.stream());
            let tally = self.tally(handoff, &by.person);
            tally.answers += 1;
            tally.rejected += 1;
            tally.run = 0;
        }
    }

    fn tally(&mut self, handoff: &HandoffId, person: &PersonId) -> &mut Tally {
        let key = (handoff.contract.0.clone(), handoff.motion.0.clone(), person.0.clone());
        self.tallies.entry(key).or_default()
    }
}

#[cfg(test)]
mod tests;
