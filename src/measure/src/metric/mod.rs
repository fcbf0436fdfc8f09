//! One shape for all six metrics, and the axes that they are cut by: contract × motion × slice of the calendar.
//!
//! What people read is exact: counts are integers, percentages and hours are decimals rounded once to hundredths, half away from zero. Bands
//! are judged on the exact counts, never on a rounded figure. Floating point is used inside intervals alone, with `+ - * / sqrt` only, so
//! that every machine gives the same digits; the ends are then rounded once to hundredths.

mod acceptance;
pub mod churn;
mod completion;
mod fill;
mod interval;
pub mod nps;
mod slice;
mod time;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use acceptance::acceptance;
pub use completion::completion;
pub use fill::fill;
pub(crate) use interval::Z;
pub use interval::{median_ranks, wilson};
pub use slice::Slice;
pub use time::time_to_acceptance;

use crate::spread::hundredths;

/// The six metrics, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Transitions with all mandatory fields filled before them, of all transitions.
    Completion,
    /// Cycles accepted on the first submission without a confirmed re-discovery within 30 days, of all decided ones.
    Acceptance,
    /// Median hours from the accepted round's completion to the acceptance.
    TimeToAcceptance,
    /// Accounts with a confirmed re-asked question, of all accounts with an accepted handoff.
    ReDiscovery,
    /// Mean over accounts of NPS in the 14 days after less NPS in the 14 days before.
    NpsDelta,
    /// Churned accounts whose handoff scored under 70 %, of all churned accounts with a handoff.
    LeakToChurn,
}

impl Metric {
    /// All six, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::Completion,
        Self::Acceptance,
        Self::TimeToAcceptance,
        Self::ReDiscovery,
        Self::NpsDelta,
        Self::LeakToChurn,
    ];

    /// The name that people read.
    pub fn title(self) -> &'static str {
        match self {
            Self::Completion => "completion",
            Self::Acceptance => "receiver acceptance",
            Self::TimeToAcceptance => "time to acceptance",
            Self::ReDiscovery => "re-discovery",
            Self::NpsDelta => "NPS delta",
            Self::LeakToChurn => "leak to churn",
        }
    }

    /// What its value is counted in.
    pub fn unit(self) -> Unit {
        match self {
            Self::Completion | Self::Acceptance | Self::ReDiscovery | Self::LeakToChurn => Unit::Percent,
            Self::TimeToAcceptance => Unit::Hours,
            Self::NpsDelta => Unit::Points,
        }
    }

    /// What it is held against; `None` = it is shown without one.
    pub fn target(self) -> Option<Target> {
        match self {
            Self::Completion => Some(Target::AtLeast(90)),
            Self::Acceptance => Some(Target::AtLeast(85)),
            Self::TimeToAcceptance => Some(Target::Under(48)),
            Self::ReDiscovery => Some(Target::Under(10)),
            Self::NpsDelta => Some(Target::AtLeast(0)),
            Self::LeakToChurn => None,
        }
    }
}

/// What a value is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Of a hundred.
    Percent,
    /// Hours of the clock.
    Hours,
    /// Points of the net promoter score's scale.
    Points,
}

/// What a figure is held against, in its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// This or more.
    AtLeast(i64),
    /// Less than this.
    Under(i64),
}

impl Target {
    /// Whether an exact value meets it.
    pub fn is_met_by(self, value: Decimal) -> bool {
        match self {
            Self::AtLeast(least) => value >= Decimal::from(least),
            Self::Under(limit) => value < Decimal::from(limit),
        }
    }

    /// In words, e.g. `at least 90`.
    pub fn words(self) -> String {
        match self {
            Self::AtLeast(least) => format!("at least {least}"),
            Self::Under(limit) => format!("under {limit}"),
        }
    }
}

/// How a number is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// There is nothing to judge.
    #[default]
    NotMeasurable,
    /// At or over the target (for times and incidences: under it).
    OnTarget,
    /// Short of the target.
    Below,
    /// Completion under 70 %: the template is aspirational.
    Aspirational,
}

/// A 95 % interval of a figure, in its unit, both ends rounded to hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Interval {
    /// The lower end.
    #[schema(value_type = String, example = "66.69")]
    pub low: Decimal,
    /// The upper end.
    #[schema(value_type = String, example = "98.63")]
    pub high: Decimal,
    /// How it is made.
    pub method: Method,
}

/// How an interval is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Wilson's score interval of a share.
    Wilson,
    /// Order statistics of a median.
    OrderStatistics,
    /// Student's t for a mean.
    StudentT,
    /// Wilson's ends corrected for how often the detector errs.
    RoganGladen,
    /// Log interval of a ratio of shares.
    KatzLog,
}

/// The moments that a figure is made of; the end is excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Window {
    /// From this moment; absent = from the log's beginning.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<Timestamp>,
    /// Before this moment.
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
}

/// One metric of one cell, with everything that it must never be shown without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Figure {
    /// Which metric.
    pub metric: Metric,
    /// What `value`, `interval` and `target` are counted in.
    pub unit: Unit,
    /// The value, rounded to hundredths; absent = not measurable, and `why` says why.
    #[schema(value_type = Option<String>, example = "92.31")]
    pub value: Option<Decimal>,
    /// Of a share: how many met it.
    pub met: Option<usize>,
    /// How many it is made of.
    pub n: usize,
    /// The 95 % interval; absent = too few for one.
    pub interval: Option<Interval>,
    /// Which moments.
    pub window: Window,
    /// What it is held against.
    pub target: Option<Target>,
    /// How it is judged.
    pub band: Band,
    /// Whether what has happened already may still change it.
    pub provisional: bool,
    /// What was left out because its times contradict each other or cannot be believed.
    pub unmeasurable: usize,
    /// Why there is no value.
    pub why: Option<String>,
}

impl Figure {
    /// One without a value.
    pub fn not_measurable(metric: Metric, window: Window, why: &str) -> Self {
        Self {
            metric,
            unit: metric.unit(),
            value: None,
            met: None,
            n: 0,
            interval: None,
            window,
            target: metric.target(),
            band: Band::NotMeasurable,
            provisional: false,
            unmeasurable: 0,
            why: Some(why.to_owned()),
        }
    }

    /// A share of `met` in `n` in percent, with Wilson's interval, judged on the exact counts. `n` = 0 is not measurable, and `why` is said.
    pub fn share(metric: Metric, window: Window, met: usize, n: usize, why: &str) -> Self {
        let Some(exact) = percent(met, n) else { return Self::not_measurable(metric, window, why) };
        Self {
            value: Some(hundredths(exact)),
            met: Some(met),
            n,
            interval: wilson(met, n),
            band: metric.target().map_or(Band::NotMeasurable, |target| judge(target, met, n)),
            why: None,
            ..Self::not_measurable(metric, window, why)
        }
    }

    /// The value as people read it, e.g. `92.31 %`, `24.63 h`; `-` = not measurable.
    pub fn words(&self) -> String {
        let Some(value) = self.value else { return "-".to_owned() };
        match self.unit {
            Unit::Percent => format!("{value} %"),
            Unit::Hours => format!("{value} h"),
            Unit::Points => format!("{value:+}"),
        }
    }
}

/// `met` of `n` in percent, not rounded to hundredths; `None` = `n` is 0.
pub(crate) fn percent(met: usize, n: usize) -> Option<Decimal> {
    (n > 0).then(|| Decimal::from(met) * Decimal::ONE_HUNDRED / Decimal::from(n))
}

/// Exact: 89.999 % is under 90 % even though it prints as 90.00.
fn judge(target: Target, met: usize, n: usize) -> Band {
    let (met, n) = (Decimal::from(met) * Decimal::ONE_HUNDRED, Decimal::from(n));
    let good = match target {
        Target::AtLeast(least) => met >= n * Decimal::from(least),
        Target::Under(limit) => met < n * Decimal::from(limit),
    };
    if good { Band::OnTarget } else { Band::Below }
}

#[cfg(test)]
mod tests;
