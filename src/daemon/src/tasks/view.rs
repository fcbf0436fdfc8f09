//! What an admin sees of tasks; never whose they are.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::id::ConnectionId;
use handoff_core::task::Step;
use serde::Serialize;

use super::work::is_vacant;
use crate::engine::Engine;

/// One connection's tasks now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TasksView {
    /// The connection.
    pub connection: ConnectionId,
    /// Tasks that stand open, as far as we know.
    pub open: usize,
    /// Ordered, and not known to be carried out.
    pub ordered: usize,
    /// Owed without a task now, by reason: `quiet`, `cap`, `nobody`, `refused`.
    pub waiting: BTreeMap<String, usize>,
    /// Roles that owe something and that nobody is found for who could act: name somebody in `[people.roles]`.
    pub vacant: BTreeSet<String>,
    /// What the CRM says to those that it refuses: structure only, never values; each once.
    pub refusals: Vec<String>,
    /// Written since the start: `created`, `changed`, `closed`, `refused`.
    pub written: BTreeMap<String, u64>,
}

/// Most refusals that are shown.
const MOST: usize = 10;

/// All connections with tasks.
pub(crate) fn all(engine: &Engine) -> Vec<TasksView> {
    let states = engine.tasks.states();
    let one = |connection: &ConnectionId| {
        let mut view = TasksView {
            connection: connection.clone(),
            open: 0,
            ordered: 0,
            waiting: BTreeMap::new(),
            vacant: BTreeSet::new(),
            refusals: Vec::new(),
            written: BTreeMap::new(),
        };
        let Some(state) = states.get(connection) else { return view };
        for known in state.book.tasks.values() {
            match known.step {
                Step::Stands => view.open += 1,
                Step::Opening | Step::Changing | Step::Closing => view.ordered += 1,
                Step::Dismissed | Step::Done => {}
            }
            if let Some((_, why)) = &known.refused
                && !view.refusals.contains(why)
                && view.refusals.len() < MOST
            {
                view.refusals.push(why.clone());
            }
        }
        let vacant = state.owed.values().flatten().filter(|one| is_vacant(one));
        view.vacant = vacant.filter_map(|one| one.role.clone()).collect();
        for waiting in &state.waiting {
            *view.waiting.entry(waiting.why.as_str().to_owned()).or_default() += 1;
        }
        let counts = state.counts;
        let written = [
            ("created", counts.created),
            ("changed", counts.changed),
            ("closed", counts.closed),
            ("refused", counts.refused),
        ];
        view.written = written.map(|(what, count)| (what.to_owned(), count)).into();
        view
    };
    engine.tasks.keys.keys().map(one).collect()
}
