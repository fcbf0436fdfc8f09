//! The receiver's clock: reminders to him, and what is taken above him.

use super::{Case, Duty};
use crate::sla::clock_obligations;

/// The newest step of the ladder, and the escalation.
pub(super) fn clock(case: &Case<'_>) -> Vec<Duty> {
    clock_obligations(case.contract, case.handoff)
}
