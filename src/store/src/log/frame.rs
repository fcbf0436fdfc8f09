//! The bytes of one frame: magic, length, CRC32C over length and payload, payload. A payload is one group of entries.

use super::entry::{Entry, MAX_GROUP, Record, SealedPart};
use super::{Guard, StreamKey};

/// First bytes of every frame.
pub(super) const MAGIC: [u8; 4] = *b"HFr1";
/// Magic, length and checksum.
pub(super) const HEADER: usize = 12;
/// A length above this is damage, not a frame.
const MAX_PAYLOAD: usize = 2 * MAX_GROUP;

/// The fixed part at the start of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Position of the group's first entry.
    pub(super) first: u64,
    /// Bytes of the segment that were durable before this frame was written: damage below it hits acknowledged entries.
    pub(super) durable: u64,
    pub(super) guard: Option<Guard>,
    pub(super) count: u64,
}

/// Appends the frame of one group to `out`.
pub(super) fn encode(out: &mut Vec<u8>, head: Head, entries: &[Entry]) {
    let start = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[0; 8]);
    out.extend_from_slice(&head.first.to_le_bytes());
    out.extend_from_slice(&head.durable.to_le_bytes());
    match head.guard {
        Some(guard) => {
            out.push(1);
            out.extend_from_slice(&guard.stream.0);
            out.extend_from_slice(&guard.expected.to_le_bytes());
        }
        None => out.push(0),
    }
    put_len(out, entries.len());
    for entry in entries {
        put_bytes(out, &entry.leaf);
        put_len(out, entry.sealed.len());
        for part in &entry.sealed {
            put_bytes(out, part.subject.as_bytes());
            put_bytes(out, &part.bytes);
        }
    }
    let payload_at = start.saturating_add(HEADER);
    let length = length_of(out.len().saturating_sub(payload_at));
    let sum = checksum(length, out.get(payload_at..).unwrap_or_default());
    let sizes = [length.to_le_bytes(), sum.to_le_bytes()].concat();
    if let Some(place) = out.get_mut(start.saturating_add(MAGIC.len())..payload_at) {
        place.copy_from_slice(&sizes);
    }
}

/// Every length is under its cap, far below `u32::MAX`.
fn length_of(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

fn put_len(out: &mut Vec<u8>, len: usize) {
    out.extend_from_slice(&length_of(len).to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_len(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn checksum(length: u32, payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length.to_le_bytes()), payload)
}

/// Length of the payload and its checksum, from a frame's header; `None` if this is no header.
pub(super) fn header(bytes: &[u8; HEADER]) -> Option<(usize, u32)> {
    let mut cursor = Cursor(bytes);
    let magic = cursor.take(MAGIC.len())?;
    let length = usize::try_from(cursor.u32()?).ok()?;
    let sum = cursor.u32()?;
    (magic == MAGIC && length <= MAX_PAYLOAD).then_some((length, sum))
}

/// True if the payload is the one the header was written for.
pub(super) fn is_whole(payload: &[u8], sum: u32) -> bool {
    checksum(length_of(payload.len()), payload) == sum
}

/// The fixed part of a payload.
pub(super) fn head(payload: &[u8]) -> Option<Head> {
    Cursor(payload).head()
}

/// The head of a whole frame at the start of `bytes`.
pub(super) fn probe(bytes: &[u8]) -> Option<Head> {
    let (length, sum) = header(bytes.first_chunk::<HEADER>()?)?;
    let payload = bytes.get(HEADER..)?.get(..length)?;
    if is_whole(payload, sum) { head(payload) } else { None }
}

/// All entries of a payload with their positions.
pub(super) fn decode(payload: &[u8]) -> Option<Vec<Record>> {
    let mut cursor = Cursor(payload);
    let head = cursor.head()?;
    let mut records = Vec::new();
    for offset in 0..head.count {
        let leaf = cursor.bytes()?.to_vec();
        let parts = cursor.u32()?;
        let mut sealed = Vec::new();
        for _ in 0..parts {
            let subject = String::from_utf8(cursor.bytes()?.to_vec()).ok()?;
            sealed.push(SealedPart { subject, bytes: cursor.bytes()?.to_vec() });
        }
        let position = head.first.checked_add(offset)?;
        let stream = head.guard.map(|guard: Guard| guard.stream);
        records.push(Record { position, stream, entry: Entry { leaf, sealed } });
    }
    cursor.0.is_empty().then_some(records)
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.u32()?).ok()?;
        self.take(len)
    }

    fn head(&mut self) -> Option<Head> {
        let first = self.u64()?;
        let durable = self.u64()?;
        let guard = match self.take(1)? {
            [0] => None,
            [1] => {
                let stream = StreamKey(self.take(16)?.try_into().ok()?);
                Some(Guard { stream, expected: self.u64()? })
            }
            _ => return None,
        };
        let count = u64::from(self.u32()?);
        (count > 0).then_some(Head { first, durable, guard, count })
    }
}
