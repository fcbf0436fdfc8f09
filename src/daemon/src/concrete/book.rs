//! What is known of tests: by id, by handoff, and which weeks were drawn.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use handoff_core::concrete::{Contradicted, TestKind, TestRun};
use handoff_core::id::HandoffId;
use handoff_core::journal::LogEntry;
use handoff_core::obligation::Obligation;
use handoff_measure::concrete::ask;

use crate::config::Tests;
use crate::fatal::Fatal;
use crate::memory::{Change, Rows, TEST, TEST_WEEK};

/// All tests.
pub(crate) struct Book {
    /// `None` = the configuration has no `[tests]`: nobody is asked anything.
    pub(crate) settings: Option<Tests>,
    known: Mutex<Known>,
    /// One pass at a time.
    pub(crate) alone: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    runs: BTreeMap<String, TestRun>,
    /// Stream → its tests.
    of: BTreeMap<String, BTreeSet<String>>,
    /// `KIND/WEEK` that was drawn to its end.
    drawn: BTreeSet<String>,
}

impl Known {
    fn put(&mut self, id: &str, run: TestRun) {
        self.of.entry(run.handoff.stream()).or_default().insert(id.to_owned());
        self.runs.insert(id.to_owned(), run);
    }

    fn of<'k>(&'k self, handoff: &HandoffId) -> impl Iterator<Item = (&'k String, &'k TestRun)> {
        let ids = self.of.get(&handoff.stream()).into_iter().flatten();
        ids.filter_map(|id| self.runs.get_key_value(id))
    }
}

impl Book {
    pub(crate) fn new(settings: Option<Tests>) -> Self {
        Self { settings, known: Mutex::default(), alone: tokio::sync::Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up what the memory knows. Blocks.
    pub(crate) fn open(&self, rows: &Rows) -> Result<(), Fatal> {
        let mut known = self.known();
        for (id, row) in rows.scan_now(TEST)? {
            if let Ok(run) = serde_json::from_slice::<TestRun>(&row) {
                known.put(&id, run);
            }
        }
        known.drawn = rows.scan_now(TEST_WEEK)?.into_iter().map(|(week, _)| week).collect();
        Ok(())
    }

    /// Takes up an entry that the memory does not reflect yet.
    pub(crate) fn caught(&self, position: u64, entry: &LogEntry, change: &mut Change) {
        let LogEntry::Test { handoff, test, step, at } = entry else { return };
        let mut known = self.known();
        let before = known.runs.get(test).cloned();
        if let Some(run) = TestRun::apply(before, handoff, position, *at, step) {
            change.put_json(format!("{TEST}{test}"), &run);
            known.put(test, run);
        }
    }

    pub(crate) fn run(&self, test: &str) -> Option<TestRun> {
        self.known().runs.get(test).cloned()
    }

    /// Tests without a result.
    pub(crate) fn open_runs(&self) -> Vec<(String, TestRun)> {
        let known = self.known();
        let open = known.runs.iter().filter(|(_, run)| run.scored.is_none());
        open.map(|(id, run)| (id.clone(), run.clone())).collect()
    }

    /// Handoffs, by stream and cycle, that were drawn for this test and week.
    pub(crate) fn drawn_for(&self, kind: TestKind, week: &str) -> BTreeSet<(String, u32)> {
        let known = self.known();
        let of = known.runs.values().filter(|run| run.draw.kind == kind && run.draw.week == week);
        of.map(|run| (run.handoff.stream(), run.handoff.cycle)).collect()
    }

    pub(crate) fn is_drawn(&self, week: &str) -> bool {
        self.known().drawn.contains(week)
    }

    /// A week is drawn to its end.
    pub(crate) fn close_week(&self, week: &str, change: &mut Change) {
        change.put_json(format!("{TEST_WEEK}{week}"), &true);
        self.known().drawn.insert(week.to_owned());
    }

    /// What people are asked about this handoff; nothing any more once it is another cycle.
    pub(crate) fn owed(&self, handoff: &HandoffId) -> Vec<Obligation> {
        let known = self.known();
        let of = known.of(handoff).filter(|(_, run)| run.handoff.cycle == handoff.cycle);
        of.flat_map(|(id, run)| ask::obligations(id, run)).collect()
    }

    /// A test of this cycle whose answers contradict what was accepted.
    pub(crate) fn contradiction(&self, handoff: &HandoffId) -> Option<Contradicted> {
        let known = self.known();
        let mut of = known.of(handoff).filter(|(_, run)| run.handoff.cycle == handoff.cycle);
        of.find_map(|(id, run)| run.contradiction(id))
    }
}
