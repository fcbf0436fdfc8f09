//! Where tiles lie, and reading them.

use std::path::{Path, PathBuf};

use tlog_tiles::{HASH_SIZE, Hash, Tile, TileReader};

use super::TILE;
use crate::durable::{self, FileError};

/// The path of a tile under the audit directory: `tile/<folder>/<number>[.p/<width>]`; `width` 256 is a full one.
pub(super) fn path(dir: &Path, folder: &str, number: u64, width: u64) -> PathBuf {
    let mut name = format!("{:03}", number % 1000);
    let mut rest = number / 1000;
    while rest > 0 {
        name = format!("x{:03}/{name}", rest % 1000);
        rest /= 1000;
    }
    let full = dir.join("tile").join(folder);
    if width == TILE { full.join(name) } else { full.join(format!("{name}.p/{width}")) }
}

/// The same under `sealed/`.
pub(super) fn sealed_path(dir: &Path, number: u64) -> PathBuf {
    let plain = path(Path::new(""), "", number, TILE);
    let name = plain.strip_prefix("tile").map(Path::to_owned).unwrap_or(plain);
    dir.join("sealed").join(name)
}

/// How many of `total` things lie in tile `number`.
pub(super) fn width(total: u64, number: u64) -> u64 {
    total.saturating_sub(number.saturating_mul(TILE)).min(TILE)
}

/// Content of the tile with `width` places; where the partial one is gone because it was filled since, the beginning
/// of the full one (`unit` bytes a place; bundles have no fixed unit and are cut by their reader).
pub(super) fn read(
    dir: &Path,
    folder: &str,
    number: u64,
    width: u64,
    unit: Option<usize>,
) -> Result<Option<(PathBuf, Vec<u8>)>, FileError> {
    let wanted = path(dir, folder, number, width);
    if let Some(bytes) = durable::read_if_there(&wanted)? {
        return Ok(Some((wanted, bytes)));
    }
    if width == TILE {
        return Ok(None);
    }
    let full = path(dir, folder, number, TILE);
    let Some(mut bytes) = durable::read_if_there(&full)? else { return Ok(None) };
    if let (Some(unit), Ok(width)) = (unit, usize::try_from(width)) {
        bytes.truncate(width.saturating_mul(unit));
    }
    Ok(Some((full, bytes)))
}

/// The hashes in a tile's bytes; `None` if the length is not theirs.
pub(super) fn hashes(bytes: &[u8], width: u64) -> Option<Vec<Hash>> {
    let chunks = bytes.chunks_exact(HASH_SIZE);
    if !chunks.remainder().is_empty() || u64::try_from(chunks.len()).ok()? != width {
        return None;
    }
    chunks.map(|chunk| chunk.try_into().ok().map(Hash)).collect()
}

/// The entries in a bundle's bytes: each a length (two bytes, big-endian) and that many bytes. `None` if the bytes do
/// not end with an entry, or hold fewer than `width`; more are cut off.
pub(super) fn entries(mut bytes: &[u8], width: u64) -> Option<Vec<&[u8]>> {
    let mut found = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        found.push(entry);
        bytes = rest;
    }
    let width = usize::try_from(width).ok()?;
    if !bytes.is_empty() || found.len() < width {
        return None;
    }
    found.truncate(width);
    Some(found)
}

/// Tiles of a directory for the tree library, which checks them against a root.
pub(super) struct OnDisk<'a>(pub(super) &'a Path);

impl TileReader for OnDisk<'_> {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let one = |tile: &Tile| {
            let width = u64::from(tile.width());
            let found = read(self.0, &tile.level().to_string(), tile.level_index(), width, Some(HASH_SIZE));
            found.ok().flatten().map(|(_, bytes)| bytes).ok_or(tlog_tiles::Error::InvalidTile)
        };
        tiles.iter().map(one).collect()
    }

    fn save_tiles(&self, _tiles: &[Tile], _data: &[Vec<u8>]) {}
}
