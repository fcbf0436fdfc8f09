//! Metric 3.

use rust_decimal::Decimal;

use super::{Band, Figure, Interval, Method, Metric, Window, median_ranks};
use crate::spread::{Spread, hours};

/// Seconds of 48 hours: the target, judged on the exact median.
const TARGET: i64 = 48 * 3_600;

/// Median hours from the accepted round's completion to the acceptance. `rank` gives the milliseconds of a rank from 1; `unmeasurable` =
/// acceptances whose times contradict each other or cannot be believed.
pub fn time_to_acceptance(
    window: Window,
    spread: Option<Spread>,
    rank: impl Fn(usize) -> Option<i64>,
    unmeasurable: usize,
) -> Figure {
    let why = if unmeasurable > 0 {
        "no acceptance has times that can be believed"
    } else {
        "nothing was accepted yet"
    };
    let none = Figure { unmeasurable, ..Figure::not_measurable(Metric::TimeToAcceptance, window, why) };
    let Some(spread) = spread else { return none };
    let end = |at: usize| rank(at).map(|ms| hours(Decimal::from(ms) / Decimal::from(1_000)));
    let interval = median_ranks(spread.n).and_then(|(low, high)| {
        Some(Interval { low: end(low)?, high: end(high)?, method: Method::OrderStatistics })
    });
    let good = spread.median_seconds < Decimal::from(TARGET);
    Figure {
        value: Some(spread.median_hours),
        n: spread.n,
        interval,
        band: if good { Band::OnTarget } else { Band::Below },
        why: None,
        ..none
    }
}
