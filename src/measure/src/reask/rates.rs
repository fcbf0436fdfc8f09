//! How often accounts were asked again, by contract and motion and over all, each with everything that it must not be shown without.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Accuracy, Estimate, Incidence, Reasks, Share, estimate};
use crate::metric::Slice;

/// The share of accounts has to stay under this many percent.
pub const TARGET_PERCENT: u32 = 10;

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
    /// The share in percent, rounded to hundredths; absent = no account.
    #[schema(value_type = Option<String>, example = "8.33")]
    pub percent: Option<Decimal>,
    /// Lower end of its 95 % interval (Wilson).
    #[schema(value_type = Option<String>)]
    pub low: Option<Decimal>,
    /// Upper end.
    #[schema(value_type = Option<String>)]
    pub high: Option<Decimal>,
    /// Whether the share is under the target of 10 %; absent = no account.
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
pub fn rates(reasks: &Reasks, as_of: Timestamp, accuracy: Accuracy) -> Vec<RateRow> {
    let all = reasks.incidence(None, Slice::All, as_of);
    let mut rows = vec![row(None, None, &all, accuracy)];
    for (contract, motion) in reasks.lines() {
        let own = reasks.incidence(Some((contract.as_str(), motion.as_str())), Slice::All, as_of);
        rows.push(row(Some(contract.0.clone()), Some(motion.0.clone()), &own, accuracy));
    }
    rows
}

fn row(contract: Option<String>, motion: Option<String>, own: &Incidence, accuracy: Accuracy) -> RateRow {
    let share = (own.accounts > 0).then(|| Share::wilson(own.asked_again, own.accounts));
    let corrected = match estimate(own.automatic, own.scored, accuracy) {
        Estimate::Figure { corrected, .. } => corrected,
        Estimate::TooFew { .. } => None,
    };
    RateRow {
        contract,
        motion,
        accounts: own.accounts,
        asked_again: own.asked_again,
        percent: share.map(|share| share.percent),
        low: share.map(|share| share.low),
        high: share.map(|share| share.high),
        // Exact: 9.999 % is under 10 % even though it prints as 10.00.
        on_target: share.map(|_| {
            u128::from(own.asked_again) * 100 < u128::from(own.accounts) * u128::from(TARGET_PERCENT)
        }),
        waiting: own.waiting,
        provisional: own.provisional,
        calls: CallsRow {
            accounts: own.scored,
            automatic: own.automatic,
            percent: corrected.map(|share| share.percent),
            low: corrected.map(|share| share.low),
            high: corrected.map(|share| share.high),
            sensitivity_percent: accuracy.sensitivity_percent,
            specificity_percent: accuracy.specificity_percent,
        },
    }
}
