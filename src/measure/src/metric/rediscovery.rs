//! Re-discovery incidence.

use super::{Figure, Metric, Window};
use crate::reask::Incidence;

/// Why there is no value while nothing tells of questions: nobody listening is not the same as nobody having been asked.
pub const NOBODY_LISTENS: &str = "no call was scored and nobody reported a question that was asked again";

/// Accounts that were asked again for what their handoff had told, confirmed or reported by people, of all accounts with an accepted handoff. What
/// calls merely suggest is not in it.
pub fn re_discovery(window: Window, of: &Incidence) -> Figure {
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let figure = Figure::share(
        Metric::ReDiscovery,
        window,
        count(of.asked_again),
        count(of.accounts),
        "no account has an accepted handoff in it",
    );
    Figure { provisional: of.provisional, ..figure }
}
