//! Follows the log's tail: the scorecard and the list of by-passes, entry by entry; and freezes the months that are due.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use handoff_core::event::Event;
use handoff_core::journal::LogEntry;
use handoff_measure::account::Accounts;
use handoff_measure::live::Live;
use handoff_measure::metric::fill;
use handoff_measure::people::Teams;
use handoff_measure::period::Period;
use handoff_measure::report::{Report, Shown};
use handoff_measure::scorecard::Scorecard;
use jiff::Timestamp;

use crate::api::model::Bypass;
use crate::config::{Config, ScorecardSettings};
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::journal::Journal;
use crate::memory::{Change, blocking};
use crate::seats::person_of;
use crate::view::View;

/// Between looks whether a month is due to be frozen.
const EVERY: Duration = Duration::from_hours(1);

/// How far the log was read, and what it amounts to so far.
#[derive(Debug, Default)]
struct Follower {
    next: u64,
    standing: Standing,
}

/// The numbers of a running daemon: one reading of the log for everybody who asks.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    follower: Mutex<Follower>,
    pub(crate) teams: Teams,
    /// One freezing at a time.
    alone: tokio::sync::Mutex<()>,
}

impl Numbers {
    pub(crate) fn new(config: &Config) -> Self {
        let follower = Follower { next: 0, standing: Standing::new(&config.scorecard) };
        Self { follower: Mutex::new(follower), teams: teams(config), alone: tokio::sync::Mutex::default() }
    }

    /// Reads the log up to its head and asks. Blocks.
    pub(crate) fn ask<T>(&self, journal: &Journal, ask: impl FnOnce(&Standing) -> T) -> Result<T, Fatal> {
        let mut follower = self.follower.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(ask(follower.read(journal)?))
    }
}

/// The teams of the configuration, as people.
pub(crate) fn teams(config: &Config) -> Teams {
    let people = |logins: &Vec<String>| logins.iter().map(|login| person_of(&config.people, login)).collect();
    config.scorecard.team.iter().map(|(name, logins)| (name.clone(), people(logins))).collect()
}

/// Freezes what is due, now and every hour.
pub(crate) async fn keep_frozen(engine: &Arc<Engine>) -> Result<(), Fatal> {
    loop {
        freeze(engine).await?;
        engine.clock.sleep(EVERY).await;
    }
}

/// Appends what the log does not say yet of months that change no more; answers with how many entries that were. What is due follows from the
/// log alone, so a crash between two of them costs nothing and nothing is said twice.
pub(crate) async fn freeze(engine: &Arc<Engine>) -> Result<usize, Fatal> {
    let _alone = engine.numbers.alone.lock().await;
    let now = engine.clock.now();
    let asked = Arc::clone(engine);
    let due = blocking(move || {
        asked.numbers.ask(&asked.journal, |standing| standing.scorecard.to_freeze(now))
    })
    .await?;
    let count = due.len();
    for entry in due {
        if let LogEntry::MetricsFrozen { period, version, .. } = &entry {
            tracing::info!(period, version, "the numbers of a month are frozen");
        }
        engine.append_own(entry, Change::default()).await?;
        engine.reached("frozen");
    }
    Ok(count)
}

impl View {
    /// Asks what the log amounts to.
    pub async fn standing<T, F>(&self, ask: F) -> Result<T, Fatal>
    where
        T: Send + 'static,
        F: FnOnce(&Standing) -> T + Send + 'static,
    {
        let engine = Arc::clone(&self.0);
        blocking(move || engine.numbers.ask(&engine.journal, ask)).await
    }

    /// The teams whose numbers are told.
    pub(crate) fn teams(&self) -> &Teams {
        &self.0.numbers.teams
    }
}

/// What the log amounts to.
#[derive(Debug, Default, Clone)]
pub struct Standing {
    /// The numbers.
    pub scorecard: Scorecard,
    /// What is known of accounts.
    pub accounts: Accounts,
    /// By-passes, oldest first.
    pub bypasses: Vec<Bypass>,
}

impl Standing {
    /// Nothing so far.
    pub fn new(settings: &ScorecardSettings) -> Self {
        let scorecard = Scorecard::new().with_minimum_n(settings.minimum_n.into());
        Self { scorecard, accounts: Accounts::new(), bypasses: Vec::new() }
    }

    /// The rows of all periods with all six metrics.
    pub fn report(&self, by: Period, as_of: Timestamp, shown: Shown) -> Report {
        let mut report = self.scorecard.report_of(by, as_of, shown);
        fill(&mut report, &self.scorecard, &self.accounts);
        report
    }

    /// All months' rows, and the live numbers.
    pub fn numbers(&self, now: Timestamp) -> (Report, Vec<Live>) {
        (self.scorecard.report(Period::Month, now), self.scorecard.live(now))
    }

    /// Takes one entry.
    pub fn apply(&mut self, position: u64, entry: &LogEntry) {
        self.scorecard.apply_at(position, entry);
        self.accounts.apply(entry);
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
    /// Reads up to the log's head. Blocks.
    fn read(&mut self, journal: &Journal) -> Result<&Standing, Fatal> {
        if self.next >= journal.head() {
            return Ok(&self.standing);
        }
        for record in journal.records(self.next)? {
            let record = record?;
            let entry = journal.open(&record)?;
            self.next = record.position.saturating_add(1);
            if let Some(entry) = &entry {
                self.standing.apply(record.position, entry);
            }
        }
        Ok(&self.standing)
    }
}
