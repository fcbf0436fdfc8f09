//! Users, who acts as whom, and stages: what the handle asks of the state.

use std::sync::Arc;

use serde_json::json;

use crate::{
    Error,
    access::Login,
    ids::Id,
    org::NewUser,
    record::ActorKind,
    state::{Actor, State},
    value::Value,
};

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

    pub(crate) fn assign(&mut self, user: &str, set: &str, holds: bool) -> Result<(), Error> {
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

    pub(crate) fn rename_stage(&mut self, from: &str, to: &str) -> Result<usize, Error> {
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
