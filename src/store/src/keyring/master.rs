//! The key that wraps all others, in a file that only its owner may read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rand::CryptoRng;
use zeroize::Zeroizing;

use super::KeyringError;
use crate::durable::{self, OnFile};
use crate::log::hex;

/// Reads the master key, or creates it where there is none and nothing is wrapped yet.
pub(super) fn open(
    path: &Path,
    keys_exist: bool,
    random: &mut dyn CryptoRng,
) -> Result<Zeroizing<[u8; 32]>, KeyringError> {
    match fs::metadata(path) {
        Ok(found) => {
            let mode = found.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(KeyringError::Exposed { path: path.to_owned(), mode });
            }
            let text = Zeroizing::new(fs::read(path).on("read", path)?);
            parse(&text).ok_or_else(|| KeyringError::Malformed { path: path.to_owned() })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if keys_exist {
                return Err(KeyringError::MasterMissing { path: path.to_owned() });
            }
            let mut key = Zeroizing::new([0; 32]);
            random.fill_bytes(key.as_mut_slice());
            let text = Zeroizing::new(format!("{}\n", *Zeroizing::new(hex(key.as_slice()))));
            durable::replace(path, text.as_bytes(), 0o600)?;
            Ok(key)
        }
        Err(error) => Err(durable::FileError::new("read", path, error).into()),
    }
}

fn parse(text: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
    let digits = text.trim_ascii_end();
    let mut key = Zeroizing::new([0; 32]);
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(digits.chunks(2)) {
        let pair =
            std::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|c| c.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(key)
}
