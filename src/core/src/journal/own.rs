//! Entries about the books and the contracts themselves: who did it and what he wrote is sealed, everything else is public. And entries that are
//! sealed whole under one record.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Encoded, JournalError, LogEntry, OPERATORS, VERSION};
use crate::feed;

/// Kinds of such entries, with the names of their sealed values.
const KINDS: [(&str, &[&str]); 2] =
    [("contract_step", &["by", "person", "comment"]), ("period_closed", &["by"])];

fn sealed_names(leaf: &Value) -> Option<&'static [&'static str]> {
    let kind = leaf.get("entry")?.as_str()?;
    KINDS.iter().find(|(name, _)| *name == kind).map(|(_, names)| *names)
}

/// Encodes such an entry; `None` = it is of another kind.
pub(super) fn encode(entry: &LogEntry) -> Result<Option<Encoded>, JournalError> {
    if let LogEntry::Test { handoff, test, step, at } = entry {
        let leaf = json!({
            "v": VERSION, "entry": step.name(), "at": at, "stream": handoff.stream(), "cycle": handoff.cycle, "test": test,
        });
        return whole(&leaf, handoff.subject.to_string(), entry);
    }
    if let LogEntry::FeedTaken { feed, key, rows, at } = entry {
        let subject = feed::subject(feed, key).to_string();
        let leaf =
            json!({ "v": VERSION, "entry": "feed_taken", "at": at, "about": subject, "rows": rows.len() });
        return whole(&leaf, subject, entry);
    }
    if !matches!(entry, LogEntry::ContractStep { .. } | LogEntry::PeriodClosed { .. }) {
        return Ok(None);
    }
    let mut leaf = serde_json::to_value(entry)?;
    let names = sealed_names(&leaf).unwrap_or_default();
    let mut sealed = Map::new();
    if let Some(object) = leaf.as_object_mut() {
        object.insert("v".to_owned(), json!(VERSION));
        for name in names {
            sealed.extend(object.remove(*name).map(|value| ((*name).to_owned(), value)));
        }
    }
    let parts = BTreeMap::from([(OPERATORS.to_owned(), serde_json::to_vec(&sealed)?)]);
    Ok(Some(Encoded { leaf: serde_json::to_vec(&leaf)?, parts }))
}

/// A public header, and the whole entry sealed under one record.
fn whole(leaf: &Value, subject: String, entry: &LogEntry) -> Result<Option<Encoded>, JournalError> {
    let parts = BTreeMap::from([(subject, serde_json::to_vec(entry)?)]);
    Ok(Some(Encoded { leaf: serde_json::to_vec(leaf)?, parts }))
}

/// The definition of quality of months that do not name one.
pub(super) fn first_rules() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it may skip by reference")]
pub(super) fn is_first_rules(rules: &u32) -> bool {
    *rules == first_rules()
}

/// Puts the sealed values back; the entry itself stays known when they are erased.
pub(super) fn open(
    leaf: &mut Value,
    open: &mut impl FnMut(&str) -> Option<Vec<u8>>,
) -> Result<(), JournalError> {
    let Some(names) = sealed_names(leaf) else { return Ok(()) };
    let sealed: Map<String, Value> =
        open(OPERATORS).map(|bytes| serde_json::from_slice(&bytes)).transpose()?.unwrap_or_default();
    if let Some(object) = leaf.as_object_mut() {
        for name in names.iter().filter(|name| !object.contains_key(**name)).copied().collect::<Vec<_>>() {
            let value = sealed.get(name).cloned().unwrap_or_else(|| json!("erased"));
            object.insert(name.to_owned(), value);
        }
    }
    Ok(())
}
