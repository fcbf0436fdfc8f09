//! One data key per subject, so that destroying the key erases everything sealed under it.
use std::path::Path;
use rand::CryptoRng;
use crate::FileError;

/// Why sealing, opening or erasing failed.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The disk refused.
    #[error(transparent)]
    File(#[from] FileError),
}
/// The keys of all subjects.
pub struct Keyring {}
impl Keyring {
    /// Opens.
    pub fn open(dir: &Path, random: &mut dyn CryptoRng) -> Result<Self, KeyringError> { todo!() }
    /// Seals.
    pub fn seal(&self, subject: &str, context: &[u8], plaintext: &[u8], random: &mut dyn CryptoRng) -> Result<Vec<u8>, KeyringError> { todo!() }
    /// Opens; `None` = erased.
    pub fn unseal(&self, subject: &str, context: &[u8], sealed: &[u8]) -> Result<Option<Vec<u8>>, KeyringError> { todo!() }
    /// Erases.
    pub fn erase(&self, subjects: &[&str]) -> Result<usize, KeyringError> { todo!() }
    /// Durable.
    pub fn make_durable(&self) -> Result<(), KeyringError> { todo!() }
}
