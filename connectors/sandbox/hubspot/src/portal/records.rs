//! Acting on records: changes, archiving, merging, links, seeding in bulk.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use crate::{
    Error,
    associations::TypeKey,
    portal::{Act, Portal},
    record::{ActorKind, Entry, Operation, Origin, Record},
    schema::ObjectIx,
    state::{Actor, State},
};

/// One deal of a bulk: what it says, and when it was last changed.
#[derive(Debug, Clone, Default)]
pub struct BulkDeal {
    /// Property values, as they are stored; they are not checked.
    pub properties: Vec<(&'static str, String)>,
    /// `hs_lastmodifieddate`; the sandbox's time when absent.
    pub modified: Option<Timestamp>,
    /// `createdate`; as `modified` when absent.
    pub created: Option<Timestamp>,
}

impl State {
    /// The actor of an act.
    pub(crate) fn actor(&self, act: &Act) -> Result<Actor, Error> {
        let number = act.user.parse::<u64>().ok();
        let (user, origin) = match act.kind {
            ActorKind::Ui | ActorKind::Import | ActorKind::UserApi => {
                let id = self.user(&act.user)?.id;
                let source = match act.kind {
                    ActorKind::Ui => "CRM_UI",
                    ActorKind::UserApi => "INTEGRATION",
                    ActorKind::Api | ActorKind::Workflow | ActorKind::Import | ActorKind::Load => "IMPORT",
                };
                (Some(id), Origin::new(source, Some(format!("userId:{id}")), Some(id)))
            }
            ActorKind::Workflow => {
                let id = number.unwrap_or(crate::seed::WORKFLOW);
                (None, Origin::new("AUTOMATION_PLATFORM", Some(id.to_string()), None))
            }
            ActorKind::Api => {
                let id = number.unwrap_or(crate::seed::PRIVATE_APP);
                (None, Origin::new("INTEGRATION", Some(id.to_string()), None))
            }
            ActorKind::Load => (None, Origin::new("MIGRATION", None, None)),
        };
        Ok(Actor { kind: act.kind, user, app: None, enforced: act.enforced, request: 0, origin })
    }

    /// Who plants what the portal starts with.
    pub(crate) fn loader() -> Actor {
        let origin = Origin::new("MIGRATION", None, None);
        Actor { kind: ActorKind::Load, user: None, app: None, enforced: false, request: 0, origin }
    }
}

impl Portal {
    /// Saves as somebody; the record's id, or exactly the refusal that this somebody would see.
    pub fn act(&self, act: &Act) -> Result<u64, Error> {
        self.with(|state| {
            let object = state.object(&act.object)?;
            let actor = state.actor(act)?;
            Ok(state.save(&actor, object, act.id, &act.properties, None)?.id)
        })
    }

    /// Every property with a value, archived records included; `None` when there is no such record.
    pub fn get(&self, object: &str, id: u64) -> Option<Json> {
        let state = self.lock();
        let object = state.object(object).ok()?;
        let (kind, record) = (state.schema.object(object)?, state.record(object, id)?);
        let mut values = Map::new();
        for position in record.properties() {
            if let (Some(spec), Some(value)) = (kind.spec(position), record.value(position)) {
                values.insert(spec.name.clone(), json!(value));
            }
        }
        Some(json!({
            "id": record.id, "properties": values, "archived": record.archived_at.is_some(),
            "created": crate::when::iso(record.created), "modified": crate::when::iso(record.modified),
        }))
    }

    /// One stored value; `None` when the record or the property does not exist or is unset.
    pub fn property(&self, object: &str, id: u64, name: &str) -> Option<String> {
        let state = self.lock();
        let object = state.object(object).ok()?;
        let position = state.schema.object(object)?.position(name)?;
        state.record(object, id)?.value(position).map(ToOwned::to_owned)
    }

    /// Ids of an object's records that are not archived, in their order.
    pub fn ids(&self, object: &str) -> Vec<u64> {
        let state = self.lock();
        let table = state.object(object).ok().and_then(|object| state.tables.get(object));
        table
            .into_iter()
            .flat_map(crate::table::Table::rows)
            .filter(|record| record.archived_at.is_none())
            .map(|record| record.id)
            .collect()
    }

    /// How many records an object has, archived ones included.
    pub fn count(&self, object: &str) -> usize {
        let state = self.lock();
        state
            .object(object)
            .ok()
            .and_then(|object| state.tables.get(object))
            .map_or(0, crate::table::Table::len)
    }

    /// Archives a record as `user`.
    pub fn archive(&self, user: &str, object: &str, id: u64) -> Result<(), Error> {
        self.by(user, object, |state, actor, object| Ok(state.archive(actor, object, id)?))
    }

    /// Takes a record out of the recycling bin as `user`.
    pub fn restore(&self, user: &str, object: &str, id: u64) -> Result<(), Error> {
        self.by(user, object, |state, actor, object| Ok(state.restore(actor, object, id)?))
    }

    /// Removes a record and its history for good, as `user`.
    pub fn privacy_delete(&self, user: &str, object: &str, id: u64) -> Result<(), Error> {
        self.by(user, object, |state, actor, object| Ok(state.privacy_delete(actor, object, id)?))
    }

    /// Merges `loser` into `primary` as `user`.
    pub fn merge(&self, user: &str, object: &str, primary: u64, loser: u64) -> Result<u64, Error> {
        self.by(user, object, |state, actor, object| Ok(state.merge(actor, object, primary, loser)?))
    }

    /// Links two records as `user`, with a label (`Primary` among them) or without.
    pub fn associate(
        &self,
        user: &str,
        from: (&str, u64),
        to: (&str, u64),
        label: Option<&str>,
    ) -> Result<(), Error> {
        self.by(user, from.0, |state, actor, object| {
            let other = state.object(to.0)?;
            let keys = keys(state, object, other, label)?;
            Ok(state.associate(actor, (object, from.1), (other, to.1), &keys)?)
        })
    }

    /// Shares a deal among owners (by e-mail address, user id or owner id), each with a fraction of one like `0.25`.
    pub fn split(&self, deal: u64, shares: &[(&str, &str)]) -> Result<(), Error> {
        self.with(|state| {
            let mut wanted = Vec::new();
            for (name, part) in shares {
                let part: rust_decimal::Decimal =
                    part.parse().map_err(|_| Error::bad(format!("{part} is not a number")))?;
                wanted.push((state.user(name)?.owner, part));
            }
            Ok(state.split(deal, &wanted)?)
        })
    }

    /// Unlinks two records as `user`, or only takes a label away.
    pub fn dissociate(
        &self,
        user: &str,
        from: (&str, u64),
        to: (&str, u64),
        label: Option<&str>,
    ) -> Result<(), Error> {
        self.by(user, from.0, |state, actor, object| {
            let other = state.object(to.0)?;
            let keys = keys(state, object, other, label)?;
            let some = label.map(|_| keys.as_slice());
            Ok(state.dissociate(actor, (object, from.1), (other, to.1), some)?)
        })
    }

    /// Ids of the records of `other` that a record is linked to.
    pub fn linked(&self, object: &str, id: u64, other: &str) -> Vec<u64> {
        let state = self.lock();
        match (state.object(object), state.object(other)) {
            (Ok(object), Ok(other)) => state.links.linked(object, id, other),
            _ => Vec::new(),
        }
    }

    /// Overwrites a record's stamps, as migrations and clock faults do; the index follows by its lag.
    pub fn set_stamps(
        &self,
        object: &str,
        id: u64,
        created: Option<Timestamp>,
        modified: Option<Timestamp>,
    ) -> Result<(), Error> {
        self.with(|state| {
            let object = state.object(object)?;
            let record = state.record(object, id).ok_or_else(|| Error::unknown("record", id.to_string()))?;
            let mut record = Record::clone(record);
            record.created = created.map_or(record.created, Timestamp::as_millisecond);
            record.modified = modified.map_or(record.modified, Timestamp::as_millisecond);
            let now = state.now();
            if let Some(table) = state.tables.get_mut(object) {
                table.put(now, Arc::new(record));
            }
            Ok(())
        })
    }

    /// Adds `count` deals in one go, without rules, webhooks or named journal entries; their ids.
    ///
    /// `deal` is asked for each by its number, from 0. The pipeline is `default` and the stage its first unless given;
    /// stage facts are computed.
    pub fn bulk_deals(&self, count: usize, deal: impl Fn(usize) -> BulkDeal) -> Result<Vec<u64>, Error> {
        self.with(|state| {
            let object = state.object("deals")?;
            let origin = Origin::new("IMPORT", None, None);
            let now = state.now();
            let mut ids = Vec::with_capacity(count);
            for number in 0..count {
                let wish = deal(number);
                let at = wish.modified.map_or(now, Timestamp::as_millisecond);
                let created = wish.created.map_or(at, Timestamp::as_millisecond);
                let mut record = Record::new(state.next_id(object), created);
                for (name, value) in
                    [("pipeline", "default".to_owned()), ("dealstage", "appointmentscheduled".to_owned())]
                        .into_iter()
                        .filter(|(name, _)| wish.properties.iter().all(|(known, _)| known != name))
                        .chain(wish.properties.iter().cloned())
                {
                    let property = state
                        .schema
                        .object(object)
                        .and_then(|kind| kind.position(name))
                        .ok_or_else(|| Error::unknown("property", name))?;
                    let origin = Arc::clone(&origin);
                    record.entries.push(Entry { property, at, value: value.into(), origin });
                }
                state.calculate(object, None, &mut record, at, &mut BTreeSet::new());
                record.modified = at;
                record.entries.shrink_to_fit();
                ids.push(record.id);
                state.commit(object, record, Operation::Create, &BTreeSet::new(), &origin);
            }
            Ok(ids)
        })
    }

    fn by<T>(
        &self,
        user: &str,
        object: &str,
        work: impl FnOnce(&mut State, &Actor, ObjectIx) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.with(|state| {
            let object_ix = state.object(object)?;
            let actor = state.actor(&Act::create(user, object, Json::Null))?;
            work(state, &actor, object_ix)
        })
    }
}

fn keys(state: &State, from: ObjectIx, to: ObjectIx, label: Option<&str>) -> Result<Vec<TypeKey>, Error> {
    label
        .map(|label| {
            state.links.labelled(from, to, label).ok_or_else(|| Error::unknown("association label", label))
        })
        .into_iter()
        .collect()
}
