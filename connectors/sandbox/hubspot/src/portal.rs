//! The handle on a running portal: everything a test, a demo or the control interface may do to it.

mod records;
mod switches;

use std::{
    borrow::Borrow,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use handoff_sandbox_host::Traffic;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use tokio::sync::Notify;

use crate::{
    Error,
    record::{ActorKind, JournalEntry, WriteRecord},
    state::{State, WriteHook},
};

pub use records::BulkDeal;

/// What the server, the deliverer and every handle share.
pub(crate) struct Shared {
    state: Mutex<State>,
    pub(crate) outbound_wake: Arc<Notify>,
    pub(crate) delivered: Notify,
    pub(crate) traffic: Traffic,
    fresh: Fresh,
}

type Fresh = Box<dyn Fn() -> Result<State, Error> + Send + Sync>;

impl Shared {
    pub(crate) fn new(fresh: Fresh) -> Result<Self, Error> {
        Ok(Self {
            state: Mutex::new(fresh()?),
            outbound_wake: Arc::new(Notify::new()),
            delivered: Notify::new(),
            traffic: Traffic::default(),
            fresh,
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A change by a person or automation inside the portal.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// E-mail address, user id or owner id of who acts; for apps and workflows a number of theirs, or empty.
    #[serde(default)]
    pub user: String,
    /// How: decides which rules stand in the way.
    #[serde(default)]
    pub kind: ActorKind,
    /// Plural name of the object.
    pub object: String,
    /// The record to change; a new one when absent.
    #[serde(default)]
    pub id: Option<u64>,
    /// Property values.
    #[serde(default)]
    pub properties: Map<String, Json>,
    /// For apps: act by the dialect that obeys required properties.
    #[serde(default)]
    pub enforced: bool,
}

impl Act {
    /// A person changing a record in the user interface; `properties` is a JSON object.
    pub fn update(user: &str, object: &str, id: u64, properties: impl Borrow<Json>) -> Self {
        Self { id: Some(id), ..Self::create(user, object, properties) }
    }

    /// A person creating a record in the user interface; `properties` is a JSON object.
    pub fn create(user: &str, object: &str, properties: impl Borrow<Json>) -> Self {
        Self {
            user: user.to_owned(),
            kind: ActorKind::Ui,
            object: object.to_owned(),
            id: None,
            properties: properties.borrow().as_object().cloned().unwrap_or_default(),
            enforced: false,
        }
    }

    /// The same act by another kind of actor.
    pub fn by(mut self, kind: ActorKind) -> Self {
        self.kind = kind;
        self
    }
}

/// A user to create, with an owner that stands for them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// E-mail address.
    pub email: String,
    /// First name.
    #[serde(default)]
    pub first: String,
    /// Last name.
    #[serde(default)]
    pub last: String,
    /// Whether pipeline rules let them pass.
    #[serde(default)]
    pub super_admin: bool,
}

/// Calls answered so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// By endpoint kind.
    pub by_kind: std::collections::BTreeMap<String, u64>,
    /// Charged to the account's day.
    pub charged: u64,
}

/// A handle on the portal. Clones share it; every method is synchronous and quick.
#[derive(Clone)]
pub struct Portal {
    pub(crate) shared: Arc<Shared>,
}

impl std::fmt::Debug for Portal {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Portal")
    }
}

impl Portal {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.lock()
    }

    /// Runs `change` and wakes the deliverer of webhooks.
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let out = change(&mut self.lock());
        self.shared.outbound_wake.notify_one();
        out
    }

    /// The portal's number.
    pub fn id(&self) -> u64 {
        self.lock().portal_id
    }

    /// Gives the portal another number, as a token of another account would show.
    pub fn set_id(&self, id: u64) {
        let mut state = self.lock();
        state.portal_id = id;
        state.schema.portal = id;
    }

    // Time.

    /// The sandbox's time.
    pub fn now(&self) -> Timestamp {
        self.lock().timestamp()
    }

    /// Sets the sandbox's clock.
    pub fn set_time(&self, at: Timestamp) {
        self.lock().clock.set(at);
    }

    /// Moves the sandbox's clock by `seconds`, which may be negative.
    pub fn advance(&self, seconds: i64) {
        self.lock().clock.advance(seconds);
    }

    // What happened.

    /// Every write received, oldest first.
    pub fn writes(&self) -> Vec<WriteRecord> {
        self.lock().writes.clone()
    }

    /// Every true change, oldest first.
    pub fn journal(&self) -> Vec<JournalEntry> {
        self.lock().journal.clone()
    }

    /// Calls answered so far.
    pub fn calls(&self) -> Calls {
        let state = self.lock();
        Calls { by_kind: state.calls.clone(), charged: state.limits.used }
    }

    /// Time spent on vendor calls since the start; see [`handoff_sandbox_host::Traffic::handling`].
    pub fn handling(&self) -> std::time::Duration {
        self.shared.traffic.handling()
    }

    /// Forgets writes, journal, calls and deliveries; records stay.
    pub fn forget(&self) {
        let mut state = self.lock();
        state.writes.clear();
        state.journal.clear();
        state.calls.clear();
        state.webhooks.log.clear();
    }

    /// Calls `hook` with every write before it is applied.
    ///
    /// The portal is locked meanwhile: the hook must not call it.
    pub fn on_write(&self, hook: WriteHook) {
        self.lock().write_hook = Some(hook);
    }

    /// Back to the state right after the start: same seed, same ids, clock and address kept.
    pub fn reset(&self) -> Result<(), Error> {
        let mut fresh = (self.shared.fresh)()?;
        let mut state = self.lock();
        fresh.clock = state.clock.clone();
        fresh.base_url.clone_from(&state.base_url);
        fresh.write_hook = state.write_hook.take();
        *state = fresh;
        drop(state);
        self.release();
        Ok(())
    }

    /// Loads a CSV or JSONL file by a mapping; how many records were saved.
    pub fn load(&self, file: &Path, mapping: &Path) -> Result<crate::Loaded, Error> {
        Ok(handoff_sandbox_host::load::load(self, file, mapping)?)
    }
}
