//! The handle on a running org: everything a test, a demo or the control interface may do to it.

mod records;
mod switches;

use std::{
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
    ids::Id,
    outbound::Notice,
    record::{ActorKind, JournalEntry, WriteRecord},
    state::{State, WriteHook},
};

/// What the server, the deliverer and every handle share.
pub(crate) struct Shared {
    state: Mutex<State>,
    released: Mutex<Vec<Notice>>,
    pub(crate) outbound_wake: Arc<Notify>,
    pub(crate) delivered: Notify,
    pub(crate) traffic: Traffic,
    fresh: Box<dyn Fn() -> Result<State, Error> + Send + Sync>,
}

impl Shared {
    pub(crate) fn new(fresh: Box<dyn Fn() -> Result<State, Error> + Send + Sync>) -> Result<Self, Error> {
        Ok(Self {
            state: Mutex::new(fresh()?),
            released: Mutex::new(Vec::new()),
            outbound_wake: Arc::new(Notify::new()),
            delivered: Notify::new(),
            traffic: Traffic::default(),
            fresh,
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn released(&self) -> MutexGuard<'_, Vec<Notice>> {
        self.released.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A save by a person or automation inside the org.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// Id or user name of who acts.
    pub user: String,
    /// How: decides which checks run.
    #[serde(default = "by_hand")]
    pub kind: ActorKind,
    /// API name of the object.
    pub object: String,
    /// The row to change; a new one when absent.
    #[serde(default)]
    pub id: Option<Id>,
    /// Field values.
    #[serde(default)]
    pub fields: Map<String, Json>,
    /// An open transaction the save belongs to.
    #[serde(default)]
    pub transaction: Option<u64>,
}

const fn by_hand() -> ActorKind {
    ActorKind::Ui
}

impl Act {
    /// A person changing a record in the user interface; `fields` is a JSON object.
    pub fn update(user: &str, object: &str, id: Id, fields: &Json) -> Self {
        Self { id: Some(id), ..Self::create(user, object, fields) }
    }

    /// A person creating a record in the user interface; `fields` is a JSON object.
    pub fn create(user: &str, object: &str, fields: &Json) -> Self {
        Self {
            user: user.to_owned(),
            kind: ActorKind::Ui,
            object: object.to_owned(),
            id: None,
            fields: fields.as_object().cloned().unwrap_or_default(),
            transaction: None,
        }
    }

    /// The same act by another kind of actor.
    pub fn by(mut self, kind: ActorKind) -> Self {
        self.kind = kind;
        self
    }

    /// The same act inside an open transaction.
    pub fn within(mut self, transaction: u64) -> Self {
        self.transaction = Some(transaction);
        self
    }
}

/// A user to create.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// User name, an e-mail address.
    pub username: String,
    /// First name.
    #[serde(default)]
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Password for the password flow and SOAP log-in; none disables both.
    #[serde(default)]
    pub password: String,
    /// Job title.
    #[serde(default)]
    pub title: Option<String>,
    /// Modify All Data: may edit every field, but validation rules still judge.
    #[serde(default)]
    pub admin: bool,
    /// Permission sets to assign.
    #[serde(default)]
    pub permission_sets: Vec<String>,
}

impl NewUser {
    /// A standard user without password or permission sets.
    pub fn new(username: &str, first_name: &str, last_name: &str) -> Self {
        Self {
            username: username.to_owned(),
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            password: String::new(),
            title: None,
            admin: false,
            permission_sets: Vec::new(),
        }
    }
}

impl std::fmt::Debug for NewUser {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("NewUser").field("username", &self.username).finish_non_exhaustive()
    }
}

/// Calls answered so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// By endpoint kind.
    pub by_kind: std::collections::BTreeMap<String, u64>,
    /// Charged to the daily allocation.
    pub charged: u64,
}

/// A handle on the org. Clones share it; every method is synchronous and quick.
#[derive(Clone)]
pub struct Org {
    pub(crate) shared: Arc<Shared>,
}

impl std::fmt::Debug for Org {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Org")
    }
}

impl Org {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.lock()
    }

    /// Runs `change` and wakes the deliverer of outbound messages.
    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let out = change(&mut self.lock());
        self.shared.outbound_wake.notify_one();
        out
    }

    /// The org's id.
    pub fn id(&self) -> Id {
        self.lock().org_id
    }

    // Time.

    /// The sandbox's time.
    pub fn now(&self) -> Timestamp {
        self.lock().now()
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

    /// Time spent on vendor calls since the start, each from its last byte received to its answer made; calls of the control interface
    /// and planted faults not counted. What remains of a client's waiting is the client's own.
    pub fn handling(&self) -> std::time::Duration {
        self.shared.traffic.handling()
    }

    /// Forgets writes, journal, calls and deliveries; records stay.
    pub fn forget(&self) {
        let mut state = self.lock();
        state.writes.clear();
        state.journal.clear();
        state.calls.clear();
        state.outbound.log.clear();
    }

    /// Calls `hook` with every write before it is applied.
    ///
    /// The org is locked meanwhile: the hook must not call it.
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

    /// Loads a CSV or JSONL file by a mapping; how many rows were saved.
    pub fn load(&self, file: &Path, mapping: &Path) -> Result<crate::Loaded, Error> {
        Ok(handoff_sandbox_host::load::load(self, file, mapping)?)
    }
}
