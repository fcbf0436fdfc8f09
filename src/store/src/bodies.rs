//! Bodies too large for a row, as files named by the SHA-256 of their content.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::durable::{self, FileError};

/// Longest body in bytes (64 MiB).
pub const MAX_BODY: usize = 64 * 1024 * 1024;

/// SHA-256 of a body's bytes; its file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyDigest(pub [u8; 32]);

impl BodyDigest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl std::fmt::Display for BodyDigest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

/// Why a body could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The body is too long.
    #[error("a body of {len} bytes is over {MAX_BODY} bytes")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// The file's content is not what its name says.
    #[error("{} is damaged: its content does not hash to its name; restore it from a backup or read it again at its source", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The disk refused.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A directory of content-addressed files; every call blocks on the disk.
#[derive(Debug, Clone)]
pub struct Bodies {
    dir: PathBuf,
}

impl Bodies {
    /// Opens the directory, creating it where it is missing.
    pub fn open(dir: &Path) -> Result<Self, BodyError> {
        durable::create_dir(dir)?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// Stores `bytes` and returns their digest once they are durable; storing the same again costs one look-up.
    pub fn put(&self, bytes: &[u8]) -> Result<BodyDigest, BodyError> {
        if bytes.len() > MAX_BODY {
            return Err(BodyError::TooLong { len: bytes.len() });
        }
        let digest = BodyDigest::of(bytes);
        let path = self.path(digest);
        if !path.exists() {
            durable::create_dir(path.parent().unwrap_or(&self.dir))?;
            durable::replace(&path, bytes, 0o600)?;
        }
        Ok(digest)
    }

    /// The body with this digest, checked against it; `None` where there is none.
    pub fn get(&self, digest: BodyDigest) -> Result<Option<Vec<u8>>, BodyError> {
        let path = self.path(digest);
        let Some(bytes) = durable::read_if_there(&path)? else { return Ok(None) };
        if BodyDigest::of(&bytes) == digest { Ok(Some(bytes)) } else { Err(BodyError::Damaged { path }) }
    }

    /// Removes the body durably; true if it was there.
    pub fn remove(&self, digest: BodyDigest) -> Result<bool, BodyError> {
        let path = self.path(digest);
        match fs::remove_file(&path) {
            Ok(()) => {
                durable::sync_dir(path.parent().unwrap_or(&self.dir))?;
                Ok(true)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(FileError::new("remove", &path, error).into()),
        }
    }

    fn path(&self, digest: BodyDigest) -> PathBuf {
        let name = digest.to_string();
        let (shelf, _) = name.split_at(2);
        self.dir.join(shelf).join(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_comes_back_and_a_damaged_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let bodies = Bodies::open(&dir.path().join("bodies")).unwrap();
        let digest = bodies.put(b"a long transcript").unwrap();
        assert_eq!(bodies.put(b"a long transcript").unwrap(), digest);
        assert_eq!(bodies.get(digest).unwrap().as_deref(), Some(&b"a long transcript"[..]));
        fs::write(bodies.path(digest), b"a lung transcript").unwrap();
        assert!(matches!(bodies.get(digest), Err(BodyError::Damaged { .. })));
        assert!(bodies.remove(digest).unwrap());
        assert!(!bodies.remove(digest).unwrap());
        assert_eq!(bodies.get(digest).unwrap(), None);
    }

    #[test]
    fn a_body_over_the_cap_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let bodies = Bodies::open(dir.path()).unwrap();
        assert!(matches!(bodies.put(&vec![0; MAX_BODY + 1]), Err(BodyError::TooLong { .. })));
    }
}
