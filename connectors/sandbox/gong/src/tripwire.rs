//! What a well-behaved client never does. Touching a wire changes no answer; it is remembered, and a test asks for it at its end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A wire a client may touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wire {
    /// A call to `/v2/crm/…`: the upload side, where one DELETE wipes every association.
    Crm,
    /// Anything that would change something at the vendor.
    Write,
    /// Links to recordings were asked for.
    Media,
    /// Query parameters on a POST: the vendor ignores them without a word.
    QueryOnPost,
    /// A field of a body that the vendor does not know, and ignores without a word.
    UnknownField,
    /// More than three calls in a second.
    TooFast,
    /// An expired cursor came a third time.
    StaleCursor,
    /// The transcript of a private call was asked for by its id.
    PrivateTranscript,
    /// More than 100 ids in one request.
    TooManyIds,
    /// A refresh token that was already used up.
    SpentRefreshToken,
}

/// A wire that was touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tripped {
    /// Which.
    pub wire: Wire,
    /// By which request, counted from 1.
    pub request: u64,
    /// What exactly.
    pub detail: String,
}

/// Touched wires, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Tripwires {
    touched: Vec<Tripped>,
    stale: BTreeMap<String, u32>,
}

/// As many are kept; a client in a loop would fill the memory.
const KEPT: usize = 10_000;

impl Tripwires {
    pub(crate) fn touch(&mut self, wire: Wire, request: u64, detail: impl Into<String>) {
        if self.touched.len() < KEPT {
            self.touched.push(Tripped { wire, request, detail: detail.into() });
        }
    }

    /// Counts an expired cursor: it may come once and, out of doubt, once more.
    pub(crate) fn stale_cursor(&mut self, cursor: &str, request: u64, kind: &str) {
        let count = self.stale.entry(cursor.to_owned()).or_insert(0);
        *count += 1;
        if *count > 2 {
            let detail = format!("{kind}: the same expired cursor, time {count}");
            self.touch(Wire::StaleCursor, request, detail);
        }
    }

    pub(crate) fn list(&self) -> &[Tripped] {
        &self.touched
    }

    pub(crate) fn forget(&mut self) {
        self.touched.clear();
        self.stale.clear();
    }
}
