//! What a connection keeps in the memory: daily counts and rotated refresh tokens.

use std::sync::Arc;

use handoff_core::id::ConnectionId;
use handoff_transport::{DayCount, Ledger, LedgerError, Secret, TokenVault, VaultError};

use crate::journal::Journal;
use crate::memory::{BUDGET, Rows, TOKEN};

/// Daily counts in the memory. Not flushed: what a crash loses is corrected by the vendor's meter.
pub(crate) struct RowsLedger {
    rows: Arc<Rows>,
    connection: ConnectionId,
}

impl RowsLedger {
    pub(crate) fn new(rows: Arc<Rows>, connection: ConnectionId) -> Self {
        Self { rows, connection }
    }

    fn key(&self, budget: &str) -> String {
        format!("{BUDGET}{}/{budget}", self.connection)
    }
}

impl Ledger for RowsLedger {
    fn load(&self, budget: &str) -> Result<Option<DayCount>, LedgerError> {
        let row = self.rows.get_now(&self.key(budget));
        let row = row.map_err(|error| LedgerError { detail: error.to_string() })?;
        Ok(row.and_then(|row| serde_json::from_slice(&row).ok()))
    }

    fn save(&self, budget: &str, count: &DayCount) -> Result<(), LedgerError> {
        let row = serde_json::to_vec(count).map_err(|error| LedgerError { detail: error.to_string() })?;
        self.rows.note(self.key(budget), row);
        Ok(())
    }
}

/// Rotated refresh tokens, sealed, in the memory.
pub(crate) struct RowsVault {
    rows: Arc<Rows>,
    journal: Arc<Journal>,
    connection: ConnectionId,
}

impl RowsVault {
    pub(crate) fn new(rows: Arc<Rows>, journal: Arc<Journal>, connection: ConnectionId) -> Self {
        Self { rows, journal, connection }
    }

    fn key(&self) -> String {
        format!("{TOKEN}{}", self.connection)
    }
}

impl TokenVault for RowsVault {
    fn load(&self) -> Result<Option<Secret<String>>, VaultError> {
        let failed = |detail: String| VaultError { detail };
        let Some(row) = self.rows.get_now(&self.key()).map_err(|error| failed(error.to_string()))? else {
            return Ok(None);
        };
        let plain = self.journal.open_row(&self.key(), &row);
        let plain =
            plain.ok_or_else(|| failed("the stored token does not belong to this keyring".to_owned()))?;
        let text =
            String::from_utf8(plain).map_err(|_bytes| failed("the stored token is not text".to_owned()))?;
        Ok(Some(Secret::new(text)))
    }

    fn store(&self, token: &Secret<String>) -> Result<(), VaultError> {
        let failed = |error: &dyn std::error::Error| VaultError { detail: error.to_string() };
        let sealed =
            self.journal.seal_row(&self.key(), token.expose().as_bytes()).map_err(|error| failed(&error))?;
        self.journal.keys_durable().map_err(|error| failed(&error))?;
        self.rows.put_now(self.key(), sealed).map_err(|error| failed(&error))
    }
}
