//! One data key per subject, so that destroying the key erases everything sealed under it.
//!
//! The data keys lie in one file, each wrapped by the master key; the file names subjects by their SHA-256 only. Keys are
//! unwrapped when they are used and wiped afterwards.

mod file;
mod master;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use rand::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::FileError;
use crate::durable;
use file::{KeyFile, Slot};

/// First byte of everything sealed: the format's version.
const VERSION: u8 = 1;
const NONCE: usize = 12;
const TAG: usize = 16;
/// Bytes by which sealing lengthens a text.
pub const OVERHEAD: usize = 1 + NONCE + TAG;

/// Why sealing, opening or erasing failed. No message names a subject.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The disk refused.
    #[error(transparent)]
    File(#[from] FileError),
    /// The master key can be read by others.
    #[error("{} has mode {mode:o}: others can read it; set it to 600 and consider the key known", path.display())]
    Exposed {
        /// The master key's file.
        path: std::path::PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The master key's file does not hold 64 hexadecimal digits.
    #[error("{} does not hold 64 hexadecimal digits: restore it from where it is kept safe", path.display())]
    Malformed {
        /// The master key's file.
        path: std::path::PathBuf,
    },
    /// There are keys but no master key that could unwrap them.
    #[error("{} is missing, but there are keys wrapped by it: restore it from where it is kept safe", path.display())]
    MasterMissing {
        /// The master key's file.
        path: std::path::PathBuf,
    },
    /// The keyring's file is not what was written.
    #[error("{} is damaged at byte {offset}: restore it from a backup", path.display())]
    Damaged {
        /// The keyring's file.
        path: std::path::PathBuf,
        /// Where.
        offset: u64,
    },
    /// The subject was erased: nothing is sealed for it again.
    #[error("the subject was erased; nothing is sealed for it again")]
    Erased,
    /// There never was a key for this subject, or the keyring is older than the log.
    #[error("there is no key for this subject: the keyring is older than what it is asked to open")]
    UnknownSubject,
    /// The sealed bytes, the subject or the context are not those that were sealed together.
    #[error("the sealed bytes do not belong to this subject and context, or were changed")]
    NotAuthentic,
    /// A key could not be unwrapped: another master key.
    #[error("a key cannot be unwrapped: this is not the master key that wrapped it")]
    WrongMaster,
    /// An earlier write or flush failure stopped the keyring.
    #[error(
        "the keyring stopped after an earlier write or flush failure; restart the process once the disk is well"
    )]
    Poisoned,
}

/// The data keys of all subjects.
pub struct Keyring {
    master: ChaCha20Poly1305,
    file: Mutex<KeyFile>,
}

impl Keyring {
    /// Opens `master.key` and `keyring` in `dir`, creating both at the first start (mode 600).
    pub fn open(dir: &Path, random: &mut dyn CryptoRng) -> Result<Self, KeyringError> {
        durable::create_dir(dir)?;
        let path = dir.join("keyring");
        let master = master::open(&dir.join("master.key"), path.exists(), random)?;
        let file = Mutex::new(KeyFile::open(&path)?);
        let keyring = Self { master: ChaCha20Poly1305::new(&Key::from(*master)), file };
        keyring.prove_master()?;
        Ok(keyring)
    }

    /// Encrypts `plaintext` under the subject's key, bound to subject and `context` (for example the digest's name or the
    /// field). The subject's first key is created here; it is durable after the next [`Keyring::make_durable`], which the
    /// log calls before it writes.
    pub fn seal(
        &self,
        subject: &str,
        context: &[u8],
        plaintext: &[u8],
        random: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, KeyringError> {
        let key = self.key_for(subject, random)?;
        let cipher = ChaCha20Poly1305::new(&Key::from(*key));
        let mut nonce = [0; NONCE];
        random.fill_bytes(&mut nonce);
        let bound = bound(subject, context);
        let payload = Payload { msg: plaintext, aad: &bound };
        let text = cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| KeyringError::NotAuthentic)?;
        Ok([&[VERSION], nonce.as_slice(), &text].concat())
    }

    /// Decrypts what [`Keyring::seal`] made for the same subject and context; `None` if the subject was erased.
    pub fn unseal(
        &self,
        subject: &str,
        context: &[u8],
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, KeyringError> {
        let key = match self.lock().get(&digest(subject))? {
            Some(Slot::Erased) => return Ok(None),
            Some(Slot::Wrapped { nonce, wrapped }) => self.unwrap(&digest(subject), nonce, &wrapped)?,
            None => return Err(KeyringError::UnknownSubject),
        };
        let (version, rest) = sealed.split_first().ok_or(KeyringError::NotAuthentic)?;
        let (nonce, text) = rest.split_first_chunk::<NONCE>().ok_or(KeyringError::NotAuthentic)?;
        if *version != VERSION {
            return Err(KeyringError::NotAuthentic);
        }
        let bound = bound(subject, context);
        let payload = Payload { msg: text, aad: &bound };
        let cipher = ChaCha20Poly1305::new(&Key::from(*key));
        cipher.decrypt(&Nonce::from(*nonce), payload).map(Some).map_err(|_| KeyringError::NotAuthentic)
    }

    /// Destroys the keys of these subjects and returns, once that is durable, how many were destroyed now. Subjects
    /// without a key are marked erased as well. The file is rewritten and the old one overwritten; what a disk keeps
    /// of overwritten blocks is the disk encryption's matter.
    pub fn erase(&self, subjects: &[&str]) -> Result<usize, KeyringError> {
        let digests: Vec<_> = subjects.iter().map(|subject| digest(subject)).collect();
        self.lock().erase(&digests)
    }

    /// True if the subject was erased.
    pub fn is_erased(&self, subject: &str) -> Result<bool, KeyringError> {
        Ok(matches!(self.lock().get(&digest(subject))?, Some(Slot::Erased)))
    }

    /// Returns once every key created so far is durable; costs one flush for all of them, none if there is none.
    pub fn make_durable(&self) -> Result<(), KeyringError> {
        self.lock().flush()
    }

    /// Number of subjects that have or had a key.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// True if no subject ever had a key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, KeyFile> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key_for(
        &self,
        subject: &str,
        random: &mut dyn CryptoRng,
    ) -> Result<Zeroizing<[u8; 32]>, KeyringError> {
        let digest = digest(subject);
        let mut file = self.lock();
        match file.get(&digest)? {
            Some(Slot::Erased) => Err(KeyringError::Erased),
            Some(Slot::Wrapped { nonce, wrapped }) => self.unwrap(&digest, nonce, &wrapped),
            None => {
                let mut key = Zeroizing::new([0; 32]);
                random.fill_bytes(key.as_mut_slice());
                let mut nonce = [0; NONCE];
                random.fill_bytes(&mut nonce);
                let payload = Payload { msg: key.as_slice(), aad: &digest };
                let wrapped = self
                    .master
                    .encrypt(&Nonce::from(nonce), payload)
                    .map_err(|_| KeyringError::WrongMaster)?;
                let wrapped = wrapped.try_into().map_err(|_| KeyringError::WrongMaster)?;
                file.add(digest, Slot::Wrapped { nonce, wrapped })?;
                Ok(key)
            }
        }
    }

    fn unwrap(
        &self,
        digest: &[u8; 32],
        nonce: [u8; NONCE],
        wrapped: &[u8; 48],
    ) -> Result<Zeroizing<[u8; 32]>, KeyringError> {
        let payload = Payload { msg: wrapped.as_slice(), aad: digest };
        let plain =
            self.master.decrypt(&Nonce::from(nonce), payload).map_err(|_| KeyringError::WrongMaster)?;
        let plain = Zeroizing::new(plain);
        let mut key = Zeroizing::new([0; 32]);
        if plain.len() != key.len() {
            return Err(KeyringError::WrongMaster);
        }
        key.copy_from_slice(&plain);
        Ok(key)
    }

    /// A wrong master key is noticed at start, not at the first use of a key.
    fn prove_master(&self) -> Result<(), KeyringError> {
        let first = self.lock().any_wrapped()?;
        match first {
            Some((digest, Slot::Wrapped { nonce, wrapped })) => {
                self.unwrap(&digest, nonce, &wrapped).map(drop)
            }
            Some((_, Slot::Erased)) | None => Ok(()),
        }
    }
}

impl crate::log::Barrier for Keyring {
    fn make_durable(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Ok(Keyring::make_durable(self)?)
    }
}

fn digest(subject: &str) -> [u8; 32] {
    Sha256::digest(subject.as_bytes()).into()
}

fn bound(subject: &str, context: &[u8]) -> Vec<u8> {
    let len = u64::try_from(subject.len()).unwrap_or(u64::MAX);
    [b"handoffd sealed part v1\0".as_slice(), &len.to_be_bytes(), subject.as_bytes(), context].concat()
}

#[cfg(test)]
mod tests;
