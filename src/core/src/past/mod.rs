//! The past of a record as a CRM tells it: how it stood at a moment, and what would have been decided then.
//!
//! Nothing here governs. What is worked out afterwards is logged as [`Reconstructed`](crate::journal::LogEntry::Reconstructed), in a stream of its
//! own beside the handoff's: numbers are made of it, gates are not.

mod as_of;
mod moments;
mod reconstruct;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::extract::{FieldChange, RawRecord};
use crate::id::RecordRef;

pub use as_of::{AsOf, as_of};
pub use moments::moments;
pub use reconstruct::{Frame, Span, Then, reconstruct};

/// Since when a CRM keeps the changes of one field of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kept {
    /// Since the record was created.
    Whole,
    /// Since this moment only: older rows are deleted, or were cut off.
    Since {
        /// The moment.
        at: Timestamp,
    },
    /// Not at all: only the present value is told.
    Not,
}

/// A record with its past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PastRecord {
    /// The record as it stands, with every change that the CRM tells of every field that was asked for, oldest first.
    pub now: RawRecord,
    /// Field → since when its changes are kept; a field that is not named is not kept.
    pub kept: BTreeMap<String, Kept>,
    /// When child rows came to be; one that is not named counts as there from the start.
    pub born: BTreeMap<RecordRef, Timestamp>,
    /// When the record was lost, if it is; `None` = it is there, or the CRM does not tell.
    pub ended: Option<Timestamp>,
}

impl PastRecord {
    /// Since when the changes of this field are kept.
    pub fn kept(&self, field: &str) -> Kept {
        self.kept.get(field).copied().unwrap_or(Kept::Not)
    }

    /// The last change of the record that is known of at all: from then on it stood as it stands.
    pub fn last_touch(&self) -> Option<Timestamp> {
        let modified = self.now.last_modified.as_ref().map(|(at, _)| *at);
        let version = self.now.version.as_ref().map(|version| version.stamp);
        [modified, version].into_iter().flatten().max()
    }

    /// From when on the values of this field are known; `Timestamp::MAX` = at no moment that can be named.
    pub fn told_from(&self, field: &str) -> Timestamp {
        let created = self.now.created_at.unwrap_or(Timestamp::MIN);
        match self.kept(field) {
            Kept::Whole => created,
            Kept::Since { at } => at.max(created),
            Kept::Not => self.last_touch().unwrap_or(Timestamp::MAX),
        }
    }

    /// Changes of one field, oldest first.
    fn changes<'a>(&'a self, field: &'a str) -> impl DoubleEndedIterator<Item = &'a FieldChange> + Clone {
        self.now.history.iter().flatten().filter(move |row| row.field == field)
    }
}
