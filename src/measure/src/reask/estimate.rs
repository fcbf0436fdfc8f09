//! The share of accounts that were asked again, as calls alone tell it, corrected for how often the detector errs.

use handoff_rediscovery as detector;
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive as _;
use serde::Serialize;

/// How often the detector is right, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Accuracy {
    /// Share of accounts with an incident that it finds.
    pub sensitivity_percent: u8,
    /// Share of accounts without one that it leaves alone.
    pub specificity_percent: u8,
}

/// A share in percent with its 95 % interval, each rounded once to hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Best guess.
    pub percent: Decimal,
    /// Lower end.
    pub low: Decimal,
    /// Upper end.
    pub high: Decimal,
}

/// What calls alone say of some accounts, whatever people confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "said", rename_all = "snake_case")]
pub enum Estimate {
    /// Too few accounts for a figure.
    TooFew {
        /// Accounts with at least one scored call.
        accounts: u64,
        /// Fewest for which a figure is told.
        fewest: u64,
    },
    /// As seen (Wilson), and corrected for the detector's errors (Rogan and Gladen 1978, ends of the interval corrected alike).
    Figure {
        /// Accounts with at least one scored call.
        accounts: u64,
        /// Accounts with a clear question.
        automatic: u64,
        /// As seen.
        seen: Share,
        /// Corrected; `None` where the detector tells nothing: its two percentages add up to a hundred or less.
        corrected: Option<Share>,
        /// What it was corrected with.
        accuracy: Accuracy,
    },
}

/// The estimate of `automatic` accounts of `scored` ones.
pub fn estimate(automatic: u64, scored: u64, accuracy: Accuracy) -> Estimate {
    let share = |percent: u8| f64::from(percent) / 100.0;
    let errs = detector::Accuracy {
        sensitivity: share(accuracy.sensitivity_percent),
        specificity: share(accuracy.specificity_percent),
    };
    match detector::estimate(automatic, scored, errs) {
        detector::Estimate::TooFew { accounts } => Estimate::TooFew { accounts, fewest: detector::FEWEST },
        detector::Estimate::Figure { accounts, incidents, seen, corrected } => Estimate::Figure {
            accounts,
            automatic: incidents,
            seen: rounded(seen),
            corrected: corrected.map(rounded),
            accuracy,
        },
    }
}

fn rounded(share: detector::Share) -> Share {
    let percent = |share: f64| {
        let exact = Decimal::from_f64(share * 100.0).unwrap_or_default();
        crate::spread::hundredths(exact).normalize()
    };
    Share { percent: percent(share.share), low: percent(share.low), high: percent(share.high) }
}
