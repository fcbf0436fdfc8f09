//! File operations that are on the disk when they return.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// A file operation that failed; the text names the operation and the file, never its content.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct FileError {
    /// What was tried, as a verb: `read`, `write`, `sync`.
    pub action: &'static str,
    /// The file or directory it was tried on.
    pub path: PathBuf,
    /// The operating system's answer.
    #[source]
    pub source: io::Error,
}

impl FileError {
    pub(crate) fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self { action, path: path.to_owned(), source }
    }
}

/// Attaches the operation and the file to an I/O error.
pub(crate) trait OnFile<T> {
    fn on(self, action: &'static str, path: &Path) -> Result<T, FileError>;
}

impl<T> OnFile<T> for io::Result<T> {
    fn on(self, action: &'static str, path: &Path) -> Result<T, FileError> {
        self.map_err(|source| FileError::new(action, path, source))
    }
}

/// Makes the names in a directory durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), FileError> {
    File::open(dir).and_then(|handle| handle.sync_all()).on("sync directory", dir)
}

/// Creates a directory and its missing parents, each durable in its own parent.
pub(crate) fn create_dir(dir: &Path) -> Result<(), FileError> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        create_dir(parent)?;
    }
    match fs::create_dir(dir) {
        Ok(()) => sync_dir(parent.unwrap_or(Path::new("."))),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        Err(error) => Err(FileError::new("create directory", dir, error)),
    }
}

/// Replaces `path` by `bytes`: the old content or the new one survives a crash, never a mixture. `mode` is the Unix
/// permission of the new file.
pub(crate) fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    replace_unnamed(path, bytes, mode)?;
    sync_dir(path.parent().unwrap_or(Path::new(".")))
}

/// As [`replace`], but the name is durable only after [`sync_dir`].
pub(crate) fn replace_unnamed(path: &Path, bytes: &[u8], mode: u32) -> Result<(), FileError> {
    write_beside(path, bytes, mode, true)
}

/// As [`replace`], but atomic only against a killed process: nothing is flushed.
pub(crate) fn replace_unsynced(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_beside(path, bytes, 0o644, false)
}

fn write_beside(path: &Path, bytes: &[u8], mode: u32, sync: bool) -> Result<(), FileError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    let beside = path.with_file_name(name);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&beside)
        .on("create", &beside)?;
    file.write_all(bytes).on("write", &beside)?;
    if sync {
        file.sync_all().on("sync", &beside)?;
    }
    fs::rename(&beside, path).on("rename into place", path)
}

/// The content of a file, or `None` where there is no such file.
pub(crate) fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::new("read", path, error)),
    }
}
