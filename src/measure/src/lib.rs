//! The numbers, pure: computed from handoff events alone.
//!
//! [`scorecard::Scorecard`] folds log entries one by one; [`scorecard::Scorecard::report`] says what they amount to. The unit is one
//! handoff cycle. Nothing here reads a clock: "as of" is passed in.

pub mod account;
pub mod answers;
pub mod assessment;
pub mod audit;
pub mod compare;
pub mod concrete;
pub mod crossing;
mod cube;
pub mod decay;
pub mod drill;
pub mod export;
mod few;
pub mod frozen;
pub mod hold;
pub mod incentive;
pub mod ledger;
pub mod live;
pub mod metric;
pub mod past;
pub mod people;
pub mod period;
pub mod practice;
mod ranks;
pub mod reask;
pub mod report;
pub mod rollout;
#[cfg(test)]
mod sample;
pub mod scorecard;
pub mod simulate;
pub mod spread;
pub mod unit;
#[cfg(any(test, feature = "worlds"))]
pub mod worlds;
