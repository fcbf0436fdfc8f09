//! The receiver's clock: working hours, holidays, pauses, and the ladder of reminders that follows from them.
//!
//! All of it is exact to the second and beyond: an instant is working time if the wall clock of the calendar's zone shows one of its hours on
//! a day that is no holiday. So hours that the clock skips in spring do not exist, and hours that it shows twice in autumn count twice.

mod allowance;
mod calendar;
mod hours;
mod ladder;
mod lint;
mod obligations;
mod reckon;
#[cfg(test)]
mod tests;

pub use allowance::Allowance;
pub use calendar::{Calendar, Day};
pub use hours::Hours;
pub use ladder::{Clock, Settings};
pub use lint::{calendar as lint_calendar, contract as lint_contract};
pub use obligations::clock_obligations;
pub use reckon::{Interval, due_at, worked};
