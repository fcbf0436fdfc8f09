//! Follows the log's tail: the scorecard and the list of by-passes, entry by entry.

use handoff_core::event::Event;
use handoff_core::journal::LogEntry;
use handoff_measure::practice::Practice;
use handoff_measure::scorecard::Scorecard;

use super::model::Bypass;
use crate::fatal::Fatal;
use crate::view::View;

/// Entries read at once.
const PAGE: usize = 1_000;

/// How far the log was read, and what it amounts to so far.
#[derive(Debug, Default)]
pub struct Follower {
    next: u64,
    standing: Standing,
}

/// What the log amounts to.
#[derive(Debug, Default, Clone)]
pub struct Standing {
    /// The numbers.
    pub scorecard: Scorecard,
    /// By-passes, oldest first.
    pub bypasses: Vec<Bypass>,
    /// What is done with handoffs beside the numbers.
    pub practice: Practice,
}

impl Standing {
    /// Takes one entry.
    pub fn apply(&mut self, position: u64, entry: &LogEntry) {
        self.scorecard.apply(entry);
        self.practice.apply(position, entry);
        let Some((handoff, events)) = entry.handoff() else { return };
        for event in events {
            if let Event::Bypassed { gate, stage, from, by, at, ever_accepted, .. } = event {
                self.bypasses.push(Bypass {
                    stream: handoff.stream(),
                    cycle: handoff.cycle,
                    position,
                    recorded_at: entry.at(),
                    gate: gate.0.clone(),
                    stage: stage.0.clone(),
                    from: from.clone(),
                    by: by.as_ref().map(|actor| actor.id.0.clone()),
                    at: *at,
                    ever_accepted: *ever_accepted,
                });
            }
        }
    }
}

impl Follower {
    /// Reads up to the log's head and answers with what it amounts to.
    pub async fn catch_up(&mut self, view: &View) -> Result<&Standing, Fatal> {
        loop {
            let page = view.log(self.next, PAGE).await?;
            if page.is_empty() {
                return Ok(&self.standing);
            }
            for each in page {
                self.next = each.position.saturating_add(1);
                if let Some(entry) = &each.entry {
                    self.standing.apply(each.position, entry);
                }
            }
        }
    }
}
