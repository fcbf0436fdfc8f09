//! Metric 6: how churn goes together with handoffs that leaked.
//!
//! The sources' figure is the share of churned accounts whose handoff leaked. Alone it says nothing: where most handoffs leak, most churned
//! accounts leaked. So the same share among retained accounts stands beside it, and how much more often accounts that leaked churn than
//! others, with an interval. An account that nobody told facts of is in no group: silence is not retention. Neither is one of whose transition
//! the CRM does not tell which fields were filled.

use std::collections::BTreeMap;
use std::ops::Bound;

use handoff_core::id::ContractId;
use jiff::civil::Date;
use jiff::{Span, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Figure, Interval, Metric, Window};
use crate::account::{AccountKey, Accounts, day};
use crate::compare::{Range, Share, difference, difference_range, ratio, ratio_range};
use crate::crossing::{Crossing, Crossings, Scope};

/// Fewest accounts in each of two groups that are compared, unless told otherwise.
pub const MINIMUM: usize = 20;

/// Fewest churned accounts that the sources' share is said of.
pub const LEAST_CHURNED: usize = 10;

/// The contract that stands for an account where none is named: the handoff from the sale to those who serve the customer.
pub const DEFAULT_CONTRACT: &str = "h03-ae-to-onboarding";

/// How churn goes together with handoffs of one contract that leaked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeakToChurn {
    /// The contract.
    #[schema(value_type = String)]
    pub contract: ContractId,
    /// What it is made of.
    pub scope: Scope,
    /// Fewest accounts in each of two groups that are compared.
    pub minimum: usize,
    /// All accounts with a transition.
    pub all: Comparison,
    /// Accounts whose first year is over: churned within it or not.
    pub first_year: Comparison,
    /// Accounts that are not in `all`, and why.
    pub outside: Outside,
    /// The accounts behind it.
    pub records: Vec<Member>,
}

/// Four groups of accounts, and what they say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// Churned accounts whose handoff leaked, of churned accounts: the figure of the sources.
    pub churned_leaked: Proportion,
    /// The same share among retained accounts: the base rate.
    pub retained_leaked: Proportion,
    /// Churned accounts among those whose handoff leaked.
    pub leaked_churned: Proportion,
    /// Churned accounts among the others.
    pub sound_churned: Proportion,
    /// How many times as often accounts churn whose handoff leaked, with Koopman's 95 % interval; absent under the minimum.
    pub relative_risk: Option<Estimate>,
    /// By how many percentage points more often they churn, with Newcombe's 95 % interval; absent under the minimum.
    pub excess: Option<Estimate>,
    /// What that says.
    pub finding: Finding,
}

/// A share with Wilson's 95 % interval, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Proportion {
    /// So many of so many.
    pub share: Share,
    /// In percent, rounded to hundredths; absent = of none.
    #[schema(value_type = Option<String>)]
    pub percent: Option<Decimal>,
    /// The interval in percent.
    pub interval: Option<Interval>,
}

impl From<Share> for Proportion {
    fn from(share: Share) -> Self {
        Self { share, percent: share.percent(), interval: share.wilson() }
    }
}

/// A number with its interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Estimate {
    /// The number; absent = it has no value, e.g. because nobody of the group that it is divided by churned.
    #[schema(value_type = Option<String>)]
    pub value: Option<Decimal>,
    /// Its interval.
    pub interval: Range,
}

/// What a comparison says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// A group is smaller than the minimum, or nobody churned.
    #[default]
    TooFew,
    /// The interval holds 1: the data shows no effect.
    NoEffectShown,
    /// Accounts whose handoff leaked churn more often.
    MoreChurn,
    /// Accounts whose handoff leaked churn less often.
    LessChurn,
}

impl Finding {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::TooFew => "not measurable: too few accounts",
            Self::NoEffectShown => "no effect shown: the interval holds 1",
            Self::MoreChurn => "accounts whose handoff leaked churn more often",
            Self::LessChurn => "accounts whose handoff leaked churn less often",
        }
    }
}

/// Accounts that are not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Outside {
    /// Known accounts that never went through this handoff, and how many of them churned.
    pub ungoverned: Proportion,
    /// Accounts with a transition that nobody told facts of.
    pub not_told: usize,
    /// Accounts of whose transition the CRM does not tell which fields were filled.
    #[serde(default, skip_serializing_if = "crate::report::is_zero")]
    pub untold: usize,
    /// Accounts that had left before their handoff.
    pub left_before: usize,
    /// Accounts whose transition is not in the window.
    pub other_time: usize,
    /// Accounts in `all` whose first year is not over yet.
    pub first_year_open: usize,
}

/// One account that is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// `connection/record`.
    pub account: String,
    /// The handoff's stream.
    pub stream: String,
    /// Mandatory fields that were filled.
    pub filled: usize,
    /// Mandatory fields.
    pub required: usize,
    /// Whether it leaked.
    pub leaked: bool,
    /// The day from which it is no customer any more.
    #[schema(value_type = Option<String>)]
    pub churned_at: Option<Date>,
    /// Whether it churned within its first year; absent = the year is not over.
    pub first_year_churn: Option<bool>,
}

/// Counts of the four groups.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Groups {
    leaked: Share,
    sound: Share,
}

impl Groups {
    pub(crate) fn count(&mut self, leaked: bool, churned: bool) {
        let group = if leaked { &mut self.leaked } else { &mut self.sound };
        group.count(churned);
    }

    pub(crate) fn compare(self, minimum: usize) -> Comparison {
        let Self { leaked, sound } = self;
        let churned = leaked.met + sound.met;
        let retained = leaked.n + sound.n - churned;
        let enough = leaked.n >= minimum.max(1) && sound.n >= minimum.max(1);
        let range = |range: Option<Range>| range.filter(|_| enough);
        let relative_risk = range(ratio_range(leaked, sound))
            .map(|interval| Estimate { value: ratio(leaked, sound), interval });
        let excess = range(difference_range(leaked, sound))
            .map(|interval| Estimate { value: difference(leaked, sound), interval });
        Comparison {
            churned_leaked: Share { met: leaked.met, n: churned }.into(),
            retained_leaked: Share { met: leaked.n - leaked.met, n: retained }.into(),
            leaked_churned: leaked.into(),
            sound_churned: sound.into(),
            relative_risk,
            excess,
            finding: finding(relative_risk),
        }
    }
}

fn finding(relative_risk: Option<Estimate>) -> Finding {
    let Some(Estimate { interval, .. }) = relative_risk else { return Finding::TooFew };
    if interval.covers(Decimal::ONE) {
        Finding::NoEffectShown
    } else if interval.low > Decimal::ONE {
        Finding::MoreChurn
    } else {
        Finding::LessChurn
    }
}

/// What became of an account after its handoff, as far as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nobody told.
    NotTold,
    /// The CRM does not tell whether its handoff leaked.
    Untold,
    /// It did not leave.
    Stays,
    /// It leaves on this day.
    Leaves {
        /// The day.
        on: Date,
        /// The handoff came after that.
        before: bool,
        /// The handoff leaked.
        leaked: bool,
    },
}

/// Where an account stands at a moment.
enum Place {
    Churned,
    Retained,
    NotTold,
    Untold,
    LeftBefore,
}

impl Fate {
    /// `leaked`: absent where the CRM does not tell which fields were filled.
    pub(crate) fn of(account: &AccountKey, at: Timestamp, leaked: Option<bool>, accounts: &Accounts) -> Self {
        if !accounts.is_told(account) {
            return Self::NotTold;
        }
        match (accounts.leaves(account), leaked) {
            (Some(on), _) if on < day(at) => Self::Leaves { on, before: true, leaked: false },
            (_, None) => Self::Untold,
            (Some(on), Some(leaked)) => Self::Leaves { on, before: false, leaked },
            (None, Some(_)) => Self::Stays,
        }
    }

    /// Who leaves later is still there.
    fn place(self, today: Date) -> Place {
        match self {
            Self::NotTold => Place::NotTold,
            Self::Untold => Place::Untold,
            Self::Leaves { on, before: true, .. } if on <= today => Place::LeftBefore,
            Self::Leaves { on, before: false, .. } if on <= today => Place::Churned,
            Self::Stays | Self::Leaves { .. } => Place::Retained,
        }
    }
}

fn member(crossing: &Crossing, accounts: &Accounts, as_of: Timestamp) -> Member {
    let churned_at = accounts.churned(&crossing.account, as_of);
    let since = accounts.customer_since(&crossing.account).unwrap_or_else(|| day(crossing.at));
    Member {
        account: crossing.account.to_string(),
        stream: crossing.stream.clone(),
        filled: crossing.filled,
        required: crossing.required,
        leaked: crossing.leaked(),
        churned_at,
        first_year_churn: first_year(since, churned_at, as_of),
    }
}

/// Whether the first year from `since` on saw the end; `None` = it is not over. A year that is not over is left out even where it saw the
/// end already: counting only those would make every young cohort look lost.
pub(crate) fn first_year(since: Date, churned_at: Option<Date>, as_of: Timestamp) -> Option<bool> {
    let end = since.checked_add(Span::new().years(1)).ok()?;
    (end <= day(as_of)).then(|| churned_at.is_some_and(|left| left < end))
}

/// Of one contract's transitions.
pub fn of(
    contract: &ContractId,
    crossings: &Crossings,
    accounts: &Accounts,
    scope: Scope,
    minimum: usize,
) -> LeakToChurn {
    let none = BTreeMap::new();
    let own: &BTreeMap<AccountKey, Crossing> = crossings.get(contract).unwrap_or(&none);
    let (mut all, mut year) = (Groups::default(), Groups::default());
    let (mut outside, mut records) = (Outside::default(), Vec::new());
    for crossing in own.values() {
        if !scope.holds(crossing.at) {
            outside.other_time += 1;
            continue;
        }
        let leaked = (crossing.untold == 0).then(|| crossing.leaked());
        let fate = Fate::of(&crossing.account, crossing.at, leaked, accounts);
        match fate.place(day(scope.as_of)) {
            Place::NotTold => outside.not_told += 1,
            Place::Untold => outside.untold += 1,
            Place::LeftBefore => outside.left_before += 1,
            Place::Churned | Place::Retained => {
                let member = member(crossing, accounts, scope.as_of);
                all.count(member.leaked, member.churned_at.is_some());
                match member.first_year_churn {
                    Some(churned) => year.count(member.leaked, churned),
                    None => outside.first_year_open += 1,
                }
                records.push(member);
            }
        }
    }
    let mut ungoverned = Share::default();
    for key in accounts.told().filter(|key| !own.contains_key(*key)) {
        ungoverned.count(accounts.churned(key, scope.as_of).is_some());
    }
    outside.ungoverned = ungoverned.into();
    let (all, first_year) = (all.compare(minimum), year.compare(minimum));
    LeakToChurn { contract: contract.clone(), scope, minimum, all, first_year, outside, records }
}

impl LeakToChurn {
    /// Metric 6 as it stands on the scorecard: the sources' share.
    pub fn figure(&self) -> Figure {
        let retained = self.all.retained_leaked.share.n;
        let left_out = self.outside.not_told + self.outside.untold;
        stand(self.all.churned_leaked.share, retained, left_out, self.scope.window)
    }
}

/// What became of accounts after a handoff: an account can be taken out again, and no moment is asked for in vain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    not_told: usize,
    untold: usize,
    stays: usize,
    left: Left,
    /// By the day on which they leave.
    days: BTreeMap<Date, Left>,
}

/// Accounts that leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Left {
    before: usize,
    leaked: usize,
    sound: usize,
}

impl Left {
    fn count(&mut self, before: bool, leaked: bool, comes: bool) {
        let number = match (before, leaked) {
            (true, _) => &mut self.before,
            (false, true) => &mut self.leaked,
            (false, false) => &mut self.sound,
        };
        count(number, comes);
    }
}

fn count(number: &mut usize, comes: bool) {
    *number = if comes { *number + 1 } else { number.saturating_sub(1) };
}

impl Tally {
    /// Counts an account, or takes it out again.
    pub(crate) fn count(&mut self, fate: Fate, comes: bool) {
        match fate {
            Fate::NotTold => count(&mut self.not_told, comes),
            Fate::Untold => count(&mut self.untold, comes),
            Fate::Stays => count(&mut self.stays, comes),
            Fate::Leaves { on, before, leaked } => {
                self.left.count(before, leaked, comes);
                let left = self.days.entry(on).or_default();
                left.count(before, leaked, comes);
                if *left == Left::default() {
                    self.days.remove(&on);
                }
            }
        }
    }

    /// Metric 6 of them, as it stands on the scorecard.
    pub(crate) fn figure(&self, scope: Scope) -> Figure {
        let (mut left, mut retained) = (self.left, self.stays);
        for later in
            self.days.range((Bound::Excluded(day(scope.as_of)), Bound::Unbounded)).map(|(_, later)| later)
        {
            retained += later.before + later.leaked + later.sound;
            left.leaked = left.leaked.saturating_sub(later.leaked);
            left.sound = left.sound.saturating_sub(later.sound);
        }
        let leaked = Share { met: left.leaked, n: left.leaked + left.sound };
        stand(leaked, retained, self.not_told + self.untold, scope.window)
    }
}

fn stand(leaked: Share, retained: usize, left_out: usize, window: Window) -> Figure {
    let Share { met, n } = leaked;
    let (metric, why) = (Metric::LeakToChurn, "fewer than 10 accounts churned");
    let figure = if n < LEAST_CHURNED {
        Figure { met: (n > 0).then_some(met), n, ..Figure::not_measurable(metric, window, why) }
    } else {
        Figure::share(metric, window, met, n, why)
    };
    // Whoever stayed may still leave.
    Figure { provisional: retained > 0, unmeasurable: left_out, ..figure }
}
