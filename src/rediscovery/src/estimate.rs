//! How many accounts were really asked again, given how often the detector errs.

use serde::Serialize;

/// Fewest accounts for which a figure is told.
pub const FEWEST: u64 = 20;
/// Two-sided 95 %.
const Z: f64 = 1.959_963_984_540_054;

/// How often the detector is right, as measured with one version of the lexicon.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accuracy {
    /// Share of accounts with an incident that it finds, 0 to 1.
    pub sensitivity: f64,
    /// Share of accounts without one that it leaves alone, 0 to 1.
    pub specificity: f64,
}

/// A share with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Share {
    /// Best guess, 0 to 1.
    pub share: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What can be said of some accounts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "said", rename_all = "snake_case")]
pub enum Estimate {
    /// Too few accounts for a figure.
    TooFew {
        /// Accounts with at least one scored call.
        accounts: u64,
    },
    /// As seen, and corrected for the detector's errors (Rogan and Gladen 1978; interval of Wilson 1927, corrected alike).
    Figure {
        /// Accounts with at least one scored call.
        accounts: u64,
        /// Accounts with an incident.
        incidents: u64,
        /// As seen.
        seen: Share,
        /// Corrected; `None` where the detector tells nothing (sensitivity and specificity add up to one or less).
        corrected: Option<Share>,
    },
}

/// The share of `incidents` among `accounts`, corrected.
pub fn estimate(incidents: u64, accounts: u64, accuracy: Accuracy) -> Estimate {
    if accounts < FEWEST {
        return Estimate::TooFew { accounts };
    }
    let incidents = incidents.min(accounts);
    let seen = wilson(incidents, accounts);
    let gain = accuracy.sensitivity + accuracy.specificity - 1.0;
    let truly = |share: f64| ((share + accuracy.specificity - 1.0) / gain).clamp(0.0, 1.0);
    let corrected = (gain > 0.0).then(|| Share {
        share: truly(seen.share),
        low: truly(seen.low),
        high: truly(seen.high),
    });
    Estimate::Figure { accounts, incidents, seen, corrected }
}

/// Wilson's interval of a share, 95 %.
pub fn wilson(hits: u64, all: u64) -> Share {
    let (hits, n) = (whole(hits), whole(all));
    if n <= 0.0 {
        return Share { share: 0.0, low: 0.0, high: 1.0 };
    }
    let share = hits / n;
    let square = Z * Z;
    let middle = (share + square / (2.0 * n)) / (1.0 + square / n);
    let half = Z / (1.0 + square / n) * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
    Share { share, low: (middle - half).max(0.0), high: (middle + half).min(1.0) }
}

/// Exact up to 2^53, which no count of accounts reaches.
fn whole(count: u64) -> f64 {
    let high = u32::try_from(count >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(count & 0xffff_ffff).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}

#[cfg(test)]
mod tests {
    use super::{Accuracy, Estimate, estimate, wilson};

    const GOOD: Accuracy = Accuracy { sensitivity: 0.9, specificity: 0.95 };

    #[test]
    fn wilson_is_the_textbook_interval() {
        let share = wilson(10, 100);
        assert!((share.low - 0.0552).abs() < 1e-4 && (share.high - 0.1744).abs() < 1e-4, "{share:?}");
        let none = wilson(0, 50);
        assert!(none.low.abs() < 1e-12 && (none.high - 0.0713).abs() < 1e-4, "{none:?}");
    }

    #[test]
    fn too_few_accounts_are_no_figure() {
        assert_eq!(estimate(3, 19, GOOD), Estimate::TooFew { accounts: 19 });
    }

    #[test]
    fn the_detectors_errors_are_taken_out() {
        let Estimate::Figure { seen, corrected: Some(corrected), .. } = estimate(22, 100, GOOD) else {
            panic!()
        };
        assert!((seen.share - 0.22).abs() < 1e-12);
        assert!((corrected.share - (0.22 + 0.95 - 1.0) / 0.85).abs() < 1e-12);
        assert!(corrected.low <= corrected.share && corrected.share <= corrected.high);
    }

    #[test]
    fn a_detector_that_tells_nothing_corrects_nothing() {
        let coin = Accuracy { sensitivity: 0.5, specificity: 0.5 };
        assert!(matches!(estimate(5, 40, coin), Estimate::Figure { corrected: None, .. }));
    }
}
