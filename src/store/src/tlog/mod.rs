//! The transparency log over the log: C2SP tlog-tiles with RFC 6962 hashing, its head signed as a C2SP checkpoint.
//!
//! Under the audit directory lie `checkpoint`, `vkey`, hash tiles `tile/<level>/<number>[.p/<width>]`, entry bundles
//! `tile/entries/<number>[.p/<width>]`, and in an export with bodies `sealed/<number>`.

mod edge;
mod export;
mod key;
mod note;
mod proof;
mod publisher;
mod sealed;
mod tiles;
mod verify;

use std::path::PathBuf;

use crate::FileError;
use crate::log::LogError;
pub use export::export;
pub use key::SigningKey;
pub use note::{Checkpoint, NoteRefusal};
pub use proof::{ConsistencyProof, InclusionProof, ProofError, prove, prove_consistency};
pub use publisher::Publisher;
pub use verify::{Report, VerifyError, verify, verify_against_log};

/// Leaves and hashes of a full tile.
const TILE: u64 = 256;
/// A tree size above this is refused as nonsense.
const MAX_SIZE: u64 = 1 << 48;

/// Why the audit log could not be published.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The disk refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The log could not be read.
    #[error("the log cannot be read for publishing")]
    Log(#[from] LogError),
    /// The signing key's file is unusable.
    #[error("{}: {detail}", path.display())]
    Key {
        /// The key's file.
        path: PathBuf,
        /// What is wrong and what to do.
        detail: String,
    },
    /// The origin cannot name a key.
    #[error("the origin must be a name without spaces and plus signs, like example.com/handoffd")]
    Origin,
    /// The published checkpoint is not ours.
    #[error("{} is refused", path.display())]
    Checkpoint {
        /// The checkpoint's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: NoteRefusal,
    },
    /// The log is shorter than what was published: it was restored from an older copy.
    #[error(
        "ROLLED BACK: {published} entries were published and signed, the log holds {held}: restore the newer log; nothing is published over it"
    )]
    RolledBack {
        /// Size of the published checkpoint.
        published: u64,
        /// Entries in the log.
        held: u64,
    },
    /// The log's entries are not those that were published.
    #[error(
        "the log's first {published} entries are not those that were published and signed: restore the log that was; nothing is published over it"
    )]
    Inconsistent {
        /// Size of the published checkpoint.
        published: u64,
    },
    /// The tree library refused.
    #[error("the tree's tiles cannot be computed: {detail}")]
    Tree {
        /// The library's words.
        detail: String,
    },
    /// An earlier failure while a checkpoint was written.
    #[error(
        "publishing stopped after a failed flush of a checkpoint; restart the process once the disk is well"
    )]
    Poisoned,
}

#[cfg(test)]
mod tests;
