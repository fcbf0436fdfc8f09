//! Clearance ids: they tell a flag that we opened from one that somebody else opened.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::digest::{Digest, hex};
use crate::id::{GateName, RecordRef};

/// The key of an installation. Never shown.
#[derive(Clone)]
pub struct ClearanceKey(Vec<u8>);

impl std::fmt::Debug for ClearanceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClearanceKey(hidden)")
    }
}

impl ClearanceKey {
    /// From secret bytes, at least 32.
    pub fn new(secret: Vec<u8>) -> Option<Self> {
        (secret.len() >= 32).then_some(Self(secret))
    }

    /// The id for one opening: HMAC-SHA-256 over record, gate, package digest and the acceptance's log position, first 40 hex digits.
    pub fn id(&self, record: &RecordRef, gate: &GateName, package: &Digest, position: u64) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        for part in [&record.to_string(), gate.as_str(), package.0.as_str(), &position.to_string()] {
            mac.update(part.as_bytes());
            mac.update(&[0]);
        }
        let mut text = hex(&mac.finalize().into_bytes());
        text.truncate(40);
        Some(text)
    }
}
