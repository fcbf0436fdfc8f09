//! A record as it stood at a moment.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{Kept, PastRecord};
use crate::contract::Contract;
use crate::extract::{Existence, RawRecord, RecordVersion, RelatedRow};
use crate::id::FieldKey;
use crate::mapping::Mapping;

/// A record as it stood, and what of it is not told.
#[derive(Debug, Clone, PartialEq)]
pub struct AsOf {
    /// The record. What is not told stands as it is told nearest to that moment.
    pub raw: RawRecord,
    /// Fields and child relations whose values at that moment the CRM does not tell, with the moment from which on it does.
    pub unknown: BTreeMap<String, Timestamp>,
}

impl AsOf {
    /// The contract's fields that any value of which is not told, with the moment from which on it is. `sender` and `receiver` stand for who
    /// was named as such.
    pub fn unknown_fields(&self, mapping: &Mapping, contract: &Contract) -> BTreeMap<FieldKey, Timestamp> {
        let people = &mapping.people;
        let people = [("sender", &people.sender.field), ("receiver", &people.receiver.field)];
        let people = people.into_iter().filter_map(|(name, field)| Some((name, self.unknown.get(field)?)));
        let mut fields: BTreeMap<FieldKey, Timestamp> =
            people.map(|(name, from)| (FieldKey::from(name), *from)).collect();
        for field in &contract.fields {
            let ways =
                mapping.read.get(&field.key).into_iter().flatten().filter_map(|(_, path)| path.way().ok());
            let since = ways
                .flat_map(|way| {
                    let own = way.own_field().and_then(|name| self.unknown.get(name));
                    let rows = way.child_rows().and_then(|rows| self.unknown.get(&rows.relation()));
                    [own, rows].into_iter().flatten().copied().collect::<Vec<_>>()
                })
                .max();
            fields.extend(since.map(|since| (field.key.clone(), since)));
        }
        fields
    }
}

/// The record as it stood at this moment; `None` = it was not there yet.
pub fn as_of(past: &PastRecord, at: Timestamp) -> Option<AsOf> {
    let now = &past.now;
    if now.created_at.is_some_and(|created| at < created) {
        return None;
    }
    let mut unknown = BTreeMap::new();
    let mut fields = BTreeMap::new();
    for (name, present) in &now.fields {
        let Told { value, from } = told(past, name, present, at);
        if from > at {
            unknown.insert(name.clone(), from);
        }
        fields.insert(name.clone(), value);
    }
    let related = now.related.iter().map(|(key, rows)| {
        if let Some(from) =
            rows.iter().filter(|row| was_there(past, row, at)).filter_map(|row| row.stamp).max()
            && from > at
        {
            unknown.insert(key.clone(), from);
        }
        (
            key.clone(),
            rows.iter().filter(|row| was_there(past, row, at)).map(|row| row_then(past, row, at)).collect(),
        )
    });
    let related = related.collect();
    let history =
        now.history.as_ref().map(|rows| rows.iter().filter(|row| row.at <= at).cloned().collect::<Vec<_>>());
    let touched = history.iter().flatten().max_by_key(|row| row.at).map(|row| (row.at, row.by.clone()));
    let stamp = touched.as_ref().map(|(at, _)| *at).or(now.created_at);
    let lost = past.ended.is_some_and(|ended| ended <= at);
    // Without history the last change is all that is told of who did anything.
    let modified = now.last_modified.clone().filter(|(modified, _)| *modified <= at);
    let raw = RawRecord {
        record: now.record.clone(),
        version: stamp.map(|stamp| RecordVersion { stamp }),
        existence: if lost { now.existence.clone() } else { Existence::Present },
        created_at: now.created_at,
        last_modified: modified.or(touched),
        fields,
        found_on: now.found_on.clone(),
        shown: now.shown.clone(),
        related,
        history,
    };
    Some(AsOf { raw, unknown })
}

/// A value, and from when on it is known that it was this one.
struct Told {
    value: Value,
    from: Timestamp,
}

fn told(past: &PastRecord, name: &str, present: &Value, at: Timestamp) -> Told {
    let rows = past.changes(name);
    let from = past.told_from(name);
    let standing = rows.clone().rev().find(|row| row.at <= at);
    let next = rows.clone().find(|row| row.at > at);
    // What was kept once and is not kept any more may have changed since without a row.
    let placed = |row_at: Timestamp| if past.kept(name) == Kept::Not { from } else { row_at.min(from) };
    match (standing, next) {
        (Some(row), next) => match (&row.new, next.and_then(|next| next.old.as_ref())) {
            (Some(value), _) => Told { value: value.clone(), from: placed(row.at) },
            (None, Some(old)) => Told { value: old.clone(), from: placed(row.at) },
            // A long text is tracked without its words: only the last one is told, by how it stands now.
            (None, None) => {
                let last = rows.clone().next_back().map_or(row.at, |row| row.at);
                Told { value: present.clone(), from: last.max(placed(row.at)) }
            }
        },
        (None, Some(first)) => match (&first.old, &first.new) {
            (Some(old), _) => Told { value: old.clone(), from },
            // The oldest entry is the first value that the field ever had, if nothing was cut off.
            (None, Some(_)) if past.kept(name) == Kept::Whole => Told { value: Value::Null, from },
            (None, Some(new)) => Told { value: new.clone(), from: first.at.max(from) },
            // Of a long text whose first change is told without words nothing stood there before, as far as anybody can tell.
            (None, None) => Told { value: Value::Null, from: first.at.max(from) },
        },
        (None, None) => Told { value: present.clone(), from },
    }
}

fn was_there(past: &PastRecord, row: &RelatedRow, at: Timestamp) -> bool {
    past.born.get(&row.record).is_none_or(|born| *born <= at)
}

/// A child row then: its values are told only as they stand, its last change may not lie ahead.
fn row_then(past: &PastRecord, row: &RelatedRow, at: Timestamp) -> RelatedRow {
    let stamp = match row.stamp {
        Some(stamp) if stamp > at => past.born.get(&row.record).copied(),
        stamp => stamp,
    };
    RelatedRow { stamp, ..row.clone() }
}
