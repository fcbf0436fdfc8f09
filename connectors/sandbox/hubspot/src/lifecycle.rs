//! Archiving, restoring, merging, and deleting for good.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::Map;

use crate::{
    Refusal,
    record::{Entry, Operation, Origin, Record, WriteRecord},
    schema::{ObjectIx, PropertySpec},
    state::{Actor, State},
};

/// Merges that one record may go through.
const MERGES: u32 = 250;

impl State {
    /// Moves a record to the recycling bin; nothing when it is there already or never was.
    pub(crate) fn archive(&mut self, actor: &Actor, object: ObjectIx, id: u64) -> Result<(), Refusal> {
        let Some(record) = self.record(object, id).filter(|record| record.archived_at.is_none()) else {
            return Ok(());
        };
        let mut record = Record::clone(record);
        if self.locked.contains(&(object, record.id)) {
            return Err(Refusal::locked());
        }
        let (id, now) = (record.id, self.now());
        record.archived_at = Some(now);
        record.modified = now;
        self.log(actor, object, id, Operation::Archive);
        self.commit(object, record, Operation::Archive, &BTreeSet::new(), &actor.origin);
        self.tell(object, id, "deletion", &actor.origin, |event| event.flag = Some("DELETED"));
        Ok(())
    }

    /// Takes a record out of the recycling bin.
    pub(crate) fn restore(&mut self, actor: &Actor, object: ObjectIx, id: u64) -> Result<(), Refusal> {
        let record = self.record(object, id).filter(|record| record.archived_at.is_some());
        let mut record = Record::clone(record.ok_or_else(Refusal::no_record)?);
        record.archived_at = None;
        record.modified = self.now();
        let id = record.id;
        self.log(actor, object, id, Operation::Restore);
        self.commit(object, record, Operation::Restore, &BTreeSet::new(), &actor.origin);
        self.tell(object, id, "restore", &actor.origin, |_| {});
        Ok(())
    }

    /// Removes a record and its history for good.
    pub(crate) fn privacy_delete(&mut self, actor: &Actor, object: ObjectIx, id: u64) -> Result<(), Refusal> {
        let id = self.record(object, id).ok_or_else(Refusal::no_record)?.id;
        self.log(actor, object, id, Operation::PrivacyDelete);
        let now = self.now();
        self.unique.retain(|(known, _, _), holder| *known != object || *holder != id);
        if let Some(table) = self.tables.get_mut(object) {
            table.take(now, id);
        }
        self.note(object, id, Operation::PrivacyDelete, now, Vec::new(), &actor.origin);
        self.tell(object, id, "privacyDeletion", &actor.origin, |_| {});
        for (other, linked) in self.links.drop_all(object, id) {
            self.recount(other, linked, object);
            self.tell_link((other, linked), (object, id), true, &actor.origin);
        }
        Ok(())
    }

    /// Merges `loser` into `primary`, whose id then stands for both.
    pub(crate) fn merge(
        &mut self,
        actor: &Actor,
        object: ObjectIx,
        primary: u64,
        loser: u64,
    ) -> Result<u64, Refusal> {
        let live = |state: &Self, id: u64| {
            state.record(object, id).filter(|record| record.archived_at.is_none()).cloned()
        };
        let survivor = live(self, primary).ok_or_else(Refusal::no_record)?;
        let gone = live(self, loser).ok_or_else(Refusal::no_record)?;
        if survivor.id == gone.id {
            return Err(Refusal::validation("An object cannot be merged with itself"));
        }
        if survivor.merges.saturating_add(gone.merges) >= MERGES {
            return Err(Refusal::new(414, "", "This record has been merged too many times"));
        }
        let (now, id) = (self.now(), survivor.id);
        let mut record = Record::clone(&survivor);
        let origin = Origin::new("MERGE_OBJECTS", actor.origin.source_id.clone(), actor.user);
        let mut touched = BTreeSet::new();
        let kind = self.schema.object(object);
        for property in gone.properties() {
            let locked = kind.and_then(|kind| kind.spec(property)).is_none_or(PropertySpec::is_locked);
            if let Some(value) = gone.value(property).filter(|_| !locked && record.value(property).is_none())
            {
                let value = Arc::from(value);
                record.entries.push(Entry { property, at: now, value, origin: Arc::clone(&origin) });
                touched.insert(property);
            }
        }
        record.merged.push(gone.id);
        record.merged.extend(&gone.merged);
        record.merges = survivor.merges + gone.merges + 1;
        record.modified = now;
        self.log(actor, object, id, Operation::Merge);
        if let Some(table) = self.tables.get_mut(object) {
            table.take(now, gone.id);
        }
        self.unique.retain(|(known, _, _), holder| *known != object || *holder != gone.id);
        self.forward.insert((object, gone.id), id);
        self.links.merge(object, id, gone.id);
        let moved = touched.len();
        self.note(object, gone.id, Operation::Merge, now, Vec::new(), &origin);
        self.commit(object, record, Operation::Merge, &touched, &origin);
        let merged = gone.id;
        self.tell(object, id, "merge", &actor.origin, |event| event.merge = Some((id, vec![merged], moved)));
        Ok(id)
    }

    /// Remembers a write that is no save of properties.
    pub(crate) fn log(&mut self, actor: &Actor, object: ObjectIx, id: u64, operation: Operation) {
        let write = WriteRecord {
            seq: 0,
            request: actor.request,
            at: self.timestamp(),
            kind: actor.kind,
            app: actor.app,
            user: actor.user,
            operation,
            object: self.schema.object(object).map_or_else(String::new, |kind| kind.plural.to_string()),
            id: Some(id),
            trace: None,
            asked: Map::new(),
            changes: Vec::new(),
            status: "ok".to_owned(),
            refusal: None,
        };
        if let Some(hook) = self.write_hook.clone() {
            hook(&write);
        }
        self.remember(write);
    }
}
