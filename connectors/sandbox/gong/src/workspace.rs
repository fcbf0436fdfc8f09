//! The handle on a running company: everything a test, a demo or the control interface may do to it.

mod calls;
mod rules;
mod switches;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use handoff_sandbox_host::Traffic;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::{Error, state::State, tripwire::Tripped};

/// Makes the state as it is right after the start.
pub(crate) type Fresh = Box<dyn Fn() -> Result<State, Error> + Send + Sync>;

/// What the server, the deliverer and every handle share.
pub(crate) struct Shared {
    state: Mutex<State>,
    pub(crate) wake: Arc<Notify>,
    pub(crate) delivered: Notify,
    pub(crate) traffic: Traffic,
    fresh: Fresh,
}

impl Shared {
    pub(crate) fn new(fresh: Fresh) -> Result<Self, Error> {
        Ok(Self {
            state: Mutex::new(fresh()?),
            wake: Arc::new(Notify::new()),
            delivered: Notify::new(),
            traffic: Traffic::default(),
            fresh,
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that would have changed something at the vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The request, counted from 1.
    pub request: u64,
    /// The sandbox's time.
    pub at: Timestamp,
    /// HTTP method.
    pub method: String,
    /// Path.
    pub path: String,
}

/// A change of the company's data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// Number, from 1.
    pub seq: u64,
    /// The sandbox's time.
    pub at: Timestamp,
    /// What happened: `added`, `removed`, `relinked`, `transcript_set`, `transcript_removed`, `privacy_set`.
    pub change: String,
    /// To which call.
    pub call: String,
}

/// Requests answered so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// By endpoint kind.
    pub by_kind: BTreeMap<String, u64>,
    /// Charged to today's allowance.
    pub charged: u64,
}

/// A handle on the company. Clones share it; every method is synchronous and quick.
#[derive(Clone)]
pub struct Workspace {
    pub(crate) shared: Arc<Shared>,
}

impl std::fmt::Debug for Workspace {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Workspace")
    }
}

impl Workspace {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.lock()
    }

    /// Runs `change` and wakes the deliverer.
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let out = change(&mut self.lock());
        self.shared.wake.notify_one();
        out
    }

    /// Id of the first workspace.
    pub fn id(&self) -> String {
        self.lock().workspaces.first().map(|first| first.id.clone()).unwrap_or_default()
    }

    // Time.

    /// The sandbox's time.
    pub fn now(&self) -> Timestamp {
        self.lock().now()
    }

    /// Sets the sandbox's clock. Calls that were processed by then are told to the rules.
    pub fn set_time(&self, at: Timestamp) {
        self.with(|state| state.clock.set(at));
    }

    /// Moves the sandbox's clock by `seconds`, which may be negative.
    pub fn advance(&self, seconds: i64) {
        self.with(|state| state.clock.advance(seconds));
    }

    // What happened.

    /// Wires that were touched, oldest first; a test that ends well finds none.
    pub fn tripped(&self) -> Vec<Tripped> {
        self.lock().wires.list().to_vec()
    }

    /// Requests that would have changed something, oldest first.
    pub fn writes(&self) -> Vec<Attempt> {
        self.lock().attempts.clone()
    }

    /// Every change of the company's data, oldest first.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.lock().journal.clone()
    }

    /// Requests answered so far.
    pub fn calls(&self) -> Calls {
        let state = self.lock();
        Calls { by_kind: state.counts.clone(), charged: state.limits.used }
    }

    /// Time spent on vendor calls since the start, each from its last byte received to its answer made.
    pub fn handling(&self) -> std::time::Duration {
        self.shared.traffic.handling()
    }

    /// Forgets writes, journal, counts, touched wires and deliveries; the company's data stays.
    pub fn forget(&self) {
        let mut state = self.lock();
        state.attempts.clear();
        state.journal.clear();
        state.counts.clear();
        state.wires.forget();
        state.outbound.log.clear();
    }

    /// Back to the state right after the start: same seed, same ids; clock and address kept, rules gone.
    pub fn reset(&self) -> Result<(), Error> {
        let mut fresh = (self.shared.fresh)()?;
        let mut state = self.lock();
        fresh.clock = state.clock.clone();
        fresh.base_url.clone_from(&state.base_url);
        *state = fresh;
        drop(state);
        self.shared.delivered.notify_waiters();
        self.release();
        Ok(())
    }
}
