//! How often accounts were asked again, by contract and motion and over all, each with everything that it must not be shown without.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Accuracy, Estimate, Incidence, estimate};
use crate::metric::{self, Band, Figure, Metric, NOBODY_LISTENS, Slice};
use crate::scorecard::Scorecard;

/// One row: a contract in a motion, or everything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RateRow {
    /// The contract; absent = all of them together, each account once.
    #[serde(default)]
    pub contract: Option<String>,
    /// The motion; absent = all.
    #[serde(default)]
    pub motion: Option<String>,
    /// Accounts with an accepted handoff.
    pub accounts: u64,
    /// Of those, accounts that were asked again: confirmed by a person or reported on the record.
    pub asked_again: u64,
    /// Metric 4 of the scorecard: the share in percent, rounded to hundredths; absent = no account, or nothing listens.
    #[schema(value_type = Option<String>, example = "8.33")]
    pub percent: Option<Decimal>,
    /// Lower end of its 95 % interval (Wilson).
    #[schema(value_type = Option<String>)]
    pub low: Option<Decimal>,
    /// Upper end.
    #[schema(value_type = Option<String>)]
    pub high: Option<Decimal>,
    /// Whether the share is under the target of 10 %; absent = there is no share.
    pub on_target: Option<bool>,
    /// Accounts not asked again for all that is known, where a call's suggestion waits for a person.
    pub waiting: u64,
    /// Whether the 30 days of some acceptance are not over.
    pub provisional: bool,
    /// What calls alone say, whatever people answered.
    pub calls: CallsRow,
}

/// What calls alone say: corrected for how often the detector errs, and not told below 20 accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CallsRow {
    /// Accounts with at least one scored call.
    pub accounts: u64,
    /// Of those, accounts with a clear question in one of the first three.
    pub automatic: u64,
    /// The corrected share in percent (Rogan and Gladen); absent = too few accounts, or a detector that tells nothing.
    #[schema(value_type = Option<String>)]
    pub percent: Option<Decimal>,
    /// Lower end of its 95 % interval.
    #[schema(value_type = Option<String>)]
    pub low: Option<Decimal>,
    /// Upper end.
    #[schema(value_type = Option<String>)]
    pub high: Option<Decimal>,
    /// The detector's sensitivity that it was corrected with, in percent.
    pub sensitivity_percent: u8,
    /// Its specificity.
    pub specificity_percent: u8,
}

/// All rows: everything first, then by contract and motion.
pub fn rates(scorecard: &Scorecard, as_of: Timestamp, accuracy: Accuracy) -> Vec<RateRow> {
    let (reasks, told) = (scorecard.reasks(), Told { as_of, heard: scorecard.heard(as_of), accuracy });
    let mut rows = vec![told.row(None, None, &reasks.incidence(None, Slice::All, as_of))];
    for (contract, motion) in reasks.lines() {
        let own = reasks.incidence(Some((contract.as_str(), motion.as_str())), Slice::All, as_of);
        rows.push(told.row(Some(contract.0.clone()), Some(motion.0.clone()), &own));
    }
    rows
}

/// With what rows are told.
struct Told {
    as_of: Timestamp,
    heard: bool,
    accuracy: Accuracy,
}

impl Told {
    fn row(&self, contract: Option<String>, motion: Option<String>, own: &Incidence) -> RateRow {
        let window = Slice::All.window(self.as_of);
        let figure = if self.heard {
            metric::re_discovery(window, own)
        } else {
            Figure::not_measurable(Metric::ReDiscovery, window, NOBODY_LISTENS)
        };
        let corrected = match estimate(own.automatic, own.scored, self.accuracy) {
            Estimate::Figure { corrected, .. } => corrected,
            Estimate::TooFew { .. } => None,
        };
        RateRow {
            contract,
            motion,
            accounts: own.accounts,
            asked_again: own.asked_again,
            percent: figure.value,
            low: figure.interval.map(|interval| interval.low),
            high: figure.interval.map(|interval| interval.high),
            on_target: figure.value.map(|_| figure.band == Band::OnTarget),
            waiting: own.waiting,
            provisional: own.provisional,
            calls: CallsRow {
                accounts: own.scored,
                automatic: own.automatic,
                percent: corrected.map(|share| share.percent),
                low: corrected.map(|share| share.low),
                high: corrected.map(|share| share.high),
                sensitivity_percent: self.accuracy.sensitivity_percent,
                specificity_percent: self.accuracy.specificity_percent,
            },
        }
    }
}
