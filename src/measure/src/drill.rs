//! From a figure to the cycles that it is made of.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::metric::{Metric, Slice};
use crate::scorecard::Scorecard;
use crate::unit::{Passage, Unit};

/// Which figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its contract.
    pub contract: String,
    /// Its motion; `None` = all.
    pub motion: Option<String>,
    /// Its period.
    pub slice: Slice,
    /// Which metric; `None` = whatever cycle is behind any of the first three.
    pub metric: Option<Metric>,
    /// Only what is after this record: its stream and cycle.
    pub after: Option<(String, u32)>,
    /// At most this many.
    pub limit: usize,
}

/// The cycles behind a figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Drill {
    /// How many there are in all.
    pub n: usize,
    /// A page of them, by stream and cycle.
    pub records: Vec<Record>,
}

/// One cycle behind the rates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Record {
    /// `contract/motion/connection/object/record`.
    pub stream: String,
    /// The cycle, from 1.
    pub cycle: u32,
    /// Filled and mandatory fields at its transition, if that is in this period.
    pub score: Option<Score>,
    /// Whether it moved on without an acceptance.
    pub bypassed: bool,
    /// Whether the receiver's first answer was an acceptance that stood, if that is in this period.
    pub first_pass: Option<bool>,
    /// Whether the customer was asked again, within 30 days of the acceptance, what it had told.
    pub rediscovered: bool,
    /// Rejections in the cycle.
    pub rejections: u32,
    /// Whether it was accepted in this period.
    pub accepted: bool,
    /// Milliseconds from the accepted round's completion to the acceptance, if that is in this period and can be told.
    pub waited_ms: Option<i64>,
    /// Log positions of its first and its newest entry: what `handoffd audit` proves.
    pub positions: (u64, u64),
}

/// A completeness score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Score {
    /// Filled fields.
    pub filled: usize,
    /// Mandatory fields.
    pub required: usize,
}

impl Scorecard {
    /// The cycles that a figure is made of. Every unit is looked at once.
    pub fn drill(&self, question: &Question) -> Drill {
        let mut found: Vec<&Unit> = self.units().iter().filter(|unit| is_behind(unit, question)).collect();
        found.sort_unstable_by(|a, b| (&a.stream, a.cycle).cmp(&(&b.stream, b.cycle)));
        let n = found.len();
        let after = |unit: &&&Unit| {
            question
                .after
                .as_ref()
                .is_none_or(|(stream, cycle)| (&*unit.stream, unit.cycle) > (stream.as_str(), *cycle))
        };
        let page = found.iter().filter(after).take(question.limit);
        Drill { n, records: page.map(|unit| record(unit, question.slice)).collect() }
    }
}

fn is_behind(unit: &Unit, question: &Question) -> bool {
    let line = &*unit.line;
    if line.contract.0 != question.contract
        || question.motion.as_ref().is_some_and(|motion| line.motion.0 != *motion)
    {
        return false;
    }
    let within = |at: Option<Timestamp>| at.is_some_and(|at| question.slice.holds(at));
    let transition = || within(unit.transition.map(|each| each.at));
    let decision = || within(unit.decision.map(|each| each.at));
    let acceptance = || within(unit.acceptance.map(|each| each.at));
    match question.metric {
        Some(Metric::Completion) => transition(),
        Some(Metric::Acceptance) => decision(),
        Some(Metric::TimeToAcceptance | Metric::ReDiscovery) => acceptance(),
        Some(Metric::NpsDelta | Metric::LeakToChurn) => false,
        None => transition() || decision() || acceptance(),
    }
}

fn record(unit: &Unit, slice: Slice) -> Record {
    let transition = unit.transition.filter(|each| slice.holds(each.at));
    let decision = unit.decision.filter(|each| slice.holds(each.at));
    let acceptance = unit.acceptance.filter(|each| slice.holds(each.at));
    Record {
        stream: unit.stream.to_string(),
        cycle: unit.cycle,
        score: transition.map(|each| Score { filled: each.filled, required: each.required }),
        bypassed: transition.is_some_and(|each| each.passage == Passage::Bypassed),
        first_pass: decision.map(|_| unit.is_first_pass()),
        rediscovered: unit.rediscovered,
        rejections: unit.rejections,
        accepted: acceptance.is_some(),
        waited_ms: acceptance.and_then(|each| each.waited),
        positions: unit.positions,
    }
}
