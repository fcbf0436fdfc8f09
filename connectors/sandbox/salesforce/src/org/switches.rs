//! People, sessions, faults, schema changes and outbound messages.

use crate::{
    Error,
    auth::App,
    fault::Fault,
    ids::Id,
    org::{NewUser, Org},
    outbound::{Delivery, OutboundMode},
    record::SaveError,
    schema::{FieldSpec, ObjectSpec},
    state::State,
};

impl Org {
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
        self.lock().faults.list()
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
        self.shared.traffic.release();
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
}
