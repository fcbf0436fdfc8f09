//! What is remembered of each call: ids, links and where its reading stands; never words. Sealed on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use handoff_core::digest::Digest;
use handoff_core::evidence::{Call, LinkKind};
use handoff_core::id::{ConnectionId, RecordId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fatal::Fatal;
use crate::journal::Journal;
use crate::memory::{CALL, Change, Rows};

/// Most links of one call that are followed.
const LINKS: usize = 40;

/// A CRM record that a call is linked to, in the CRM's own spelling.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Link {
    pub(super) connection: ConnectionId,
    pub(super) kind: LinkKind,
    pub(super) record: RecordId,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    pub(super) id: String,
    /// When it began; `None` = its details were never seen.
    pub(super) started: Option<Timestamp>,
    pub(super) links: BTreeSet<Link>,
    /// Digest of everything that suggestions depend on beside the transcript; `None` = its details were never seen.
    pub(super) matters: Option<Digest>,
    /// Digest of the mappings in force then.
    pub(super) mappings: Digest,
    /// Handoffs that its transcript was held against.
    pub(super) heard: BTreeSet<String>,
    /// Acceptances that it was scored against.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) scored: BTreeSet<String>,
    /// Whether it stood in the last whole look at the window.
    pub(super) listed: bool,
    /// The details or the transcript that are still missing.
    pub(super) missing: Option<Missing>,
}

/// Something that the vendor does not have yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Missing {
    pub(super) what: What,
    pub(super) since: Timestamp,
    /// How often it was asked for.
    pub(super) tries: u32,
    /// When it is asked for again; `None` = no more: unresolved.
    pub(super) next: Option<Timestamp>,
}

/// What is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    Details,
    Transcript,
}

impl Known {
    pub(super) fn of(id: &str, mappings: Digest) -> Self {
        Self {
            id: id.to_owned(),
            started: None,
            links: BTreeSet::new(),
            matters: None,
            mappings,
            heard: BTreeSet::new(),
            scored: BTreeSet::new(),
            listed: false,
            missing: None,
        }
    }
}

/// Digest of what suggestions depend on: the call as told, whatever the order of its parts, and the mappings.
pub(super) fn matters(call: &Call, mappings: &Digest) -> Digest {
    let mut call = call.clone();
    call.links.sort();
    call.links.dedup();
    call.parties.sort_by(|a, b| (&a.speaker, &a.email, &a.ours).cmp(&(&b.speaker, &b.email, &b.ours)));
    call.trackers.sort_by(|a, b| (a.at_ms, &a.tracker, &a.speaker).cmp(&(b.at_ms, &b.tracker, &b.speaker)));
    Digest::of(&(call, mappings))
}

/// All calls of one connection.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    calls: BTreeMap<String, Known>,
    by_link: BTreeMap<Link, BTreeSet<String>>,
}

impl Shelf {
    pub(super) fn get(&self, id: &str) -> Option<Known> {
        self.lock().calls.get(id).cloned()
    }

    pub(super) fn linked(&self, link: &Link) -> BTreeSet<String> {
        self.lock().by_link.get(link).cloned().unwrap_or_default()
    }

    pub(super) fn list(&self, keep: impl FnMut(&&Known) -> bool) -> Vec<Known> {
        self.lock().calls.values().filter(keep).cloned().collect()
    }

    pub(super) fn put(
        &self,
        change: &mut Change,
        journal: &Journal,
        connection: &ConnectionId,
        mut known: Known,
    ) -> Result<(), Fatal> {
        while known.links.len() > LINKS {
            known.links.pop_last();
        }
        let plain = serde_json::to_vec(&known).unwrap_or_default();
        let sealed = journal.seal_row(&subject(connection), &plain)?;
        crate::snapshots::put_chunks(change, &key(connection, &known.id), &sealed);
        self.insert(known);
        Ok(())
    }

    pub(super) fn remove(&self, change: &mut Change, connection: &ConnectionId, id: &str) {
        change.batch.delete(format!("{}/00", key(connection, id)));
        let mut held = self.lock();
        if let Some(known) = held.calls.remove(id) {
            held.unlink(&known);
        }
    }

    /// Takes up what the memory knows. Blocks.
    pub(super) fn open(
        &self,
        rows: &Rows,
        journal: &Journal,
        connection: &ConnectionId,
    ) -> Result<(), Fatal> {
        let prefix = format!("{CALL}{connection}/");
        for (key, _) in rows.scan_now(&prefix)? {
            let Some(name) = key.strip_suffix("/00") else { continue };
            let Some(sealed) = crate::snapshots::get_chunks(rows, &format!("{prefix}{name}"))? else {
                continue;
            };
            let plain = journal.open_row(&subject(connection), &sealed);
            // A row that cannot be read counts as absent: its call is found again.
            if let Some(known) = plain.and_then(|plain| serde_json::from_slice(&plain).ok()) {
                self.insert(known);
            }
        }
        Ok(())
    }

    fn insert(&self, known: Known) {
        let mut held = self.lock();
        if let Some(before) = held.calls.remove(&known.id) {
            held.unlink(&before);
        }
        for link in &known.links {
            held.by_link.entry(link.clone()).or_default().insert(known.id.clone());
        }
        held.calls.insert(known.id.clone(), known);
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn unlink(&mut self, known: &Known) {
        for link in &known.links {
            if let Some(calls) = self.by_link.get_mut(link) {
                calls.remove(&known.id);
                if calls.is_empty() {
                    self.by_link.remove(link);
                }
            }
        }
    }
}

fn key(connection: &ConnectionId, id: &str) -> String {
    format!("{CALL}{connection}/{}", Digest::of_bytes(id.as_bytes()))
}

/// Whose key seals the rows: that of the connection's calls, for a call may belong to several records.
fn subject(connection: &ConnectionId) -> String {
    format!("{connection}/calls")
}
