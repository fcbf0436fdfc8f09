//! A number that only grows, in a file of its own that is never flushed: after a power cut it may be too low, which only
//! weakens the check that rests on it; it is never too high, so whatever is behind it has lost what was acknowledged.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::durable::{FileError, OnFile};

pub(crate) struct Witness {
    file: File,
    path: PathBuf,
}

impl Witness {
    /// Opens or creates the file.
    pub(crate) fn open(path: &Path) -> Result<Self, FileError> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        Ok(Self { file: file.on("open", path)?, path: path.to_owned() })
    }

    /// Notes a number that is durable elsewhere.
    pub(crate) fn write(&self, number: u64) -> Result<(), FileError> {
        let number = number.to_be_bytes();
        let sum = crc32c::crc32c(&number).to_be_bytes();
        self.file.write_all_at(&[number.as_slice(), &sum].concat(), 0).on("write", &self.path)
    }

    /// The number last noted; `0` where nothing readable was ever written.
    pub(crate) fn read(&self) -> Result<u64, FileError> {
        let mut bytes = [0; 12];
        match self.file.read_exact_at(&mut bytes, 0) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(0),
            Err(error) => return Err(FileError::new("read", &self.path, error)),
        }
        let (number, sum) = bytes.split_at(8);
        let whole = sum == crc32c::crc32c(number).to_be_bytes();
        Ok(number.try_into().map(u64::from_be_bytes).ok().filter(|_| whole).unwrap_or(0))
    }
}
