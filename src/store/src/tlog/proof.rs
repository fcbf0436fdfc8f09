//! Proofs that one entry is in the log, and that one head continues another.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tlog_tiles::{
    Hash, HashReader, TileHashReader, check_record, check_tree, prove_record, prove_tree, record_hash,
    stored_hash_index,
};

use super::note::{Checkpoint, NoteRefusal};
use super::tiles::OnDisk;

/// First line of a proof file (C2SP tlog-proof).
const PROOF_HEADER: &str = "c2sp.org/tlog-proof@v1";
/// A path longer than this proves nothing that exists.
const MAX_PATH: usize = 64;

/// Why a proof cannot be made or is not believed.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The entry or the older size is not covered by the checkpoint.
    #[error("index or size {wanted} is not covered by a checkpoint of size {size}")]
    OutOfRange {
        /// The index or older size.
        wanted: u64,
        /// The checkpoint's size.
        size: u64,
    },
    /// The tiles do not lead to the checkpoint's root.
    #[error("the tiles do not lead to the checkpoint's root: {detail}; run audit verify")]
    Tiles {
        /// The tree library's words.
        detail: String,
    },
    /// The proof's text is malformed.
    #[error("the proof is not a well-formed tlog-proof")]
    Malformed,
    /// The checkpoint in the proof is not believed.
    #[error("the proof's checkpoint is refused")]
    Checkpoint(#[from] NoteRefusal),
    /// The path does not lead from this leaf at this index to the root.
    #[error("the proof does not lead from this entry at index {index} to the root")]
    False {
        /// The index it claims.
        index: u64,
    },
    /// The newer head does not continue the older one.
    #[error("FORKED: the head of size {new} does not continue the head of size {old}")]
    Forked {
        /// The older size.
        old: u64,
        /// The newer size.
        new: u64,
    },
}

/// A proof that a leaf is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InclusionProof {
    /// The leaf's index.
    pub index: u64,
    /// RFC 6962 path from the leaf to the root.
    pub path: Vec<[u8; 32]>,
    /// The signed checkpoint that it leads to.
    pub checkpoint: Vec<u8>,
}

/// A proof that a newer head continues an older one (RFC 6962).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsistencyProof {
    /// The hashes.
    pub path: Vec<[u8; 32]>,
}

/// Proves that entry `index` is covered by `checkpoint`, from the tiles in `dir`.
pub fn prove(dir: &Path, checkpoint: &Checkpoint, index: u64) -> Result<InclusionProof, ProofError> {
    if index >= checkpoint.size {
        return Err(ProofError::OutOfRange { wanted: index, size: checkpoint.size });
    }
    let tiles = OnDisk(dir);
    let reader = TileHashReader::new(checkpoint.size, Hash(checkpoint.root), &tiles);
    let path = prove_record(checkpoint.size, index, &reader)?;
    // the reader of tlog_tiles 0.2.0 does not check every tile that it reads, so the path is checked as a whole
    let leaf = reader.read_hashes(&[stored_hash_index(0, index)])?;
    let leaf = leaf.first().copied().unwrap_or(Hash([0; 32]));
    check_record(&path, checkpoint.size, Hash(checkpoint.root), index, leaf)?;
    let path = path.iter().map(|hash| hash.0).collect();
    Ok(InclusionProof { index, path, checkpoint: checkpoint.note.clone() })
}

/// Proves that `checkpoint` continues the head that the same log had at size `old`, from the tiles in `dir`.
pub fn prove_consistency(
    dir: &Path,
    checkpoint: &Checkpoint,
    old: u64,
) -> Result<ConsistencyProof, ProofError> {
    if old == 0 || old > checkpoint.size {
        return Err(ProofError::OutOfRange { wanted: old, size: checkpoint.size });
    }
    let tiles = OnDisk(dir);
    let reader = TileHashReader::new(checkpoint.size, Hash(checkpoint.root), &tiles);
    let path = prove_tree(checkpoint.size, old, &reader)?;
    Ok(ConsistencyProof { path: path.iter().map(|hash| hash.0).collect() })
}

impl From<tlog_tiles::Error> for ProofError {
    fn from(error: tlog_tiles::Error) -> Self {
        Self::Tiles { detail: error.to_string() }
    }
}

impl ConsistencyProof {
    /// Believes that `new` continues `old`.
    pub fn check(&self, old: &Checkpoint, new: &Checkpoint) -> Result<(), ProofError> {
        if old.size == 0 || old.size > new.size || self.path.len() > MAX_PATH {
            return Err(ProofError::OutOfRange { wanted: old.size, size: new.size });
        }
        let path = self.path.iter().map(|hash| Hash(*hash)).collect();
        check_tree(&path, new.size, Hash(new.root), old.size, Hash(old.root))
            .map_err(|_| ProofError::Forked { old: old.size, new: new.size })
    }
}

impl InclusionProof {
    /// Believes that `leaf` ([`crate::log::Record::audit_leaf`]) is in the log whose key is `vkey`; returns the checkpoint.
    pub fn check(&self, leaf: &[u8], vkey: &str) -> Result<Checkpoint, ProofError> {
        let checkpoint = Checkpoint::verify(&self.checkpoint, vkey)?;
        if self.index >= checkpoint.size || self.path.len() > MAX_PATH {
            return Err(ProofError::OutOfRange { wanted: self.index, size: checkpoint.size });
        }
        let path = self.path.iter().map(|hash| Hash(*hash)).collect();
        check_record(&path, checkpoint.size, Hash(checkpoint.root), self.index, record_hash(leaf))
            .map_err(|_| ProofError::False { index: self.index })?;
        Ok(checkpoint)
    }

    /// The proof as a C2SP `.tlog-proof` file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{PROOF_HEADER}\nindex {}\n", self.index);
        for hash in &self.path {
            text.push_str(&BASE64_STANDARD.encode(hash));
            text.push('\n');
        }
        text.push('\n');
        [text.as_bytes(), &self.checkpoint].concat()
    }

    /// Reads a `.tlog-proof` file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ProofError> {
        let text = std::str::from_utf8(bytes).map_err(|_| ProofError::Malformed)?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ProofError::Malformed)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(PROOF_HEADER) {
            return Err(ProofError::Malformed);
        }
        let number =
            lines.next().and_then(|line| line.strip_prefix("index ")).ok_or(ProofError::Malformed)?;
        let index = number.parse::<u64>().ok().filter(|index| index.to_string() == number);
        let hash = |line| BASE64_STANDARD.decode(line).ok().and_then(|bytes| bytes.try_into().ok());
        let path: Option<Vec<[u8; 32]>> = lines.take(MAX_PATH.saturating_add(1)).map(hash).collect();
        match (index, path) {
            (Some(index), Some(path)) if path.len() <= MAX_PATH => {
                Ok(Self { index, path, checkpoint: checkpoint.as_bytes().to_owned() })
            }
            (Some(_) | None, Some(_) | None) => Err(ProofError::Malformed),
        }
    }
}
