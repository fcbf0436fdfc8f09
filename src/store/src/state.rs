//! One state directory, opened in the only safe order: lock, keys, log, memory, bodies, audit log.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::CryptoRng;

use crate::FileError;
use crate::bodies::{Bodies, BodyError};
use crate::durable::{self, OnFile};
use crate::keyring::{Keyring, KeyringError};
use crate::log::{Log, LogError, LogOptions, Recovery};
use crate::memory::sled::{Opened, RebuildReason, SledMemory};
use crate::memory::{Memory, MemoryError};
use crate::tlog::{AuditError, Publisher, SigningKey};

/// How a state directory is opened.
#[derive(Debug, Clone)]
pub struct StateOptions {
    /// Origin line of the checkpoints and name of their key: no spaces, no plus, for example `example.com/handoffd`.
    pub origin: String,
    /// Read and count every row of the memory before it is used (about 1.3 s per million rows). Without it, only lost
    /// newest rows are noticed at start; call [`Memory::check`] in the background then.
    pub check_memory: bool,
    /// Bytes after which the log begins a new segment.
    pub segment_bytes: u64,
}

impl StateOptions {
    /// The usual options for this origin.
    pub fn new(origin: impl Into<String>) -> Self {
        Self { origin: origin.into(), check_memory: true, segment_bytes: LogOptions::default().segment_bytes }
    }
}

/// Why a state directory cannot be opened; gates stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Another daemon holds the directory.
    #[error("{} is in use by another handoffd: only one may run on it", dir.display())]
    InUse {
        /// The state directory.
        dir: PathBuf,
    },
    /// The directory cannot be used as it is: missing rights, read-only, wrong owner, full.
    #[error("the state directory {} cannot be written: check its owner, mode, mount and free space", dir.display())]
    Unusable {
        /// The state directory.
        dir: PathBuf,
        /// The operation that failed.
        #[source]
        source: FileError,
    },
    /// The log ends before what memory reflects: acknowledged entries are gone.
    #[error(
        "the log holds {log} entries but the memory reflects {memory}: the log is older than the memory; restore the newer log, or remove the memory directory to accept the loss"
    )]
    LogBehind {
        /// Entries in the log.
        log: u64,
        /// Entries the memory reflects.
        memory: u64,
    },
    /// The keyring.
    #[error("the keyring cannot be opened")]
    Keyring(#[from] KeyringError),
    /// The log.
    #[error("the log cannot be opened")]
    Log(#[from] LogError),
    /// The memory.
    #[error("the memory cannot be opened")]
    Memory(#[from] MemoryError),
    /// The bodies.
    #[error("the bodies cannot be opened")]
    Bodies(#[from] BodyError),
    /// The audit log.
    #[error("the audit log cannot be opened")]
    Audit(#[from] AuditError),
}

/// Everything under one state directory; the directory stays locked as long as this lives.
pub struct State {
    /// Data keys of all subjects (`keys/`).
    pub keyring: Arc<Keyring>,
    /// The truth (`log/`).
    pub log: Log,
    /// What opening the log found.
    pub recovery: Recovery,
    /// Rows (`memory/`).
    pub memory: Arc<SledMemory>,
    /// If set, the memory is empty: fill it from log and CRM, then call [`SledMemory::rebuilt`]. If not, apply the log's
    /// entries from [`Memory::log_head`] on.
    pub rebuild: Option<RebuildReason>,
    /// Bodies too large for a row (`bodies/`).
    pub bodies: Bodies,
    /// The audit log (`audit/`).
    pub audit: Publisher,
    /// Held until everything above is dropped, for fields are dropped in order.
    _lock: Lock,
}

/// The exclusive right to a state directory.
struct Lock {
    _file: File,
}

impl State {
    /// Opens the directory, creating it at the first start. `random` makes the keys of a first start.
    pub fn open(dir: &Path, options: &StateOptions, random: &mut dyn CryptoRng) -> Result<Self, StateError> {
        let unusable = |source| StateError::Unusable { dir: dir.to_owned(), source };
        durable::create_dir(dir).map_err(unusable)?;
        let lock = Lock::take(dir)?;
        prove_writable(dir).map_err(unusable)?;
        let keys = dir.join("keys");
        let keyring = Arc::new(Keyring::open(&keys, random)?);
        let before_commit: Arc<dyn crate::log::Barrier> = Arc::<Keyring>::clone(&keyring);
        let log_options =
            LogOptions { segment_bytes: options.segment_bytes, before_commit: Some(before_commit) };
        let (log, recovery) = Log::open(&dir.join("log"), log_options)?;
        let (memory, rebuild) = match SledMemory::open(&dir.join("memory"), log.head(), options.check_memory)?
        {
            Opened::Ready(memory) => (memory, None),
            Opened::Rebuild { memory, reason } => {
                tracing::error!(?reason, "the memory is empty and will be rebuilt from the log and the CRM");
                (memory, Some(reason))
            }
        };
        if memory.log_head() > log.head() {
            return Err(StateError::LogBehind { log: log.head(), memory: memory.log_head() });
        }
        let bodies = Bodies::open(&dir.join("bodies"))?;
        let signing = SigningKey::open(&keys.join("audit.key"), &options.origin, random)?;
        let audit = Publisher::open(&dir.join("audit"), signing, log.clone())?;
        let memory = Arc::new(memory);
        Ok(Self { keyring, log, recovery, memory, rebuild, bodies, audit, _lock: lock })
    }
}

impl Lock {
    fn take(dir: &Path) -> Result<Self, StateError> {
        let path = dir.join("lock");
        let unusable = |source| StateError::Unusable { dir: dir.to_owned(), source };
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = file.on("open", &path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StateError::InUse { dir: dir.to_owned() }),
            Err(TryLockError::Error(error)) => Err(unusable(FileError::new("lock", &path, error))),
        }
    }
}

/// A directory that is read-only or full is told from a damaged one before anything is opened.
fn prove_writable(dir: &Path) -> Result<(), FileError> {
    let path = dir.join("writable");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).open(&path).on("create", &path)?;
    file.write_all(b"ok\n").on("write", &path)?;
    file.sync_all().on("sync", &path)?;
    std::fs::remove_file(&path).on("remove", &path)
}
