//! The append-only log: entries in segments of CRC-checked frames, durable when acknowledged, positions dense from 0.

mod entry;
pub(crate) use entry::hex;
mod frame;
mod reader;
mod recover;
mod segment;
mod writer;

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;

use crate::FileError;
pub use entry::{Entry, MAX_GROUP, MAX_LEAF, MAX_PART, MAX_PARTS, MAX_SUBJECT, Record, SealedPart};
pub use reader::Reader;
pub use recover::{Recovery, Truncated};
use segment::Segment;

/// Something that must be durable before the log entries that need it are written: the keyring.
pub trait Barrier: Send + Sync + 'static {
    /// Returns once everything handed over so far is durable.
    fn make_durable(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// How a log is opened.
#[derive(Clone)]
pub struct LogOptions {
    /// Bytes after which a new segment is begun.
    pub segment_bytes: u64,
    /// Made durable before each commit.
    pub before_commit: Option<Arc<dyn Barrier>>,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { segment_bytes: 64 * 1024 * 1024, before_commit: None }
    }
}

/// Names one stream (one handoff) inside the log: the first 16 bytes of the SHA-256 of its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamKey(pub [u8; 16]);

/// Grants an append only if the stream holds exactly `expected` entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guard {
    /// The stream all entries of the append belong to.
    pub stream: StreamKey,
    /// How many entries the caller has folded.
    pub expected: u64,
}

/// Why the log could not do as asked. All but `Conflict` and the size errors stop the log for good.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The stream has other entries than the caller knew; nothing was written. Fold again and decide again.
    #[error("the stream holds {actual} entries, {expected} were expected; nothing was written")]
    Conflict {
        /// What the caller expected.
        expected: u64,
        /// What the stream holds.
        actual: u64,
    },
    /// An append without entries.
    #[error("an append needs at least one entry")]
    Empty,
    /// A part of an entry is over its cap; nothing was written.
    #[error("{what} of entry {index} is {len}, the most is {most}; nothing was written")]
    TooLarge {
        /// What is too large: `leaf bytes`, `sealed parts`, `subject bytes`, `sealed bytes`, `group bytes`.
        what: &'static str,
        /// Which entry of the append, from 0.
        index: usize,
        /// Its size.
        len: usize,
        /// The cap.
        most: usize,
    },
    /// A leaf is not a JSON object; nothing was written.
    #[error("the leaf of entry {index} is not one JSON object; nothing was written")]
    NotJson {
        /// Which entry of the append, from 0.
        index: usize,
    },
    /// Bytes that were acknowledged are gone or changed. Never cut by the daemon.
    #[error(
        "the log is damaged: {} at byte {offset}: {detail}; acknowledged entries are affected: restore the directory from a backup",
        file.display()
    )]
    Damaged {
        /// The segment.
        file: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong.
        detail: String,
    },
    /// A read was asked to begin beyond the head.
    #[error("position {from} is beyond the log's head {head}")]
    Beyond {
        /// The position asked for.
        from: u64,
        /// Number of entries.
        head: u64,
    },
    /// The disk refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// What must be durable before the entries (the keys of their sealed parts) is not.
    #[error("the keys of the entries could not be made durable; nothing was written")]
    Barrier(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// An earlier failure stopped the log; exit and restart once the disk is well.
    #[error(
        "the log stopped after an earlier write or flush failure; restart the process once the disk is well"
    )]
    Poisoned,
}

/// What readers and the writing thread share.
struct Shared {
    segments: RwLock<Vec<Segment>>,
    head: watch::Sender<u64>,
    poisoned: AtomicBool,
    streams: RwLock<writer::Streams>,
}

/// A handle on the log; clones are cheap and share one writing thread, which ends with the last of them.
#[derive(Clone)]
pub struct Log {
    shared: Arc<Shared>,
    writer: Arc<writer::Writer>,
    dir: PathBuf,
}

impl StreamKey {
    /// The key of the stream called `name`.
    pub fn new(name: &str) -> Self {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(name.as_bytes());
        let mut key = [0; 16];
        key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(key)
    }
}

impl Log {
    /// Opens the log in `dir`, creating it where there is none. A tail that was never acknowledged is cut; damage
    /// anywhere else is refused with file and offset. What is found is flushed before it is shown. Blocks while all
    /// frames are checked.
    pub fn open(dir: &Path, options: LogOptions) -> Result<(Self, Recovery), LogError> {
        let mut streams = writer::Streams::new();
        let found = recover::recover(dir, &mut streams)?;
        let shared = Arc::new(Shared {
            segments: RwLock::new(found.segments),
            head: watch::Sender::new(found.recovery.entries),
            poisoned: AtomicBool::new(false),
            streams: RwLock::new(streams),
        });
        let writer = writer::Writer::start(dir, found.tail, options, Arc::clone(&shared))?;
        Ok((Self { shared, writer: Arc::new(writer), dir: dir.to_owned() }, found.recovery))
    }

    /// Appends the entries as one all-or-nothing group and returns their positions once they are durable. With a guard,
    /// all entries belong to its stream and are written only if it holds exactly the expected number of entries.
    /// Dropping the future does not take the entries back.
    pub async fn append(&self, entries: Vec<Entry>, guard: Option<Guard>) -> Result<Range<u64>, LogError> {
        self.writer.submit(entries, guard).await
    }

    /// As [`Log::append`] for threads outside the async runtime; panics inside it.
    pub fn append_blocking(&self, entries: Vec<Entry>, guard: Option<Guard>) -> Result<Range<u64>, LogError> {
        self.writer.submit_blocking(entries, guard)
    }

    /// Streams the durable entries from position `from` up to the head as it is now; blocks on the disk.
    pub fn read(&self, from: u64) -> Result<Reader, LogError> {
        let head = self.head();
        if from > head {
            return Err(LogError::Beyond { from, head });
        }
        let segments = self.shared.segments.read().unwrap_or_else(PoisonError::into_inner);
        Ok(Reader::new(segment::starts(&segments, from), from, head))
    }

    /// Number of durable entries; the position of the next one.
    pub fn head(&self) -> u64 {
        *self.shared.head.borrow()
    }

    /// Follows the head: changes after every commit.
    pub fn tail(&self) -> watch::Receiver<u64> {
        self.shared.head.subscribe()
    }

    /// Number of entries of the stream, including those about to become durable.
    pub fn version(&self, stream: StreamKey) -> u64 {
        let streams = self.shared.streams.read().unwrap_or_else(PoisonError::into_inner);
        streams.get(&stream).copied().unwrap_or(0)
    }

    /// True after a failed write or flush: every later append fails, and the process should exit.
    pub fn is_poisoned(&self) -> bool {
        self.shared.poisoned.load(Ordering::Acquire)
    }

    /// The directory of the segments.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

/// Streams the first `until` entries of the log in `dir` without opening it for writing: nothing is cut, and a daemon
/// may be appending to it.
pub fn inspect(dir: &Path, until: u64) -> Result<Reader, LogError> {
    Ok(Reader::new(segment::all(dir)?, 0, until))
}

#[cfg(test)]
mod tests;
