//! What a connection is built with, kept where a test can look.

use std::collections::BTreeMap;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use handoff_transport::{DayCount, Ledger, LedgerError, Secret, TokenVault, VaultError};
use handoffd::clock::{Clock, ManualClock};
use handoffd::config::SecretRef;
use handoffd::link::Equipment;
use jiff::Timestamp;

/// Counts and tokens that outlive a connection, as a restart would find them.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) token: Mutex<Option<String>>,
    counts: Mutex<BTreeMap<String, DayCount>>,
}

impl Ledger for Kept {
    fn load(&self, budget: &str) -> Result<Option<DayCount>, LedgerError> {
        Ok(self.counts.lock().unwrap().get(budget).cloned())
    }

    fn save(&self, budget: &str, count: &DayCount) -> Result<(), LedgerError> {
        self.counts.lock().unwrap().insert(budget.to_owned(), count.clone());
        Ok(())
    }
}

impl TokenVault for Kept {
    fn load(&self) -> Result<Option<Secret<String>>, VaultError> {
        Ok(self.token.lock().unwrap().clone().map(Secret::new))
    }

    fn store(&self, token: &Secret<String>) -> Result<(), VaultError> {
        *self.token.lock().unwrap() = Some(token.expose().clone());
        Ok(())
    }
}

/// A clock that moves on by what is slept: a vendor's pace costs no time.
pub(crate) struct Skipping(ManualClock);

impl Skipping {
    pub(crate) fn new(start: Timestamp) -> Self {
        Self(ManualClock::new(start))
    }
}

impl Clock for Skipping {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        self.0.set(at.max(self.0.now()));
        futures::future::ready(()).boxed()
    }
}

pub(crate) fn equipment(now: Timestamp, kept: &Arc<Kept>) -> Equipment {
    Equipment {
        clock: Arc::new(Skipping::new(now)),
        chance: Arc::new(|| 0.5),
        ledger: kept.clone(),
        vault: kept.clone(),
        observer: Arc::new(|_note| {}),
        writes: true,
    }
}

pub(crate) fn secret(dir: &Path, name: &str, text: &str) -> SecretRef {
    let path = dir.join(name);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    SecretRef { env: None, file: Some(path) }
}
