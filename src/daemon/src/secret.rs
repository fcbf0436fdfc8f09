//! Reads secrets from where the configuration says they lie.

use std::path::PathBuf;

use handoff_transport::Secret;
use thiserror::Error;

use crate::config::SecretRef;

/// A secret cannot be read. Messages name the place, never the secret.
#[derive(Debug, Error)]
pub enum SecretError {
    /// The variable is not set or not text.
    #[error("the environment variable {name} is not set: set it, or point the configuration elsewhere")]
    Variable {
        /// Its name.
        name: String,
    },
    /// The file cannot be read.
    #[error("the secret file {} cannot be read: check its path and owner", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Others may read the file.
    #[error("others can read {} (mode {mode:o}): set it to 600 and consider the secret known", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// There is nothing in it.
    #[error("a secret in the configuration is empty ({place})")]
    Empty {
        /// The variable or file.
        place: String,
    },
    /// Neither or both places are named.
    #[error("a secret needs exactly one of `env` and `file`")]
    Place,
}

/// Reads a secret; surrounding white space and line ends are cut.
pub fn read(from: &SecretRef) -> Result<Secret<String>, SecretError> {
    let (text, place) = match (&from.env, &from.file) {
        (Some(name), None) => {
            let text = std::env::var(name).map_err(|_unset| SecretError::Variable { name: name.clone() })?;
            (zeroize::Zeroizing::new(text), name.clone())
        }
        (None, Some(path)) => (file(path)?, path.display().to_string()),
        (None, None) | (Some(_), Some(_)) => return Err(SecretError::Place),
    };
    let text = text.trim();
    if text.is_empty() {
        return Err(SecretError::Empty { place });
    }
    Ok(Secret::new(text.to_owned()))
}

fn file(path: &std::path::Path) -> Result<zeroize::Zeroizing<String>, SecretError> {
    use std::os::unix::fs::PermissionsExt as _;
    let unreadable = |source| SecretError::File { path: path.to_owned(), source };
    let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(SecretError::Exposed { path: path.to_owned(), mode });
    }
    Ok(zeroize::Zeroizing::new(std::fs::read_to_string(path).map_err(unreadable)?))
}
