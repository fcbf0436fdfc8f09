//! Entries about the books and the contracts themselves: who did it and what he wrote is sealed, everything else is public.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Encoded, JournalError, LogEntry, NUMBERS, OPERATORS, VERSION};

/// A kind of such entries.
struct Kind {
    name: &'static str,
    /// The part that its sealed values stand in.
    part: &'static str,
    /// Sealed values that read as `erased` when they are.
    texts: &'static [&'static str],
    /// Sealed lists that are empty when they are erased.
    lists: &'static [&'static str],
}

const KINDS: [Kind; 3] = [
    Kind { name: "contract_step", part: OPERATORS, texts: &["by", "person", "comment"], lists: &[] },
    Kind { name: "period_closed", part: OPERATORS, texts: &["by"], lists: &[] },
    // Too large for a leaf, and nobody else's business.
    Kind { name: "metrics_frozen", part: NUMBERS, texts: &["rows"], lists: &["changed", "because"] },
];

fn kind(leaf: &Value) -> Option<&'static Kind> {
    let name = leaf.get("entry")?.as_str()?;
    KINDS.iter().find(|kind| kind.name == name)
}

/// Encodes such an entry; `None` = it is of another kind.
pub(super) fn encode(entry: &LogEntry) -> Result<Option<Encoded>, JournalError> {
    let is_own = matches!(
        entry,
        LogEntry::ContractStep { .. } | LogEntry::PeriodClosed { .. } | LogEntry::MetricsFrozen { .. }
    );
    if !is_own {
        return Ok(None);
    }
    let mut leaf = serde_json::to_value(entry)?;
    let Some(kind) = kind(&leaf) else { return Ok(None) };
    let mut sealed = Map::new();
    if let Some(object) = leaf.as_object_mut() {
        object.insert("v".to_owned(), json!(VERSION));
        for name in kind.texts.iter().chain(kind.lists) {
            sealed.extend(object.remove(*name).map(|value| ((*name).to_owned(), value)));
        }
    }
    let parts = BTreeMap::from([(kind.part.to_owned(), serde_json::to_vec(&sealed)?)]);
    Ok(Some(Encoded { leaf: serde_json::to_vec(&leaf)?, parts }))
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
    let Some(kind) = kind(leaf) else { return Ok(()) };
    let sealed: Map<String, Value> =
        open(kind.part).map(|bytes| serde_json::from_slice(&bytes)).transpose()?.unwrap_or_default();
    let Some(object) = leaf.as_object_mut() else { return Ok(()) };
    for name in kind
        .texts
        .iter()
        .chain(kind.lists)
        .filter(|name| !object.contains_key(**name))
        .copied()
        .collect::<Vec<_>>()
    {
        let erased = kind.texts.contains(&name).then(|| json!("erased"));
        if let Some(value) = sealed.get(name).cloned().or(erased) {
            object.insert(name.to_owned(), value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::digest::Digest;

    #[test]
    fn a_frozen_month_is_sealed_but_for_its_digest_and_stays_known_when_its_rows_are_gone() {
        let entry = LogEntry::MetricsFrozen {
            period: "2026-02".to_owned(),
            version: 2,
            digest: Digest::of_bytes(b"[7]"),
            rows: "[7]".to_owned(),
            entries: 9,
            changed: vec!["h03".to_owned()],
            because: vec!["accepted".to_owned()],
            at: Timestamp::UNIX_EPOCH,
        };
        let encoded = entry.encode().unwrap();
        let leaf: Value = serde_json::from_slice(&encoded.leaf).unwrap();
        assert!(leaf.get("rows").is_none() && leaf.get("changed").is_none() && leaf.get("digest").is_some());
        let back = LogEntry::decode(&encoded.leaf, |part| encoded.parts.get(part).cloned()).unwrap().unwrap();
        assert_eq!(back, entry);
        let Some(LogEntry::MetricsFrozen { rows, changed, digest, .. }) =
            LogEntry::decode(&encoded.leaf, |_| None).unwrap()
        else {
            panic!("it stays known")
        };
        assert_eq!((rows.as_str(), changed.len(), digest), ("erased", 0, Digest::of_bytes(b"[7]")));
    }
}
