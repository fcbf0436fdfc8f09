//! Publishes the log's durable entries as tiles and signs the new head.

use std::collections::{BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use tlog_tiles::{HASH_SIZE, Hash, record_hash};

use super::edge::{self, Edge, HashTile};
use super::{AuditError, Checkpoint, SigningKey, TILE, tiles};
use crate::durable::{self, FileError};
use crate::log::Log;

/// Checkpoints whose partial tiles stay readable.
const KEPT_PARTIAL: usize = 16;

/// Publishes one log into one audit directory; the only writer there.
pub struct Publisher {
    dir: PathBuf,
    key: SigningKey,
    log: Log,
    edge: Edge,
    /// Entries of the bundle that is not yet full, encoded.
    bundle: Vec<u8>,
    checkpoint: Option<Checkpoint>,
    /// Partial tiles of the last checkpoints, newest last; a reader may still be using the earlier ones.
    partial: VecDeque<Vec<PathBuf>>,
    poisoned: bool,
}

impl Publisher {
    /// Opens the audit directory, refusing a log that is shorter than or other than what was published, and rebuilds
    /// from the log whatever tile is missing.
    pub fn open(dir: &Path, key: SigningKey, log: Log) -> Result<Self, AuditError> {
        durable::create_dir(dir)?;
        let path = dir.join("checkpoint");
        let mut checkpoint = None;
        if let Some(note) = durable::read_if_there(&path)? {
            let source = Checkpoint::verify(&note, key.vkey());
            checkpoint = Some(source.map_err(|source| AuditError::Checkpoint { path, source })?);
        }
        let line = format!("{}\n", key.vkey());
        if durable::read_if_there(&dir.join("vkey"))?.as_deref() != Some(line.as_bytes()) {
            durable::replace(&dir.join("vkey"), line.as_bytes(), 0o644)?;
        }
        let mut publisher = Self {
            dir: dir.to_owned(),
            key,
            log,
            edge: Edge::default(),
            bundle: Vec::new(),
            checkpoint: None,
            partial: VecDeque::new(),
            poisoned: false,
        };
        if let Some(checkpoint) = checkpoint {
            publisher.resume(checkpoint)?;
        }
        Ok(publisher)
    }

    /// Publishes every durable entry and returns the signed head, durable; without new entries the last one again.
    /// Blocks on the disk. After an error the last checkpoint still stands and the call may be repeated, except after a
    /// failed flush of a checkpoint.
    pub fn publish(&mut self) -> Result<Checkpoint, AuditError> {
        if self.poisoned {
            return Err(AuditError::Poisoned);
        }
        if let Some(last) = self.checkpoint.as_ref().filter(|last| last.size == self.log.head()) {
            return Ok(last.clone());
        }
        let (mut edge, mut bundle) = (self.edge.clone(), self.bundle.clone());
        self.extend(&mut edge, &mut bundle, self.log.head(), true)?;
        let partial = self.write_partial(&edge, &bundle)?;
        let next = Checkpoint::sign(edge.size(), edge.root(), &self.key)?;
        let path = self.dir.join("checkpoint");
        durable::replace(&path, &next.note, 0o644).inspect_err(|_| self.poisoned = true)?;
        (self.edge, self.bundle) = (edge, bundle);
        self.checkpoint = Some(next.clone());
        self.forget(partial);
        Ok(next)
    }

    /// The last published checkpoint.
    pub fn checkpoint(&self) -> Option<&Checkpoint> {
        self.checkpoint.as_ref()
    }

    /// The public key as text; also in the file `vkey`.
    pub fn vkey(&self) -> &str {
        self.key.vkey()
    }

    /// The audit directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Adds the log's entries up to `to`, writing each tile that becomes full.
    fn extend(&self, edge: &mut Edge, bundle: &mut Vec<u8>, to: u64, always: bool) -> Result<(), AuditError> {
        let from = edge.size();
        let mut folders = BTreeSet::new();
        for record in
            self.log.read(from)?.take(usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX))
        {
            let leaf = record?.audit_leaf();
            let length =
                u16::try_from(leaf.len()).map_err(|error| AuditError::Tree { detail: error.to_string() })?;
            bundle.extend_from_slice(&length.to_be_bytes());
            bundle.extend_from_slice(&leaf);
            for tile in edge.push(record_hash(&leaf)) {
                if tile.level == 0 {
                    folders.extend(self.write_full("entries", tile.number, bundle, always)?);
                    bundle.clear();
                }
                folders.extend(self.write_full(
                    &tile.level.to_string(),
                    tile.number,
                    &tile.bytes(),
                    always,
                )?);
            }
        }
        for folder in folders {
            durable::sync_dir(&folder)?;
        }
        Ok(())
    }

    /// Full tiles are flushed, for they are never written again; returns the folder whose names are still to be flushed.
    fn write_full(
        &self,
        folder: &str,
        number: u64,
        bytes: &[u8],
        always: bool,
    ) -> Result<Option<PathBuf>, FileError> {
        let path = tiles::path(&self.dir, folder, number, TILE);
        if !always && durable::read_if_there(&path)?.as_deref() == Some(bytes) {
            return Ok(None);
        }
        let parent = path.parent().unwrap_or(&self.dir);
        durable::create_dir(parent)?;
        durable::replace_unnamed(&path, bytes, 0o644)?;
        Ok(Some(parent.to_owned()))
    }

    /// Partial tiles are not flushed: after a power cut they are rebuilt from the log.
    fn write_partial(&self, edge: &Edge, bundle: &[u8]) -> Result<Vec<PathBuf>, AuditError> {
        let mut written = Vec::new();
        for HashTile { level, number, hashes } in edge.partial() {
            let width = u64::try_from(hashes.len()).unwrap_or(TILE);
            let bytes = HashTile { level, number, hashes }.bytes();
            if level == 0 {
                written.push((tiles::path(&self.dir, "entries", number, width), bundle.to_owned()));
            }
            written.push((tiles::path(&self.dir, &level.to_string(), number, width), bytes));
        }
        for (path, bytes) in &written {
            durable::create_dir(path.parent().unwrap_or(&self.dir))?;
            durable::replace_unsynced(path, bytes)?;
        }
        Ok(written.into_iter().map(|(path, _)| path).collect())
    }

    /// Removes the partial tiles that none of the last checkpoints needs.
    fn forget(&mut self, partial: Vec<PathBuf>) {
        self.partial.push_back(partial);
        if self.partial.len() <= KEPT_PARTIAL {
            return;
        }
        for path in self.partial.pop_front().unwrap_or_default() {
            if !self.partial.iter().any(|kept| kept.contains(&path)) {
                // a stale tile left behind does no harm
                drop(fs::remove_file(&path));
                drop(path.parent().map(fs::remove_dir));
            }
        }
    }

    /// Takes up where the checkpoint left off.
    fn resume(&mut self, checkpoint: Checkpoint) -> Result<(), AuditError> {
        let (published, held) = (checkpoint.size, self.log.head());
        if published > held {
            return Err(AuditError::RolledBack { published, held });
        }
        let edge = match self.edge_from_tiles(published)? {
            Some(edge) if edge.root().0 == checkpoint.root => edge,
            Some(_) | None => self.edge_from_log(&checkpoint)?,
        };
        self.bundle = self.open_bundle(published)?;
        self.partial = VecDeque::from([self.write_partial(&edge, &self.bundle)?]);
        self.edge = edge;
        self.checkpoint = Some(checkpoint);
        Ok(())
    }

    /// The edge from the full tiles on disk and the log's last entries; `None` where a tile is missing.
    fn edge_from_tiles(&self, size: u64) -> Result<Option<Edge>, AuditError> {
        if !self.all_there(size) {
            return Ok(None);
        }
        let mut levels = Vec::new();
        let mut leaves = Vec::new();
        let first = size - size % TILE;
        for record in self.log.read(first)?.take(usize::try_from(size - first).unwrap_or(usize::MAX)) {
            leaves.push(record_hash(&record?.audit_leaf()));
        }
        levels.push(leaves);
        for level in 1_u8.. {
            let nodes = edge::number(size, level - 1);
            if nodes == 0 {
                break;
            }
            let mut hashes = Vec::new();
            for number in (nodes - nodes % TILE)..nodes {
                let found = tiles::read(&self.dir, &(level - 1).to_string(), number, TILE, None)?;
                let children = found.and_then(|(_, bytes)| tiles::hashes(&bytes, TILE));
                match children.as_deref().and_then(edge::tree) {
                    Some(hash) => hashes.push(hash),
                    None => return Ok(None),
                }
            }
            levels.push(hashes);
        }
        Ok(Some(Edge::restore(size, levels)))
    }

    /// True if every full tile is there with the length it must have.
    fn all_there(&self, size: u64) -> bool {
        let hash_bytes = u64::try_from(HASH_SIZE).unwrap_or(u64::MAX).saturating_mul(TILE);
        let length = |folder: &str, number| {
            fs::metadata(tiles::path(&self.dir, folder, number, TILE)).map_or(0, |found| found.len())
        };
        (0..edge::number(size, 0)).all(|number| length("entries", number) > 0)
            && (0_u8..8).all(|level| {
                (0..edge::number(size, level)).all(|number| length(&level.to_string(), number) == hash_bytes)
            })
    }

    /// Recomputes the whole tree, repairing tiles that differ. Nothing is repaired from a log that does not lead to the
    /// published root.
    fn edge_from_log(&self, checkpoint: &Checkpoint) -> Result<Edge, AuditError> {
        let mut probe = Edge::default();
        for record in self.log.read(0)?.take(usize::try_from(checkpoint.size).unwrap_or(usize::MAX)) {
            let leaf: Hash = record_hash(&record?.audit_leaf());
            drop(probe.push(leaf));
        }
        if probe.root().0 != checkpoint.root {
            return Err(AuditError::Inconsistent { published: checkpoint.size });
        }
        tracing::warn!(entries = checkpoint.size, "rebuilding missing audit tiles from the log");
        let mut edge = Edge::default();
        self.extend(&mut edge, &mut Vec::new(), checkpoint.size, false)?;
        Ok(edge)
    }

    fn open_bundle(&self, size: u64) -> Result<Vec<u8>, AuditError> {
        let first = size - size % TILE;
        let mut bundle = Vec::new();
        for record in self.log.read(first)?.take(usize::try_from(size - first).unwrap_or(usize::MAX)) {
            let leaf = record?.audit_leaf();
            let length =
                u16::try_from(leaf.len()).map_err(|error| AuditError::Tree { detail: error.to_string() })?;
            bundle.extend_from_slice(&length.to_be_bytes());
            bundle.extend_from_slice(&leaf);
        }
        Ok(bundle)
    }
}
