//! What an admin sees of tasks; never whose they are.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::id::{ConnectionId, RecordId};
use handoff_core::obligation::Obligation;
use handoff_core::task::{Known, Step, Wait};
use serde::Serialize;

use super::desk::State;
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

/// Something that somebody owes a handoff now, and how the task stands that stands for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwedView {
    /// The handoff: `contract/motion/connection/object/record`.
    pub stream: String,
    /// What is owed.
    pub owed: Obligation,
    /// `open`, `ordered`, `on a list`, `deleted by its owner` or `none`; or why there is none yet: `quiet`, `cap`, `nobody`, `refused`.
    pub task: &'static str,
    /// The CRM's id of the task, once known.
    pub record: Option<RecordId>,
}

impl OwedView {
    /// What is owed, where nothing is known of tasks.
    pub(crate) fn untold(stream: &str, owed: Obligation) -> Self {
        Self { stream: stream.to_owned(), owed, task: "none", record: None }
    }
}

/// How the tasks stand for what one handoff is owed.
pub(crate) fn told(
    engine: &Engine,
    connection: &ConnectionId,
    stream: &str,
    owed: Vec<Obligation>,
) -> Vec<OwedView> {
    let states = engine.tasks.states();
    let state = states.get(connection).filter(|_| engine.tasks.is_on(connection));
    owed.into_iter()
        .map(|one| match state {
            Some(state) => with_task(state, stream, one),
            None => OwedView::untold(stream, one),
        })
        .collect()
}

/// Everything that is owed wherever tasks are written, what is due first, then by handoff; at most so many.
pub(crate) fn everything(engine: &Engine, most: usize) -> Vec<OwedView> {
    let states = engine.tasks.states();
    let mut all: Vec<(&State, &str, &Obligation)> = Vec::new();
    for state in states.iter().filter(|(id, _)| engine.tasks.is_on(id)).map(|(_, state)| state) {
        let owed = state.owed.iter().flat_map(|(stream, owed)| owed.iter().map(move |one| (stream, one)));
        all.extend(owed.map(|(stream, one)| (state, stream.as_str(), one)));
    }
    all.sort_by_key(|(_, stream, one)| (one.due.is_none(), one.due, *stream, one.id.as_str()));
    all.truncate(most);
    all.into_iter().map(|(state, stream, one)| with_task(state, stream, one.clone())).collect()
}

fn with_task(state: &State, stream: &str, owed: Obligation) -> OwedView {
    let tasks = &state.book.tasks;
    let own = tasks.get(&owed.id).filter(|known| known.step != Step::Done);
    let list = || {
        let mut lists = tasks.values().filter(|known| known.is_open());
        lists.find(|known| known.covers.contains_key(&owed.id))
    };
    let waiting = state.waiting.iter().find(|waiting| waiting.id == owed.id).map(|waiting| waiting.why);
    let (task, known): (&'static str, Option<&Known>) = match (own, waiting) {
        (_, Some(why)) => (why_none(why), own),
        (Some(known), None) => {
            let word = match known.step {
                Step::Stands => "open",
                Step::Opening | Step::Changing | Step::Closing => "ordered",
                Step::Dismissed => "deleted by its owner",
                Step::Done => "none",
            };
            (word, own)
        }
        (None, None) => list().map_or(("none", None), |list| ("on a list", Some(list))),
    };
    let record = known.and_then(|known| known.record.clone());
    OwedView { stream: stream.to_owned(), owed, task, record }
}

fn why_none(why: Wait) -> &'static str {
    match why {
        Wait::Quiet => "quiet",
        Wait::Cap => "cap",
        Wait::Nobody => "nobody",
        Wait::Refused => "refused",
    }
}
