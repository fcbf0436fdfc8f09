//! Where an account first went through a handoff: what leaks, satisfaction and churn are reckoned by.
//!
//! Of several handoffs of one account under one contract the first transition counts. Later ones happen only to customers that stayed, so they
//! would make leaks look harmless.

use std::collections::BTreeMap;

use handoff_core::id::ContractId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::{AccountKey, Accounts};
use crate::metric::{Slice, Window};
use crate::period::Period;
use crate::scorecard::Scorecard;
use crate::unit::{Passage, Transition};

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
pub fn crossings(scorecard: &Scorecard, accounts: &Accounts) -> (Crossings, BTreeMap<ContractId, usize>) {
    let (mut found, mut nobodys) = (Crossings::new(), BTreeMap::new());
    for unit in scorecard.units() {
        let Some(transition) = unit.transition else { continue };
        let (stream, contract) = (unit.stream.to_string(), unit.line.contract.clone());
        let Some(account) = accounts.of(&stream) else {
            *nobodys.entry(contract).or_default() += 1;
            continue;
        };
        let crossing = crossing(account, stream, unit.cycle, transition);
        let first = found.entry(contract).or_default();
        let earlier = first
            .get(account)
            .is_some_and(|known| (known.at, &known.stream) <= (crossing.at, &crossing.stream));
        if !earlier {
            first.insert(account.clone(), crossing);
        }
    }
    (found, nobodys)
}

/// First transitions by line and slice of the calendar: what metrics 5 and 6 of the scorecard are made of. Empty while
/// nobody told anything of any account.
#[derive(Debug, Default)]
pub(crate) struct Placed {
    crossings: Vec<Crossing>,
    places: BTreeMap<(usize, Slice), Vec<usize>>,
}

impl Placed {
    /// Those of a scorecard. Every unit is looked at once, unless nothing is known of accounts.
    pub(crate) fn of(scorecard: &Scorecard) -> Self {
        let mut placed = Self::default();
        if scorecard.accounts().is_silent() {
            return placed;
        }
        let (found, _) = crossings(scorecard, scorecard.accounts());
        for crossing in found.into_values().flat_map(BTreeMap::into_values) {
            let Some(line) = scorecard.line_of_stream(&crossing.stream) else { continue };
            let (week, month) = (Slice::of(Period::Week, crossing.at), Slice::of(Period::Month, crossing.at));
            for slice in [week, month, Slice::All] {
                placed.places.entry((line, slice)).or_default().push(placed.crossings.len());
            }
            placed.crossings.push(crossing);
        }
        placed
    }

    /// Those of one line and slice.
    pub(crate) fn get(&self, line: usize, slice: Slice) -> impl Iterator<Item = &Crossing> {
        let places = self.places.get(&(line, slice)).into_iter().flatten();
        places.filter_map(|place| self.crossings.get(*place))
    }
}

fn crossing(account: &AccountKey, stream: String, cycle: u32, transition: Transition) -> Crossing {
    let Transition { at, passage, filled, required, untold, .. } = transition;
    let bypassed = passage == Passage::Bypassed;
    Crossing { account: account.clone(), stream, cycle, at, filled, required, bypassed, untold }
}
