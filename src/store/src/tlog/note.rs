//! Checkpoints as signed notes.

use signed_note::{Note, StandardVerifier, Verifier, VerifierList};
use tlog_tiles::Hash;

use super::key::SigningKey;
use super::{AuditError, MAX_SIZE};

/// Longest checkpoint in bytes.
const MAX_NOTE: usize = 64 * 1024;
/// Most signatures of one checkpoint.
const MAX_SIGNATURES: usize = 16;

/// A signed statement of the log's size and root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: [u8; 32],
    /// The signed note, byte for byte as published.
    pub note: Vec<u8>,
}

/// Why a checkpoint is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoteRefusal {
    /// Not a signed note: bad lines, control characters, carriage returns, or too long.
    #[error("it is not a well-formed signed note")]
    Malformed,
    /// More signatures than a checkpoint may have.
    #[error("it carries more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// The verifier key is not of the form `<name>+<id>+<base64>`.
    #[error("the verifier key is malformed")]
    VerifierKey,
    /// No signature by the given key, or a false one.
    #[error("it is not signed by the given key")]
    Unsigned,
    /// Signed, but not for this origin.
    #[error("its origin is not the key's name: it belongs to another log")]
    Origin,
}

impl Checkpoint {
    /// Believes a checkpoint only if `vkey` signed it for its own origin.
    pub fn verify(note: &[u8], vkey: &str) -> Result<Self, NoteRefusal> {
        if note.len() > MAX_NOTE {
            return Err(NoteRefusal::Malformed);
        }
        let verifier = StandardVerifier::new(vkey.trim_end()).map_err(|_| NoteRefusal::VerifierKey)?;
        let name = verifier.name().to_owned();
        let lines = note.split(|byte| *byte == b'\n');
        if lines.filter(|line| line.starts_with("— ".as_bytes())).count() > MAX_SIGNATURES {
            return Err(NoteRefusal::TooManySignatures);
        }
        let parsed = Note::from_bytes(note).map_err(|_| NoteRefusal::Malformed)?;
        parsed.verify(&VerifierList::new(vec![Box::new(verifier)])).map_err(|_| NoteRefusal::Unsigned)?;
        let head = tlog_tiles::Checkpoint::from_bytes(parsed.text()).map_err(|_| NoteRefusal::Malformed)?;
        if head.origin() != name {
            return Err(NoteRefusal::Origin);
        }
        if head.size() > MAX_SIZE {
            return Err(NoteRefusal::Malformed);
        }
        Ok(Self { origin: name, size: head.size(), root: head.hash().0, note: note.to_owned() })
    }

    pub(super) fn sign(size: u64, root: Hash, key: &SigningKey) -> Result<Self, AuditError> {
        let refused = |detail: String| AuditError::Tree { detail };
        let head =
            tlog_tiles::Checkpoint::new(key.origin(), size, root, "").map_err(|e| refused(e.to_string()))?;
        let mut note = Note::new(&head.to_bytes(), &[]).map_err(|error| refused(error.to_string()))?;
        note.add_sigs(&[&key.signer]).map_err(|error| refused(error.to_string()))?;
        Ok(Self { origin: key.origin().to_owned(), size, root: root.0, note: note.to_bytes() })
    }
}
