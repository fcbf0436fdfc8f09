//! The bodies of an export, hashed again without any key.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::tiles;
use super::verify::VerifyError;
use crate::durable;
use crate::log::hex;

/// The sealed parts of one bundle: per entry their number (two bytes, big-endian), per part its length (four bytes,
/// big-endian) and that many bytes.
pub(super) struct Sealed {
    path: PathBuf,
    bytes: Vec<u8>,
    at: usize,
}

impl Sealed {
    /// The bodies of one bundle; `None` if the export has none.
    pub(super) fn open(dir: &Path, number: u64) -> Result<Option<Self>, VerifyError> {
        if !dir.join("sealed").is_dir() {
            return Ok(None);
        }
        let path = tiles::sealed_path(dir, number);
        let bytes =
            durable::read_if_there(&path)?.ok_or_else(|| VerifyError::Missing { path: path.clone() })?;
        Ok(Some(Self { path, bytes, at: 0 }))
    }

    fn take(&mut self, index: u64, length: usize) -> Result<&[u8], VerifyError> {
        let from = self.at;
        self.at = from.saturating_add(length);
        let detail = || format!("ends within the sealed parts of entry {index}");
        let taken = self.bytes.get(from..self.at);
        taken.ok_or_else(|| VerifyError::Malformed { path: self.path.clone(), detail: detail() })
    }

    fn number(&mut self, index: u64, bytes: usize) -> Result<usize, VerifyError> {
        Ok(self.take(index, bytes)?.iter().fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// Hashes the parts of entry `index` again and compares them with what was signed; returns how many there are.
    pub(super) fn check(&mut self, index: u64, signed: &[String]) -> Result<u64, VerifyError> {
        let parts = self.number(index, 2)?;
        if parts != signed.len() {
            return Err(VerifyError::Sealed { index, part: parts.min(signed.len()) });
        }
        for (part, digest) in signed.iter().enumerate() {
            let length = self.number(index, 4)?;
            if hex(&Sha256::digest(self.take(index, length)?)) != *digest {
                return Err(VerifyError::Sealed { index, part });
            }
        }
        Ok(u64::try_from(parts).unwrap_or(0))
    }
}
