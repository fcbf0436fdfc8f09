//! The right edge of the tree: per level the hashes of the tile that is not yet full. The root follows from it alone.

use tlog_tiles::{EMPTY_HASH, Hash, node_hash};

/// A tile that became full, or is partly filled: level, number, hashes.
pub(super) struct HashTile {
    pub(super) level: u8,
    pub(super) number: u64,
    pub(super) hashes: Vec<Hash>,
}

impl HashTile {
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(|hash| hash.0).collect()
    }
}

#[derive(Clone, Default)]
pub(super) struct Edge {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

impl Edge {
    /// The edge of a tree of `size` leaves, with the hashes of each level's last tile.
    pub(super) fn restore(size: u64, levels: Vec<Vec<Hash>>) -> Self {
        Self { size, levels }
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf and returns the tiles that it filled.
    pub(super) fn push(&mut self, leaf: Hash) -> Vec<HashTile> {
        let mut full = Vec::new();
        let mut hash = leaf;
        self.size = self.size.saturating_add(1);
        for level in 0_u8.. {
            let at = usize::from(level);
            if self.levels.len() <= at {
                self.levels.push(Vec::new());
            }
            let Some(hashes) = self.levels.get_mut(at) else { break };
            hashes.push(hash);
            if hashes.len() < 256 {
                break;
            }
            let tile =
                HashTile { level, number: number(self.size, level) - 1, hashes: std::mem::take(hashes) };
            hash = tree(&tile.hashes).unwrap_or(EMPTY_HASH);
            full.push(tile);
        }
        full
    }

    /// The partly filled tiles, lowest level first.
    pub(super) fn partial(&self) -> Vec<HashTile> {
        let levels = (0_u8..).zip(&self.levels).filter(|(_, hashes)| !hashes.is_empty());
        levels
            .map(|(level, hashes)| HashTile {
                level,
                number: number(self.size, level),
                hashes: hashes.clone(),
            })
            .collect()
    }

    /// The RFC 6962 root.
    pub(super) fn root(&self) -> Hash {
        let mut below = None;
        for hashes in &self.levels {
            let mut nodes = hashes.clone();
            nodes.extend(below);
            below = tree(&nodes);
        }
        below.unwrap_or(EMPTY_HASH)
    }
}

/// Number of the tile of `level` that a tree of `size` leaves is filling.
pub(super) fn number(size: u64, level: u8) -> u64 {
    let shift = u32::from(level).saturating_add(1).saturating_mul(8);
    size.checked_shr(shift).unwrap_or(0)
}

/// Hash over neighbouring nodes of which only the last may stand for fewer leaves than the others; `None` of none.
pub(super) fn tree(nodes: &[Hash]) -> Option<Hash> {
    match nodes {
        [] => None,
        [one] => Some(*one),
        many => {
            let split = many.len().next_power_of_two() / 2;
            let (left, right) = many.split_at_checked(split)?;
            Some(node_hash(tree(left)?, tree(right)?))
        }
    }
}
