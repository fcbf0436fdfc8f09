//! Acting on records: saves, deletes, merges, conversions, late commits.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::{
    Error,
    ids::Id,
    lifecycle::{Conversion, Converted},
    org::{Act, Org},
    record::ActorKind,
    state::{Actor, State},
};

impl Org {
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
}
