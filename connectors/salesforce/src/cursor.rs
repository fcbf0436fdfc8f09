//! Where reading stands, per stream of rows, and the rule that moves it: may repeat, must not omit.
//!
//! Rows are stamped when they are written but become visible when their transaction commits, so rows appear behind what was already
//! read. Reading goes in sweeps: each sweep starts at `low`, below which nothing can appear any more, and pages by `(stamp, id)` up to the
//! newest row. When it ends, `low` moves up to the newest row seen, but never past the server's clock at the sweep's start less the overlap.
//! A row stamped in the future therefore never carries the cursor along, and a quiet org is swept in one empty page.

use std::collections::BTreeMap;

use handoff_connector::Cursor;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id::SfId;
use crate::stamp;

/// A place between rows, in the order of the query.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Key {
    /// Stamp of the last row read.
    pub(crate) stamp: Timestamp,
    /// Its id; empty = before all rows of this stamp.
    pub(crate) id: String,
}

impl Key {
    /// Before all rows of a stamp.
    pub(crate) fn before(stamp: Timestamp) -> Self {
        Self { stamp, id: String::new() }
    }

    /// The condition that selects what comes after this place.
    pub(crate) fn condition(&self, field: &str) -> String {
        let stamp = stamp::soql(self.stamp);
        match SfId::parse(&self.id) {
            Ok(id) => format!(
                "({field} > {stamp} OR ({field} = {stamp} AND Id > {}))",
                crate::soql::quote(id.as_str())
            ),
            Err(_) => format!("{field} >= {stamp}"),
        }
    }
}

/// One stream: the records themselves, one child relationship, or the field history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stream {
    /// Nothing can appear at or below this place any more. `None` = nothing read yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) low: Option<Key>,
    /// Last row read in the running sweep.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<Key>,
    /// Whether the running sweep has reached the newest row.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) done: bool,
}

impl Stream {
    /// Where the next page starts.
    pub(crate) fn from(&self) -> Option<&Key> {
        self.at.as_ref().or(self.low.as_ref())
    }

    /// Ends the sweep.
    fn settle(&mut self, began: Option<Timestamp>, overlap: SignedDuration) {
        let settled = began.and_then(|began| began.checked_sub(overlap).ok());
        let top = self.at.take();
        self.done = false;
        // Without the server's clock nothing can be called settled: the next sweep repeats this one.
        let (Some(settled), Some(top)) = (settled, top) else { return };
        let next = if top.stamp <= settled { top } else { Key::before(settled) };
        if self.low.as_ref().is_none_or(|low| *low < next) {
            self.low = Some(next);
        }
    }
}

/// All streams of one object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// By name: empty = the records, `#history`, or the relationship.
    pub(crate) streams: BTreeMap<String, Stream>,
    /// The server's clock when the running sweep began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) began: Option<Timestamp>,
}

impl Place {
    /// Reads a stored cursor for these streams; one that cannot be read starts again from the beginning.
    pub(crate) fn of(cursor: &Cursor, names: &[String]) -> Self {
        let mut stored: Self = serde_json::from_value(cursor.0.clone()).unwrap_or_default();
        let streams = names
            .iter()
            .map(|name| (name.clone(), stored.streams.remove(name).unwrap_or_default()))
            .collect();
        let place = Self { streams, began: stored.began };
        if place.fresh() { Self { began: None, ..place } } else { place }
    }

    /// Whether no sweep is running.
    pub(crate) fn fresh(&self) -> bool {
        self.streams.values().all(|stream| !stream.done && stream.at.is_none())
    }

    /// Whether every stream has reached its newest row.
    pub(crate) fn finished(&self) -> bool {
        self.streams.values().all(|stream| stream.done)
    }

    /// Ends the sweep of all streams.
    pub(crate) fn settle(&mut self, overlap: SignedDuration) {
        let began = self.began.take();
        for stream in self.streams.values_mut() {
            stream.settle(began, overlap);
        }
    }

    /// As the memory keeps it.
    pub(crate) fn cursor(&self) -> Cursor {
        // String keys and plain values only: encoding cannot fail, and `null` would merely start again.
        Cursor(serde_json::to_value(self).unwrap_or_default())
    }
}
