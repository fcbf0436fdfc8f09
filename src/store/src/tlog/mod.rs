//! The transparency tree over the log in the C2SP layout.
use std::path::Path;
use crate::{FileError, log::Log};
use rand::CryptoRng;

/// Audit error.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The disk refused.
    #[error(transparent)]
    File(#[from] FileError),
}
/// A published head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Origin line.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Root hash.
    pub root: [u8; 32],
    /// The signed note.
    pub note: Vec<u8>,
}
/// Signs and publishes.
pub struct Publisher {}
impl Publisher {
    /// Opens.
    pub fn open(audit: &Path, keys: &Path, origin: &str, log: &Log, random: &mut dyn CryptoRng) -> Result<Self, AuditError> { todo!() }
    /// Publishes all durable entries.
    pub fn publish(&mut self) -> Result<Checkpoint, AuditError> { todo!() }
    /// Verifier key.
    pub fn vkey(&self) -> &str { todo!() }
    /// Last checkpoint.
    pub fn checkpoint(&self) -> Option<&Checkpoint> { todo!() }
    /// Inclusion proof.
    pub fn prove(&self, index: u64) -> Result<Proof, AuditError> { todo!() }
}
/// An inclusion proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Index of the leaf.
    pub index: u64,
    /// Leaf bytes.
    pub leaf: Vec<u8>,
    /// RFC 6962 audit path from the leaf to the root.
    pub path: Vec<[u8; 32]>,
    /// Signed checkpoint it leads to.
    pub checkpoint: Vec<u8>,
}
