use super::{Guard, LogError};
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

/// Longest leaf in bytes.
pub const MAX_LEAF: usize = 16 * 1024;
/// Most sealed parts of one entry.
pub const MAX_PARTS: usize = 256;
/// Longest subject in bytes.
pub const MAX_SUBJECT: usize = 512;
/// Longest sealed part in bytes; larger bodies belong into [`crate::bodies`].
pub const MAX_PART: usize = 256 * 1024;
/// Most bytes that one append may carry.
pub const MAX_GROUP: usize = 8 * 1024 * 1024;

/// A body beside a leaf, encrypted under the key of its subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedPart {
    /// The record whose key sealed the bytes.
    pub subject: String,
    /// Ciphertext as [`crate::keyring::Keyring::seal`] made it.
    pub bytes: Vec<u8>,
}

/// What is appended: a public leaf and the sealed bodies that belong to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// One canonical JSON object without personal data; goes into the audit log as it is.
    pub leaf: Vec<u8>,
    /// Bodies; only their digests go into the audit log.
    pub sealed: Vec<SealedPart>,
}

/// An entry with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its position, which is its leaf index in the audit log.
    pub position: u64,
    /// The stream it belongs to, if it was appended with a guard.
    pub stream: Option<super::StreamKey>,
    /// As appended.
    pub entry: Entry,
}

impl Record {
    /// The bytes of the record's leaf in the audit log: canonical JSON
    /// `{"v":1,"i":<position>,"leaf":<leaf>,"sealed":["<SHA-256 of each sealed part in hex>",…]}`.
    pub fn audit_leaf(&self) -> Vec<u8> {
        let mut bytes = format!("{{\"v\":1,\"i\":{},\"leaf\":", self.position).into_bytes();
        bytes.extend_from_slice(&self.entry.leaf);
        bytes.extend_from_slice(b",\"sealed\":[");
        for (index, part) in self.entry.sealed.iter().enumerate() {
            bytes.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
            bytes.extend_from_slice(hex(&Sha256::digest(&part.bytes)).as_bytes());
            bytes.push(b'"');
        }
        bytes.extend_from_slice(b"]}");
        bytes
    }
}

/// Lower-case hexadecimal text.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Entries that are written together, checked against every cap.
pub(super) struct Group {
    pub(super) entries: Vec<Entry>,
    pub(super) guard: Option<Guard>,
    pub(super) bytes: usize,
}

impl Group {
    pub(super) fn check(entries: Vec<Entry>, guard: Option<Guard>) -> Result<Self, LogError> {
        if entries.is_empty() {
            return Err(LogError::Empty);
        }
        let mut bytes = 0_usize;
        for (index, entry) in entries.iter().enumerate() {
            let cap = |what, len, most| {
                if len > most { Err(LogError::TooLarge { what, index, len, most }) } else { Ok(()) }
            };
            cap("leaf bytes", entry.leaf.len(), MAX_LEAF)?;
            cap("sealed parts", entry.sealed.len(), MAX_PARTS)?;
            bytes = bytes.saturating_add(entry.leaf.len()).saturating_add(16);
            for part in &entry.sealed {
                cap("subject bytes", part.subject.len(), MAX_SUBJECT)?;
                cap("sealed bytes", part.bytes.len(), MAX_PART)?;
                bytes = bytes
                    .saturating_add(part.subject.len())
                    .saturating_add(part.bytes.len())
                    .saturating_add(8);
            }
            cap("group bytes", bytes, MAX_GROUP)?;
            let object = entry.leaf.first() == Some(&b'{') && entry.leaf.last() == Some(&b'}');
            if !object || serde_json::from_slice::<IgnoredAny>(&entry.leaf).is_err() {
                return Err(LogError::NotJson { index });
            }
        }
        Ok(Self { entries, guard, bytes })
    }
}
