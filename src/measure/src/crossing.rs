//! Where an account first went through a handoff: what leaks, satisfaction and churn are reckoned by.
//!
//! Of several handoffs of one account under one contract the first transition counts. Later ones happen only to customers that stayed, so they
//! would make leaks look harmless.

mod firsts;

use std::collections::BTreeMap;

use handoff_core::id::ContractId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use self::firsts::{Firsts, Known};
use crate::account::AccountKey;
use crate::metric::Window;
use crate::scorecard::Scorecard;

/// A transition with fewer mandatory fields filled than this percentage leaked.
pub const LEAK_UNDER_PERCENT: usize = 70;

/// An account's first transition under a contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Crossing {
    /// The account.
    pub account: AccountKey,
    /// `contract/motion/connection/object/record`.
    pub stream: String,
    /// The cycle, from 1.
    pub cycle: u32,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Mandatory fields that were filled.
    pub filled: usize,
    /// Mandatory fields.
    pub required: usize,
    /// Whether it passed without an acceptance in force.
    pub bypassed: bool,
    /// What stood in some of the fields then is not told by the CRM, and whether it leaked hangs on them: `filled` counts them as they are told
    /// nearest to it. Only where the past was reconstructed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub guessed: bool,
    /// Mandatory fields whose values at that moment the CRM does not tell: what is filled is a guess then.
    #[serde(default, skip_serializing_if = "crate::report::is_zero")]
    pub untold: usize,
}

impl Crossing {
    /// Whether less than 70 % of the mandatory fields were filled.
    pub fn leaked(&self) -> bool {
        leaked(self.filled, self.required)
    }
}

/// Whether a transition with these fields leaked; exact.
pub fn leaked(filled: usize, required: usize) -> bool {
    filled * 100 < required * LEAK_UNDER_PERCENT
}

/// The part of the log that a figure is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Scope {
    /// Transitions of these moments.
    pub window: Window,
    /// What is known of accounts counts as of this moment.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
}

impl Scope {
    /// Whether a transition of this moment is in it.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.window.from.is_none_or(|from| from <= at) && at < self.window.until && at <= self.as_of
    }
}

/// First transitions by contract and account, ever; a report takes those of its scope.
pub type Crossings = BTreeMap<ContractId, BTreeMap<AccountKey, Crossing>>;

/// The first transitions of a log. Handoffs whose record names no account are nobody's: their number per contract stands beside.
pub fn crossings(scorecard: &Scorecard) -> (Crossings, BTreeMap<ContractId, usize>) {
    let (mut found, (firsts, known)) = (Crossings::new(), scorecard.firsts());
    for (contract, crossing) in firsts.all(known) {
        found.entry(contract.clone()).or_default().insert(crossing.account.clone(), crossing);
    }
    (found, firsts.nobodys())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unit::{Passage, Transition};

    #[test]
    fn a_leak_is_told_where_the_fields_that_are_not_told_could_not_change_it() {
        let of = |certain: usize, untold: usize| {
            let (at, passage) = (Timestamp::UNIX_EPOCH, Passage::Bypassed);
            let filled = certain + untold;
            Transition { at, passage, filled, required: 8, sender: None, untold, certain }.leaked()
        };
        assert_eq!((of(5, 0), of(6, 0)), (Some(true), Some(false)));
        assert_eq!(of(4, 1), Some(true), "5 of 8 at best");
        assert_eq!(of(6, 2), Some(false), "6 of 8 at worst");
        assert_eq!((of(5, 1), of(0, 8)), (None, None));
    }
}
