//! The lexicon of re-discovery from a folder, or the one inside the program.

use std::path::{Path, PathBuf};

use handoff_rediscovery::{Lexicon, LexiconError};
use thiserror::Error;

use crate::config::Config;

/// Most bytes of one file.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// Most files of one lexicon.
const MAX_FILES: usize = 100;
/// Where a lexicon lies in a folder of mappings.
const FOLDER: &str = "rediscovery";

/// A lexicon that cannot be used.
#[derive(Debug, Error)]
pub enum Unfit {
    /// A file or folder cannot be read.
    #[error("{} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Nothing in it.
    #[error("{} holds no file that ends in .toml: copy the shipped mappings/rediscovery there", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// Too much in it.
    #[error("{} holds more than {MAX_FILES} files, or one with more than {MAX_FILE_BYTES} bytes", path.display())]
    TooLarge {
        /// The folder.
        path: PathBuf,
    },
    /// A mistake in a file.
    #[error(transparent)]
    Wrong(#[from] LexiconError),
}

/// The lexicon that a configuration names: its own folder, else `rediscovery` in its folder of mappings, else the one inside the program.
pub(crate) fn of(config: &Config) -> Result<Lexicon, Unfit> {
    let named = config.rediscovery.as_ref().and_then(|settings| settings.lexicon.clone());
    let beside = config.mappings_dir.as_ref().map(|dir| dir.join(FOLDER)).filter(|dir| dir.is_dir());
    match named.or(beside) {
        Some(dir) => from(&dir),
        None => Ok(Lexicon::shipped()?),
    }
}

/// The lexicon in a folder: every file that ends in `.toml`, in the order of their names.
pub(crate) fn from(dir: &Path) -> Result<Lexicon, Unfit> {
    let unreadable = |path: &Path, source| Unfit::Unreadable { path: path.to_owned(), source };
    let too_large = || Unfit::TooLarge { path: dir.to_owned() };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|source| unreadable(dir, source))? {
        let path = entry.map_err(|source| unreadable(dir, source))?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_file() && !hidden && path.extension().is_some_and(|end| end == "toml") {
            paths.push(path);
        }
        if paths.len() > MAX_FILES {
            return Err(too_large());
        }
    }
    if paths.is_empty() {
        return Err(Unfit::Empty { path: dir.to_owned() });
    }
    paths.sort();
    let mut files: Vec<(String, String)> = Vec::new();
    for path in &paths {
        let size = std::fs::metadata(path).map_err(|source| unreadable(path, source))?.len();
        if size > MAX_FILE_BYTES {
            return Err(too_large());
        }
        let text = std::fs::read_to_string(path).map_err(|source| unreadable(path, source))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        files.push((name, text));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    Ok(Lexicon::parse(&files)?)
}

#[cfg(test)]
mod tests {
    use super::{Unfit, from};

    #[test]
    fn a_copy_of_the_shipped_folder_is_the_shipped_lexicon() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in handoff_rediscovery::SHIPPED {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        std::fs::write(folder.path().join("README.md"), "not a lexicon").unwrap();
        let (own, shipped) = (from(folder.path()).unwrap(), handoff_rediscovery::Lexicon::shipped().unwrap());
        assert!(own.fields().eq(own.fields()) && own.fields().count() == shipped.fields().count());
    }

    #[test]
    fn what_is_wrong_is_told_with_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(from(folder.path()), Err(Unfit::Empty { .. })));
        std::fs::write(folder.path().join("own.toml"), "lexicon = 1\n\n[field.budget]\n").unwrap();
        let error = from(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with("own.toml:3:") && error.contains("missing field"), "{error}");
        assert!(matches!(from(&folder.path().join("nowhere")), Err(Unfit::Unreadable { .. })));
    }
}
