//! Metric 2.

use super::{Figure, Metric, Window};

/// Cycles accepted on the first submission and not taken back by a confirmed re-discovery, of all decided ones. `provisional` = one of the
/// acceptances is younger than 30 days.
pub fn acceptance(window: Window, first_pass: usize, decided: usize, provisional: bool) -> Figure {
    let figure = Figure::share(Metric::Acceptance, window, first_pass, decided, "nothing was decided yet");
    Figure { provisional, ..figure }
}
