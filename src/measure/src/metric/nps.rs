//! Metric 5: how satisfaction changes around a handoff.
//!
//! Per account: its NPS in the 14 days from the transition on, minus its NPS in the 14 days before. Several answers of an account are one
//! account: its NPS is the mean of its answers' points (a promoter, 9 or 10, is 100; a detractor, 6 or less, is −100; others are 0). The
//! figure is the mean of the accounts' differences; an account without answers on both sides is not measurable and not in it.

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Band, Figure, Interval, Method, Metric, Window};
use crate::account::{Accounts, Voices};
use crate::compare::{Range, mean_range, rounded};
use crate::crossing::Crossing;

/// How long after a transition answers still count.
const OPEN: SignedDuration = SignedDuration::from_hours(14 * 24);
/// Fewest accounts for an interval.
const LEAST: usize = 5;

/// How satisfaction changes around a handoff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NpsDelta {
    /// Accounts with answers on both sides.
    pub n: usize,
    /// Mean difference in NPS points (−200 to 200), rounded to hundredths; absent = not measurable.
    #[schema(value_type = Option<String>)]
    pub points: Option<Decimal>,
    /// 95 % interval of the mean difference (Student's t over accounts); absent under 5 accounts.
    pub interval: Option<Range>,
    /// Mean NPS before, over the same accounts.
    #[schema(value_type = Option<String>)]
    pub before: Option<Decimal>,
    /// Mean NPS after, over the same accounts.
    #[schema(value_type = Option<String>)]
    pub after: Option<Decimal>,
    /// Mean difference in scores from 0 to 10, over the same accounts.
    #[schema(value_type = Option<String>)]
    pub scores: Option<Decimal>,
    /// Accounts that cannot be measured, by what is missing.
    pub missing: Missing,
    /// Whether answers may still come: a transition is younger than 14 days.
    pub provisional: bool,
    /// Target: 0 or more.
    pub band: Band,
    /// The accounts behind it.
    pub records: Vec<Measured>,
}

/// Accounts that cannot be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Missing {
    /// Answers after, none before.
    pub before: usize,
    /// Answers before, none after.
    pub after: usize,
    /// No answers at all.
    pub both: usize,
}

/// One account that was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Measured {
    /// `connection/record`.
    pub account: String,
    /// The handoff's stream.
    pub stream: String,
    /// Answers before.
    pub answers_before: u32,
    /// Answers after.
    pub answers_after: u32,
    /// The difference in NPS points, rounded to hundredths.
    #[schema(value_type = String)]
    pub points: Decimal,
}

impl NpsDelta {
    /// Metric 5 as it stands on the scorecard.
    pub fn figure(&self, window: Window) -> Figure {
        let why = "no account has answers on both sides of its handoff";
        let ends = self.interval.and_then(|Range { low, high }| Some((low, high?)));
        let missing = self.missing;
        Figure {
            value: self.points,
            n: self.n,
            interval: ends.map(|(low, high)| Interval { low, high, method: Method::StudentT }),
            band: self.band,
            provisional: self.provisional,
            unmeasurable: missing.before + missing.after + missing.both,
            why: self.points.is_none().then(|| why.to_owned()),
            ..Figure::not_measurable(Metric::NpsDelta, window, why)
        }
    }
}

/// Whether the metric means anything for a contract: before handoff 03 nobody is a customer who could be asked.
pub fn applies(contract: &str) -> bool {
    !contract.starts_with("h01") && !contract.starts_with("h02")
}

/// Metric 5 of a contract's transitions, one per account, as it stands on the scorecard.
pub(crate) fn figure<'a>(
    contract: &str,
    crossings: impl IntoIterator<Item = &'a Crossing>,
    accounts: &Accounts,
    window: Window,
    as_of: Timestamp,
) -> Figure {
    if applies(contract) {
        around(crossings, accounts, as_of).figure(window)
    } else {
        Figure::not_measurable(Metric::NpsDelta, window, "before this handoff nobody is a customer")
    }
}

/// Around these transitions, one per account.
pub fn around<'a>(
    crossings: impl IntoIterator<Item = &'a Crossing>,
    accounts: &Accounts,
    as_of: Timestamp,
) -> NpsDelta {
    let mut missing = Missing::default();
    let (mut provisional, mut records, mut floats) = (false, Vec::new(), Vec::new());
    let (mut before, mut after, mut scores) = (Exact::default(), Exact::default(), Exact::default());
    for crossing in crossings {
        provisional |= is_open(crossing.at, as_of);
        let (early, late) = accounts.voices(&crossing.account, crossing.at);
        match (early.n, late.n) {
            (0, 0) => missing.both += 1,
            (0, _) => missing.before += 1,
            (_, 0) => missing.after += 1,
            (_, _) => {
                before.add(early.points, early.n);
                after.add(late.points, late.n);
                scores.add(late.scores, late.n);
                scores.add(-early.scores, early.n);
                let points = difference(early, late);
                floats.extend(f64::try_from(points).ok());
                records.push(Measured {
                    account: crossing.account.to_string(),
                    stream: crossing.stream.clone(),
                    answers_before: early.n,
                    answers_after: late.n,
                    points: rounded(points, 2),
                });
            }
        }
    }
    let n = records.len();
    let points = after.minus(&before).over(n);
    NpsDelta {
        n,
        points: points.map(|points| rounded(points, 2)),
        interval: mean_range(&floats, LEAST),
        before: before.over(n).map(|mean| rounded(mean, 2)),
        after: after.over(n).map(|mean| rounded(mean, 2)),
        scores: scores.over(n).map(|mean| rounded(mean, 2)),
        missing,
        provisional,
        band: points.map_or(Band::NotMeasurable, |points| {
            if points >= Decimal::ZERO { Band::OnTarget } else { Band::Below }
        }),
        records,
    }
}

fn is_open(at: Timestamp, as_of: Timestamp) -> bool {
    as_of.duration_since(at) < OPEN
}

fn difference(early: Voices, late: Voices) -> Decimal {
    let mean = |voices: Voices| Decimal::from(voices.points) / Decimal::from(voices.n);
    mean(late) - mean(early)
}

/// Largest denominator of an exact sum: with it, a mean over a million accounts is still one division of decimals.
const FINEST: i128 = 10_i128.pow(22);
/// Largest numerator: what a decimal holds.
const LARGEST: i128 = 10_i128.pow(28);

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
    fn add(&mut self, above: i64, below: u32) {
        let (above, below) = (i128::from(above), i128::from(below.max(1)));
        if self.plus(above, below).is_none() {
            self.rest += Decimal::from(above) / Decimal::from(below);
        }
    }

    fn plus(&mut self, above: i128, below: i128) -> Option<()> {
        let common = gcd(self.below, below);
        let (own, other) = (below / common, self.below / common);
        let sum = self.above.checked_mul(own)?.checked_add(above.checked_mul(other)?)?;
        let whole = self.below.checked_mul(own)?;
        let shared = gcd(sum.unsigned_abs().try_into().ok()?, whole).max(1);
        let (above, below) = (sum / shared, whole / shared);
        if below > FINEST || above.unsigned_abs() > LARGEST.unsigned_abs() {
            return None;
        }
        (self.above, self.below) = (above, below);
        Some(())
    }

    fn minus(mut self, other: &Self) -> Self {
        if self.plus(-other.above, other.below).is_none() {
            self.rest -= Decimal::from(other.above) / Decimal::from(other.below);
        }
        Self { rest: self.rest - other.rest, ..self }
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
    use super::*;

    /// Hundreds of answers of many large accounts have no common denominator that any integer holds.
    #[test]
    fn a_sum_whose_denominator_outgrows_its_integers_still_has_a_mean() {
        let primes = [101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167, 173, 179, 181];
        for n in 1..=primes.len() {
            let (mut sum, mut plain) = (Exact::default(), Decimal::ZERO);
            for prime in primes.iter().take(n) {
                sum.add(100, *prime);
                plain += Decimal::from(100) / Decimal::from(*prime);
            }
            let mean = sum.minus(&Exact::default()).over(n).unwrap();
            assert_eq!(rounded(mean, 20), rounded(plain / Decimal::from(n), 20), "{n}");
            let nothing = sum.minus(&sum).over(n).unwrap();
            assert_eq!(rounded(nothing, 20), Decimal::ZERO, "{n}");
        }
    }
}
