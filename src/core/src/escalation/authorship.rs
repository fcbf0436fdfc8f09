//! Which fields say something that does not count: written by a machine or another person, copied, or naming the wrong person.

use std::collections::{BTreeMap, BTreeSet};

use crate::beside::{BesideSeen, Copied, Trouble};
use crate::contract::{Contract, Field};
use crate::id::FieldKey;
use crate::observation::{Actor, Observation};
use crate::value::Value;

/// What stands in the package and does not count, and why. A field that says nothing is missing anyway and not listed.
///
/// Fields that are `human_authored` must be written by the sender, a person: told by the field's last edit in history, or, for a value
/// that the record was created with, by who created it. What repeats the daemon's words or a meeting's notes answers nothing. The
/// communication owner of a return path must be the sender.
pub fn troubles(contract: &Contract, seen: &Observation) -> BTreeMap<FieldKey, BTreeSet<Trouble>> {
    let nothing = BesideSeen::default();
    let beside = seen.beside.as_deref().unwrap_or(&nothing);
    let mut troubles: BTreeMap<FieldKey, BTreeSet<Trouble>> = BTreeMap::new();
    let mut note = |field: &FieldKey, trouble: Option<Trouble>| {
        if let Some(trouble) = trouble.filter(|_| says_something(seen, field)) {
            troubles.entry(field.clone()).or_default().insert(trouble);
        }
    };
    for field in &contract.fields {
        // Who wrote it is asked only where something could be told: a mapping that names `[beside]` promises it.
        if field.human_authored && seen.beside.is_some() {
            note(&field.key, author_trouble(field, seen, beside));
        }
        note(
            &field.key,
            beside.copied.get(&field.key).map(|copied| match copied {
                Copied::OwnWords => Trouble::OwnWords,
                Copied::MeetingNotes => Trouble::MeetingNotes,
            }),
        );
    }
    if let Some(path) = contract.return_path.as_ref().filter(|_| seen.beside.is_some()) {
        let named = beside.persons.get(&path.communication_owner.0);
        let sender = seen.sender.as_ref();
        let is_sender = named.is_some_and(|named| sender.is_some_and(|sender| sender.person == named.person));
        note(&path.communication_owner.field(), (!is_sender).then_some(Trouble::NotTheSender));
    }
    troubles
}

fn says_something(seen: &Observation, field: &FieldKey) -> bool {
    seen.package.get(field).is_some_and(|parts| {
        parts.values().any(|sourced| !matches!(&sourced.value, Value::Text(text) if text.trim().is_empty()))
    })
}

fn author_trouble(field: &Field, seen: &Observation, beside: &BesideSeen) -> Option<Trouble> {
    let edited_by = seen.edits.get(&field.key).and_then(|edit| edit.by.as_ref());
    let author: Option<&Actor> = edited_by.or(beside.created_by.as_ref());
    let Some(author) = author else { return Some(Trouble::AuthorUnknown) };
    if author.machine {
        return Some(Trouble::WrittenByMachine);
    }
    let sender = seen.sender.as_ref()?;
    (author.person != sender.person).then_some(Trouble::WrittenByAnother)
}
