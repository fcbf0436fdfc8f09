//! What accounts' answers around a handoff add up to: exact, in any order, and an account can be taken out again.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use super::{Band, Measured, Missing, NpsDelta};
use crate::account::Voices;
use crate::compare::{float, mean_range, rounded};

/// Fewest accounts for an interval.
const LEAST: usize = 5;

/// The answers of accounts before and after a handoff.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    missing: Missing,
    /// Accounts with answers on both sides, by how many before and after: within a group all fractions have the same denominators.
    groups: BTreeMap<(u32, u32), Sums>,
}

/// Sums over accounts that answered equally often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Sums {
    accounts: usize,
    /// Points and scores before, and after.
    points: (i64, i64),
    scores: (i64, i64),
    /// Points before squared, after squared, before times after.
    squares: (i128, i128, i128),
}

impl Sums {
    fn count(&mut self, early: Voices, late: Voices, comes: bool) {
        let sign = if comes { 1 } else { -1 };
        self.accounts = if comes { self.accounts + 1 } else { self.accounts.saturating_sub(1) };
        self.points.0 += sign * early.points;
        self.points.1 += sign * late.points;
        self.scores.0 += sign * early.scores;
        self.scores.1 += sign * late.scores;
        let (wide, before, after) = (i128::from(sign), i128::from(early.points), i128::from(late.points));
        self.squares.0 += wide * before * before;
        self.squares.1 += wide * after * after;
        self.squares.2 += wide * before * after;
    }
}

impl Tally {
    /// Counts an account with its answers before and after, or takes it out again.
    pub(crate) fn count(&mut self, (early, late): (Voices, Voices), comes: bool) {
        let missing = &mut self.missing;
        let place = match (early.n, late.n) {
            (0, 0) => &mut missing.both,
            (0, _) => &mut missing.before,
            (_, 0) => &mut missing.after,
            (_, _) => {
                let key = (early.n, late.n);
                let sums = self.groups.entry(key).or_default();
                sums.count(early, late, comes);
                if sums.accounts == 0 {
                    self.groups.remove(&key);
                }
                return;
            }
        };
        *place = if comes { *place + 1 } else { place.saturating_sub(1) };
    }

    /// What it says.
    pub(super) fn delta(&self, provisional: bool, records: Vec<Measured>) -> NpsDelta {
        let n = self.groups.values().map(|sums| sums.accounts).sum();
        let (mut before, mut after, mut scores) = (Exact::default(), Exact::default(), Exact::default());
        for ((early, late), sums) in &self.groups {
            before.add(sums.points.0.into(), (*early).into());
            after.add(sums.points.1.into(), (*late).into());
            scores.add(sums.scores.1.into(), (*late).into());
            scores.add((-sums.scores.0).into(), (*early).into());
        }
        let points = after.minus(&before).over(n);
        NpsDelta {
            n,
            points: points.map(|points| rounded(points, 2)),
            interval: mean_range(n, after.minus(&before).float() / float(n), self.variance(n), LEAST),
            before: before.over(n).map(|mean| rounded(mean, 2)),
            after: after.over(n).map(|mean| rounded(mean, 2)),
            scores: scores.over(n).map(|mean| rounded(mean, 2)),
            missing: self.missing,
            provisional,
            band: points.map_or(Band::NotMeasurable, |points| {
                if points >= Decimal::ZERO { Band::OnTarget } else { Band::Below }
            }),
            records,
        }
    }

    /// The sample variance of the accounts' differences. The sum of squares less the square of the sum is taken exactly: in floats little would be
    /// left of it.
    fn variance(&self, n: usize) -> f64 {
        let (mut sum, mut squares) = (Exact::default(), Exact::default());
        for ((early, late), sums) in &self.groups {
            let (early, late) = (i128::from(*early), i128::from(*late));
            sum.add(sums.points.1.into(), late);
            sum.add((-sums.points.0).into(), early);
            squares.add(sums.squares.0, early * early);
            squares.add(sums.squares.1, late * late);
            squares.add(-2 * sums.squares.2, early * late);
        }
        let off = squares.minus(&sum.square(n)).float().max(0.0);
        off / (float(n) - 1.0)
    }
}

/// Largest denominator of an exact sum: with it, a mean over a million accounts is still one division of decimals.
const FINEST: i128 = 10_i128.pow(22);
/// Largest numerator: what a decimal holds.
const LARGEST: u128 = 10_u128.pow(28);

/// A sum of fractions, as one fraction in lowest terms. Denominators are numbers of answers of one account in two weeks; where their common
/// one outgrows [`FINEST`], the rest is added as decimals of 28 digits.
#[derive(Debug, Clone, Copy)]
struct Exact {
    above: i128,
    below: i128,
    rest: Decimal,
}

impl Default for Exact {
    fn default() -> Self {
        Self { above: 0, below: 1, rest: Decimal::ZERO }
    }
}

impl Exact {
    fn add(&mut self, above: i128, below: i128) {
        let below = below.max(1);
        if self.plus(above, below).is_none() {
            self.rest = self.rest.saturating_add(decimal(above) / decimal(below));
        }
    }

    fn plus(&mut self, above: i128, below: i128) -> Option<()> {
        let common = gcd(self.below, below);
        let (own, other) = (below / common, self.below / common);
        let sum = self.above.checked_mul(own)?.checked_add(above.checked_mul(other)?)?;
        let whole = self.below.checked_mul(own)?;
        let shared = gcd(sum.unsigned_abs().try_into().ok()?, whole).max(1);
        let (above, below) = (sum / shared, whole / shared);
        if below > FINEST || above.unsigned_abs() > LARGEST {
            return None;
        }
        (self.above, self.below) = (above, below);
        Some(())
    }

    fn minus(mut self, other: &Self) -> Self {
        if self.plus(-other.above, other.below).is_none() {
            self.rest = self.rest.saturating_sub(decimal(other.above) / decimal(other.below));
        }
        Self { rest: self.rest.saturating_sub(other.rest), ..self }
    }

    fn over(&self, n: usize) -> Option<Decimal> {
        let n = Decimal::from(n);
        let above = Decimal::try_from_i128_with_scale(self.above, 0).ok()?;
        let below = Decimal::try_from_i128_with_scale(self.below, 0).ok()?;
        (n > Decimal::ZERO)
            .then(|| above.checked_div(below.checked_mul(n)?))
            .flatten()
            .map(|mean| mean + self.rest / n)
    }

    /// Its square over `n`.
    fn square(&self, n: usize) -> Self {
        let exact = || {
            let n = i128::try_from(n).ok().filter(|_| self.rest.is_zero())?;
            let mut square = Self::default();
            square.plus(
                self.above.checked_mul(self.above)?,
                self.below.checked_mul(self.below)?.checked_mul(n)?,
            )?;
            Some(square)
        };
        exact().unwrap_or_else(|| {
            let root = self.over(1).unwrap_or_default();
            let square = root.saturating_mul(root).checked_div(Decimal::from(n));
            Self { rest: square.unwrap_or_default(), ..Self::default() }
        })
    }

    fn float(&self) -> f64 {
        let ratio = self.above.to_f64().zip(self.below.to_f64()).map_or(0.0, |(above, below)| above / below);
        ratio + self.rest.to_f64().unwrap_or_default()
    }
}

fn decimal(number: i128) -> Decimal {
    Decimal::try_from_i128_with_scale(number, 0).unwrap_or(Decimal::MAX)
}

fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn voices(scores: &[u8]) -> Voices {
        let mut voices = Voices::default();
        for score in scores {
            voices.hear(*score);
        }
        voices
    }

    proptest! {
        #[test]
        fn nps_of_a_tally_equals_the_naive_mean_and_variance(
            accounts in prop::collection::vec(
                (prop::collection::vec(0_u8..=10, 0..6), prop::collection::vec(0_u8..=10, 0..6)),
                0..60,
            )
        ) {
            let (mut tally, mut differences) = (Tally::default(), Vec::new());
            for (early, late) in accounts {
                let sides = (voices(&early), voices(&late));
                tally.count(sides, true);
                if sides.0.n > 0 && sides.1.n > 0 {
                    let mean = |side: Voices| f64::from(i32::try_from(side.points).unwrap()) / f64::from(side.n);
                    differences.push(mean(sides.1) - mean(sides.0));
                }
            }
            let n = differences.len();
            let delta = tally.delta(false, Vec::new());
            prop_assert_eq!(delta.n, n);
            if n >= 2 {
                let mean = differences.iter().sum::<f64>() / float(n);
                let off = differences.iter().map(|each| (each - mean) * (each - mean)).sum::<f64>();
                prop_assert!((tally.variance(n) - off / (float(n) - 1.0)).abs() < 1e-6);
                let points = delta.points.unwrap().to_f64().unwrap();
                prop_assert!((points - mean).abs() < 0.006);
            }
        }

        #[test]
        fn nps_of_who_goes_again_is_as_if_he_had_never_come(
            stays in prop::collection::vec((0_u8..=10, 0_u8..=10), 0..20),
            goes in prop::collection::vec((prop::collection::vec(0_u8..=10, 0..4), 0_u8..=10), 0..20),
        ) {
            let (mut with, mut without) = (Tally::default(), Tally::default());
            let gone: Vec<_> = goes.iter().map(|(early, late)| (voices(early), voices(&[*late]))).collect();
            for sides in &gone {
                with.count(*sides, true);
            }
            for (early, late) in stays {
                let sides = (voices(&[early]), voices(&[late]));
                with.count(sides, true);
                without.count(sides, true);
            }
            for sides in &gone {
                with.count(*sides, false);
            }
            prop_assert_eq!(with, without);
        }
    }

    /// Hundreds of answers of many large accounts have no common denominator that any integer holds.
    #[test]
    fn a_sum_whose_denominator_outgrows_its_integers_still_has_a_mean() {
        let primes = [101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167, 173, 179, 181];
        for n in 1..=primes.len() {
            let (mut sum, mut plain) = (Exact::default(), Decimal::ZERO);
            for prime in primes.iter().take(n) {
                sum.add(100, *prime);
                plain += Decimal::from(100) / decimal(*prime);
            }
            let mean = sum.minus(&Exact::default()).over(n).unwrap();
            assert_eq!(rounded(mean, 20), rounded(plain / Decimal::from(n), 20), "{n}");
            let nothing = sum.minus(&sum).over(n).unwrap();
            assert_eq!(rounded(nothing, 20), Decimal::ZERO, "{n}");
        }
    }

    #[test]
    fn nps_of_equal_differences_has_an_interval_of_one_point() {
        let mut tally = Tally::default();
        for _ in 0..1_000 {
            tally.count((voices(&[10, 10, 0]), voices(&[9, 7, 7, 7, 7, 7, 7])), true);
        }
        let delta = tally.delta(false, Vec::new());
        let interval = delta.interval.unwrap();
        assert_eq!((delta.points, Some(interval.low)), (interval.high, interval.high));
    }
}
