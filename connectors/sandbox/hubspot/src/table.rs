//! Records of one object, and the search index that lags behind them.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use crate::record::Record;

/// Records by id, archived ones included.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: BTreeMap<u64, Arc<Record>>,
    index: Index,
}

/// What search sees: the records as they were some time ago.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) rows: BTreeMap<u64, Arc<Record>>,
    /// Modification stamp and id of every record that search can find.
    pub(crate) by_stamp: BTreeSet<(i64, u64)>,
    /// Changes that search has not seen; time of the change, the record, and what it is now.
    pending: VecDeque<(i64, u64, Option<Arc<Record>>)>,
}

impl Table {
    pub(crate) fn get(&self, id: u64) -> Option<&Arc<Record>> {
        self.rows.get(&id)
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &Arc<Record>> {
        self.rows.values()
    }

    /// Records with an id greater than `after`.
    pub(crate) fn after(&self, after: u64) -> impl Iterator<Item = &Arc<Record>> {
        self.rows.range(after.saturating_add(1)..).map(|(_, record)| record)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Puts a record in place at `now`; search sees it when its lag has passed.
    pub(crate) fn put(&mut self, now: i64, record: Arc<Record>) {
        self.index.pending.push_back((now, record.id, Some(Arc::clone(&record))));
        self.rows.insert(record.id, record);
    }

    /// Takes a record out for good.
    pub(crate) fn take(&mut self, now: i64, id: u64) -> Option<Arc<Record>> {
        self.index.pending.push_back((now, id, None));
        self.rows.remove(&id)
    }

    /// The index as it stands at `now` with a lag of `lag` milliseconds.
    pub(crate) fn index(&mut self, now: i64, lag: i64) -> &Index {
        while let Some((at, _, _)) = self.index.pending.front() {
            if *at > now.saturating_sub(lag) {
                break;
            }
            if let Some((_, id, record)) = self.index.pending.pop_front() {
                self.index.see(id, record);
            }
        }
        &self.index
    }
}

impl Index {
    fn see(&mut self, id: u64, record: Option<Arc<Record>>) {
        if let Some(old) = self.rows.remove(&id) {
            self.by_stamp.remove(&(old.modified, id));
        }
        if let Some(record) = record.filter(|record| record.archived_at.is_none()) {
            self.by_stamp.insert((record.modified, id));
            self.rows.insert(id, record);
        }
    }
}
