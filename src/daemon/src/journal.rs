//! Log entries to and from the store's log: parts sealed per record, one stream per handoff, the signed head.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use handoff_core::journal::LogEntry;
use handoff_store::keyring::{Keyring, KeyringError};
use handoff_store::log::{Entry, Guard, Log, LogError, Record, SealedPart, StreamKey};
use handoff_store::state::State;
use handoff_store::tlog::Checkpoint;
use thiserror::Error;
use tokio::sync::watch;

use crate::fatal::Fatal;
use crate::memory::blocking;

/// The log as handoffd uses it.
pub(crate) struct Journal {
    log: Log,
    keyring: Arc<Keyring>,
    /// Keeps the directory's lock; used for publishing.
    state: Arc<Mutex<State>>,
    signed: RwLock<Option<Checkpoint>>,
    vkey: String,
}

/// An entry ready to be appended.
pub(crate) struct Sealed {
    entry: Entry,
    guard: Option<Guard>,
}

/// Why one entry is not in the log; the others are not concerned.
#[derive(Debug, Error)]
pub(crate) enum Refused {
    /// Other entries came first: fold again and decide again.
    #[error("other entries came first")]
    Conflict,
    /// The record was erased.
    #[error("the record was erased: nothing is recorded about it any more")]
    Erased,
    /// The entry is over a cap of the log.
    #[error("the entry is too large for the log: {0}")]
    TooLarge(String),
    /// Everything else ends the process.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

impl From<KeyringError> for Refused {
    fn from(error: KeyringError) -> Self {
        if matches!(error, KeyringError::Erased) { Self::Erased } else { Self::Fatal(error.into()) }
    }
}

impl Journal {
    pub(crate) fn new(state: State) -> Self {
        let vkey = state.audit.vkey().to_owned();
        let signed = RwLock::new(state.audit.checkpoint().cloned());
        let (log, keyring) = (state.log.clone(), Arc::clone(&state.keyring));
        Self { log, keyring, state: Arc::new(Mutex::new(state)), signed, vkey }
    }

    /// Seals an entry; `version` is the number of entries that its stream was folded from.
    pub(crate) fn seal(&self, entry: &LogEntry, version: u64) -> Result<Sealed, Refused> {
        let encoded = entry.encode().map_err(|error| Refused::TooLarge(error.to_string()))?;
        let mut sealed = Vec::with_capacity(encoded.parts.len());
        for (subject, plain) in encoded.parts {
            // Bound to the leaf, so that a part cannot be moved to another entry.
            let bytes = self.keyring.seal(&subject, &encoded.leaf, &plain, &mut rand::rng())?;
            sealed.push(SealedPart { subject, bytes });
        }
        let guard = entry.handoff().map(|(handoff, _)| {
            let stream = StreamKey::new(&handoff.stream());
            Guard { stream, expected: version }
        });
        // Evidence never stands in the way of a decision: it has a stream of its own.
        let guard = guard.or_else(|| {
            let stream = StreamKey::new(&format!("evidence/{}", entry.evidence()?.stream()));
            Some(Guard { stream, expected: version })
        });
        // So has the past: what was worked out afterwards never stands in the way of what is watched.
        let guard = guard.or_else(|| {
            let stream = StreamKey::new(&format!("past/{}", entry.reconstructed()?.0.stream()));
            Some(Guard { stream, expected: version })
        });
        Ok(Sealed { entry: Entry { leaf: encoded.leaf, sealed }, guard })
    }

    /// Appends and returns the position once it is durable. Appends that wait together share one flush.
    pub(crate) async fn append(&self, sealed: Sealed) -> Result<u64, Refused> {
        match self.log.append(vec![sealed.entry], sealed.guard).await {
            Ok(positions) => Ok(positions.start),
            Err(LogError::Conflict { .. }) => Err(Refused::Conflict),
            Err(error @ (LogError::TooLarge { .. } | LogError::NotJson { .. } | LogError::Empty)) => {
                Err(Refused::TooLarge(error.to_string()))
            }
            Err(
                error @ (LogError::Damaged { .. }
                | LogError::Beyond { .. }
                | LogError::File(_)
                | LogError::Barrier(_)
                | LogError::Poisoned),
            ) => Err(Refused::Fatal(error.into())),
        }
    }

    /// Opens a record of the log; `None` = what it is about was erased.
    pub(crate) fn open(&self, record: &Record) -> Result<Option<LogEntry>, Fatal> {
        let mut failed = None;
        let entry = LogEntry::decode(&record.entry.leaf, |subject| {
            let part = record.entry.sealed.iter().find(|part| part.subject == subject)?;
            match self.keyring.unseal(subject, &record.entry.leaf, &part.bytes) {
                Ok(plain) => plain,
                Err(error) => {
                    failed = Some(error);
                    None
                }
            }
        });
        if let Some(error) = failed {
            return Err(error.into());
        }
        entry.map_err(|error| Fatal::Unreadable { position: record.position, detail: error.to_string() })
    }

    /// Entries from a position on, decoded, at most `limit`.
    pub(crate) async fn read(
        self: &Arc<Self>,
        from: u64,
        limit: usize,
    ) -> Result<Vec<(u64, Option<LogEntry>)>, Fatal> {
        let journal = Arc::clone(self);
        blocking(move || {
            if from >= journal.log.head() {
                return Ok(Vec::new());
            }
            journal.log.read(from)?.take(limit).map(|record| journal.opened(record)).collect()
        })
        .await
    }

    /// The entries at these positions, decoded. Blocks.
    pub(crate) fn read_now(&self, positions: &[u64]) -> Result<Vec<(u64, Option<LogEntry>)>, Fatal> {
        let mut found = Vec::with_capacity(positions.len());
        for position in positions {
            let record = self.log.read(*position)?.next();
            let missing = || Fatal::Unreadable { position: *position, detail: "it is not there".to_owned() };
            found.push(self.opened(record.ok_or_else(missing)?)?);
        }
        Ok(found)
    }

    /// All records from a position on. Blocks while it is read.
    pub(crate) fn records(
        &self,
        from: u64,
    ) -> Result<impl Iterator<Item = Result<Record, LogError>> + use<>, Fatal> {
        Ok(self.log.read(from.min(self.log.head()))?)
    }

    fn opened(&self, record: Result<Record, LogError>) -> Result<(u64, Option<LogEntry>), Fatal> {
        let record = record?;
        Ok((record.position, self.open(&record)?))
    }

    /// Signs the head so that it covers this position; `u64::MAX` signs whatever there is. Those who wait together share one.
    pub(crate) async fn checkpoint(self: &Arc<Self>, covering: u64) -> Result<Option<Checkpoint>, Fatal> {
        if let Some(signed) = self.signed_head().filter(|signed| signed.size > covering) {
            return Ok(Some(signed));
        }
        let journal = Arc::clone(self);
        blocking(move || {
            let mut state = journal.state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(signed) = journal.signed_head().filter(|signed| signed.size > covering) {
                return Ok(Some(signed));
            }
            if journal.log.head() == 0 {
                return Ok(None);
            }
            let signed = state.audit.publish()?;
            *journal.signed.write().unwrap_or_else(PoisonError::into_inner) = Some(signed.clone());
            Ok(Some(signed))
        })
        .await
    }

    pub(crate) fn signed_head(&self) -> Option<Checkpoint> {
        self.signed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn head(&self) -> u64 {
        self.log.head()
    }

    pub(crate) fn tail(&self) -> watch::Receiver<u64> {
        self.log.tail()
    }

    pub(crate) fn vkey(&self) -> &str {
        &self.vkey
    }

    /// Encrypts a row under a record's key, so that erasing the record erases the row.
    pub(crate) fn seal_row(&self, subject: &str, plain: &[u8]) -> Result<Vec<u8>, KeyringError> {
        self.keyring.seal(subject, b"row", plain, &mut rand::rng())
    }

    /// Opens such a row; `None` = the record was erased, or the row is not of this keyring.
    pub(crate) fn open_row(&self, subject: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        self.keyring.unseal(subject, b"row", sealed).ok().flatten()
    }

    /// Keys made for rows alone are durable only after this.
    pub(crate) fn keys_durable(&self) -> Result<(), KeyringError> {
        self.keyring.make_durable()
    }
}
