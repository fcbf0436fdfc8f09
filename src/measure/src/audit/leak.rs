//! What leaks at one handoff: whose revenue, and how much of it.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Row, ZERO};
use crate::account::{AccountKey, Accounts, Sum};
use crate::compare::{Share, rounded};
use crate::crossing::{Crossing, Crossings, Scope};
use crate::metric::churn::{Comparison, Estimate, Groups};

/// What leaks at one handoff.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Leak {
    /// Accounts whose first transition had less than 70 % of the fields, of all accounts with a transition.
    pub accounts: crate::metric::churn::Proportion,
    /// Accounts of whose first transition the CRM does not tell what stood in some fields, so that whether it leaked is a guess.
    #[serde(default, skip_serializing_if = "crate::report::is_zero")]
    pub guessed: usize,
    /// What the accounts that leaked pay a year.
    pub exposed: Sum,
    /// What all accounts with a transition pay a year.
    pub passed: Sum,
    /// How much more often accounts churn that leaked, in percentage points, as it was weighed with.
    pub excess: Option<Estimate>,
    /// Where that comes from.
    pub basis: Basis,
    /// Exposed revenue times excess churn, with the range that the excess' interval gives; absent = the excess cannot be measured.
    pub leaked: Option<Money>,
}

/// An amount a year with its range, rounded to hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Money {
    /// The amount.
    #[schema(value_type = String)]
    pub value: Decimal,
    /// The range's lower end.
    #[schema(value_type = String)]
    pub low: Decimal,
    /// The range's upper end.
    #[schema(value_type = String)]
    pub high: Decimal,
}

/// Where the excess churn comes from that a leak is weighed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// It cannot be measured: the exposed revenue itself ranks.
    #[default]
    Exposure,
    /// From this handoff's own accounts.
    Own,
    /// From the accounts of all handoffs together, because this one's are too few.
    Pooled,
}

/// How a handoff leaks: what is missing, the fields or the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Shape {
    /// Transitions.
    pub transitions: usize,
    /// With less than 70 % of the fields.
    pub leaked: usize,
    /// Those of them that nobody accepted: the gate is missing, and no template mends that.
    pub leaked_past_the_gate: usize,
    /// Transitions that nobody accepted, whatever was filled.
    pub past_the_gate: usize,
}

impl Shape {
    pub(super) fn count(&mut self, leaked: bool, bypassed: bool) {
        self.transitions += 1;
        self.leaked += usize::from(leaked);
        self.past_the_gate += usize::from(bypassed);
        self.leaked_past_the_gate += usize::from(leaked && bypassed);
    }
}

/// Churn of accounts that leaked at any handoff, against those that leaked at none.
pub(super) fn pooled(crossings: &Crossings, accounts: &Accounts, scope: Scope, minimum: usize) -> Comparison {
    let mut standing: BTreeMap<&AccountKey, (bool, jiff::civil::Date)> = BTreeMap::new();
    for crossing in crossings.values().flat_map(BTreeMap::values).filter(|each| scope.holds(each.at)) {
        let day = crate::account::day(crossing.at);
        let known = standing.entry(&crossing.account).or_insert((false, day));
        *known = (known.0 || crossing.leaked(), known.1.min(day));
    }
    let mut groups = Groups::default();
    for (account, (leaked, began)) in standing {
        let churned = accounts.churned(account, scope.as_of);
        if accounts.is_told(account) && churned.is_none_or(|left| left >= began) {
            groups.count(leaked, churned.is_some());
        }
    }
    groups.compare(minimum)
}

/// What leaks through these first transitions.
pub(super) fn leak<'a>(
    crossings: impl Iterator<Item = &'a Crossing>,
    accounts: &Accounts,
    currency: Option<&Option<String>>,
    own: &Comparison,
    pooled: &Comparison,
) -> Leak {
    let (mut share, mut leaky, mut all) = (Share::default(), BTreeSet::new(), BTreeSet::new());
    let mut guessed = 0;
    for crossing in crossings {
        guessed += usize::from(crossing.guessed);
        share.count(crossing.leaked());
        all.insert(&crossing.account);
        if crossing.leaked() {
            leaky.insert(&crossing.account);
        }
    }
    let (excess, basis) = match (own.excess, pooled.excess) {
        (Some(excess), _) => (Some(excess), Basis::Own),
        (None, Some(excess)) => (Some(excess), Basis::Pooled),
        (None, None) => (None, Basis::Exposure),
    };
    let exposed = accounts.sum(leaky, currency);
    let leaked = excess.and_then(|excess| weighed(exposed.amount, excess));
    let passed = accounts.sum(all, currency);
    Leak { accounts: share.into(), guessed, exposed, passed, excess, basis, leaked }
}

/// An amount times an excess in percentage points; less churn is no negative leak.
pub(super) fn weighed(amount: Decimal, excess: Estimate) -> Option<Money> {
    let part = |points: Decimal| {
        let points = points.clamp(ZERO, Decimal::ONE_HUNDRED);
        rounded(amount * points / Decimal::ONE_HUNDRED, 2)
    };
    let Estimate { value, interval } = excess;
    Some(Money { value: part(value?), low: part(interval.low), high: part(interval.high?) })
}

/// Where the excess cannot be measured for a row that leaks, no row is weighed: amounts of two kinds cannot be ranked together.
pub(super) fn level(rows: &mut [Row]) {
    let unmeasured = rows.iter().any(|row| row.leak.accounts.share.met > 0 && row.leak.leaked.is_none());
    if unmeasured {
        for row in rows {
            (row.leak.leaked, row.leak.basis) = (None, Basis::Exposure);
        }
    }
}
