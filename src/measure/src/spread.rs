//! Median and 90th percentile of elapsed times, exact to the millisecond.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Median and 90th percentile of elapsed times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Spread {
    /// How many times it is made of; at least 1.
    pub n: usize,
    /// Exact median in seconds: the mean of the two middle ones where `n` is even.
    #[schema(value_type = String, example = "88668.5")]
    pub median_seconds: Decimal,
    /// The median in hours, rounded to hundredths, half away from zero.
    #[schema(value_type = String, example = "24.63")]
    pub median_hours: Decimal,
    /// Exact 90th percentile in seconds, by nearest rank.
    #[schema(value_type = String)]
    pub p90_seconds: Decimal,
    /// The 90th percentile in hours, rounded to hundredths, half away from zero.
    #[schema(value_type = String)]
    pub p90_hours: Decimal,
}

impl Spread {
    /// Of elapsed times in milliseconds, in any order; `None` = there are none.
    pub fn of(mut milliseconds: Vec<i64>) -> Option<Self> {
        milliseconds.sort_unstable();
        Self::ranked(milliseconds.len(), |rank| milliseconds.get(rank).copied())
    }

    /// Of `n` elapsed times in milliseconds, told by their rank from 0; `None` = there are none.
    pub fn ranked(n: usize, rank: impl Fn(usize) -> Option<i64>) -> Option<Self> {
        let at = |index: usize| rank(index).map(Decimal::from);
        let upper = at(n / 2)?;
        let lower = if n.is_multiple_of(2) { at((n / 2).checked_sub(1)?)? } else { upper };
        let median_seconds = ((lower + upper) / Decimal::from(2_000)).normalize();
        let p90_seconds = (at((9 * n).div_ceil(10).checked_sub(1)?)? / Decimal::from(1_000)).normalize();
        Some(Self {
            n,
            median_seconds,
            median_hours: hours(median_seconds),
            p90_seconds,
            p90_hours: hours(p90_seconds),
        })
    }
}

pub(crate) fn hours(seconds: Decimal) -> Decimal {
    hundredths(seconds / Decimal::from(3_600))
}

/// Rounded to hundredths, half away from zero.
pub(crate) fn hundredths(number: Decimal) -> Decimal {
    number.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn median_of_an_even_number_is_the_exact_mean_of_the_middle_two() {
        let spread = Spread::of(vec![1_000, 2_001, 90_000, 1_000_000]).unwrap();
        assert_eq!(spread.median_seconds.to_string(), "46.0005");
        assert_eq!(spread.p90_seconds.to_string(), "1000");
        assert!(Spread::of(Vec::new()).is_none());
    }

    proptest! {
        #[test]
        fn median_and_p90_equal_a_naive_sort(times in prop::collection::vec(0_i64..10_000_000_000, 1..200)) {
            let spread = Spread::of(times.clone()).unwrap();
            let mut sorted = times.clone();
            sorted.sort_unstable();
            let n = sorted.len();
            let doubled = if n % 2 == 1 { 2 * sorted[n / 2] } else { sorted[n / 2 - 1] + sorted[n / 2] };
            prop_assert_eq!(spread.median_seconds * Decimal::from(2_000), Decimal::from(doubled));
            let rank = sorted.iter().position(|each| {
                10 * sorted.iter().filter(|other| *other <= each).count() >= 9 * n
            }).unwrap();
            prop_assert_eq!(spread.p90_seconds * Decimal::from(1_000), Decimal::from(sorted[rank]));
        }
    }
}
