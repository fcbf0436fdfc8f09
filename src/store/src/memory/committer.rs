//! One thread applies batches: it drains what has queued up, so that many callers share one flush.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::batch::OWN;
use super::{Applied, Batch, MemoryError, Row};

/// Rows of one shared commit after which the committer stops draining its queue.
const GROUP_ROWS: usize = 4096;
/// Rows that one step of a full check holds at a time.
const CHECK_ROWS: usize = 4096;

pub(super) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// What the two implementations differ in.
pub(super) trait Engine: Send + Sync + 'static {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, MemoryError>;
    /// Rows with key >= `from` that start with `prefix`, in order.
    fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Row>, MemoryError>;
    /// Applies all changes atomically and returns when they are durable; `sequence` grows by one with every call.
    fn commit(&self, changes: &Changes, sequence: u64) -> Result<(), MemoryError>;
    /// Where the rows live, for messages.
    fn place(&self) -> String;
    /// Called once when the rows turn out to be damaged, so that the next start knows.
    fn condemn(&self, detail: &str);
}

/// What all batches so far add up to; stored with each commit and compared at the next start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) sequence: u64,
    pub(super) rows: u64,
    pub(super) sum: u64,
    pub(super) log_head: u64,
}

impl Tally {
    pub(super) const KEY: &'static [u8] = &[OWN, b't'];

    fn to_bytes(self) -> Vec<u8> {
        [self.sequence, self.rows, self.sum, self.log_head].iter().flat_map(|n| n.to_be_bytes()).collect()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut numbers = bytes.chunks(8).map(|chunk| chunk.try_into().map(u64::from_be_bytes));
        let mut next = || numbers.next()?.ok();
        let tally = Self { sequence: next()?, rows: next()?, sum: next()?, log_head: next()? };
        (bytes.len() == 32).then_some(tally)
    }

    fn add(&mut self, key: &[u8], value: &[u8]) {
        self.rows = self.rows.wrapping_add(1);
        self.sum = self.sum.wrapping_add(row_sum(key, value));
    }

    fn remove(&mut self, key: &[u8], value: &[u8]) {
        self.rows = self.rows.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(row_sum(key, value));
    }
}

fn row_sum(key: &[u8], value: &[u8]) -> u64 {
    let key_sum = crc32c::crc32c(key);
    u64::from(key_sum) << 32 | u64::from(crc32c::crc32c_append(key_sum, value))
}

struct Request {
    batch: Batch,
    reply: oneshot::Sender<Result<(), MemoryError>>,
}

struct Shared<E> {
    engine: E,
    tally: Mutex<Tally>,
    poisoned: AtomicBool,
}

/// An engine with its committing thread.
pub(super) struct Committer<E> {
    shared: Arc<Shared<E>>,
    queue: Option<mpsc::UnboundedSender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl<E: Engine> Committer<E> {
    pub(super) fn start(engine: E, tally: Tally) -> std::io::Result<Self> {
        let shared = Arc::new(Shared { engine, tally: Mutex::new(tally), poisoned: AtomicBool::new(false) });
        let (queue, requests) = mpsc::unbounded_channel();
        let working = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("memory-commit".into())
            .spawn(move || work(&working, requests))?;
        Ok(Self { shared, queue: Some(queue), thread: Some(thread) })
    }

    pub(super) fn tally(&self) -> Tally {
        *self.shared.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_poisoned(&self) -> bool {
        self.shared.poisoned.load(Ordering::Acquire)
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, MemoryError> {
        self.shared.reading(|engine| engine.get(key))
    }

    pub(super) fn scan(
        &self,
        prefix: &[u8],
        from: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<Row>, MemoryError> {
        let start = from.unwrap_or_default().max(prefix).max(&[OWN + 1]);
        self.shared.reading(|engine| engine.scan(prefix, start, limit))
    }

    pub(super) fn apply(&self, batch: Batch) -> Applied {
        if let Err(error) = batch.check() {
            return Applied::ready(Err(error));
        }
        if self.is_poisoned() {
            return Applied::ready(Err(MemoryError::Poisoned));
        }
        let (reply, answer) = oneshot::channel();
        match self.queue.as_ref().map(|queue| queue.send(Request { batch, reply })) {
            Some(Ok(())) => Applied(answer),
            Some(Err(_)) | None => Applied::ready(Err(MemoryError::Poisoned)),
        }
    }

    /// Compares a full scan with the tally; a batch committed meanwhile starts the scan again.
    pub(super) fn check(&self) -> Result<(), MemoryError> {
        loop {
            let expected = self.tally();
            let found = self.count()?;
            if found == (expected.rows, expected.sum) {
                return Ok(());
            }
            if self.tally() == expected {
                let detail =
                    format!("{} rows found, {} expected, or their contents differ", found.0, expected.rows);
                return Err(self.shared.damaged(detail));
            }
        }
    }

    fn count(&self) -> Result<(u64, u64), MemoryError> {
        let mut found = Tally::default();
        let mut from = Vec::new();
        loop {
            let rows = self.scan(&[], Some(&from), CHECK_ROWS)?;
            for (key, value) in &rows {
                found.add(key, value);
            }
            match rows.into_iter().last() {
                Some((last, _)) => from = [last.as_slice(), &[0]].concat(),
                None => return Ok((found.rows, found.sum)),
            }
        }
    }
}

impl<E> Drop for Committer<E> {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // a panicked committer already poisoned the memory
            drop(thread.join());
        }
    }
}

impl<E: Engine> Shared<E> {
    fn reading<T>(&self, read: impl FnOnce(&E) -> Result<T, MemoryError>) -> Result<T, MemoryError> {
        if self.poisoned.load(Ordering::Acquire) {
            return Err(MemoryError::Poisoned);
        }
        read(&self.engine).map_err(|error| self.stop(error))
    }

    fn damaged(&self, detail: String) -> MemoryError {
        self.stop(MemoryError::Damaged { place: self.engine.place(), detail })
    }

    fn stop(&self, error: MemoryError) -> MemoryError {
        self.poisoned.store(true, Ordering::Release);
        if let MemoryError::Damaged { detail, .. } = &error {
            self.engine.condemn(detail);
        }
        error
    }
}

/// Poisons the memory if the committing thread unwinds, so that nobody waits for a thread that is gone.
struct PoisonOnPanic<'a>(&'a AtomicBool);

impl Drop for PoisonOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::Release);
        }
    }
}

fn work<E: Engine>(shared: &Shared<E>, mut requests: mpsc::UnboundedReceiver<Request>) {
    let _guard = PoisonOnPanic(&shared.poisoned);
    while let Some(first) = requests.blocking_recv() {
        let mut group = vec![first];
        let mut rows = 0;
        while rows < GROUP_ROWS {
            let Ok(next) = requests.try_recv() else { break };
            rows += next.batch.len();
            group.push(next);
        }
        commit_group(shared, group);
    }
}

fn commit_group<E: Engine>(shared: &Shared<E>, group: Vec<Request>) {
    let mut tally = *shared.tally.lock().unwrap_or_else(PoisonError::into_inner);
    let mut changes = Changes::new();
    let mut granted = Vec::with_capacity(group.len());
    let mut refused = Vec::new();
    for Request { batch, reply } in group {
        match merge(shared, batch, &mut changes, &mut tally) {
            Ok(()) => granted.push(reply),
            Err(error) => refused.push((reply, error)),
        }
    }
    let outcome = if granted.is_empty() { Ok(()) } else { commit(shared, changes, tally) };
    let stopped = outcome.is_err() || shared.poisoned.load(Ordering::Acquire);
    let mut failure = outcome.err();
    for reply in granted {
        let answer = match failure.take() {
            Some(error) => Err(error),
            None if stopped => Err(MemoryError::Poisoned),
            None => Ok(()),
        };
        // whoever stopped waiting does not need the answer
        drop(reply.send(answer));
    }
    for (reply, error) in refused {
        drop(reply.send(Err(error)));
    }
}

fn commit<E: Engine>(shared: &Shared<E>, mut changes: Changes, mut tally: Tally) -> Result<(), MemoryError> {
    tally.sequence = tally.sequence.saturating_add(1);
    changes.insert(Tally::KEY.to_vec(), Some(tally.to_bytes()));
    if shared.poisoned.load(Ordering::Acquire) {
        return Err(MemoryError::Poisoned);
    }
    shared.engine.commit(&changes, tally.sequence).map_err(|error| shared.stop(error))?;
    *shared.tally.lock().unwrap_or_else(PoisonError::into_inner) = tally;
    Ok(())
}

/// Adds one batch to the group's changes, or refuses it whole.
fn merge<E: Engine>(
    shared: &Shared<E>,
    batch: Batch,
    changes: &mut Changes,
    tally: &mut Tally,
) -> Result<(), MemoryError> {
    let now = |changes: &Changes, key: &[u8]| match changes.get(key) {
        Some(pending) => Ok(pending.clone()),
        None => shared.reading(|engine| engine.get(key)),
    };
    for (index, key) in batch.absent.iter().enumerate() {
        if now(changes, key)?.is_some() {
            return Err(MemoryError::Present { index });
        }
    }
    let mut before = Vec::with_capacity(batch.changes.len());
    for key in batch.changes.keys() {
        before.push(now(changes, key)?);
    }
    for ((key, value), old) in batch.changes.into_iter().zip(before) {
        if let Some(old) = old {
            tally.remove(&key, &old);
        }
        if let Some(value) = &value {
            tally.add(&key, value);
        }
        changes.insert(key, value);
    }
    if let Some(position) = batch.log_head {
        tally.log_head = position;
    }
    Ok(())
}
