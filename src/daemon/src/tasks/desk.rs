//! What is owed and what is known, per connection.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use handoff_core::contract::Contract;
use handoff_core::evidence::Evidence;
use handoff_core::handoff::Handoff;
use handoff_core::id::ConnectionId;
use handoff_core::journal::LogEntry;
use handoff_core::motion::SignalTable;
use handoff_core::obligation::{Holders, Obligation, Posts, obligations, roles};
use handoff_core::reask;
use handoff_core::registry::Registry;
use handoff_core::task::{Book, Known, Rules, Step, Waiting};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::config::Config;
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::govern::{Governed, Rule};
use crate::memory::{Change, Rows, TASK};

/// All connections' tasks.
pub(crate) struct Desks {
    /// `None` = the configuration has no `[tasks]`.
    pub(crate) rules: Option<Rules>,
    /// Connection → the field that tells what a task stands for.
    pub(crate) keys: BTreeMap<ConnectionId, String>,
    /// Roles that may owe something without a record naming who holds them.
    pub(crate) posts: BTreeSet<String>,
    /// What signals mean in each motion.
    signals: Option<SignalTable>,
    states: Mutex<BTreeMap<ConnectionId, State>>,
    /// One pass at a time.
    pub(crate) alone: tokio::sync::Mutex<()>,
    changed: watch::Sender<u64>,
    rested: watch::Sender<u64>,
}

/// One connection's tasks.
#[derive(Default)]
pub(crate) struct State {
    /// What is known.
    pub(crate) book: Book,
    /// What is owed, by handoff's stream; those that owe nothing included.
    pub(crate) owed: BTreeMap<String, Vec<Obligation>>,
    /// What has no task now.
    pub(crate) waiting: Vec<Waiting>,
    /// Something changed since the last pass began.
    pub(crate) dirty: bool,
    /// Streams whose tasks may not match what is owed, each with the number of its last change.
    pub(crate) touched: BTreeMap<String, u64>,
    changes: u64,
    /// When to look again.
    pub(crate) again: Option<Timestamp>,
    /// Passes that failed one after the other.
    pub(crate) failed: u32,
    /// Created, changed, closed and refused since the start.
    pub(crate) counts: Counts,
}

/// What became of tasks since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) created: u64,
    pub(crate) changed: u64,
    pub(crate) closed: u64,
    pub(crate) refused: u64,
}

impl Desks {
    pub(crate) fn new(config: &Config, registry: &Registry, objects: &[Governed]) -> Self {
        let rules = config.tasks.as_ref().and_then(crate::config::Tasks::rules);
        let mut keys = BTreeMap::new();
        for object in objects.iter().filter(|_| rules.is_some()) {
            for task in object.rules.iter().filter_map(|rule| rule.mapping.write.task.as_ref()) {
                keys.entry(object.connection.clone()).or_insert_with(|| task.id.clone());
            }
        }
        let signals = registry.signals().cloned();
        let has_tasks = |contract: &Contract| {
            let rules = objects.iter().flat_map(|object| &object.rules);
            rules
                .filter(|rule| rule.mapping.write.task.is_some())
                .any(|rule| rule.mapping.contract == contract.contract)
        };
        // Open handoffs stay on their version.
        let contracts =
            registry.contracts().map(|held| &held.contract).filter(|contract| has_tasks(contract));
        let posts = if rules.is_some() {
            contracts.flat_map(|contract| roles(contract, signals.as_ref())).collect()
        } else {
            BTreeSet::new()
        };
        Self {
            rules,
            keys,
            posts,
            signals,
            states: Mutex::new(BTreeMap::new()),
            alone: tokio::sync::Mutex::new(()),
            changed: watch::Sender::new(0),
            rested: watch::Sender::new(0),
        }
    }

    pub(crate) fn states(&self) -> MutexGuard<'_, BTreeMap<ConnectionId, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_on(&self, connection: &ConnectionId) -> bool {
        self.keys.contains_key(connection)
    }

    /// What people owe a handoff now; who holds a role is its connection's word.
    pub(crate) fn owed(
        &self,
        engine: &Engine,
        contract: &Contract,
        handoff: &Handoff,
        evidence: &Evidence,
        now: Timestamp,
    ) -> Vec<Obligation> {
        let link = engine.links.get(&handoff.id.subject.connection);
        let holders = link.map_or_else(Holders::new, |link| link.directory.holders(now));
        let posts = Posts { holders: &holders, signals: self.signals.as_ref() };
        let mut owed = obligations(contract, handoff, posts, now);
        let rules = engine.object_of(&handoff.id.subject).into_iter().flat_map(|object| &object.rules);
        let can_say =
            |rule: &Rule| rule.mapping.contract == contract.contract && rule.mapping.reask.is_some();
        if rules.into_iter().any(can_say) {
            owed.extend(reask::obligations(contract, handoff, &evidence.reasks, posts, now));
            owed.sort_by(|left, right| left.id.cmp(&right.id));
        }
        owed.extend(engine.tests.owed(&handoff.id));
        owed
    }

    /// What a handoff's people owe now. What owes nothing, and did not before, is nobody's business.
    pub(crate) fn look(&self, connection: &ConnectionId, stream: &str, owed: Vec<Obligation>) {
        let news = {
            let states = self.states();
            let known = states.get(connection).and_then(|state| state.owed.get(stream));
            known.map_or(!owed.is_empty(), |known| *known != owed)
        };
        if news {
            self.take_up(connection, stream, owed);
        }
    }

    /// What a handoff's people owe that has tasks.
    pub(crate) fn take_up(&self, connection: &ConnectionId, stream: &str, owed: Vec<Obligation>) {
        if !self.is_on(connection) {
            return;
        }
        {
            let mut states = self.states();
            let state = states.entry(connection.clone()).or_default();
            state.changes = state.changes.wrapping_add(1);
            state.touched.insert(stream.to_owned(), state.changes);
            state.owed.insert(stream.to_owned(), owed);
            state.dirty = true;
        }
        self.poke();
    }

    /// Everything is looked at again.
    pub(crate) fn look_again(&self) {
        for (connection, state) in self.states().iter_mut() {
            state.dirty |= self.keys.contains_key(connection);
            state.failed = 0;
        }
        self.poke();
    }

    fn poke(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// A pass ended and nothing is due.
    pub(crate) fn rested(&self) {
        self.rested.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(crate) fn watch_rest(&self) -> watch::Receiver<u64> {
        self.rested.subscribe()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Connections that have something to do now.
    pub(crate) fn due(&self, now: Timestamp) -> BTreeSet<ConnectionId> {
        let states = self.states();
        let due = states.iter().filter(|(connection, state)| {
            self.keys.contains_key(connection)
                && (state.dirty || state.again.is_some_and(|again| again <= now))
        });
        due.map(|(connection, _)| connection.clone()).collect()
    }

    /// When time alone gives something to do.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let states = self.states();
        states.iter().filter(|(id, _)| self.keys.contains_key(id)).filter_map(|(_, state)| state.again).min()
    }

    /// Takes up what the memory knows. Blocks.
    pub(crate) fn open(&self, rows: &Rows) -> Result<(), Fatal> {
        let mut states = self.states();
        for (key, row) in rows.scan_now(TASK)? {
            let Some((connection, id)) = key.split_once('/') else { continue };
            if let Ok(known) = serde_json::from_slice::<Known>(&row) {
                let state = states.entry(ConnectionId::from(connection)).or_default();
                state.book.tasks.insert(id.to_owned(), known);
            }
        }
        Ok(())
    }

    /// Takes up an entry that the memory does not reflect yet.
    pub(crate) fn caught(&self, entry: &LogEntry, change: &mut Change) {
        if let LogEntry::Task { connection, change: what, at, .. } = entry {
            let mut states = self.states();
            let state = states.entry(connection.clone()).or_default();
            state.book.apply(*at, what);
            if let Some(known) = state.book.tasks.get(what.id()) {
                change.put_json(row(connection, what.id()), known);
            }
        }
    }
}

impl State {
    /// What has to be held against the book: what changed, what waits, what is on its way, and all that stands on lists. Everything else matches.
    pub(crate) fn in_question(&self) -> BTreeMap<String, Vec<Obligation>> {
        let mut streams: BTreeSet<&String> = self.touched.keys().collect();
        for (id, known) in &self.book.tasks {
            let moves = match known.step {
                Step::Opening | Step::Changing | Step::Closing => true,
                Step::Stands | Step::Dismissed => known.covers.keys().any(|covered| covered != id),
                Step::Done => false,
            };
            if moves {
                streams.extend(known.covers.values());
            }
        }
        let found = streams.into_iter().filter_map(|stream| self.owed.get_key_value(stream));
        found.map(|(stream, owed)| (stream.clone(), owed.clone())).collect()
    }

    /// Nothing is left to write: these streams match, unless they changed meanwhile, wait, or were held back.
    pub(crate) fn matches(&mut self, asked: &BTreeMap<String, u64>) {
        let waits: BTreeSet<&str> = self.waiting.iter().map(|waiting| waiting.id.as_str()).collect();
        let owed = &self.owed;
        self.touched.retain(|stream, change| {
            let waiting = || {
                let owed = owed.get(stream).into_iter().flatten();
                owed.into_iter().any(|one| waits.contains(one.id.as_str()))
            };
            asked.get(stream) != Some(change) || waiting()
        });
    }
}

/// The memory's row of a task.
pub(crate) fn row(connection: &ConnectionId, id: &str) -> String {
    format!("{TASK}{connection}/{id}")
}
