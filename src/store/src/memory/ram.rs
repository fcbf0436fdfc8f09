//! The memory in RAM, for tests and rehearsals: same behaviour, nothing survives the process.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

use super::committer::{Changes, Committer, Engine, Tally};
use super::{Applied, Batch, Memory, MemoryError, Row};
use crate::FileError;

/// Rows in a map.
pub struct Ram(Committer<Map>);

impl Ram {
    /// An empty memory; fails only where no thread can be started.
    pub fn new() -> Result<Self, MemoryError> {
        let map = Map(RwLock::new(BTreeMap::new()));
        Committer::start(map, Tally::default()).map(Self).map_err(|error| {
            MemoryError::File(FileError::new("start the committing thread of", "RAM".as_ref(), error))
        })
    }
}

impl Memory for Ram {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, MemoryError> {
        self.0.get(key)
    }

    fn scan(&self, prefix: &[u8], from: Option<&[u8]>, limit: usize) -> Result<Vec<Row>, MemoryError> {
        self.0.scan(prefix, from, limit)
    }

    fn apply(&self, batch: Batch) -> Applied {
        self.0.apply(batch)
    }

    fn log_head(&self) -> u64 {
        self.0.tally().log_head
    }

    fn rows(&self) -> u64 {
        self.0.tally().rows
    }

    fn check(&self) -> Result<(), MemoryError> {
        self.0.check()
    }

    fn is_poisoned(&self) -> bool {
        self.0.is_poisoned()
    }
}

struct Map(RwLock<BTreeMap<Vec<u8>, Vec<u8>>>);

impl Engine for Map {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, MemoryError> {
        Ok(self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned())
    }

    fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Row>, MemoryError> {
        let rows = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Ok(rows
            .range::<[u8], _>((Bound::Included(from), Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(limit)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    fn commit(&self, changes: &Changes, _sequence: u64) -> Result<(), MemoryError> {
        let mut rows = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in changes {
            match value {
                Some(value) => rows.insert(key.clone(), value.clone()),
                None => rows.remove(key),
            };
        }
        Ok(())
    }

    fn place(&self) -> String {
        "RAM".into()
    }

    fn condemn(&self, _detail: &str) {}
}
