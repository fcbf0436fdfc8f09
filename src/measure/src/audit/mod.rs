//! The leak audit: where revenue leaks between teams, from history alone, and which handoff to fix first.
//!
//! What leaks at a handoff is the annual revenue of the accounts that went through it with less than 70 % of its fields filled, weighted by how
//! much more often such accounts churn in this very organisation. Where that cannot be measured for a handoff, the excess over all handoffs
//! together stands in; where it cannot be measured at all, handoffs are ranked by the revenue that went through leaking, and the audit says so.

mod estimate;
mod leak;
mod rank;
mod words;

use std::collections::BTreeMap;

use handoff_core::id::ContractId;
use jiff::{Span, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use estimate::{Preserved, Reference, references};
pub use leak::{Basis, Leak, Money, Shape};
pub use rank::{Pick, ranking};
pub use words::{about, money, range};

use crate::account::Accounts;
use crate::crossing::{Crossings, Scope};
use crate::metric::churn::{self, Comparison, DEFAULT_CONTRACT, LeakToChurn, MINIMUM};
use crate::metric::nps::{self, NpsDelta};
use crate::metric::{
    Figure, Metric, NOBODY_LISTENS, Window, acceptance, completion, re_discovery, time_to_acceptance,
};
use crate::reask::{Account, Incidence};
use crate::scorecard::Scorecard;
use crate::spread::Spread;
use crate::unit::{Passage, Unit};

/// What an audit is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Transitions from this moment on; `None` = all history.
    pub since: Option<Timestamp>,
    /// The moment of asking.
    pub as_of: Timestamp,
    /// Fewest accounts in each of two groups that are compared.
    pub minimum: usize,
    /// The share of accounts (percent) that still leak after the repair, for the estimate of what it preserves.
    pub target_percent: u8,
    /// Contracts that are shown even where nothing happened under them.
    pub contracts: Vec<ContractId>,
}

impl Question {
    /// About everything up to a moment, with the stated defaults.
    pub fn new(as_of: Timestamp) -> Self {
        Self { since: None, as_of, minimum: MINIMUM, target_percent: 10, contracts: Vec::new() }
    }

    fn scope(&self) -> Scope {
        let after = self.as_of.checked_add(Span::new().nanoseconds(1)).unwrap_or(Timestamp::MAX);
        Scope { window: Window { from: self.since, until: after }, as_of: self.as_of }
    }
}

/// The audit of an installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Audit {
    /// What it is made of.
    pub scope: Scope,
    /// Fewest accounts in each of two groups that are compared.
    pub minimum: usize,
    /// The currency of all sums; absent = the CRM tells amounts without one, or none at all.
    pub currency: Option<String>,
    /// One row per handoff, worst first.
    pub rows: Vec<Row>,
    /// Which one to fix first; absent = nothing leaked, or nothing is known.
    pub first: Option<Pick>,
    /// Churn of all accounts, leaking at any handoff or at none.
    pub pooled: Comparison,
    /// First-year churn and overall churn of the organisation itself.
    pub churn: OwnChurn,
    /// What fixing the first one would preserve; absent = it cannot be estimated.
    pub preserved: Option<Preserved>,
    /// What the numbers rest on, a sentence each.
    pub assumptions: Vec<String>,
    /// What could not be said, and what would make it possible, a sentence each.
    pub gaps: Vec<String>,
}

/// The organisation's own churn, of all accounts that are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct OwnChurn {
    /// Churned accounts of all that are told of.
    pub overall: churn::Proportion,
    /// Accounts that churned within their first year, of those whose first year is over.
    pub first_year: churn::Proportion,
}

/// One handoff in the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Row {
    /// Its place, from 1; absent = nothing went through it.
    pub rank: Option<usize>,
    /// The contract.
    #[schema(value_type = String)]
    pub contract: ContractId,
    /// Its title, from its newest text in the log.
    pub title: String,
    /// Metric 1.
    pub completion: Figure,
    /// Metric 2.
    pub acceptance: Figure,
    /// Metric 3.
    pub time_to_acceptance: Figure,
    /// Metric 4.
    pub rediscovery: Figure,
    /// Metric 5.
    pub nps: Figure,
    /// Metric 6.
    pub leak_to_churn: Figure,
    /// What leaks.
    pub leak: Leak,
    /// How it leaks.
    pub shape: Shape,
    /// Metric 5 in full.
    pub nps_detail: NpsDelta,
    /// Metric 6 in full.
    pub churn_detail: LeakToChurn,
}

/// Audits everything that the log says up to `question.as_of`.
pub fn audit(scorecard: &Scorecard, accounts: &Accounts, question: &Question) -> Audit {
    let (crossings, nobodys) = crate::crossing::crossings(scorecard);
    let heard = scorecard.heard(question.scope().window.until);
    let facts = Facts { crossings: &crossings, accounts, question, heard };
    let mut tallies: BTreeMap<ContractId, Tally> =
        question.contracts.iter().map(|contract| (contract.clone(), Tally::default())).collect();
    for unit in scorecard.units() {
        let account = unit.acceptance.and_then(|_| scorecard.reasks().account(&unit.stream));
        tallies.entry(unit.line.contract.clone()).or_default().count(unit, account, question.scope());
    }
    let mut rows: Vec<Row> =
        tallies.into_iter().map(|(contract, tally)| facts.row(contract, tally)).collect();
    for row in &mut rows {
        row.title = scorecard.title(&row.contract).unwrap_or_else(|| row.contract.0.clone());
    }
    facts.finish(rows, nobodys.values().sum())
}

/// What is asked of the accounts.
pub struct Facts<'a> {
    /// First transitions.
    pub crossings: &'a Crossings,
    /// What is known of accounts.
    pub accounts: &'a Accounts,
    /// What is asked.
    pub question: &'a Question,
    /// Whether something told of questions that were asked again.
    pub heard: bool,
}

/// Counts over the cycles of one contract.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    transitions: usize,
    complete: usize,
    shape: Shape,
    decided: usize,
    first_pass: usize,
    young: bool,
    waited: Vec<i64>,
    unmeasurable: usize,
    untold: usize,
    reconstructed: usize,
    /// Accounts with an accepted cycle, and whether they were asked again.
    accounts: BTreeMap<Account, bool>,
    /// Whether the 30 days of some acceptance are not over.
    asked_open: bool,
}

impl Tally {
    fn count(&mut self, unit: &Unit, account: Option<Account>, scope: Scope) {
        if let Some(transition) = unit.transition.filter(|transition| scope.holds(transition.at)) {
            let told = transition.is_told();
            self.untold += usize::from(!told);
            self.reconstructed += usize::from(unit.reconstructed);
            self.transitions += usize::from(told);
            self.complete += usize::from(told && transition.is_complete());
            let bypassed = transition.passage == Passage::Bypassed;
            self.shape.count(crate::crossing::leaked(transition.filled, transition.required), bypassed);
        }
        if let Some(decision) = unit.decision.filter(|decision| scope.holds(decision.at)) {
            self.decided += 1;
            self.first_pass += usize::from(unit.is_first_pass());
            let young = scope.as_of.duration_since(decision.at) < crate::report::PROVISIONAL;
            self.young |= decision.accepted && young;
        }
        if let Some(acceptance) = unit.acceptance.filter(|acceptance| scope.holds(acceptance.at)) {
            self.waited.extend(acceptance.waited);
            self.unmeasurable += usize::from(acceptance.waited.is_none());
            self.asked_open |= scope.as_of.duration_since(acceptance.at) < crate::report::PROVISIONAL;
            if let Some(account) = account {
                *self.accounts.entry(account).or_default() |= unit.rediscovered;
            }
        }
    }

    fn incidence(&self) -> Incidence {
        let count = |accounts: usize| u64::try_from(accounts).unwrap_or(u64::MAX);
        Incidence {
            accounts: count(self.accounts.len()),
            asked_again: count(self.accounts.values().filter(|asked| **asked).count()),
            provisional: self.asked_open,
            ..Incidence::default()
        }
    }
}

impl Facts<'_> {
    /// One row, without its rank; the title is the contract's name.
    pub fn row(&self, contract: ContractId, mut tally: Tally) -> Row {
        tally.waited.sort_unstable();
        let scope = self.question.scope();
        let window = scope.window;
        let churn = churn::of(&contract, self.crossings, self.accounts, scope, self.question.minimum);
        let own = self.crossings.get(&contract);
        let around =
            || own.into_iter().flat_map(BTreeMap::values).filter(|crossing| scope.holds(crossing.at));
        let is_asked = nps::applies(contract.as_str());
        let nps = nps::around(around().filter(|_| is_asked), self.accounts, scope.as_of);
        let nps_figure = nps::told(contract.as_str(), &nps, window);
        let rediscovery = if self.heard {
            re_discovery(window, &tally.incidence())
        } else {
            Figure::not_measurable(Metric::ReDiscovery, window, NOBODY_LISTENS)
        };
        Row {
            rank: None,
            title: contract.0.clone(),
            completion: Figure {
                unmeasurable: tally.untold,
                reconstructed: tally.reconstructed,
                ..completion(window, tally.complete, tally.transitions)
            },
            acceptance: acceptance(window, tally.first_pass, tally.decided, tally.young),
            time_to_acceptance: time_to_acceptance(
                window,
                Spread::of(tally.waited.clone()),
                |rank| tally.waited.get(rank.checked_sub(1)?).copied(),
                tally.unmeasurable,
            ),
            rediscovery,
            nps: nps_figure,
            leak_to_churn: churn.figure(),
            leak: Leak::default(),
            shape: tally.shape,
            nps_detail: nps,
            churn_detail: churn,
            contract,
        }
    }

    /// Weighs, ranks and explains the rows.
    pub fn finish(&self, mut rows: Vec<Row>, nobodys: usize) -> Audit {
        let scope = self.question.scope();
        let pooled = leak::pooled(self.crossings, self.accounts, scope, self.question.minimum);
        let currency = self.accounts.currency();
        for row in &mut rows {
            let own = self.crossings.get(&row.contract);
            let crossings = own.into_iter().flat_map(BTreeMap::values).filter(|each| scope.holds(each.at));
            row.leak =
                leak::leak(crossings, self.accounts, currency.as_ref(), &row.churn_detail.all, &pooled);
        }
        leak::level(&mut rows);
        rank::rank(&mut rows);
        let first = rank::pick(&rows, currency.as_ref().and_then(Option::as_deref));
        let preserved = first.as_ref().and_then(|pick| {
            let row = rows.iter().find(|row| row.contract == pick.contract)?;
            estimate::preserved(row, self.question.target_percent)
        });
        let mut audit = Audit {
            scope,
            minimum: self.question.minimum,
            currency: currency.flatten(),
            rows,
            first,
            pooled,
            churn: own_churn(self.accounts, self.question.as_of),
            preserved,
            assumptions: Vec::new(),
            gaps: Vec::new(),
        };
        audit.assumptions = words::assumptions(&audit);
        audit.gaps = words::gaps(&audit, nobodys);
        audit
    }
}

/// First-year and overall churn of all accounts that are told of. The first year needs the day on which it began.
fn own_churn(accounts: &Accounts, as_of: Timestamp) -> OwnChurn {
    let (mut overall, mut year) = (crate::compare::Share::default(), crate::compare::Share::default());
    for key in accounts.told() {
        let churned = accounts.churned(key, as_of);
        overall.count(churned.is_some());
        let since = accounts.customer_since(key);
        if let Some(left) = since.and_then(|since| churn::first_year(since, churned, as_of)) {
            year.count(left);
        }
    }
    OwnChurn { overall: overall.into(), first_year: year.into() }
}

impl Audit {
    /// The row of a contract.
    pub fn row(&self, contract: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.contract.as_str() == contract)
    }

    /// Metric 6 of the handoff from the sale to those who serve the customer.
    pub fn leak_to_churn(&self) -> Option<&LeakToChurn> {
        self.row(DEFAULT_CONTRACT).map(|row| &row.churn_detail)
    }
}

/// Zero, for sums.
const ZERO: Decimal = Decimal::ZERO;
