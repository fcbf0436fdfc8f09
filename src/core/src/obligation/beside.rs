//! What people owe because of what happens beside the package.

use super::{Case, Duty};
use crate::beside::duties;

/// The return path, the shared account, the first touch, and what signals mean.
pub(super) fn beside(case: &Case<'_>) -> Vec<Duty> {
    duties(case.contract, case.handoff, case.posts.signals)
}
