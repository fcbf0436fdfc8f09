//! Metric 1.

use super::{Band, Figure, Metric, Window};

/// Completion under this share (percent) is aspirational.
const ASPIRATIONAL: usize = 70;

/// Transitions with all mandatory fields filled before them, of all transitions.
pub fn completion(window: Window, complete: usize, transitions: usize) -> Figure {
    let figure = Figure::share(Metric::Completion, window, complete, transitions, "nothing moved on yet");
    let aspirational =
        figure.band == Band::Below && complete.saturating_mul(100) < transitions.saturating_mul(ASPIRATIONAL);
    Figure { band: if aspirational { Band::Aspirational } else { figure.band }, ..figure }
}
