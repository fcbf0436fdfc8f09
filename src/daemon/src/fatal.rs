//! What ends the process: the gates stay as they are until somebody has looked.

use handoff_store::bodies::BodyError;
use handoff_store::keyring::KeyringError;
use handoff_store::log::LogError;
use handoff_store::memory::MemoryError;
use handoff_store::tlog::AuditError;
use thiserror::Error;

/// Exit code when the store failed while running.
pub const EXIT_STORE: u8 = 74;

/// A failure after which nothing more is written. Exit code [`EXIT_STORE`].
#[derive(Debug, Error)]
pub enum Fatal {
    /// The log refused.
    #[error("the log failed; gates stay as they are until handoffd is started again")]
    Log(#[from] LogError),
    /// The memory refused.
    #[error("the memory failed; gates stay as they are until handoffd is started again")]
    Memory(#[from] MemoryError),
    /// The keyring refused.
    #[error("the keyring failed; gates stay as they are until handoffd is started again")]
    Keyring(#[from] KeyringError),
    /// The audit log refused.
    #[error("the audit log failed; gates stay as they are until handoffd is started again")]
    Audit(#[from] AuditError),
    /// The bodies refused.
    #[error("the bodies failed; gates stay as they are until handoffd is started again")]
    Body(#[from] BodyError),
    /// The log holds an entry that cannot be read.
    #[error("log entry {position} cannot be read: {detail}")]
    Unreadable {
        /// Its position.
        position: u64,
        /// What is wrong, without values.
        detail: String,
    },
    /// A worker ended by itself, which none does.
    #[error("a worker of handoffd ended unexpectedly ({what}); restart it and report this")]
    Worker {
        /// Which.
        what: &'static str,
    },
}
