//! Keyed rows that can be rebuilt: inbox, due queue, cursors, mirror, snapshots. All keys live in one tree, told apart
//! by prefixes, so that one batch is atomic.

mod aside;
mod batch;
mod committer;
pub mod ram;
pub mod sled;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::FileError;
pub use batch::Batch;

/// Longest key in bytes.
pub const MAX_KEY: usize = 1024;
/// Longest value in bytes: sled puts values of about 16 KB and more into files that it never syncs, so larger bodies
/// belong into [`crate::bodies`].
pub const MAX_VALUE: usize = 8 * 1024;
/// Most rows that one batch may change.
pub const MAX_BATCH: usize = 100_000;

/// A row: key and value.
pub type Row = (Vec<u8>, Vec<u8>);

/// Rows of bytes with atomic, durable batches.
///
/// `get` and `scan` block on the disk: call them on a blocking thread.
pub trait Memory: Send + Sync + 'static {
    /// The value of `key`, or `None`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, MemoryError>;

    /// At most `limit` rows whose key starts with `prefix`, in key order, starting at the key `from` (inclusive; it need
    /// not exist) where one is given. To read on, pass the last key with one zero byte appended.
    fn scan(&self, prefix: &[u8], from: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, MemoryError>;

    /// Hands the batch to the committer; the answer comes when it is durable. Batches are applied in the order in which
    /// they were handed over, each whole or not at all. A batch is applied even if the answer is dropped.
    fn apply(&self, batch: Batch) -> Applied;

    /// The log position stored by the last batch that carried one ([`Batch::log_head`]): all log entries below it are
    /// reflected in the rows. `0` before the first.
    fn log_head(&self) -> u64;

    /// Number of rows.
    fn rows(&self) -> u64;

    /// Reads every row and compares count and checksum with what the batches added up to; blocks for the whole scan
    /// (about 1.3 s per million rows).
    fn check(&self) -> Result<(), MemoryError>;

    /// True after a failed flush or damaged read: every later call fails, and the process should exit.
    fn is_poisoned(&self) -> bool;
}

/// Why the memory could not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum MemoryError {
    /// A key of the batch is empty or too long.
    #[error("a key of {len} bytes is outside 1 to {MAX_KEY} bytes")]
    KeySize {
        /// The offending length in bytes.
        len: usize,
    },
    /// A key starts with the byte zero, which the memory keeps for its own rows.
    #[error("a key starts with the byte zero, which is reserved: give it a prefix")]
    ReservedKey,
    /// A value of the batch is too long.
    #[error("a value of {len} bytes is over {MAX_VALUE} bytes: store it as a body and keep its digest here")]
    ValueSize {
        /// The offending length in bytes.
        len: usize,
    },
    /// The batch changes too many rows.
    #[error("a batch of {rows} rows is over {MAX_BATCH}: split it")]
    BatchSize {
        /// How many rows the batch changes.
        rows: usize,
    },
    /// A key the batch wanted absent is there; nothing of the batch was applied.
    #[error("row {index} of the batch's conditions is already there; nothing was applied")]
    Present {
        /// Which condition failed, counted from 0 in the order they were added.
        index: usize,
    },
    /// The rows on disk are not what was written; the next open moves them aside and asks for a rebuild.
    #[error(
        "the memory in {place} is damaged ({detail}): restart, it is moved aside and rebuilt from the log"
    )]
    Damaged {
        /// The directory.
        place: String,
        /// What was noticed.
        detail: String,
    },
    /// The disk refused; nothing more is accepted until the process restarts.
    #[error("the memory could not be made durable; restart once the disk is well")]
    File(#[from] FileError),
    /// An earlier failure stopped the memory.
    #[error("the memory stopped after an earlier failure; restart the process")]
    Poisoned,
}

/// The answer to [`Memory::apply`]: resolves once the batch is durable, or was refused.
#[derive(Debug)]
#[must_use = "the batch is durable only after this resolved"]
pub struct Applied(pub(crate) oneshot::Receiver<Result<(), MemoryError>>);

impl Applied {
    /// Blocks until the batch is durable; not for async tasks.
    pub fn wait(self) -> Result<(), MemoryError> {
        self.0.blocking_recv().unwrap_or(Err(MemoryError::Poisoned))
    }

    pub(crate) fn ready(answer: Result<(), MemoryError>) -> Self {
        let (sender, receiver) = oneshot::channel();
        // the receiver is alive: it is returned below
        drop(sender.send(answer));
        Self(receiver)
    }
}

impl Future for Applied {
    type Output = Result<(), MemoryError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(MemoryError::Poisoned)))
    }
}

#[cfg(test)]
mod tests;
