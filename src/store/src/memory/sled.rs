//! The memory on sled 0.34.7, with its measured defects contained; sled's types appear nowhere else.

use std::any::Any;
use std::fs::{self, File, OpenOptions};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::aside::{move_aside, parent, raise};
use super::committer::{Changes, Committer, Engine, Tally};
use super::{Applied, Batch, Memory, MemoryError, Row};
use crate::durable::{self, FileError, OnFile};
use crate::witness::Witness;

/// sled's page cache in bytes.
const CACHE: u64 = 64 * 1024 * 1024;
/// Why the rows must be rebuilt from log and CRM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RebuildReason {
    /// There were no rows although the log has entries.
    Missing,
    /// An earlier rebuild did not get to its end, or damage was noticed while the daemon ran.
    Unfinished,
    /// sled refused to open, or the rows are not what was written; the old directory was moved aside.
    Damaged {
        /// What was noticed.
        detail: String,
        /// Where the damaged directory is now.
        moved_to: PathBuf,
    },
}

/// An opened memory.
pub enum Opened {
    /// The rows are what was last written. They may reflect the log only up to [`Memory::log_head`]; the entries from
    /// there on are to be applied first.
    Ready(SledMemory),
    /// The memory is empty and must be filled from log and CRM; [`SledMemory::rebuilt`] ends that.
    Rebuild {
        /// The empty memory.
        memory: SledMemory,
        /// Why.
        reason: RebuildReason,
    },
}

/// Rows in a sled tree.
pub struct SledMemory {
    committer: Committer<Tree>,
    flag: PathBuf,
}

impl SledMemory {
    /// Opens the rows in `dir` (files beside it with the same stem belong to it), creating them where there are none.
    /// `log_head` is the number of entries in the log. With `check`, every row is read and counted first.
    pub fn open(dir: &Path, log_head: u64, check: bool) -> Result<Opened, MemoryError> {
        let flag = dir.with_extension("rebuild");
        let reason = if flag.exists() {
            move_aside(dir)?;
            Some(RebuildReason::Unfinished)
        } else if !dir.exists() {
            (log_head > 0).then_some(RebuildReason::Missing)
        } else {
            match Self::open_existing(dir, &flag, check) {
                Ok(memory) => return Ok(Opened::Ready(memory)),
                Err(MemoryError::Damaged { detail, .. }) => {
                    raise(&flag)?;
                    let moved_to = move_aside(dir)?.unwrap_or_else(|| dir.to_owned());
                    Some(RebuildReason::Damaged { detail, moved_to })
                }
                Err(error) => return Err(error),
            }
        };
        if reason.is_some() {
            raise(&flag)?;
        }
        let memory = Self::create(dir, &flag)?;
        Ok(match reason {
            Some(reason) => Opened::Rebuild { memory, reason },
            None => Opened::Ready(memory),
        })
    }

    /// Notes durably that the rows are complete again; without it the next start begins the rebuild anew.
    pub fn rebuilt(&self) -> Result<(), MemoryError> {
        if self.flag.exists() {
            fs::remove_file(&self.flag).on("remove", &self.flag)?;
            durable::sync_dir(parent(&self.flag))?;
        }
        Ok(())
    }

    fn create(dir: &Path, flag: &Path) -> Result<Self, MemoryError> {
        durable::create_dir(parent(dir))?;
        let witness = dir.with_extension("seq");
        match fs::remove_file(&witness) {
            Ok(()) => durable::sync_dir(parent(dir))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(FileError::new("remove", &witness, error).into()),
        }
        let tree = Tree::open(dir)?;
        tree.settle()?;
        Self::start(tree, Tally::default(), flag)
    }

    fn open_existing(dir: &Path, flag: &Path, check: bool) -> Result<Self, MemoryError> {
        remove_generating(dir)?;
        let tree = Tree::open(dir)?;
        tree.settle()?;
        let found = tree.get(Tally::KEY)?;
        let tally = match found.as_deref().map(Tally::from_bytes) {
            Some(Some(tally)) => tally,
            Some(None) => return Err(tree.damaged("the tally cannot be read")),
            None if tree.scan(&[], &[], 1)?.is_empty() => Tally::default(),
            None => return Err(tree.damaged("there are rows but no tally")),
        };
        let witnessed = tree.witness.read()?;
        if tally.sequence < witnessed {
            let lost = witnessed - tally.sequence;
            return Err(tree.damaged(&format!("the newest {lost} commits are gone")));
        }
        let memory = Self::start(tree, tally, flag)?;
        if check {
            memory.check()?;
        }
        Ok(memory)
    }

    fn start(tree: Tree, tally: Tally, flag: &Path) -> Result<Self, MemoryError> {
        let dir = tree.dir.clone();
        let committer = Committer::start(tree, tally).on("start the committing thread of", &dir)?;
        Ok(Self { committer, flag: flag.to_owned() })
    }
}

impl Memory for SledMemory {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, MemoryError> {
        self.committer.get(key)
    }

    fn scan(&self, prefix: &[u8], from: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, MemoryError> {
        self.committer.scan(prefix, from, limit)
    }

    fn apply(&self, batch: Batch) -> Applied {
        self.committer.apply(batch)
    }

    fn log_head(&self) -> u64 {
        self.committer.tally().log_head
    }

    fn rows(&self) -> u64 {
        self.committer.tally().rows
    }

    fn check(&self) -> Result<(), MemoryError> {
        self.committer.check()
    }

    fn is_poisoned(&self) -> bool {
        self.committer.is_poisoned()
    }
}

/// sled with a second descriptor on its file: `flush()` alone calls `sync_file_range`, which survives a killed process
/// but not a power cut.
struct Tree {
    db: sled::Db,
    file: File,
    /// Number of the last commit.
    witness: Witness,
    dir: PathBuf,
}

impl Tree {
    fn open(dir: &Path) -> Result<Self, MemoryError> {
        wait_for_release(dir)?;
        let config = sled::Config::new().path(dir).cache_capacity(CACHE).flush_every_ms(None);
        let db = contain(dir, || config.open())?;
        let data = dir.join("db");
        let file = OpenOptions::new().read(true).write(true).open(&data).on("open", &data)?;
        let witness = Witness::open(&dir.with_extension("seq"))?;
        Ok(Self { db, file, witness, dir: dir.to_owned() })
    }

    /// Makes what opening wrote durable, with the names of the files.
    fn settle(&self) -> Result<(), MemoryError> {
        contain(&self.dir, || self.db.flush())?;
        for entry in fs::read_dir(&self.dir).on("list", &self.dir)? {
            let path = entry.on("list", &self.dir)?.path();
            if path.is_file() {
                File::open(&path).and_then(|file| file.sync_all()).on("sync", &path)?;
            }
        }
        durable::sync_dir(&self.dir)?;
        Ok(durable::sync_dir(parent(&self.dir))?)
    }

    fn damaged(&self, detail: &str) -> MemoryError {
        MemoryError::Damaged { place: self.dir.display().to_string(), detail: detail.to_owned() }
    }
}

impl Engine for Tree {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, MemoryError> {
        contain(&self.dir, || self.db.get(key)).map(|value| value.map(|value| value.to_vec()))
    }

    fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Row>, MemoryError> {
        contain(&self.dir, || {
            let mut rows = Vec::new();
            for row in self.db.range(from..).take(limit) {
                let (key, value) = row?;
                if !key.starts_with(prefix) {
                    break;
                }
                rows.push((key.to_vec(), value.to_vec()));
            }
            Ok(rows)
        })
    }

    fn commit(&self, changes: &Changes, sequence: u64) -> Result<(), MemoryError> {
        let mut batch = sled::Batch::default();
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(key.as_slice(), value.as_slice()),
                None => batch.remove(key.as_slice()),
            }
        }
        contain(&self.dir, || self.db.apply_batch(batch))?;
        contain(&self.dir, || self.db.flush())?;
        self.file.sync_data().on("sync", &self.dir.join("db"))?;
        Ok(self.witness.write(sequence)?)
    }

    fn place(&self) -> String {
        self.dir.display().to_string()
    }

    fn condemn(&self, detail: &str) {
        if let Err(error) = raise(&self.dir.with_extension("rebuild")) {
            tracing::error!(%error, detail, "the memory is damaged and cannot even be marked so");
        }
    }
}

/// Runs one call into sled, turning its panics and its reports of damage into [`MemoryError::Damaged`].
fn contain<T>(dir: &Path, call: impl FnOnce() -> sled::Result<T>) -> Result<T, MemoryError> {
    let place = || dir.display().to_string();
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(sled::Error::Io(error))) if !is_nonsense(&error) => {
            Err(FileError::new("use sled in", dir, error).into())
        }
        // a flipped bit in sled's own settings makes it take its files for those of another version
        Ok(Err(error)) => Err(MemoryError::Damaged { place: place(), detail: error.to_string() }),
        Err(panic) => Err(MemoryError::Damaged { place: place(), detail: panic_text(panic.as_ref()) }),
    }
}

/// True if the error tells of what the files hold, not of the disk.
fn is_nonsense(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    error.raw_os_error().is_none() && [InvalidData, InvalidInput, UnexpectedEof].contains(&error.kind())
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text =
        panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    // sled's panics may quote rows, so only the first words are kept
    let words: String = text.unwrap_or("no text").chars().take(60).collect();
    format!("sled panicked: {words}")
}

/// sled's threads may hold its file for a moment after a closed instance was dropped, and sled refuses to wait. Other
/// processes are kept away by the lock of the state directory.
fn wait_for_release(dir: &Path) -> Result<(), FileError> {
    let data = dir.join("db");
    match File::open(&data) {
        Ok(file) => file.lock().and_then(|()| file.unlock()).on("lock", &data),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(FileError::new("open", &data, error)),
    }
}

/// A kill during sled's start leaves `snap.<lsn>.generating`, which its own next start cannot read. The snapshot that it
/// was to replace is still there, so nothing is lost.
fn remove_generating(dir: &Path) -> Result<(), FileError> {
    for entry in fs::read_dir(dir).on("list", dir)? {
        let path = entry.on("list", dir)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(&path).on("remove", &path)?;
        }
    }
    Ok(())
}
