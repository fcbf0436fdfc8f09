//! The numbers, pure: computed from handoff events alone.
//!
//! [`scorecard::Scorecard`] folds log entries one by one; [`scorecard::Scorecard::report`] says what they amount to. The unit is one
//! handoff cycle. Nothing here reads a clock: "as of" is passed in.

pub mod answers;
pub mod assessment;
pub mod concrete;
pub mod hold;
pub mod incentive;
pub mod ledger;
pub mod period;
pub mod practice;
pub mod report;
pub mod rollout;
pub mod scorecard;
pub mod simulate;
pub mod spread;
pub mod unit;
