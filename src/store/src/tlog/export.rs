//! A copy of the audit directory as of its checkpoint, for an auditor who has nothing else.

use std::path::Path;

use super::edge::number;
use super::note::Checkpoint;
use super::tiles;
use super::{AuditError, TILE};
use crate::durable;
use crate::log::Log;

/// Copies checkpoint, public key and every tile that the checkpoint covers from `dir` to the new directory `to`; with
/// `log`, also the sealed parts (encrypted as they are), so that their digests can be checked without a key.
pub fn export(dir: &Path, vkey: &str, to: &Path, log: Option<&Log>) -> Result<Checkpoint, AuditError> {
    let path = dir.join("checkpoint");
    let missing = |what: String| AuditError::Tree { detail: format!("{what} is missing") };
    let note = durable::read_if_there(&path)?.ok_or_else(|| missing(path.display().to_string()))?;
    let checkpoint =
        Checkpoint::verify(&note, vkey).map_err(|source| AuditError::Checkpoint { path, source })?;
    for (folder, unit, total) in folders(checkpoint.size) {
        for tile in 0..total.div_ceil(TILE) {
            let width = tiles::width(total, tile);
            let found = tiles::read(dir, &folder, tile, width, unit)?;
            let (from, mut bytes) = found.ok_or_else(|| missing(format!("tile {folder}/{tile}")))?;
            if unit.is_none() {
                let cut = tiles::entries(&bytes, width).ok_or_else(|| missing(from.display().to_string()))?;
                let length: usize = cut.iter().map(|entry| entry.len().saturating_add(2)).sum();
                bytes.truncate(length);
            }
            let target = tiles::path(to, &folder, tile, width);
            durable::create_dir(target.parent().unwrap_or(to))?;
            durable::replace_unsynced(&target, &bytes)?;
        }
    }
    if let Some(log) = log {
        export_sealed(log, checkpoint.size, to)?;
    }
    durable::create_dir(to)?;
    durable::replace(&to.join("vkey"), format!("{vkey}\n").as_bytes(), 0o644)?;
    durable::replace(&to.join("checkpoint"), &note, 0o644)?;
    Ok(checkpoint)
}

/// Each folder under `tile/` with the size of one place and the number of places.
pub(super) fn folders(size: u64) -> Vec<(String, Option<usize>, u64)> {
    let mut folders = vec![("entries".to_owned(), None, size)];
    let mut places = size;
    for level in 0_u8..8 {
        if places > 0 {
            folders.push((level.to_string(), Some(tlog_tiles::HASH_SIZE), places));
        }
        places = number(size, level);
    }
    folders
}

fn export_sealed(log: &Log, size: u64, to: &Path) -> Result<(), AuditError> {
    durable::create_dir(&to.join("sealed"))?;
    let mut bundle = Vec::new();
    for record in log.read(0)?.take(usize::try_from(size).unwrap_or(usize::MAX)) {
        let record = record?;
        let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes();
        // at most 256 parts: their number fits two bytes
        bundle.extend(count(record.entry.sealed.len()).into_iter().skip(2));
        for part in &record.entry.sealed {
            bundle.extend_from_slice(&count(part.bytes.len()));
            bundle.extend_from_slice(&part.bytes);
        }
        let next = record.position.saturating_add(1);
        if next.is_multiple_of(TILE) || next == size {
            let target = tiles::sealed_path(to, record.position / TILE);
            durable::create_dir(target.parent().unwrap_or(to))?;
            durable::replace_unsynced(&target, &bundle)?;
            bundle.clear();
        }
    }
    Ok(())
}
