//! The handle on a running org: everything a test, a demo or the control interface may do to it.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicU64},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use tokio::sync::Notify;

use crate::{
    Error,
    access::Login,
    auth::App,
    fault::Fault,
    ids::Id,
    lifecycle::{Conversion, Converted},
    outbound::{Delivery, Notice, OutboundMode},
    record::{ActorKind, JournalEntry, SaveError, WriteRecord},
    schema::{FieldSpec, ObjectSpec},
    state::{Actor, State, WriteHook},
    value::Value,
};

/// What the server, the deliverer and every handle share.
pub(crate) struct Shared {
    state: Mutex<State>,
    released: Mutex<Vec<Notice>>,
    pub(crate) outbound_wake: Arc<Notify>,
    pub(crate) delivered: Notify,
    pub(crate) unhang: Notify,
    pub(crate) requests: AtomicU64,
    fresh: Box<dyn Fn() -> Result<State, Error> + Send + Sync>,
}

impl Shared {
    pub(crate) fn new(fresh: Box<dyn Fn() -> Result<State, Error> + Send + Sync>) -> Result<Self, Error> {
        Ok(Self {
            state: Mutex::new(fresh()?),
            released: Mutex::new(Vec::new()),
            outbound_wake: Arc::new(Notify::new()),
            delivered: Notify::new(),
            unhang: Notify::new(),
            requests: AtomicU64::new(0),
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

    // Records.

    /// Saves as somebody; the row's id, or exactly the errors that this somebody would see.
    pub fn act(&self, act: &Act) -> Result<Id, Error> {
        self.with(|state| {
            let actor = state.actor(&act.user, act.kind, act.transaction)?;
            let position =
                state.schema.position(&act.object).ok_or_else(|| Error::unknown("object", &*act.object))?;
            Ok(state.save(&actor, position, act.id, &act.fields)?)
        })
    }

    /// Every field of a row, deleted or not, with nobody's permissions applied.
    pub fn get(&self, id: Id) -> Option<Json> {
        let state = self.lock();
        state.row(id).map(|(position, row)| state.full_json(position, row))
    }

    /// One field of a row as JSON; null when the row or field does not exist.
    pub fn field(&self, id: Id, name: &str) -> Json {
        let state = self.lock();
        state
            .row(id)
            .and_then(|(position, row)| Some((state.schema.objects.get(position)?.field(name)?, row)))
            .map_or(Json::Null, |(field, row)| row.get(field).to_json())
    }

    /// Records of a query, all pages, with nobody's permissions applied.
    pub fn query(&self, soql: &str) -> Result<Vec<Json>, Error> {
        let state = self.lock();
        let user = state.system_user();
        state.query_all_rows(user, soql, false).map_err(|error| Error::Refused(error.errors))
    }

    /// How many rows an object has, deleted ones included.
    pub fn count(&self, object: &str) -> usize {
        self.lock().table(object).map_or(0, crate::table::Table::len)
    }

    /// Moves a row to the recycle bin as `user`.
    pub fn delete(&self, user: &str, id: Id) -> Result<(), Error> {
        self.by(user, |state, actor| Ok(state.delete(actor, id)?))
    }

    /// Takes a row out of the recycle bin as `user`; no validation rule runs.
    pub fn undelete(&self, user: &str, id: Id) -> Result<(), Error> {
        self.by(user, |state, actor| {
            let actor = Actor { kind: ActorKind::Undelete, ..actor.clone() };
            Ok(state.undelete(&actor, id)?)
        })
    }

    /// Removes a row for good.
    pub fn hard_delete(&self, user: &str, id: Id) -> Result<(), Error> {
        self.by(user, |state, actor| Ok(state.hard_delete(actor, id)?))
    }

    /// Merges rows into `master` as `user`.
    pub fn merge(&self, user: &str, master: Id, losers: &[Id]) -> Result<(), Error> {
        self.by(user, |state, actor| state.merge(actor, master, losers))
    }

    /// Copies a row as the "Clone" button does, with `changes` on top.
    pub fn clone_record(&self, user: &str, id: Id, changes: &Json) -> Result<Id, Error> {
        let changes = changes.as_object().cloned().unwrap_or_default();
        self.by(user, |state, actor| state.clone_record(actor, id, &changes))
    }

    /// Converts a lead as `user`.
    pub fn convert_lead(&self, user: &str, conversion: &Conversion) -> Result<Converted, Error> {
        self.by(user, |state, actor| state.convert_lead(actor, conversion))
    }

    fn by<T>(
        &self,
        user: &str,
        work: impl FnOnce(&mut State, &Actor) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.with(|state| {
            let actor = state.actor(user, ActorKind::Ui, None)?;
            work(state, &actor)
        })
    }

    /// Overwrites a row's stamps (seconds since the epoch), as migrations and clock faults do.
    pub fn set_stamps(&self, id: Id, modified: Option<i64>, stamp: Option<i64>) -> Result<(), Error> {
        self.with(|state| {
            let (position, row) = state.row(id).ok_or_else(|| Error::unknown("record", id.to_string()))?;
            let mut row = crate::table::Row::clone(row);
            row.modified_at = modified.unwrap_or(row.modified_at);
            row.stamp = stamp.unwrap_or(row.stamp);
            if let Some(table) = state.tables.get_mut(position) {
                table.put(Arc::new(row));
            }
            Ok(())
        })
    }

    // Transactions that commit late.

    /// Opens a transaction; rows saved in it are stamped at once but visible, and unlocked, only after its commit.
    pub fn open_transaction(&self) -> u64 {
        self.lock().open_transaction()
    }

    /// Commits it; how many rows became visible.
    pub fn commit_transaction(&self, number: u64) -> Result<usize, Error> {
        self.with(|state| state.commit_transaction(number))
    }

    /// Forgets it.
    pub fn abort_transaction(&self, number: u64) {
        self.lock().open.remove(&number);
    }

    // People.

    /// Creates a user.
    pub fn create_user(&self, user: &NewUser) -> Result<Id, Error> {
        self.with(|state| state.create_user(user))
    }

    /// The user with that user name or id.
    pub fn user(&self, name: &str) -> Result<Id, Error> {
        self.lock().user(name)
    }

    /// Assigns a permission set.
    pub fn assign(&self, user: &str, set: &str) -> Result<(), Error> {
        self.with(|state| state.assign(user, set, true))
    }

    /// Takes a permission set away.
    pub fn unassign(&self, user: &str, set: &str) -> Result<(), Error> {
        self.with(|state| state.assign(user, set, false))
    }

    /// API names of the permission sets that exist.
    pub fn permission_sets(&self) -> Vec<String> {
        self.lock().sets.0.keys().cloned().collect()
    }

    // Sessions.

    /// Adds or replaces a connected app.
    pub fn set_app(&self, app: App) {
        self.lock().sessions.apps.insert(app.client_id.clone(), app);
    }

    /// A live access token of a user, without a log-in.
    pub fn token_for(&self, user: &str) -> Result<String, Error> {
        let mut state = self.lock();
        let user = state.user(user)?;
        let (org, now) = (state.org_id, state.second());
        Ok(state.sessions.open(org, user, "control", now))
    }

    /// Ends every access token; how many were alive.
    pub fn kill_tokens(&self) -> usize {
        self.lock().sessions.kill(None)
    }

    /// Forgets every refresh token.
    pub fn kill_refresh_tokens(&self) -> usize {
        self.lock().sessions.kill_refresh()
    }

    /// Life of tokens issued from now on, in seconds.
    pub fn set_token_lifetime(&self, seconds: i64) {
        self.lock().sessions.lifetime = seconds;
    }

    /// Daily API allocation and what of it is used.
    pub fn set_limit(&self, used: u64, allowed: u64) {
        let mut state = self.lock();
        let now = state.second();
        state.limits.charge(0, now);
        state.limits.used = used;
        state.limits.allowed = allowed;
    }

    // Faults.

    /// Plants a fault; its number.
    pub fn plant(&self, fault: Fault) -> u64 {
        self.lock().faults.plant(fault)
    }

    /// Faults that have not struck yet.
    pub fn faults(&self) -> Vec<Fault> {
        self.lock().faults.list().iter().map(|(_, fault)| fault.clone()).collect()
    }

    /// Removes every planted fault, lock and rejection, and lets hanging requests go.
    pub fn clear_faults(&self) {
        {
            let mut state = self.lock();
            state.faults.clear();
            state.locked.clear();
            state.rejected.clear();
        }
        self.release();
    }

    /// Lets hanging requests go.
    pub fn release(&self) {
        self.lock().faults.releases += 1;
        self.shared.unhang.notify_waiters();
    }

    /// Writes to the row fail with UNABLE_TO_LOCK_ROW until it is unlocked.
    pub fn lock_row(&self, id: Id) {
        self.lock().locked.insert(id);
    }

    /// Undoes [`Self::lock_row`].
    pub fn unlock_row(&self, id: Id) {
        self.lock().locked.remove(&id);
    }

    /// The next `times` writes to the row fail with `error`.
    pub fn reject_row(&self, id: Id, times: u32, error: SaveError) {
        self.lock().rejected.insert(id, (times, error));
    }

    // Schema.

    /// Adds fields to an object (or replaces their description).
    pub fn add_fields(&self, object: &str, fields: Vec<FieldSpec>) -> Result<(), Error> {
        self.edit_schema(|state| {
            let object = state.schema.object_mut(object).ok_or_else(|| Error::unknown("object", object))?;
            for field in fields {
                object.add(field);
            }
            Ok(())
        })
    }

    /// Adds an object.
    pub fn add_object(&self, object: ObjectSpec) {
        self.lock().add_object(object);
    }

    /// Removes a field; its values are gone for every caller.
    pub fn remove_field(&self, object: &str, field: &str) -> Result<(), Error> {
        self.edit_field(object, field, |object| object.remove(field))
    }

    /// Renames a field, keeping its values.
    pub fn rename_field(&self, object: &str, field: &str, to: &str) -> Result<(), Error> {
        self.edit_field(object, field, |object| object.rename(field, to))
    }

    /// Makes a field read-only for everybody, or writable again.
    pub fn set_read_only(&self, object: &str, field: &str, read_only: bool) -> Result<(), Error> {
        self.edit_field(object, field, |object| object.edit(field, |spec| spec.read_only = read_only))
    }

    /// Replaces a picklist's values.
    pub fn set_values(&self, object: &str, field: &str, values: Vec<String>) -> Result<(), Error> {
        self.edit_field(object, field, |object| object.edit(field, |spec| spec.values = values))
    }

    /// Switches a validation rule on or off.
    pub fn set_rule(&self, object: &str, rule: &str, active: bool) -> Result<(), Error> {
        let mut state = self.lock();
        let rules = state.rules.get_mut(&object.to_ascii_lowercase());
        let found = rules.and_then(|rules| rules.iter_mut().find(|known| known.name == rule));
        found.map(|rule| rule.active = active).ok_or_else(|| Error::unknown("validation rule", rule))
    }

    /// Renames a stage in the stage list and on every deal, as Setup's "replace" does: no rules, no history.
    pub fn rename_stage(&self, from: &str, to: &str) -> Result<usize, Error> {
        self.with(|state| state.rename_stage(from, to))
    }

    fn edit_field(
        &self,
        object: &str,
        field: &str,
        change: impl FnOnce(&mut crate::schema::Object) -> bool,
    ) -> Result<(), Error> {
        self.edit_schema(|state| {
            let found = state.schema.object_mut(object).ok_or_else(|| Error::unknown("object", object))?;
            if change(found) { Ok(()) } else { Err(Error::unknown("field", format!("{object}.{field}"))) }
        })
    }

    fn edit_schema(&self, change: impl FnOnce(&mut State) -> Result<(), Error>) -> Result<(), Error> {
        let mut state = self.lock();
        change(&mut state)?;
        state.refresh_schema();
        Ok(())
    }

    // Outbound messages.

    /// Where outbound messages about opportunities go, and which fields they carry besides the id.
    pub fn set_outbound(&self, endpoints: Vec<String>, fields: Vec<String>) {
        let mut state = self.lock();
        state.outbound.endpoints = endpoints;
        state.outbound.fields = fields;
    }

    /// What happens to outbound messages from now on.
    pub fn set_outbound_mode(&self, mode: OutboundMode) {
        self.with(|state| {
            let due = state.due_notices();
            self.shared.released().extend(due);
            state.outbound.mode = mode;
        });
    }

    /// Delivers held messages, newest first, and every later one at once.
    pub fn release_outbound(&self) {
        self.with(|state| {
            state.outbound.mode = OutboundMode::Hold;
            let fresh = state.due_notices();
            let mut held = state.release_held();
            held.extend(fresh);
            self.shared.released().extend(held);
        });
    }

    /// Every delivery attempt so far.
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.lock().outbound.log.clone()
    }

    /// Waits until every message made so far is acknowledged, lost or held.
    pub async fn outbound_settled(&self) {
        loop {
            let delivered = self.shared.delivered.notified();
            if self.lock().outbound.is_idle() {
                return;
            }
            delivered.await;
        }
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

    /// Forgets writes, journal, calls and deliveries; records stay.
    pub fn forget(&self) {
        let mut state = self.lock();
        state.writes.clear();
        state.journal.clear();
        state.calls.clear();
        state.outbound.log.clear();
    }

    /// Calls `hook` with every write before it is applied.
    pub fn on_write(&self, hook: WriteHook) {
        self.lock().write_hook = Some(hook);
    }

    /// Back to the state right after the start: same seed, same ids, clock and address kept.
    pub fn reset(&self) -> Result<(), Error> {
        let mut fresh = (self.shared.fresh)()?;
        let mut state = self.lock();
        fresh.clock = state.clock;
        fresh.base_url.clone_from(&state.base_url);
        fresh.write_hook = state.write_hook.take();
        *state = fresh;
        drop(state);
        self.release();
        Ok(())
    }

    /// Loads a CSV or JSONL file by a mapping; how many rows were saved.
    pub fn load(&self, file: &Path, mapping: &Path) -> Result<crate::Loaded, Error> {
        crate::load::load(self, file, mapping)
    }
}

impl State {
    /// The user of that user name or id.
    pub(crate) fn user(&self, name: &str) -> Result<Id, Error> {
        Id::parse(name)
            .filter(|id| self.logins.contains_key(id))
            .or_else(|| self.user_named(name))
            .ok_or_else(|| Error::unknown("user", name))
    }

    pub(crate) fn actor(
        &self,
        user: &str,
        kind: ActorKind,
        transaction: Option<u64>,
    ) -> Result<Actor, Error> {
        if let Some(number) = transaction
            && !self.open.contains_key(&number)
        {
            return Err(Error::unknown("open transaction", number.to_string()));
        }
        Ok(Actor { user: self.user(user)?, kind, client: None, request: 0, transaction })
    }

    pub(crate) fn create_user(&mut self, new: &NewUser) -> Result<Id, Error> {
        if self.user_named(&new.username).is_some() {
            return Err(Error::bad(format!("user {} exists already", new.username)));
        }
        let system = self.system_user();
        let actor =
            Actor { user: system, kind: ActorKind::Load, client: None, request: 0, transaction: None };
        let alias: String = new.last_name.chars().take(8).collect();
        let id = self.create(&actor, "User", &json!({
            "Username": new.username, "Email": new.username, "FirstName": new.first_name, "LastName": new.last_name,
            "Title": new.title, "Alias": alias.to_lowercase(),
        }))?;
        let profile = if new.admin { "System Administrator" } else { "Standard User" };
        self.logins.insert(id, Login::new(new.password.clone(), new.admin, profile));
        for set in &new.permission_sets {
            self.assign(id.as_str(), set, true)?;
        }
        Ok(id)
    }

    fn assign(&mut self, user: &str, set: &str, holds: bool) -> Result<(), Error> {
        let user = self.user(user)?;
        if !self.sets.0.contains_key(set) {
            return Err(Error::unknown("permission set", set));
        }
        if let Some(login) = self.logins.get_mut(&user) {
            if holds {
                login.sets.insert(set.to_owned());
            } else {
                login.sets.remove(set);
            }
            login.recompute(&self.sets);
        }
        Ok(())
    }

    fn rename_stage(&mut self, from: &str, to: &str) -> Result<usize, Error> {
        let mut renamed = 0;
        for (object, names) in
            [("OpportunityStage", vec!["ApiName", "MasterLabel"]), ("Opportunity", vec!["StageName"])]
        {
            let Some(position) = self.schema.position(object) else { continue };
            let slots: Vec<u16> = self
                .schema
                .object(object)
                .into_iter()
                .flat_map(|object| names.iter().filter_map(|name| object.slot(name)))
                .collect();
            let rows: Vec<_> = self
                .tables
                .get(position)
                .into_iter()
                .flat_map(crate::table::Table::rows)
                .filter(|row| slots.iter().any(|slot| row.stored(*slot).as_str() == Some(from)))
                .cloned()
                .collect();
            if object == "OpportunityStage" && rows.is_empty() {
                return Err(Error::unknown("stage", from));
            }
            for row in rows {
                let mut changed = crate::table::Row::clone(&row);
                for slot in &slots {
                    changed.set(*slot, Value::text(to));
                }
                if let Some(table) = self.tables.get_mut(position) {
                    table.put(Arc::new(changed));
                    renamed += 1;
                }
            }
        }
        Ok(renamed)
    }
}
