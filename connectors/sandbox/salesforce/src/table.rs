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

    /// Gives back memory that growing took and nothing uses.
    pub(crate) fn compact(&mut self) {
        self.values.shrink_to_fit();
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
            Slot::Stored(slot) => {
                let value = self.stored(slot);
                let unticked = value.is_null() && field.spec.kind == crate::schema::FieldType::Boolean;
                if unticked { Value::Bool(false) } else { value.clone() }
            }
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
            Slot::Stored(slot) => {
                let value = self.stored(slot);
                if boolean && value.is_null() { Cell::Bool(false) } else { cell_of(value) }
            }
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

#[cfg(test)]
mod tests {
    use std::ops::Bound;

    use proptest::prelude::*;

    use super::*;

    const LOOKUP: u16 = 0;
    const KEY: u16 = 1;

    #[derive(Debug, Clone)]
    enum Step {
        Put { row: u64, parent: Option<u64>, key: Option<u8>, stamp: i64, deleted: bool },
        Take { row: u64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        let put = (
            0_u64..8,
            proptest::option::of(0_u64..3),
            proptest::option::of(0_u8..3),
            0_i64..5,
            any::<bool>(),
        );
        prop_oneof![
            4 => put.prop_map(|(row, parent, key, stamp, deleted)| Step::Put { row, parent, key, stamp, deleted }),
            1 => (0_u64..8).prop_map(|row| Step::Take { row }),
        ]
    }

    fn run(steps: &[Step], index_first: bool) -> Table {
        let mut table = Table::default();
        if index_first {
            table.index(&[LOOKUP], &[KEY]);
        }
        for step in steps {
            match step {
                Step::Put { row, parent, key, stamp, deleted } => {
                    let mut new = Row::new(Id::numbered("001", *row), 0, Id::LOWEST);
                    new.set(LOOKUP, parent.map_or(Value::Null, |at| Value::Id(Id::numbered("002", at))));
                    new.set(KEY, key.map_or(Value::Null, |key| Value::text(key.to_string())));
                    new.stamp = *stamp;
                    new.deleted = *deleted;
                    table.put(Arc::new(new));
                }
                Step::Take { row } => {
                    table.take(Id::numbered("001", *row));
                }
            }
        }
        table.index(&[LOOKUP], &[KEY]);
        table
    }

    proptest! {
        #[test]
        fn indexes_agree_with_a_scan(steps in proptest::collection::vec(step(), 0..40), index_first: bool) {
            let table = run(&steps, index_first);
            for parent in 0..3 {
                let target = Id::numbered("002", parent);
                let by_index: Vec<Id> = table.pointing_at(LOOKUP, target).unwrap().map(|row| row.id).collect();
                let by_scan: Vec<Id> =
                    table.rows().filter(|row| row.stored(LOOKUP).as_id() == Some(target)).map(|row| row.id).collect();
                prop_assert_eq!(by_index, by_scan);
            }
            for key in 0..3_u8 {
                let text = key.to_string();
                let by_scan: Vec<Id> = table
                    .rows()
                    .filter(|row| !row.deleted && row.stored(KEY).as_str() == Some(&text))
                    .map(|row| row.id)
                    .collect();
                prop_assert_eq!(table.by_key(KEY, &text), by_scan);
            }
            let stamped: Vec<(i64, Id)> = table.by_stamp(Bound::Unbounded, Bound::Unbounded).copied().collect();
            let mut by_scan: Vec<(i64, Id)> = table.rows().map(|row| (row.stamp, row.id)).collect();
            by_scan.sort_unstable();
            prop_assert_eq!(stamped, by_scan);
        }
    }
}
