//! Where a refresh token lives.

use thiserror::Error;

use crate::redact::Secret;

/// The vault could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the token vault cannot be used: {detail}")]
pub struct VaultError {
    /// What the store said; no values.
    pub detail: String,
}

/// Keeps the refresh token, encrypted at rest. Called on a blocking thread.
pub trait TokenVault: Send + Sync {
    /// The token in force; `None` before the first one was stored.
    fn load(&self) -> Result<Option<Secret<String>>, VaultError>;

    /// Whether what is stored is still there for the next login. Without that, a refresh token that lives once must not be spent.
    fn keeps(&self) -> bool {
        true
    }

    /// Replaces the token; durable (flushed) when it returns.
    fn store(&self, token: &Secret<String>) -> Result<(), VaultError>;
}
