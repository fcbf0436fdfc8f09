use std::collections::BTreeMap;

use super::{MAX_BATCH, MAX_KEY, MAX_VALUE, MemoryError};

/// First byte of the rows that belong to the memory itself; callers' keys may not start with it.
pub(super) const OWN: u8 = 0;

/// Changes that are applied together or not at all; a later change of the same key wins.
#[derive(Debug, Default, Clone)]
pub struct Batch {
    pub(super) changes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    pub(super) absent: Vec<Vec<u8>>,
    pub(super) log_head: Option<u64>,
}

impl Batch {
    /// A batch without changes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> &mut Self {
        self.changes.insert(key.into(), Some(value.into()));
        self
    }

    /// Removes `key`; removing what is not there is fine.
    pub fn delete(&mut self, key: impl Into<Vec<u8>>) -> &mut Self {
        self.changes.insert(key.into(), None);
        self
    }

    /// Refuses the whole batch with [`MemoryError::Present`] if `key` is there when the batch is applied.
    pub fn require_absent(&mut self, key: impl Into<Vec<u8>>) -> &mut Self {
        self.absent.push(key.into());
        self
    }

    /// Notes that with this batch all log entries below `position` are reflected in the rows.
    pub fn log_head(&mut self, position: u64) -> &mut Self {
        self.log_head = Some(position);
        self
    }

    /// True if there is nothing to apply.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.absent.is_empty() && self.log_head.is_none()
    }

    /// Number of rows the batch changes.
    pub fn len(&self) -> usize {
        self.changes.len()
    }

    /// Checks every size before anything is applied.
    pub(super) fn check(&self) -> Result<(), MemoryError> {
        if self.changes.len() > MAX_BATCH {
            return Err(MemoryError::BatchSize { rows: self.changes.len() });
        }
        for key in self.changes.keys().chain(&self.absent) {
            if key.is_empty() || key.len() > MAX_KEY {
                return Err(MemoryError::KeySize { len: key.len() });
            }
            if key.first() == Some(&OWN) {
                return Err(MemoryError::ReservedKey);
            }
        }
        match self.changes.values().flatten().map(Vec::len).find(|len| *len > MAX_VALUE) {
            Some(len) => Err(MemoryError::ValueSize { len }),
            None => Ok(()),
        }
    }
}
