//! The evidence of every handoff, folded beside the log and from it where it is missing (L5).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use handoff_core::evidence::{CallRef, Evidence, Standing};
use handoff_core::journal::LogEntry;
use serde::{Deserialize, Serialize};

use crate::fatal::Fatal;
use crate::journal::{Journal, Refused};
use crate::memory::{Change, EVIDENCE, EVIDENCE_INDEX, Rows, blocking};
use crate::snapshots::{get_chunks, put_chunks, subject};

/// How many places a handoff's calls have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Count {
    /// Places that nobody answered.
    pub suggested: usize,
    /// Places that a person confirmed.
    pub confirmed: usize,
    /// Questions that seem to ask again for what the accepted package holds, and that nobody answered.
    #[serde(default)]
    pub reasks_waiting: usize,
    /// Of those, what a person confirmed.
    #[serde(default)]
    pub reasks_confirmed: usize,
    /// Reports on the record, without a call, that stand.
    #[serde(default)]
    pub reasks_reported: usize,
}

/// All evidence. Whoever appends holds `alone`, so that an entry is decided on what was folded last.
pub(crate) struct Book {
    journal: Arc<Journal>,
    rows: Arc<Rows>,
    known: RwLock<Known>,
    pub(crate) alone: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    /// Stream → positions of its evidence entries.
    index: BTreeMap<String, Vec<u64>>,
    counts: BTreeMap<String, Count>,
    /// Call → streams that it stands as evidence for.
    streams: BTreeMap<CallRef, BTreeSet<String>>,
}

impl Book {
    pub(crate) fn new(journal: Arc<Journal>, rows: Arc<Rows>) -> Self {
        let known = RwLock::new(Known::default());
        Self { journal, rows, known, alone: tokio::sync::Mutex::new(()) }
    }

    pub(crate) fn count(&self, stream: &str) -> Count {
        self.read().counts.get(stream).copied().unwrap_or_default()
    }

    /// The streams that a call stands as evidence for.
    pub(crate) fn streams_of(&self, call: &CallRef) -> BTreeSet<String> {
        self.read().streams.get(call).cloned().unwrap_or_default()
    }

    /// Calls of any connection that stand as evidence for anything.
    pub(crate) fn calls(&self) -> BTreeSet<CallRef> {
        self.read().streams.keys().cloned().collect()
    }

    pub(crate) async fn load(self: &Arc<Self>, stream: &str) -> Result<Evidence, Fatal> {
        let (book, stream) = (Arc::clone(self), stream.to_owned());
        blocking(move || book.load_now(&stream)).await
    }

    /// The evidence of a stream: as saved, or folded from the log. Blocks.
    pub(crate) fn load_now(&self, stream: &str) -> Result<Evidence, Fatal> {
        let positions = self.read().index.get(stream).cloned().unwrap_or_default();
        if positions.is_empty() {
            return Ok(Evidence::default());
        }
        let entries = u64::try_from(positions.len()).unwrap_or(u64::MAX);
        let sealed = get_chunks(&self.rows, &key(stream))?;
        let plain = sealed.and_then(|sealed| self.journal.open_row(subject(stream), &sealed));
        let saved: Option<Evidence> = plain.and_then(|plain| serde_json::from_slice(&plain).ok());
        if let Some(saved) = saved.filter(|saved| saved.version == entries) {
            return Ok(saved);
        }
        let mut evidence = Evidence::default();
        for (_, entry) in self.journal.read_now(&positions)? {
            if let Some(entry) = entry {
                evidence.apply(&entry);
            }
        }
        Ok(evidence)
    }

    /// Appends an entry about what was folded last and notes what it leads to; false = the record was erased meanwhile, or the entry is
    /// over a cap of the log. The caller holds `alone` and commits the change whatever happens.
    pub(crate) async fn append(
        self: &Arc<Self>,
        change: &mut Change,
        evidence: &mut Evidence,
        entry: LogEntry,
    ) -> Result<bool, Fatal> {
        let Some(stream) = entry.evidence().map(handoff_core::id::HandoffId::stream) else {
            return Ok(false);
        };
        let sealed = match self.journal.seal(&entry, evidence.version) {
            Ok(sealed) => sealed,
            Err(refused) => return not_logged(&stream, refused),
        };
        let position = match self.journal.append(sealed).await {
            Ok(position) => position,
            Err(refused) => return not_logged(&stream, refused),
        };
        evidence.apply(&entry);
        let (book, noted, mut taken) = (Arc::clone(self), evidence.clone(), std::mem::take(change));
        *change = blocking(move || {
            book.note(&mut taken, &stream, &noted, position)?;
            book.journal.keys_durable()?;
            Ok(taken)
        })
        .await?;
        Ok(true)
    }

    fn note(
        &self,
        change: &mut Change,
        stream: &str,
        evidence: &Evidence,
        position: u64,
    ) -> Result<(), Fatal> {
        let plain = serde_json::to_vec(evidence).unwrap_or_default();
        match self.journal.seal_row(subject(stream), &plain) {
            Ok(sealed) => put_chunks(change, &key(stream), &sealed),
            Err(handoff_store::keyring::KeyringError::Erased) => {}
            Err(error) => return Err(error.into()),
        }
        self.index(change, stream, position);
        self.learn(stream, evidence);
        Ok(())
    }

    fn index(&self, change: &mut Change, stream: &str, position: u64) {
        change.batch.put(format!("{EVIDENCE_INDEX}{stream}/{position:020}"), []);
        change.reflected.push(position);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let positions = known.index.entry(stream.to_owned()).or_default();
        if let Err(at) = positions.binary_search(&position) {
            positions.insert(at, position);
        }
    }

    /// What is counted and found by call.
    fn learn(&self, stream: &str, evidence: &Evidence) {
        let mut count = Count::default();
        for (_, place) in evidence.places() {
            match place.standing() {
                Standing::Suggested => count.suggested += 1,
                Standing::Confirmed => count.confirmed += 1,
                Standing::Dismissed => {}
            }
        }
        for open in evidence.reasks.all() {
            match open.suggested.standing() {
                Standing::Suggested => count.reasks_waiting += 1,
                Standing::Confirmed => count.reasks_confirmed += 1,
                Standing::Dismissed => {}
            }
        }
        count.reasks_reported = evidence.reasks.reports.values().filter(|report| report.stands).count();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.counts.insert(stream.to_owned(), count);
        let scored = evidence.reasks.calls.values().map(|scored| &scored.call);
        for call in evidence.calls.values().map(|heard| &heard.call).chain(scored) {
            let streams = known.streams.entry(call.clone()).or_default();
            if evidence.holds(call) {
                streams.insert(stream.to_owned());
            } else {
                streams.remove(stream);
            }
        }
        known.streams.retain(|_, streams| !streams.is_empty());
    }

    /// Takes up what the memory knows of the log's places. Blocks.
    pub(crate) fn open(&self) -> Result<(), Fatal> {
        let mut index: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for (key, _) in self.rows.scan_now(EVIDENCE_INDEX)? {
            let Some((stream, position)) = key.rsplit_once('/') else { continue };
            if let Ok(position) = position.parse() {
                index.entry(stream.to_owned()).or_default().push(position);
            }
        }
        self.known.write().unwrap_or_else(PoisonError::into_inner).index = index;
        Ok(())
    }

    /// Takes up an entry that the memory does not reflect yet; its stream is folded from the log when it is asked for.
    pub(crate) fn caught(&self, position: u64, entry: &LogEntry, change: &mut Change) {
        if let Some(handoff) = entry.evidence() {
            self.index(change, &handoff.stream(), position);
        }
    }

    /// Counts everything once the log is caught up with. Blocks.
    pub(crate) fn ready(&self) -> Result<(), Fatal> {
        let streams: Vec<String> = self.read().index.keys().cloned().collect();
        for stream in streams {
            let evidence = self.load_now(&stream)?;
            self.learn(&stream, &evidence);
        }
        Ok(())
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_logged(stream: &str, refused: Refused) -> Result<bool, Fatal> {
    match refused {
        Refused::Fatal(fatal) => Err(fatal),
        Refused::Conflict | Refused::Erased | Refused::TooLarge(_) => {
            tracing::warn!(stream, %refused, "evidence is not recorded");
            Ok(false)
        }
    }
}

fn key(stream: &str) -> String {
    format!("{EVIDENCE}{stream}")
}
