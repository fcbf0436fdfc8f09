//! Records that wait for a person, for a change of the record, or for a change of the mapping, with the reason in the vendor's own words.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use handoff_core::digest::Digest;
use handoff_core::extract::RecordVersion;
use handoff_core::id::RecordRef;
use handoff_core::plan::Plan;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fatal::Fatal;
use crate::memory::{Change, PARKED, Rows};

/// One parked record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// The record.
    pub record: RecordRef,
    /// The mapping concerned, if one is.
    pub mapping: Option<String>,
    /// Kind of fault: `refused`, `protocol`, `denied`, `unreadable`, `contract_unknown`, `erased`, `too_large`.
    pub kind: String,
    /// Why, in the vendor's words where it said any; never a record's values.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
    /// How often it was tried.
    pub tries: u32,
    /// The record's version then.
    pub version: Option<RecordVersion>,
    /// Digest of the writes that were refused; other writes are tried.
    pub writes: Option<Digest>,
}

/// All parked records.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    rows: RwLock<BTreeMap<RecordRef, Parked>>,
}

impl Shelf {
    pub(crate) fn list(&self) -> Vec<Parked> {
        self.rows.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Whether these very writes on this very version were refused already.
    pub(crate) fn refused_before(
        &self,
        subject: &RecordRef,
        plan: &Plan,
        version: Option<&RecordVersion>,
    ) -> bool {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner);
        rows.get(subject).is_some_and(|parked| {
            parked.writes.as_ref() == Some(&writes(plan)) && parked.version.as_ref() == version
        })
    }

    pub(crate) fn park(&self, change: &mut Change, mut parked: Parked) {
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = rows.get(&parked.record) {
            parked.tries = before.tries.saturating_add(1);
            parked.since = before.since;
        }
        tracing::warn!(record = %parked.record, kind = parked.kind, why = parked.why, "parked");
        change.put_json(format!("{PARKED}{}", parked.record), &parked);
        rows.insert(parked.record.clone(), parked);
    }

    /// The record is well again.
    pub(crate) fn clear(&self, change: &mut Change, record: &RecordRef) {
        let known = self.rows.read().unwrap_or_else(PoisonError::into_inner).contains_key(record);
        if known {
            change.batch.delete(format!("{PARKED}{record}"));
            self.rows.write().unwrap_or_else(PoisonError::into_inner).remove(record);
        }
    }

    /// Takes up what the memory knows. Blocks.
    pub(crate) fn open(&self, rows: &Rows) -> Result<(), Fatal> {
        let found = rows.scan_now(PARKED)?;
        let mut shelf = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        for parked in found.iter().filter_map(|(_, row)| serde_json::from_slice::<Parked>(row).ok()) {
            shelf.insert(parked.record.clone(), parked);
        }
        Ok(())
    }
}

/// Identifies what a plan would write.
pub(crate) fn writes(plan: &Plan) -> Digest {
    let writes: Vec<_> = plan.writes.iter().map(|write| (&write.field, &write.to)).collect();
    Digest::of(&writes)
}
