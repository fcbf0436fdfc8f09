//! The auditor's check: recomputes the whole tree from the entry bundles and names the first place that does not fit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use tlog_tiles::{Hash, record_hash};

use super::edge::{Edge, HashTile, tree};
use super::export::folders;
use super::note::{Checkpoint, NoteRefusal};
use super::sealed::Sealed;
use super::{TILE, tiles};
use crate::durable::{self, FileError};
use crate::log::{LogError, hex, inspect};

/// How often a check starts again because the daemon published in the middle of it.
const ATTEMPTS: usize = 32;

/// What was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The checkpoint everything was checked against.
    pub checkpoint: Checkpoint,
    /// Size of the older checkpoint that it continues, if one was given.
    pub continues: Option<u64>,
    /// Number of sealed parts whose bytes were hashed again.
    pub sealed: u64,
}

/// The first thing that does not fit.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A checkpoint is not believed.
    #[error("{which} is refused")]
    Checkpoint {
        /// `checkpoint` or `the older checkpoint`.
        which: &'static str,
        /// Why.
        #[source]
        source: NoteRefusal,
    },
    /// A file that the checkpoint covers is not there.
    #[error("{} is missing", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// An entry bundle or a body bundle does not have the form it must have.
    #[error("{}: {detail}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong, from which entry on.
        detail: String,
    },
    /// An entry is not the one that was signed.
    #[error("entry {index} in {}: {detail}", path.display())]
    Entry {
        /// Its index.
        index: u64,
        /// The bundle.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// A hash tile does not follow from the entries.
    #[error("{}: hash {at} does not follow from the entries", path.display())]
    Tile {
        /// The tile.
        path: PathBuf,
        /// Which hash in it, from 0.
        at: usize,
    },
    /// Entries and tiles agree with each other but not with the signed root.
    #[error("the entries lead to another root than the checkpoint of size {size}")]
    Root {
        /// The checkpoint's size.
        size: u64,
    },
    /// The log is shorter than an older checkpoint.
    #[error("ROLLED BACK: the older checkpoint covers {old} entries, this one only {new}")]
    RolledBack {
        /// Size of the older checkpoint.
        old: u64,
        /// Size of this one.
        new: u64,
    },
    /// The first entries are not those of the older checkpoint.
    #[error("FORKED: the first {old} entries are not those of the older checkpoint")]
    Forked {
        /// Size of the older checkpoint.
        old: u64,
    },
    /// A sealed part is not the one whose digest is in the leaf.
    #[error("entry {index}: its sealed part {part} is not the one whose digest was signed")]
    Sealed {
        /// The entry's index.
        index: u64,
        /// Which part, from 0.
        part: usize,
    },
    /// The log holds another entry than was published.
    #[error("entry {index}: the log holds another entry than was published")]
    Log {
        /// The entry's index.
        index: u64,
    },
    /// The log could not be read.
    #[error("the log cannot be read")]
    Unreadable(#[from] LogError),
    /// The disk refused.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A leaf as the log frames it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Leaf<'a> {
    v: u32,
    i: u64,
    #[serde(borrow, rename = "leaf")]
    _held: &'a RawValue,
    sealed: Vec<String>,
}

/// Verifies an audit directory against the public key, and against an older checkpoint where one is given. Bodies under
/// `sealed/` are hashed again if they are there. A directory that is being published to is seen as of one checkpoint.
pub fn verify(dir: &Path, vkey: &str, older: Option<&[u8]>) -> Result<Report, VerifyError> {
    attempt(dir, || Walk::begin(dir, vkey, older, None)?.run())
}

/// As [`verify`], and compares every published entry with the log in `log_dir`, hashing its sealed parts again.
pub fn verify_against_log(
    dir: &Path,
    vkey: &str,
    older: Option<&[u8]>,
    log_dir: &Path,
) -> Result<Report, VerifyError> {
    attempt(dir, || Walk::begin(dir, vkey, older, Some(log_dir))?.run())
}

fn attempt(dir: &Path, check: impl Fn() -> Result<Report, VerifyError>) -> Result<Report, VerifyError> {
    let path = dir.join("checkpoint");
    for _ in 1..ATTEMPTS {
        let before = durable::read_if_there(&path)?;
        let outcome = check();
        if outcome.is_ok() || durable::read_if_there(&path)? == before {
            return outcome;
        }
    }
    check()
}

struct Walk<'a> {
    dir: &'a Path,
    checkpoint: Checkpoint,
    older: Option<Checkpoint>,
    log: Option<crate::log::Reader>,
    edge: Edge,
    sealed: u64,
    /// The tiles that are not full, read at once: a publisher removes them after some more checkpoints.
    partial: BTreeMap<(String, u64), (PathBuf, Vec<u8>)>,
}

impl<'a> Walk<'a> {
    fn begin(
        dir: &'a Path,
        vkey: &str,
        older: Option<&[u8]>,
        log_dir: Option<&Path>,
    ) -> Result<Self, VerifyError> {
        let path = dir.join("checkpoint");
        let note = durable::read_if_there(&path)?.ok_or(VerifyError::Missing { path })?;
        let believe = |note: &[u8], which| {
            Checkpoint::verify(note, vkey).map_err(|source| VerifyError::Checkpoint { which, source })
        };
        let checkpoint = believe(&note, "the checkpoint")?;
        let older = older.map(|note| believe(note, "the older checkpoint")).transpose()?;
        if let Some(older) = older.as_ref().filter(|older| older.size > checkpoint.size) {
            return Err(VerifyError::RolledBack { old: older.size, new: checkpoint.size });
        }
        let mut partial = BTreeMap::new();
        for (folder, unit, places) in folders(checkpoint.size) {
            let number = places / TILE;
            let width = tiles::width(places, number);
            if let Some(found) =
                (width > 0).then(|| tiles::read(dir, &folder, number, width, unit)).transpose()?
            {
                partial.extend(found.map(|found| ((folder, number), found)));
            }
        }
        let log = log_dir.map(|log_dir| inspect(log_dir, checkpoint.size)).transpose()?;
        Ok(Self { dir, checkpoint, older, log, edge: Edge::default(), sealed: 0, partial })
    }

    fn tile(&self, folder: &str, number: u64, width: u64) -> Result<(PathBuf, Vec<u8>), VerifyError> {
        if let Some(found) = self.partial.get(&(folder.to_owned(), number)) {
            return Ok(found.clone());
        }
        let found = tiles::read(self.dir, folder, number, width, None)?;
        found.ok_or_else(|| VerifyError::Missing { path: tiles::path(self.dir, folder, number, width) })
    }

    fn run(mut self) -> Result<Report, VerifyError> {
        self.compare_older()?;
        for number in 0..self.checkpoint.size.div_ceil(TILE) {
            self.bundle(number)?;
        }
        for tile in self.edge.partial() {
            self.compare_tile(&tile)?;
        }
        if self.edge.root().0 != self.checkpoint.root {
            return Err(VerifyError::Root { size: self.checkpoint.size });
        }
        let continues = self.older.as_ref().map(|older| older.size);
        Ok(Report { checkpoint: self.checkpoint, continues, sealed: self.sealed })
    }

    fn bundle(&mut self, number: u64) -> Result<(), VerifyError> {
        let width = tiles::width(self.checkpoint.size, number);
        let (path, bytes) = self.tile("entries", number, width)?;
        let first = number.saturating_mul(TILE);
        let Some(entries) = tiles::entries(&bytes, width) else {
            let detail = format!("does not hold {width} whole entries from entry {first} on");
            return Err(VerifyError::Malformed { path, detail });
        };
        let hashes: Vec<Hash> = entries.iter().map(|entry| record_hash(entry)).collect();
        self.compare_leaves(number, width, &hashes, &path)?;
        let mut bodies = Sealed::open(self.dir, number)?;
        for ((index, entry), hash) in (first..).zip(&entries).zip(hashes) {
            let refuse =
                |detail: &str| VerifyError::Entry { index, path: path.clone(), detail: detail.into() };
            let leaf: Leaf<'_> =
                serde_json::from_slice(entry).map_err(|_| refuse("it is not a leaf of this log"))?;
            if leaf.v != 1 || leaf.i != index {
                return Err(refuse(&format!("it says that it is entry {}", leaf.i)));
            }
            if let Some(bodies) = &mut bodies {
                self.sealed += bodies.check(index, &leaf.sealed)?;
            }
            self.compare_log(index, entry, &leaf.sealed)?;
            for tile in self.edge.push(hash) {
                self.compare_tile(&tile)?;
            }
            self.compare_older()?;
        }
        Ok(())
    }

    /// Tells a changed entry from a changed hash: what lies above the tile decides which of the two was signed.
    fn compare_leaves(
        &self,
        number: u64,
        width: u64,
        hashes: &[Hash],
        path: &Path,
    ) -> Result<(), VerifyError> {
        let (tile_path, bytes) = self.tile("0", number, width)?;
        let published = tiles::hashes(&bytes, width);
        let published = published.ok_or(VerifyError::Tile { path: tile_path.clone(), at: 0 })?;
        let Some(at) = hashes.iter().zip(&published).position(|(entry, tile)| entry != tile) else {
            return Ok(());
        };
        if self.is_signed(number, &published)? {
            let index = number.saturating_mul(TILE).saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
            let detail = "it does not hash to what was signed".to_owned();
            return Err(VerifyError::Entry { index, path: path.to_owned(), detail });
        }
        Err(VerifyError::Tile { path: tile_path, at })
    }

    /// True if these hashes of a lowest tile lead to the tile above, or for the last tile, to the root.
    fn is_signed(&self, number: u64, published: &[Hash]) -> Result<bool, VerifyError> {
        if published.len() < 256 {
            let mut edge = self.edge.clone();
            for hash in published {
                drop(edge.push(*hash));
            }
            return Ok(edge.root().0 == self.checkpoint.root);
        }
        let above = number / TILE;
        let width = tiles::width(self.checkpoint.size / TILE, above);
        let (_, bytes) = self.tile("1", above, width)?;
        let place = usize::try_from(number % TILE).unwrap_or(usize::MAX);
        let signed = tiles::hashes(&bytes, width).and_then(|hashes| hashes.get(place).copied());
        Ok(signed.is_some() && signed == tree(published))
    }

    fn compare_tile(&self, tile: &HashTile) -> Result<(), VerifyError> {
        let width = u64::try_from(tile.hashes.len()).unwrap_or(TILE);
        let (path, bytes) = self.tile(&tile.level.to_string(), tile.number, width)?;
        let Some(published) = tiles::hashes(&bytes, width) else {
            return Err(VerifyError::Tile { path, at: 0 });
        };
        match published.iter().zip(&tile.hashes).position(|(published, computed)| published != computed) {
            Some(at) => Err(VerifyError::Tile { path, at }),
            None => Ok(()),
        }
    }

    /// Compares with the older checkpoint when the walk has reached its size.
    fn compare_older(&self) -> Result<(), VerifyError> {
        match &self.older {
            Some(older) if older.size == self.edge.size() && older.root != self.edge.root().0 => {
                Err(VerifyError::Forked { old: older.size })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn compare_log(&mut self, index: u64, entry: &[u8], sealed: &[String]) -> Result<(), VerifyError> {
        let Some(log) = &mut self.log else { return Ok(()) };
        let record = log.next().ok_or(VerifyError::Log { index })??;
        if record.audit_leaf() == entry {
            self.sealed += u64::try_from(sealed.len()).unwrap_or(0);
            return Ok(());
        }
        let parts = record.entry.sealed.iter().map(|part| hex(&Sha256::digest(&part.bytes)));
        match parts.zip(sealed).position(|(held, signed)| held != *signed) {
            Some(part) => Err(VerifyError::Sealed { index, part }),
            None => Err(VerifyError::Log { index }),
        }
    }
}
