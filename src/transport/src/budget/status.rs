//! Budgets as shown to people and counted in metrics.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

/// One budget now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BudgetStatus {
    /// Its name.
    pub name: &'static str,
    /// Calls that we allow ourselves per window (or at once).
    pub limit: u64,
    /// Our own calls in the rolling day, or calls in flight; `None` for short windows, which keep no count.
    pub used: Option<u64>,
    /// Calls that the vendor's meter last reported for everybody who shares the budget.
    pub vendor_used: Option<u64>,
    /// The vendor's limit as last reported.
    pub vendor_limit: Option<u64>,
    /// Requests waiting for it.
    pub waiting: usize,
    /// Until when nobody calls because the vendor asked for a pause.
    pub blocked_until: Option<Timestamp>,
    /// What the vendor literally asked for, before capping.
    pub asked_wait: Option<Duration>,
}
