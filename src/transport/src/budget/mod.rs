//! Call budgets as the connector states them: who may call now, who waits, and what is left.

mod admission;
mod day;
mod ledger;
mod pause;
mod short;
mod status;
#[cfg(test)]
mod tests;

pub(crate) use admission::Budgets;
pub use ledger::{DayCount, Ledger, LedgerError, VendorCount};
pub use status::BudgetStatus;

/// `percent` of `of`, rounded down; at most `of`.
fn percent_of(of: u64, percent: u8) -> u64 {
    of.saturating_mul(u64::from(percent.min(100))) / 100
}
