//! One state directory, opened in the only safe order.
use std::path::Path;
use std::sync::Arc;
use rand::CryptoRng;
use crate::{bodies::Bodies, keyring::Keyring, log::{Log, Recovery}, memory::{sled::{RebuildReason, SledMemory}}, tlog::Publisher};

/// How a state directory is opened.
#[derive(Debug, Clone)]
pub struct StateOptions {
    /// Origin line of the checkpoints and name of the signing key: no spaces, no plus.
    pub origin: String,
    /// Read and count every row of the memory first.
    pub check: bool,
}
/// Why.
#[derive(Debug, thiserror::Error)]
pub enum StateError {}
/// Everything under one state directory; the lock is held as long as it lives.
pub struct State {
    /// Keys.
    pub keyring: Arc<Keyring>,
    /// The truth.
    pub log: Log,
    /// What opening the log found.
    pub recovery: Recovery,
    /// Rows.
    pub memory: Arc<SledMemory>,
    /// Some: the memory is empty; fill it from log and CRM, then call `memory.rebuilt()`.
    pub rebuild: Option<RebuildReason>,
    /// Large bodies.
    pub bodies: Bodies,
    /// The audit log.
    pub audit: Publisher,
}
impl State {
    /// Opens: lock, keys, log, memory, bodies, audit.
    pub fn open(dir: &Path, options: &StateOptions, random: &mut dyn CryptoRng) -> Result<Self, StateError> { todo!() }
}
