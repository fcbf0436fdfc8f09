//! From a figure to the cycles that it is made of.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::cube::Cell;
use crate::metric::{Metric, Slice};
use crate::period::Period;
use crate::report::is_zero;
use crate::scorecard::Scorecard;
use crate::unit::{Line, Passage, Unit};

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
    /// Mandatory fields whose values at the transition the CRM does not tell; the score is a guess at them, and in no rate.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub untold: usize,
    /// Whether any of it was worked out afterwards from what the CRM tells of its past.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reconstructed: bool,
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

/// Which cycles have anything in a month of a line; one may stand there more than once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Months(BTreeMap<(usize, Slice), Vec<u32>>);

impl Months {
    /// Notes a moment of a cycle.
    pub(crate) fn note(&mut self, line: usize, at: Timestamp, unit: usize) {
        let Ok(unit) = u32::try_from(unit) else { return };
        let cycles = self.0.entry((line, Slice::of(Period::Month, at))).or_default();
        if cycles.last() != Some(&unit) {
            cycles.push(unit);
        }
    }

    /// The cycles of a week's or month's months.
    fn of(&self, line: usize, slice: Slice) -> impl Iterator<Item = usize> {
        let window = slice.window(Timestamp::MAX);
        let last = window.until.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(window.until);
        let month = |at| Slice::of(Period::Month, at);
        let months = month(window.from.unwrap_or(Timestamp::MIN))..=month(last);
        let cycles = self.0.range((line, *months.start())..=(line, *months.end()));
        cycles.flat_map(|(_, cycles)| cycles).filter_map(|unit| usize::try_from(*unit).ok())
    }
}

impl Scorecard {
    /// The cycles that a figure is made of.
    pub fn drill(&self, question: &Question) -> Drill {
        match question.slice {
            Slice::All => self.drill_all(question),
            Slice::Week(_) | Slice::Month(_) => self.drill_months(question),
        }
    }

    /// Of a period: only the cycles of its months are looked at.
    fn drill_months(&self, question: &Question) -> Drill {
        let lines = self.lines_of(question);
        let cycles = lines.into_iter().flat_map(|line| self.months.of(line, question.slice));
        let cycles: BTreeSet<usize> = cycles.collect();
        let units = cycles.into_iter().filter_map(|unit| self.units().get(unit));
        let mut found: Vec<&Unit> = units.filter(|unit| is_behind(unit, question)).collect();
        found.sort_unstable_by(|a, b| (&a.stream, a.cycle).cmp(&(&b.stream, b.cycle)));
        let page = found.iter().filter(|unit| is_after(unit, question)).take(question.limit);
        Drill { n: found.len(), records: page.map(|unit| record(unit, question.slice)).collect() }
    }

    /// Of all time: streams are in order, and how many there are stands in the cells.
    fn drill_all(&self, question: &Question) -> Drill {
        let lines = self.lines_of(question);
        let count = |of: fn(&Cell) -> usize| {
            lines.iter().filter_map(|line| self.cell(*line, Slice::All)).map(of).sum()
        };
        let n = match question.metric {
            Some(Metric::Completion) => count(|cell| cell.transitions),
            Some(Metric::Acceptance) => count(|cell| cell.decided),
            Some(Metric::TimeToAcceptance | Metric::ReDiscovery) => count(|cell| cell.counts.accepted),
            Some(Metric::NpsDelta | Metric::LeakToChurn) => 0,
            None => self.units().iter().filter(|unit| is_behind(unit, question)).count(),
        };
        let prefix = format!("{}/", question.contract);
        let first = question.after.as_ref().map_or(prefix.as_str(), |(stream, _)| stream.as_str());
        let streams = self.streams_from(first.max(prefix.as_str()));
        let own = streams.take_while(|stream| stream.starts_with(&prefix));
        let units = own.flat_map(|stream| self.units_of(stream));
        let page = units.filter(|unit| is_behind(unit, question) && is_after(unit, question));
        let records = page.take(question.limit.min(n)).map(|unit| record(unit, question.slice)).collect();
        Drill { n, records }
    }

    fn lines_of(&self, question: &Question) -> Vec<usize> {
        let is_meant = |line: &Line| {
            let motion = question.motion.as_ref();
            line.contract.0 == question.contract && motion.is_none_or(|motion| line.motion.0 == *motion)
        };
        self.lines().filter(|line| self.line(*line).is_some_and(is_meant)).collect()
    }
}

fn is_after(unit: &Unit, question: &Question) -> bool {
    let after = question.after.as_ref();
    after.is_none_or(|(stream, cycle)| (&*unit.stream, unit.cycle) > (stream.as_str(), *cycle))
}

pub(crate) fn is_behind(unit: &Unit, question: &Question) -> bool {
    let line = &*unit.line;
    if line.contract.0 != question.contract
        || question.motion.as_ref().is_some_and(|motion| line.motion.0 != *motion)
    {
        return false;
    }
    let within = |at: Option<Timestamp>| at.is_some_and(|at| question.slice.holds(at));
    let transition = || within(unit.transition.map(|each| each.at));
    let told = || unit.transition.is_some_and(|each| each.is_told());
    let decision = || within(unit.decision.map(|each| each.at));
    let acceptance = || within(unit.acceptance.map(|each| each.at));
    match question.metric {
        Some(Metric::Completion) => transition() && told(),
        Some(Metric::Acceptance) => decision(),
        Some(Metric::TimeToAcceptance | Metric::ReDiscovery) => acceptance(),
        Some(Metric::NpsDelta | Metric::LeakToChurn) => false,
        None => transition() || decision() || acceptance(),
    }
}

pub(crate) fn record(unit: &Unit, slice: Slice) -> Record {
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
        untold: transition.map_or(0, |each| each.untold),
        reconstructed: unit.reconstructed,
        positions: unit.positions,
    }
}
