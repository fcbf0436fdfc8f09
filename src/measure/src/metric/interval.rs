//! 95 % intervals of shares and medians.

use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive as _;

use super::{Interval, Method};
use crate::spread::hundredths;

/// The normal distribution's 97.5 % quantile.
pub(super) const Z: f64 = 1.959_963_984_540_054;

/// Wilson's score interval of `met` in `n`, in percent; `None` = `n` is 0, or more than 4,294,967,295.
///
/// With p = met / n: (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n). The end is exactly 0 where nothing met it and exactly 100 where all did.
pub fn wilson(met: usize, n: usize) -> Option<Interval> {
    let (met, n) = (u32::try_from(met).ok()?, u32::try_from(n).ok().filter(|n| *n > 0)?);
    let (count, p) = (f64::from(n), f64::from(met) / f64::from(n));
    let z2 = Z * Z;
    let centre = p + z2 / (2.0 * count);
    let half = Z * (p * (1.0 - p) / count + z2 / (4.0 * count * count)).sqrt();
    let whole = 1.0 + z2 / count;
    let low = if met == 0 { 0.0 } else { (centre - half) / whole };
    let high = if met == n { 1.0 } else { (centre + half) / whole };
    Some(Interval { low: rounded(100.0 * low)?, high: rounded(100.0 * high)?, method: Method::Wilson })
}

/// Ranks (from 1) of the order statistics between which the median of `n` lies at 95 %: ⌊(n − z√n) / 2⌋ and its mirror. `None` = too few
/// (less than 8).
pub fn median_ranks(n: usize) -> Option<(usize, usize)> {
    let count = f64::from(u32::try_from(n).ok()?);
    let low = Decimal::from_f64(((count - Z * count.sqrt()) / 2.0).floor())?;
    let low = usize::try_from(low).ok().filter(|low| *low > 0)?;
    Some((low, n.checked_add(1)?.checked_sub(low)?))
}

/// Rounded once, to hundredths.
fn rounded(value: f64) -> Option<Decimal> {
    Decimal::from_f64_retain(value).map(hundredths)
}
