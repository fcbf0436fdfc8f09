//! Where counts of long windows survive a restart.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The ledger could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the call ledger cannot be used: {detail}")]
pub struct LedgerError {
    /// What the store said; no values.
    pub detail: String,
}

/// Calls of one rolling-24-hour budget.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayCount {
    /// Our own calls per hour; the key is hours since 1970-01-01T00:00Z.
    pub own: BTreeMap<i64, u64>,
    /// The vendor's last word on this budget.
    pub vendor: Option<VendorCount>,
}

/// What a vendor's meter said, and what we have called since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorCount {
    /// When it was read.
    pub at: Timestamp,
    /// Calls used in the vendor's window by everybody who shares the budget.
    pub used: u64,
    /// The vendor's limit.
    pub limit: u64,
    /// Our own calls since.
    pub own_since: u64,
}

/// Keeps counts over restarts. Called for every charged call, so a write need not be flushed: losing the last moments is
/// corrected by the vendor's meter.
pub trait Ledger: Send + Sync {
    /// The stored count; `None` when there is none yet.
    fn load(&self, budget: &str) -> Result<Option<DayCount>, LedgerError>;

    /// Stores the count.
    fn save(&self, budget: &str, count: &DayCount) -> Result<(), LedgerError>;
}
