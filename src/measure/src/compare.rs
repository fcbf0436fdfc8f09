//! 95 % intervals of what compares two groups, and of means. Floats stay in here; what leaves is rounded once, half away from zero.
//!
//! Ratio of two shares: Koopman's score interval, which keeps its coverage with few or no cases in a group, where the logarithmic (Katz) one
//! is too wide or undefined. Difference of two shares: Newcombe's hybrid of two Wilson intervals. Means: Student's t.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::metric::{Interval, Z, wilson};

/// Halvings of a search: far below what rounding keeps.
const HALVINGS: usize = 80;

/// A 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Range {
    /// Its lower end.
    #[schema(value_type = String)]
    pub low: Decimal,
    /// Its upper end; absent = it has none.
    #[schema(value_type = Option<String>)]
    pub high: Option<Decimal>,
}

impl Range {
    /// Whether a number is inside.
    pub fn covers(&self, number: Decimal) -> bool {
        self.low <= number && self.high.is_none_or(|high| number <= high)
    }
}

/// So many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Share {
    /// How many.
    pub met: usize,
    /// Of how many.
    pub n: usize,
}

impl Share {
    /// Counts one more of them.
    pub fn count(&mut self, met: bool) {
        self.met += usize::from(met);
        self.n += 1;
    }

    /// In percent, rounded to hundredths; `None` = of none.
    pub fn percent(self) -> Option<Decimal> {
        (self.n > 0).then(|| rounded(Decimal::from(self.met) * Decimal::from(100) / Decimal::from(self.n), 2))
    }

    /// Wilson's interval in percent, rounded to hundredths; `None` = of none.
    pub fn wilson(self) -> Option<Interval> {
        wilson(self.met, self.n)
    }

    fn fraction(self) -> f64 {
        float(self.met) / float(self.n)
    }

    fn score(self) -> Option<(f64, f64)> {
        if self.n == 0 {
            return None;
        }
        let (n, p) = (float(self.n), self.fraction());
        let zz = Z * Z;
        let middle = p + zz / (2.0 * n);
        let spread = Z * (p * (1.0 - p) / n + zz / (4.0 * n * n)).sqrt();
        let whole = 1.0 + zz / n;
        let low = if self.met == 0 { 0.0 } else { ((middle - spread) / whole).max(0.0) };
        let high = if self.met == self.n { 1.0 } else { ((middle + spread) / whole).min(1.0) };
        Some((low, high))
    }
}

/// `a` ÷ `b`, rounded to hundredths; `None` = `b` is of none, or none of `b`.
pub fn ratio(a: Share, b: Share) -> Option<Decimal> {
    if a.n == 0 || b.n == 0 || b.met == 0 {
        return None;
    }
    let above = Decimal::from(a.met) * Decimal::from(b.n);
    Some(rounded(above / (Decimal::from(b.met) * Decimal::from(a.n)), 2))
}

/// Koopman's interval of `a` ÷ `b`, rounded to hundredths; `None` = nobody met it in either, or one is of none.
pub fn ratio_range(a: Share, b: Share) -> Option<Range> {
    if a.n == 0 || b.n == 0 || a.met + b.met == 0 {
        return None;
    }
    let point = if b.met == 0 { f64::INFINITY } else { (a.fraction() / b.fraction()).ln() };
    let point = if a.met == 0 { f64::NEG_INFINITY } else { point };
    let outside = |log: f64| score_of_ratio(a, b, log.exp()) > Z * Z;
    let (floor, ceiling) = (-16.0, 16.0);
    let low = if a.met == 0 { 0.0 } else { edge(floor, point.min(ceiling), &outside).exp() };
    let high = if b.met == 0 { None } else { Some(edge(ceiling, point.max(floor), &outside).exp()) };
    Some(Range { low: decimal(low, 2)?, high: high.and_then(|high| decimal(high, 2)) })
}

/// Where `outside` turns to false between a place outside and one inside.
fn edge(mut out: f64, mut within: f64, outside: &impl Fn(f64) -> bool) -> f64 {
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(out, within);
        if outside(middle) {
            out = middle;
        } else {
            within = middle;
        }
    }
    within
}

/// How far the counts are from a ratio, as a chi-square with one degree of freedom.
fn score_of_ratio(a: Share, b: Share, ratio: f64) -> f64 {
    let (xa, na, xb, nb) = (float(a.met), float(a.n), float(b.met), float(b.n));
    let n = na + nb;
    let linear = ratio * (na + xb) + xa + nb;
    let root = (linear * linear - 4.0 * ratio * n * (xa + xb)).max(0.0).sqrt();
    // The smaller root in the form that does not cancel.
    let pa = if linear + root > 0.0 { 2.0 * ratio * (xa + xb) / (linear + root) } else { 0.0 };
    let distance = |met: f64, of: f64, part: f64| {
        let off = met - of * part;
        let variance = of * part * (1.0 - part);
        if variance > 0.0 {
            off * off / variance
        } else if off.abs() < 1e-9 * of {
            0.0
        } else {
            f64::INFINITY
        }
    };
    distance(xa, na, pa.min(1.0)) + distance(xb, nb, (pa / ratio).min(1.0))
}

/// `a` − `b` in percentage points, rounded to hundredths; `None` = one is of none.
pub fn difference(a: Share, b: Share) -> Option<Decimal> {
    if a.n == 0 || b.n == 0 {
        return None;
    }
    let part = |share: Share| Decimal::from(share.met) / Decimal::from(share.n);
    Some(rounded((part(a) - part(b)) * Decimal::from(100), 2))
}

/// Newcombe's interval of `a` − `b` in percentage points, rounded to hundredths; `None` = one is of none.
pub fn difference_range(a: Share, b: Share) -> Option<Range> {
    let (ends, other) = (a.score()?, b.score()?);
    let (pa, pb) = (a.fraction(), b.fraction());
    let point = pa - pb;
    let low = point - (pa - ends.0).hypot(other.1 - pb);
    let high = point + (ends.1 - pa).hypot(pb - other.0);
    Some(Range { low: decimal(low * 100.0, 2)?, high: Some(decimal(high * 100.0, 2)?) })
}

/// The interval of a mean of `count` independent values with this sample variance, rounded to hundredths; `None` = fewer than `least` (at least 2)
/// of them.
pub fn mean_range(count: usize, mean: f64, variance: f64, least: usize) -> Option<Range> {
    if count < least.max(2) {
        return None;
    }
    let n = float(count);
    let spread = student(count - 1) * (variance / n).sqrt();
    Some(Range { low: decimal(mean - spread, 2)?, high: Some(decimal(mean + spread, 2)?) })
}

/// From so many degrees of freedom on the expansion of Student's quantile is exact to eleven digits.
const MANY: usize = 200;

/// Two-sided 95 % quantile of Student's t. Few degrees of freedom are searched for in the distribution itself, with `+ - * / sqrt` alone; for many
/// there is an expansion around the normal quantile.
fn student(freedom: usize) -> f64 {
    if freedom >= MANY {
        return expanded(float(freedom));
    }
    let (mut low, mut high) = (0.0, 16.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if within(middle, freedom) < 0.95 {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The probability that Student's t of so many degrees of freedom is between `-t` and `t` (Abramowitz and Stegun 26.7.3 and 26.7.4).
fn within(t: f64, freedom: usize) -> f64 {
    let n = float(freedom);
    let whole = (n + t * t).sqrt();
    let (sine, cosine) = (t / whole, n.sqrt() / whole);
    let is_odd = !freedom.is_multiple_of(2);
    let (mut term, mut sum) = (if is_odd { cosine } else { 1.0 }, 0.0);
    let mut power = if is_odd { 3 } else { 2 };
    while power <= freedom {
        sum += term;
        term *= cosine * cosine * float(power - 1) / float(power);
        power += 2;
    }
    if !is_odd {
        return sine * sum;
    }
    let angle = arc_tangent(t / n.sqrt());
    2.0 / std::f64::consts::PI * (angle + sine * sum)
}

/// Of a number from 0 on, by its series after the angle was halved until that is short.
fn arc_tangent(tangent: f64) -> f64 {
    let (mut small, mut times) = (tangent, 1.0);
    while small > 0.1 {
        small /= 1.0 + (1.0 + small * small).sqrt();
        times *= 2.0;
    }
    let (mut power, mut sum, mut odd) = (small, 0.0, 1.0);
    for _ in 0..12 {
        sum += power / odd;
        power *= -small * small;
        odd += 2.0;
    }
    times * sum
}

fn expanded(freedom: f64) -> f64 {
    let power = |exponent: i32| Z.powi(exponent);
    let first = (power(3) + Z) / 4.0;
    let second = (5.0 * power(5) + 16.0 * power(3) + 3.0 * Z) / 96.0;
    let third = (3.0 * power(7) + 19.0 * power(5) + 17.0 * power(3) - 15.0 * Z) / 384.0;
    let fourth =
        (79.0 * power(9) + 776.0 * power(7) + 1482.0 * power(5) - 1920.0 * power(3) - 945.0 * Z) / 92_160.0;
    Z + first / freedom + second / freedom.powi(2) + third / freedom.powi(3) + fourth / freedom.powi(4)
}

/// A count as a float; counts of ours are far below what an `f64` holds exactly.
pub(crate) fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn decimal(number: f64, places: u32) -> Option<Decimal> {
    Decimal::from_f64_retain(number).map(|number| rounded(number, places))
}

/// Rounded half away from zero.
pub(crate) fn rounded(number: Decimal, places: u32) -> Decimal {
    number.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn share(met: usize, n: usize) -> Share {
        Share { met, n }
    }

    fn text(range: Range) -> String {
        let high = range.high.map_or_else(|| "-".to_owned(), |high| high.normalize().to_string());
        format!("{} {high}", range.low.normalize())
    }

    #[test]
    fn wilson_equals_published_figures() {
        // Newcombe 1998, statistics in medicine 17, 857: 81/263, 15/148, 0/20, 1/29.
        let text = |range: Interval| format!("{} {}", range.low.normalize(), range.high.normalize());
        assert_eq!(text(share(81, 263).wilson().unwrap()), "25.53 36.62");
        assert_eq!(text(share(15, 148).wilson().unwrap()), "6.24 16.05");
        assert_eq!(text(share(0, 20).wilson().unwrap()), "0 16.11");
        assert_eq!(text(share(1, 29).wilson().unwrap()), "0.61 17.18");
        assert!(share(0, 0).wilson().is_none());
    }

    #[test]
    fn newcombe_equals_published_figures() {
        // Newcombe 1998, statistics in medicine 17, 873, method 10: 56/70 - 48/80, 9/10 - 3/10, 10/10 - 0/10.
        assert_eq!(text(difference_range(share(56, 70), share(48, 80)).unwrap()), "5.24 33.39");
        assert_eq!(text(difference_range(share(9, 10), share(3, 10)).unwrap()), "17.05 80.9");
        assert_eq!(text(difference_range(share(10, 10), share(0, 10)).unwrap()), "60.75 100");
        assert_eq!(difference(share(56, 70), share(48, 80)).unwrap().normalize().to_string(), "20");
    }

    #[test]
    fn koopman_equals_published_figures() {
        // Koopman 1984, Biometrics 40, 513: 36/40 against 16/80 gives 2.94 to 7.15.
        assert_eq!(text(ratio_range(share(36, 40), share(16, 80)).unwrap()), "2.94 7.15");
        assert_eq!(ratio(share(36, 40), share(16, 80)).unwrap().normalize().to_string(), "4.5");
    }

    #[test]
    fn groups_without_cases_have_one_open_end_or_nothing() {
        let nobody_sound = ratio_range(share(6, 30), share(0, 30)).unwrap();
        assert!(nobody_sound.low > Decimal::ONE && nobody_sound.high.is_none());
        let nobody_leaky = ratio_range(share(0, 30), share(6, 30)).unwrap();
        assert!(nobody_leaky.low == Decimal::ZERO && nobody_leaky.high.unwrap() < Decimal::ONE);
        assert!(ratio_range(share(0, 30), share(0, 30)).is_none());
        assert!(ratio_range(share(0, 0), share(1, 3)).is_none());
        assert!(ratio(share(3, 4), share(0, 4)).is_none());
        let all = ratio_range(share(30, 30), share(30, 30)).unwrap();
        assert!(all.covers(Decimal::ONE), "{all:?}");
    }

    #[test]
    fn t_quantiles_equal_the_table() {
        // To ten digits: 2.7764451052 of 4 degrees of freedom, and so on.
        for (freedom, quantile) in [
            (1, 12.706_204_736_2),
            (2, 4.302_652_729_7),
            (3, 3.182_446_305_3),
            (4, 2.776_445_105_2),
            (9, 2.262_157_162_7),
            (29, 2.045_229_642_1),
            (1_000, 1.962_339_080_8),
        ] {
            assert!((student(freedom) - quantile).abs() < 1e-9, "{freedom}: {}", student(freedom));
        }
        for freedom in [MANY - 2, MANY - 1] {
            let (exact, about) = (student(freedom), expanded(float(freedom)));
            assert!((exact - about).abs() < 1e-10, "{freedom}: {exact} {about}");
        }
        assert!(mean_range(1, 1.0, 0.0, 2).is_none());
        assert_eq!(text(mean_range(3, 10.0, 0.0, 2).unwrap()), "10 10");
    }

    proptest! {
        #[test]
        fn every_interval_holds_its_own_point(xa in 0_usize..60, da in 0_usize..60, xb in 0_usize..60, db in 0_usize..60) {
            let (a, b) = (share(xa, xa + da), share(xb, xb + db));
            if let (Some(point), Some(range)) = (a.percent(), a.wilson()) {
                prop_assert!(range.low <= point && point <= range.high, "{:?}", range);
            }
            if let (Some(point), Some(range)) = (ratio(a, b), ratio_range(a, b)) {
                prop_assert!(range.covers(point), "{} {:?}", point, range);
            }
            if let (Some(point), Some(range)) = (difference(a, b), difference_range(a, b)) {
                prop_assert!(range.covers(point), "{} {:?}", point, range);
            }
        }
    }
}
