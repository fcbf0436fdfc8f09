//! The keyring's file: records of one size behind a magic, so that a key is added by appending and found by its number.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::KeyringError;
use crate::durable::{self, FileError, OnFile};

const MAGIC: [u8; 8] = *b"HFkeys\x01\0";
/// Checksum, kind, number of records that were durable when this one was written, subject, nonce, wrapped key.
const RECORD: usize = 4 + 1 + 8 + 32 + 12 + 48;
const WRAPPED: u8 = 1;
const ERASED: u8 = 2;

/// What is kept for one subject.
#[derive(Clone, Copy)]
pub(super) enum Slot {
    Wrapped { nonce: [u8; 12], wrapped: [u8; 48] },
    Erased,
}

pub(super) struct KeyFile {
    path: PathBuf,
    file: File,
    /// Record number of each subject.
    places: HashMap<[u8; 32], usize>,
    /// Records in the file; all of them are durable.
    durable: usize,
    /// Records that are to be appended.
    pending: Vec<([u8; 32], Slot)>,
    poisoned: bool,
}

impl KeyFile {
    /// Opens or creates the file; a tail that was never flushed is cut.
    pub(super) fn open(path: &Path) -> Result<Self, KeyringError> {
        if !path.exists() {
            durable::replace(path, &MAGIC, 0o600)?;
        }
        let bytes = std::fs::read(path).on("read", path)?;
        let Some(records) = bytes.strip_prefix(&MAGIC) else {
            return Err(KeyringError::Damaged { path: path.to_owned(), offset: 0 });
        };
        let mut places = HashMap::new();
        let mut whole = 0;
        let mut first_bad = None;
        for (number, record) in records.chunks(RECORD).enumerate() {
            match (decode(record), first_bad) {
                (Some((subject, _, _)), None) => {
                    places.insert(subject, number);
                    whole = number.saturating_add(1);
                }
                (None, None) => first_bad = Some(number),
                (Some((_, _, durable)), Some(bad)) if durable > bad => {
                    return Err(KeyringError::Damaged { path: path.to_owned(), offset: offset(bad) });
                }
                (Some(_) | None, Some(_)) => {}
            }
        }
        let file = OpenOptions::new().read(true).write(true).open(path).on("open", path)?;
        file.set_len(offset(whole)).on("truncate", path)?;
        file.sync_all().on("sync", path)?;
        durable::sync_dir(path.parent().unwrap_or(Path::new(".")))?;
        Ok(Self { path: path.to_owned(), file, places, durable: whole, pending: Vec::new(), poisoned: false })
    }

    pub(super) fn len(&self) -> usize {
        self.durable.saturating_add(self.pending.len())
    }

    pub(super) fn get(&self, subject: &[u8; 32]) -> Result<Option<Slot>, KeyringError> {
        match self.places.get(subject) {
            None => Ok(None),
            Some(number) => self.read(*number, subject).map(Some),
        }
    }

    fn read(&self, number: usize, subject: &[u8; 32]) -> Result<Slot, KeyringError> {
        if let Some(at) = number.checked_sub(self.durable) {
            let pending = self.pending.get(at).map(|(_, slot)| *slot);
            return pending.ok_or(KeyringError::UnknownSubject);
        }
        let mut record = [0; RECORD];
        self.file.read_exact_at(&mut record, offset(number)).on("read", &self.path)?;
        match decode(&record) {
            Some((found, slot, _)) if found == *subject => Ok(slot),
            Some(_) | None => Err(KeyringError::Damaged { path: self.path.clone(), offset: offset(number) }),
        }
    }

    pub(super) fn add(&mut self, subject: [u8; 32], slot: Slot) -> Result<(), KeyringError> {
        if self.poisoned {
            return Err(KeyringError::Poisoned);
        }
        self.places.insert(subject, self.len());
        self.pending.push((subject, slot));
        Ok(())
    }

    /// Appends and flushes what is pending.
    pub(super) fn flush(&mut self) -> Result<(), KeyringError> {
        if self.poisoned {
            return Err(KeyringError::Poisoned);
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(self.pending.len().saturating_mul(RECORD));
        for (subject, slot) in &self.pending {
            bytes.extend_from_slice(&encode(subject, slot, self.durable));
        }
        let written =
            self.file.write_all_at(&bytes, offset(self.durable)).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            self.poisoned = true;
            return Err(FileError::new("write", &self.path, error).into());
        }
        self.durable = self.len();
        self.pending.clear();
        Ok(())
    }

    /// Replaces the keys of these subjects by marks; returns how many keys went.
    pub(super) fn erase(&mut self, subjects: &[[u8; 32]]) -> Result<usize, KeyringError> {
        self.flush()?;
        let mut destroyed = Vec::new();
        let mut marked = Vec::new();
        for subject in subjects {
            match self.get(subject)? {
                Some(Slot::Erased) => {}
                Some(Slot::Wrapped { .. }) => {
                    destroyed.extend(self.places.get(subject).map(|at| (*at, *subject)));
                }
                None => marked.push(*subject),
            }
        }
        destroyed.sort_unstable();
        destroyed.dedup();
        if !destroyed.is_empty() {
            self.rewrite(&destroyed).inspect_err(|_| self.poisoned = true)?;
        }
        for subject in marked {
            if !self.places.contains_key(&subject) {
                self.add(subject, Slot::Erased)?;
            }
        }
        self.flush()?;
        Ok(destroyed.len())
    }

    fn rewrite(&mut self, destroyed: &[(usize, [u8; 32])]) -> Result<(), KeyringError> {
        let mut bytes = std::fs::read(&self.path).on("read", &self.path)?;
        for (number, subject) in destroyed {
            let start = MAGIC.len().saturating_add(number.saturating_mul(RECORD));
            let record = bytes.get_mut(start..start.saturating_add(RECORD));
            let record = record
                .ok_or_else(|| KeyringError::Damaged { path: self.path.clone(), offset: offset(*number) })?;
            record.copy_from_slice(&encode(subject, &Slot::Erased, 0));
        }
        durable::replace(&self.path, &bytes, 0o600)?;
        // the old file has no name any more, but its blocks still hold the keys
        for (number, _) in destroyed {
            self.file.write_all_at(&[0; RECORD], offset(*number)).on("overwrite", &self.path)?;
        }
        self.file.sync_data().on("sync", &self.path)?;
        let file = OpenOptions::new().read(true).write(true).mode(0o600).open(&self.path);
        self.file = file.on("open", &self.path)?;
        Ok(())
    }

    /// Some wrapped key, if there is one.
    pub(super) fn any_wrapped(&self) -> Result<Option<([u8; 32], Slot)>, KeyringError> {
        for number in 0..self.durable {
            let mut record = [0; RECORD];
            self.file.read_exact_at(&mut record, offset(number)).on("read", &self.path)?;
            if let Some((subject, slot @ Slot::Wrapped { .. }, _)) = decode(&record) {
                return Ok(Some((subject, slot)));
            }
        }
        Ok(None)
    }
}

fn offset(number: usize) -> u64 {
    let bytes = MAGIC.len().saturating_add(number.saturating_mul(RECORD));
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

fn encode(subject: &[u8; 32], slot: &Slot, durable: usize) -> Vec<u8> {
    let (kind, nonce, wrapped) = match slot {
        Slot::Wrapped { nonce, wrapped } => (WRAPPED, *nonce, *wrapped),
        Slot::Erased => (ERASED, [0; 12], [0; 48]),
    };
    let durable = u64::try_from(durable).unwrap_or(u64::MAX).to_le_bytes();
    let body = [[kind].as_slice(), &durable, subject, &nonce, &wrapped].concat();
    [crc32c::crc32c(&body).to_le_bytes().as_slice(), &body].concat()
}

fn decode(record: &[u8]) -> Option<([u8; 32], Slot, usize)> {
    let (sum, body) = record.split_first_chunk::<4>()?;
    if body.len() != RECORD - 4 || *sum != crc32c::crc32c(body).to_le_bytes() {
        return None;
    }
    let (kind, rest) = body.split_first()?;
    let (durable, rest) = rest.split_first_chunk::<8>()?;
    let (subject, rest) = rest.split_first_chunk::<32>()?;
    let (nonce, rest) = rest.split_first_chunk::<12>()?;
    let wrapped: [u8; 48] = rest.try_into().ok()?;
    let slot = match *kind {
        WRAPPED => Slot::Wrapped { nonce: *nonce, wrapped },
        ERASED => Slot::Erased,
        _ => return None,
    };
    Some((*subject, slot, usize::try_from(u64::from_le_bytes(*durable)).ok()?))
}
