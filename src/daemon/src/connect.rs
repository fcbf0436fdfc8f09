//! The only place that names concrete connectors: what the configuration calls a connection becomes one.

use std::sync::Arc;

use handoff_core::id::ConnectionId;
use handoff_transport::{DayCount, Ledger, LedgerError, Secret, TokenVault, VaultError};
use thiserror::Error;

use crate::config::Connection;
use crate::journal::Journal;
use crate::link::{Connect, Connected, Equipment};
use crate::memory::{BUDGET, Rows, TOKEN};
use crate::secret::SecretError;

/// A connection cannot be set up.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// No such connector.
    #[error("connection {connection}: there is no connector named {connector}; there is: salesforce")]
    NoConnector {
        /// The connection.
        connection: ConnectionId,
        /// The connector asked for.
        connector: String,
    },
    /// A secret cannot be read.
    #[error("connection {connection}: {source}")]
    Secret {
        /// The connection.
        connection: ConnectionId,
        /// Which and why.
        source: SecretError,
    },
    /// The login URL is not a URL.
    #[error("connection {connection}: login_url is not an https address")]
    LoginUrl {
        /// The connection.
        connection: ConnectionId,
    },
    /// The private key cannot be used.
    #[error("connection {connection}: the private key cannot be used")]
    Key {
        /// The connection.
        connection: ConnectionId,
        /// Why.
        source: handoff_transport::KeyError,
    },
    /// HTTP cannot be set up.
    #[error("connection {connection}: HTTP cannot be set up")]
    Http {
        /// The connection.
        connection: ConnectionId,
        /// Why.
        source: handoff_transport::HttpSetupError,
    },
    /// The transport cannot be set up.
    #[error("connection {connection}: {source}")]
    Transport {
        /// The connection.
        connection: ConnectionId,
        /// Why.
        source: handoff_transport::SetupError,
    },
}

/// Makes real connections.
#[derive(Debug, Clone, Copy, Default)]
pub struct Real;

impl Connect for Real {
    fn connect(
        &self,
        id: &ConnectionId,
        config: &Connection,
        _equipment: Equipment,
    ) -> Result<Connected, ConnectError> {
        Err(ConnectError::NoConnector { connection: id.clone(), connector: config.connector.clone() })
    }
}

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
        let plain = plain.ok_or_else(|| failed("the stored token does not belong to this keyring".to_owned()))?;
        let text = String::from_utf8(plain).map_err(|_bytes| failed("the stored token is not text".to_owned()))?;
        Ok(Some(Secret::new(text)))
    }

    fn store(&self, token: &Secret<String>) -> Result<(), VaultError> {
        let failed = |error: &dyn std::error::Error| VaultError { detail: error.to_string() };
        let sealed = self.journal.seal_row(&self.key(), token.expose().as_bytes()).map_err(|error| failed(&error))?;
        self.journal.keys_durable().map_err(|error| failed(&error))?;
        self.rows.put_now(self.key(), sealed).map_err(|error| failed(&error))
    }
}
