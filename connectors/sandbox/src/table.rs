//! Rows of one object and the indexes that keep a million of them fast to query.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use handoff_sandbox_lang::value::Cell;
use jiff::Timestamp;

use crate::{
    ids::Id,
    schema::{Field, Slot},
    value::Value,
};

/// One record: system fields, and only those other fields that have a value.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: Id,
    pub(crate) deleted: bool,
    pub(crate) created_at: i64,
    pub(crate) created_by: Id,
    pub(crate) modified_at: i64,
    pub(crate) modified_by: Id,
    pub(crate) stamp: i64,
    values: Vec<(u16, Value)>,
}

impl Row {
    pub(crate) fn new(id: Id, at: i64, by: Id) -> Self {
        Self {
            id,
            deleted: false,
            created_at: at,
            created_by: by,
            modified_at: at,
            modified_by: by,
            stamp: at,
            values: Vec::new(),
        }
    }

    pub(crate) fn stored(&self, slot: u16) -> &Value {
        self.values
            .binary_search_by_key(&slot, |(at, _)| *at)
            .ok()
            .and_then(|at| self.values.get(at))
            .map_or(&Value::Null, |(_, value)| value)
    }

    pub(crate) fn set(&mut self, slot: u16, value: Value) {
        match self.values.binary_search_by_key(&slot, |(at, _)| *at) {
            Ok(at) if value.is_null() => {
                self.values.remove(at);
            }
            Ok(at) => {
                if let Some(entry) = self.values.get_mut(at) {
                    entry.1 = value;
                }
            }
            Err(_) if value.is_null() => {}
            Err(at) => self.values.insert(at, (slot, value)),
        }
    }

    /// The value of any field, system fields included; a checkbox without value is false.
    pub(crate) fn get(&self, field: &Field) -> Value {
        match field.slot {
            Slot::Id => Value::Id(self.id),
            Slot::IsDeleted => Value::Bool(self.deleted),
            Slot::CreatedDate => Value::Time(self.created_at),
            Slot::CreatedById => Value::Id(self.created_by),
            Slot::LastModifiedDate => Value::Time(self.modified_at),
            Slot::LastModifiedById => Value::Id(self.modified_by),
            Slot::SystemModstamp => Value::Time(self.stamp),
            Slot::Stored(slot) => match self.stored(slot) {
                Value::Null if field.spec.kind == crate::schema::FieldType::Boolean => Value::Bool(false),
                value => value.clone(),
            },
        }
    }

    pub(crate) fn cell(&self, slot: Slot, boolean: bool) -> Cell<'_> {
        match slot {
            Slot::Id => Cell::Text(self.id.as_str()),
            Slot::IsDeleted => Cell::Bool(self.deleted),
            Slot::CreatedDate => instant(self.created_at),
            Slot::CreatedById => Cell::Text(self.created_by.as_str()),
            Slot::LastModifiedDate => instant(self.modified_at),
            Slot::LastModifiedById => Cell::Text(self.modified_by.as_str()),
            Slot::SystemModstamp => instant(self.stamp),
            Slot::Stored(slot) => match self.stored(slot) {
                Value::Null if boolean => Cell::Bool(false),
                value => cell_of(value),
            },
        }
    }
}

fn instant(second: i64) -> Cell<'static> {
    Timestamp::from_second(second).map_or(Cell::Null, Cell::DateTime)
}

/// The borrowed form that queries and formulas read.
pub(crate) fn cell_of(value: &Value) -> Cell<'_> {
    match value {
        Value::Null => Cell::Null,
        Value::Bool(yes) => Cell::Bool(*yes),
        Value::Int(number) => Cell::Number((*number).into()),
        Value::Num(number) => Cell::Number(*number),
        Value::Text(text) => Cell::Text(text),
        Value::Id(id) => Cell::Text(id.as_str()),
        Value::Date(day) => Cell::Date(*day),
        Value::Time(second) => instant(*second),
    }
}

/// Every row of one object.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: BTreeMap<Id, Arc<Row>>,
    by_stamp: BTreeSet<(i64, Id)>,
    lookups: BTreeMap<u16, BTreeSet<(Id, Id)>>,
    keys: BTreeMap<u16, BTreeSet<(String, Id)>>,
    /// (second, id) of every deletion, kept after a hard delete.
    pub(crate) deletions: Vec<(i64, Id)>,
}

impl Table {
    /// Slots whose references are indexed, and slots whose text is an external or unique key.
    pub(crate) fn index(&mut self, references: &[u16], keys: &[u16]) {
        for slot in references {
            if !self.lookups.contains_key(slot) {
                let entries =
                    self.rows.values().filter_map(|row| Some((row.stored(*slot).as_id()?, row.id))).collect();
                self.lookups.insert(*slot, entries);
            }
        }
        for slot in keys {
            if !self.keys.contains_key(slot) {
                let entries = self
                    .rows
                    .values()
                    .filter(|row| !row.stored(*slot).is_null())
                    .map(|row| (row.stored(*slot).to_plain(), row.id))
                    .collect();
                self.keys.insert(*slot, entries);
            }
        }
    }

    pub(crate) fn get(&self, id: Id) -> Option<&Arc<Row>> {
        self.rows.get(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &Arc<Row>> {
        self.rows.values()
    }

    /// Inserts or replaces a row and returns the one it replaced.
    pub(crate) fn put(&mut self, row: Arc<Row>) -> Option<Arc<Row>> {
        let old = self.take(row.id);
        self.by_stamp.insert((row.stamp, row.id));
        for (slot, entries) in &mut self.lookups {
            if let Some(target) = row.stored(*slot).as_id() {
                entries.insert((target, row.id));
            }
        }
        for (slot, entries) in &mut self.keys {
            if !row.stored(*slot).is_null() {
                entries.insert((row.stored(*slot).to_plain(), row.id));
            }
        }
        self.rows.insert(row.id, row);
        old
    }

    /// Removes a row without trace.
    pub(crate) fn take(&mut self, id: Id) -> Option<Arc<Row>> {
        let old = self.rows.remove(&id)?;
        self.by_stamp.remove(&(old.stamp, id));
        for (slot, entries) in &mut self.lookups {
            if let Some(target) = old.stored(*slot).as_id() {
                entries.remove(&(target, id));
            }
        }
        for (slot, entries) in &mut self.keys {
            if !old.stored(*slot).is_null() {
                entries.remove(&(old.stored(*slot).to_plain(), id));
            }
        }
        Some(old)
    }

    /// Ids of rows stamped within the bounds, by (stamp, id).
    pub(crate) fn by_stamp(
        &self,
        from: std::ops::Bound<(i64, Id)>,
        until: std::ops::Bound<(i64, Id)>,
    ) -> impl Iterator<Item = &(i64, Id)> {
        self.by_stamp.range((from, until))
    }

    /// Rows whose reference in `slot` points at `target`; `None` when the slot is not indexed.
    pub(crate) fn pointing_at(&self, slot: u16, target: Id) -> Option<impl Iterator<Item = &Arc<Row>>> {
        let entries = self.lookups.get(&slot)?;
        Some(
            entries
                .range((target, Id::LOWEST)..)
                .take_while(move |(found, _)| *found == target)
                .filter_map(|(_, id)| self.rows.get(id)),
        )
    }

    /// Undeleted rows whose key in `slot` is exactly `text`.
    pub(crate) fn by_key(&self, slot: u16, text: &str) -> Vec<Id> {
        let Some(entries) = self.keys.get(&slot) else {
            return self
                .rows
                .values()
                .filter(|row| !row.deleted && row.stored(slot).to_plain() == text)
                .map(|row| row.id)
                .collect();
        };
        entries
            .range((text.to_owned(), Id::LOWEST)..)
            .take_while(|(found, _)| found == text)
            .map(|(_, id)| *id)
            .filter(|id| self.rows.get(id).is_some_and(|row| !row.deleted))
            .collect()
    }
}
