//! Metric 5: how satisfaction changes around a handoff.
//!
//! Per account: its NPS in the 14 days from the transition on, minus its NPS in the 14 days before. Several answers of an account are one
//! account: its NPS is the mean of its answers' points (a promoter, 9 or 10, is 100; a detractor, 6 or less, is −100; others are 0). The
//! figure is the mean of the accounts' differences; an account without answers on both sides is not measurable and not in it.

mod tally;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub(crate) use self::tally::Tally;
use super::{Band, Figure, Interval, Method, Metric, Window};
use crate::account::{Accounts, Voices};
use crate::compare::{Range, rounded};
use crate::crossing::{Crossing, Scope};

/// How long after a transition answers still count.
const OPEN: SignedDuration = SignedDuration::from_hours(14 * 24);

/// How satisfaction changes around a handoff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NpsDelta {
    /// Accounts with answers on both sides.
    pub n: usize,
    /// Mean difference in NPS points (−200 to 200), rounded to hundredths; absent = not measurable.
    #[schema(value_type = Option<String>)]
    pub points: Option<Decimal>,
    /// 95 % interval of the mean difference (Student's t over accounts); absent under 5 accounts.
    pub interval: Option<Range>,
    /// Mean NPS before, over the same accounts.
    #[schema(value_type = Option<String>)]
    pub before: Option<Decimal>,
    /// Mean NPS after, over the same accounts.
    #[schema(value_type = Option<String>)]
    pub after: Option<Decimal>,
    /// Mean difference in scores from 0 to 10, over the same accounts.
    #[schema(value_type = Option<String>)]
    pub scores: Option<Decimal>,
    /// Accounts that cannot be measured, by what is missing.
    pub missing: Missing,
    /// Whether answers may still come: a transition is younger than 14 days.
    pub provisional: bool,
    /// Target: 0 or more.
    pub band: Band,
    /// The accounts behind it.
    pub records: Vec<Measured>,
}

/// Accounts that cannot be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Missing {
    /// Answers after, none before.
    pub before: usize,
    /// Answers before, none after.
    pub after: usize,
    /// No answers at all.
    pub both: usize,
}

/// One account that was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Measured {
    /// `connection/record`.
    pub account: String,
    /// The handoff's stream.
    pub stream: String,
    /// Answers before.
    pub answers_before: u32,
    /// Answers after.
    pub answers_after: u32,
    /// The difference in NPS points, rounded to hundredths.
    #[schema(value_type = String)]
    pub points: Decimal,
}

impl NpsDelta {
    /// Metric 5 as it stands on the scorecard.
    pub fn figure(&self, window: Window) -> Figure {
        let why = "no account has answers on both sides of its handoff";
        let ends = self.interval.and_then(|Range { low, high }| Some((low, high?)));
        let missing = self.missing;
        Figure {
            value: self.points,
            n: self.n,
            interval: ends.map(|(low, high)| Interval { low, high, method: Method::StudentT }),
            band: self.band,
            provisional: self.provisional,
            unmeasurable: missing.before + missing.after + missing.both,
            why: self.points.is_none().then(|| why.to_owned()),
            ..Figure::not_measurable(Metric::NpsDelta, window, why)
        }
    }
}

/// Whether the metric means anything for a contract: before handoff 03 nobody is a customer who could be asked.
pub fn applies(contract: &str) -> bool {
    !contract.starts_with("h01") && !contract.starts_with("h02")
}

/// Metric 5 of what a contract's transitions add up to, the newest of them at this moment, as it stands on the scorecard.
pub(crate) fn figure(contract: &str, tally: &Tally, newest: Option<Timestamp>, scope: Scope) -> Figure {
    let provisional = newest.is_some_and(|at| is_open(at, scope.as_of));
    told(contract, &tally.delta(provisional, Vec::new()), scope.window)
}

/// Metric 5 of a contract, as it stands on the scorecard.
pub(crate) fn told(contract: &str, delta: &NpsDelta, window: Window) -> Figure {
    if applies(contract) {
        delta.figure(window)
    } else {
        Figure::not_measurable(Metric::NpsDelta, window, "before this handoff nobody is a customer")
    }
}

/// Around these transitions, one per account.
pub fn around<'a>(
    crossings: impl IntoIterator<Item = &'a Crossing>,
    accounts: &Accounts,
    as_of: Timestamp,
) -> NpsDelta {
    let (mut tally, mut provisional, mut records) = (Tally::default(), false, Vec::new());
    for crossing in crossings {
        provisional |= is_open(crossing.at, as_of);
        let (early, late) = accounts.voices(&crossing.account, crossing.at);
        tally.count((early, late), true);
        if early.n > 0 && late.n > 0 {
            records.push(Measured {
                account: crossing.account.to_string(),
                stream: crossing.stream.clone(),
                answers_before: early.n,
                answers_after: late.n,
                points: rounded(difference(early, late), 2),
            });
        }
    }
    tally.delta(provisional, records)
}

fn is_open(at: Timestamp, as_of: Timestamp) -> bool {
    as_of.duration_since(at) < OPEN
}

fn difference(early: Voices, late: Voices) -> Decimal {
    let mean = |voices: Voices| Decimal::from(voices.points) / Decimal::from(voices.n);
    mean(late) - mean(early)
}
