//! The hand that plants: saves are loads, so that no rule stands in the way of history.

use handoff_sandbox_host::fiction::{PEOPLE, Team};
use serde_json::{Map, Value as Json};

use crate::{
    Error,
    associations::TypeKey,
    schema::ObjectIx,
    state::{Actor, State},
    when::{self, DAY},
};

/// Plants records in a portal.
pub(super) struct Hand<'a> {
    pub(super) state: &'a mut State,
    loader: Actor,
    /// Milliseconds since the epoch.
    pub(super) today: i64,
}

impl<'a> Hand<'a> {
    pub(super) fn new(state: &'a mut State) -> Self {
        let today = state.now();
        Self { state, loader: State::loader(), today }
    }

    /// A record with these values; its id.
    pub(super) fn add(&mut self, object: ObjectIx, fields: &Json) -> Result<u64, Error> {
        let fields = fields.as_object().cloned().unwrap_or_default();
        Ok(self.state.save(&self.loader, object, None, &fields, None)?.id)
    }

    /// Other values of a record.
    pub(super) fn change(
        &mut self,
        object: ObjectIx,
        id: u64,
        fields: &Map<String, Json>,
    ) -> Result<(), Error> {
        self.state.save(&self.loader, object, Some(id), fields, None)?;
        Ok(())
    }

    /// Those of the values that the portal has a property for.
    pub(super) fn known(&self, object: ObjectIx, fields: &Json) -> Map<String, Json> {
        let kind = self.state.schema.object(object);
        let fits = |(name, value): &(&String, &Json)| {
            let spec = kind.and_then(|kind| kind.find(name)).map(|(_, spec)| spec);
            spec.is_some_and(|spec| self.state.accept(object, spec, None, value, false).is_ok())
        };
        let all = fields.as_object().into_iter().flatten();
        all.filter(fits).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// Links two records, under a label where there is one of that name.
    pub(super) fn link(
        &mut self,
        from: (ObjectIx, u64),
        to: (ObjectIx, u64),
        label: Option<&str>,
    ) -> Result<(), Error> {
        let key: Option<TypeKey> = label.and_then(|label| self.state.links.labelled(from.0, to.0, label));
        let keys: Vec<TypeKey> = key.into_iter().collect();
        Ok(self.state.associate(&self.loader.clone(), from, to, &keys)?)
    }

    /// Owner id of a member of a team, in turns.
    pub(super) fn owner(&self, team: Team, turn: usize) -> String {
        let members: Vec<&str> =
            PEOPLE.iter().filter(|person| person.team == team).map(|person| person.username).collect();
        let name = members.get(turn % members.len().max(1)).copied().unwrap_or_default();
        self.state.user(name).map(|user| user.owner.to_string()).unwrap_or_default()
    }

    /// The day that lies so many days ahead.
    pub(super) fn day(&self, ahead: usize) -> String {
        when::day(self.today + days(ahead))
    }

    /// The day that lies so many days back.
    pub(super) fn past_day(&self, back: usize) -> String {
        when::day(self.today - days(back))
    }

    /// The moment that lies so many days back.
    pub(super) fn past(&self, back: usize) -> String {
        when::iso(self.today - days(back))
    }
}

fn days(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(0) * DAY
}
