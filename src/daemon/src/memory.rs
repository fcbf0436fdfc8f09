//! The rows of the memory: their keys, and the one way in which rows, books and the log's progress change together.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use handoff_store::memory::sled::SledMemory;
use handoff_store::memory::{Batch, Memory as _, MemoryError, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::books::{Account, Books, Entries, Source};
use crate::fatal::Fatal;

pub(crate) const INBOX: &str = "in/";
pub(crate) const DELIVERY: &str = "seen/";
pub(crate) const CURSOR: &str = "cursor/";
pub(crate) const CENSUS: &str = "census/";
pub(crate) const SNAPSHOT: &str = "snap/";
pub(crate) const SUMMARY: &str = "sum/";
pub(crate) const INDEX: &str = "ix/";
/// Where entries of reconstructed streams stand.
pub(crate) const PAST: &str = "past/";
/// How far the reading of the past has come.
pub(crate) const BACKFILL: &str = "backfill/";
pub(crate) const EVIDENCE: &str = "ev/";
pub(crate) const EVIDENCE_INDEX: &str = "evx/";
pub(crate) const CALL: &str = "call/";
pub(crate) const TASK: &str = "task/";
pub(crate) const TEST: &str = "ct/";
pub(crate) const TEST_WEEK: &str = "ctw/";
pub(crate) const FEED: &str = "feed/";
pub(crate) const FACT: &str = "fact/";
pub(crate) const PARKED: &str = "park/";
pub(crate) const CONTRACT: &str = "contract/";
pub(crate) const SETTING: &str = "cfg/";
pub(crate) const BOOK: &str = "book/";
pub(crate) const SWITCH: &str = "switch";
pub(crate) const ALIVE: &str = "alive";
pub(crate) const OUTAGES: &str = "outages";
pub(crate) const BUDGET: &str = "budget/";
pub(crate) const TOKEN: &str = "token/";

/// Rows read at once.
const PAGE: usize = 1_000;

/// Rows, books and log progress that become durable together.
#[derive(Debug, Default)]
pub(crate) struct Change {
    pub(crate) batch: Batch,
    pub(crate) books: Entries,
    /// Log positions that the rows of this batch reflect.
    pub(crate) reflected: Vec<u64>,
}

impl Change {
    /// Sets a row to a value's JSON.
    pub(crate) fn put_json<T: Serialize>(&mut self, key: String, value: &T) {
        // Our rows hold string keys and finite numbers only, so encoding cannot fail.
        self.batch.put(key, serde_json::to_vec(value).unwrap_or_default());
    }
}

/// The memory with its books.
pub(crate) struct Rows {
    memory: Arc<SledMemory>,
    inner: Mutex<Inner>,
}

struct Inner {
    books: Books,
    progress: Progress,
}

/// How far the log is reflected: positions come in any order, the head moves only without gaps.
#[derive(Debug, Default)]
struct Progress {
    head: u64,
    beyond: BTreeSet<u64>,
}

impl Progress {
    fn reflect(&mut self, positions: Vec<u64>) -> u64 {
        self.beyond.extend(positions);
        while self.beyond.remove(&self.head) {
            self.head += 1;
        }
        self.head
    }
}

impl Rows {
    pub(crate) fn new(memory: Arc<SledMemory>) -> Self {
        let progress = Progress { head: memory.log_head(), beyond: BTreeSet::new() };
        Self { memory, inner: Mutex::new(Inner { books: Books::default(), progress }) }
    }

    /// Makes the change durable. Changes are applied in the order in which they are handed over.
    pub(crate) async fn commit(&self, change: Change) -> Result<(), MemoryError> {
        let applied = {
            let mut inner = self.lock();
            let Change { mut batch, books, reflected } = change;
            if !books.is_empty() {
                for (source, account) in inner.books.enter(books) {
                    let row = serde_json::to_vec(&(&source, account)).unwrap_or_default();
                    batch.put(format!("{BOOK}{source}"), row);
                }
            }
            if !reflected.is_empty() {
                let head = inner.progress.reflect(reflected);
                batch.log_head(head);
            }
            if batch.is_empty() {
                return Ok(());
            }
            self.memory.apply(batch)
        };
        applied.await
    }

    /// The position up to which the log is reflected without a gap.
    pub(crate) fn log_head(&self) -> u64 {
        self.lock().progress.head
    }

    pub(crate) fn books(&self) -> BTreeMap<Source, Account> {
        self.lock().books.0.clone()
    }

    /// Takes up the books as they were left; `kept` is what is still pending on disk.
    pub(crate) fn open_books(&self, rows: Vec<(Source, Account)>, kept: &BTreeMap<Source, u64>) {
        let mut books = Books(rows.into_iter().collect());
        books.forget_pending(kept);
        self.lock().books = books;
    }

    /// Blocks.
    pub(crate) fn get_now(&self, key: &str) -> Result<Option<Vec<u8>>, MemoryError> {
        self.memory.get(key.as_bytes())
    }

    pub(crate) async fn get(self: &Arc<Self>, key: String) -> Result<Option<Vec<u8>>, Fatal> {
        let rows = Arc::clone(self);
        blocking(move || Ok(rows.memory.get(key.as_bytes())?)).await
    }

    pub(crate) async fn get_json<T: DeserializeOwned>(
        self: &Arc<Self>,
        key: String,
    ) -> Result<Option<T>, Fatal> {
        // A row that this version cannot read counts as absent: everything here is found again.
        Ok(self.get(key).await?.and_then(|row| serde_json::from_slice(&row).ok()))
    }

    /// All rows under a prefix, keys without it. Blocks.
    pub(crate) fn scan_now(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, MemoryError> {
        let mut found = Vec::new();
        let mut from: Option<Vec<u8>> = None;
        loop {
            let page: Vec<Row> = self.memory.scan(prefix.as_bytes(), from.as_deref(), PAGE)?;
            let full = page.len() == PAGE;
            from = page.last().map(|(key, _)| [key.as_slice(), &[0]].concat());
            for (key, value) in page {
                let key = String::from_utf8_lossy(key.get(prefix.len()..).unwrap_or_default()).into_owned();
                found.push((key, value));
            }
            if !full {
                return Ok(found);
            }
        }
    }

    pub(crate) async fn scan(
        self: &Arc<Self>,
        prefix: &'static str,
    ) -> Result<Vec<(String, Vec<u8>)>, Fatal> {
        let rows = Arc::clone(self);
        blocking(move || Ok(rows.scan_now(prefix)?)).await
    }

    /// Sets one row without waiting until it is durable.
    pub(crate) fn note(&self, key: String, value: Vec<u8>) {
        let mut batch = Batch::new();
        batch.put(key, value);
        drop(self.memory.apply(batch));
    }

    /// Sets one row durably; for blocking threads.
    pub(crate) fn put_now(&self, key: String, value: Vec<u8>) -> Result<(), MemoryError> {
        let mut batch = Batch::new();
        batch.put(key, value);
        self.memory.apply(batch).wait()
    }

    pub(crate) fn rebuilt(&self) -> Result<(), MemoryError> {
        self.memory.rebuilt()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs what blocks on the disk away from the async workers.
pub(crate) async fn blocking<T, F>(work: F) -> Result<T, Fatal>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Fatal> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(Fatal::Worker { what: "a blocking call" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_head_moves_only_without_gaps() {
        let mut progress = Progress { head: 3, beyond: BTreeSet::new() };
        assert_eq!(progress.reflect(vec![5, 4]), 3);
        assert_eq!(progress.reflect(vec![3]), 6);
        assert_eq!(progress.reflect(vec![1]), 6);
    }
}
