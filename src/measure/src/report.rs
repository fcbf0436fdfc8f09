//! What a scorecard says: rates with their n, bands, and the records behind each.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answers::Receiver;
use crate::crossing::Scope;
use crate::cube::{Cell, Group};
use crate::frozen::Frozen;
use crate::hold::Shares;
pub use crate::metric::Band;
use crate::metric::{self, Figure, Metric, Slice};
use crate::period::Period;
use crate::scorecard::{MarkKind, Scorecard};
use crate::spread::{Spread, hundredths};
use crate::unit::Line;

/// How long an acceptance may still be taken back by a re-discovery, and a period that is over may still change.
pub const PROVISIONAL: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The numbers of an installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// The moment up to which they count.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    /// How they are cut.
    pub by: Period,
    /// One row per contract, motion and period, then one per contract and motion over all periods.
    pub rows: Vec<Row>,
    /// Published contracts that demand less than those before them, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weakened: Vec<Weakening>,
    /// How each receiver answers, over all periods; of those with enough answers.
    #[serde(default)]
    pub receivers: Vec<Receiver>,
    /// Every frozen month, every version, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frozen: Vec<Frozen>,
}

/// Which numbers of a frozen month are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shown {
    /// The newest frozen version.
    #[default]
    Newest,
    /// This version, where there is one.
    Version(u32),
    /// What the log amounts to now.
    Live,
}

/// How far a period is from changing no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It is not over.
    #[default]
    Running,
    /// It ended less than 30 days ago.
    Provisional,
    /// It ended 30 days ago or earlier.
    Final,
}

impl Standing {
    /// How a slice stands at a moment; all time never ends.
    pub fn of(slice: Slice, as_of: Timestamp) -> Self {
        match slice.end() {
            Some(end) if as_of.duration_since(end) >= PROVISIONAL => Self::Final,
            Some(end) if as_of >= end => Self::Provisional,
            Some(_) | None => Self::Running,
        }
    }
}

/// How much went through, to be read beside how well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Throughput {
    /// Cycles opened in the period.
    pub opened: usize,
    /// Cycles that moved on.
    pub transitions: usize,
    /// Cycles that the receiver first answered.
    pub decided: usize,
    /// Cycles accepted.
    pub accepted: usize,
    /// Cycles that ended without a decision.
    pub voided: usize,
}

/// A published contract that demands less than the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Weakening {
    /// The contract.
    pub contract: String,
    /// The version that demands less.
    pub version: u32,
    /// When it was published.
    #[schema(value_type = String, format = DateTime)]
    pub published: Timestamp,
    /// When it takes effect.
    #[schema(value_type = String, format = DateTime)]
    pub effective: Timestamp,
    /// What it demands less of, in words.
    pub weaker: Vec<String>,
}

/// The numbers of one contract, motion and period.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Row {
    /// The contract.
    pub contract: String,
    /// The motion.
    pub motion: String,
    /// The period, e.g. `2026-W07` or `2026-02`; absent = all periods.
    pub period: Option<String>,
    /// How far the period is from changing no more.
    #[serde(default)]
    pub standing: Standing,
    /// The frozen version that is shown; absent = what the log amounts to now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// The six metrics, in their order.
    #[serde(default)]
    pub figures: Vec<Figure>,
    /// How much went through.
    #[serde(default)]
    pub throughput: Throughput,
    /// Transitions with all mandatory fields filled before the transition, of all transitions. Target 90 %.
    pub completion: Rate,
    /// Cycles accepted on the first submission, of all cycles that the receiver decided. Target 85 %.
    pub acceptance: Rate,
    /// Transitions whose completeness cannot be told, because the CRM keeps no history of a mandatory field that goes so far back. They are in no
    /// rate.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub untold: usize,
    /// Cycles that were worked out afterwards from what the CRM tells of its past, of those behind the rates.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reconstructed: usize,
    /// Whether any of those acceptances is younger than 30 days and may still be taken back.
    pub provisional: bool,
    /// From the accepted round's completion to the acceptance. Target: median under 48 hours.
    pub time_to_acceptance: Option<Spread>,
    /// From the first round's completion to the acceptance, rejections included.
    pub total_elapsed: Option<Spread>,
    /// Whether the median is under 48 hours.
    pub time_band: Band,
    /// Acceptances whose times are contradictory or not believable; they are not in the medians.
    pub unmeasurable: usize,
    /// Who held the cycles that were accepted.
    #[serde(default)]
    pub held: Held,
    /// What else was counted.
    pub counts: Counts,
}

impl Row {
    /// One of the six.
    pub fn figure(&self, metric: Metric) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.metric == metric)
    }
}

/// Who held the cycles that were accepted: sums of their shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Held {
    /// How many cycles.
    pub n: usize,
    /// The shares of all of them together.
    pub shares: Shares,
}

/// A rate with its n.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Rate {
    /// How many met it.
    pub met: usize,
    /// Of how many.
    pub n: usize,
    /// `met` of `n` in percent, rounded to hundredths; absent = n is 0.
    #[schema(value_type = Option<String>, example = "92.31")]
    pub percent: Option<Decimal>,
    /// How it is judged.
    pub band: Band,
}

/// What is counted beside the rates.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Counts {
    /// Cycles accepted.
    pub accepted: usize,
    /// Rejections.
    pub rejections: usize,
    /// Guarded stages entered while the gate was shut.
    pub bypasses: usize,
    /// By-passes of handoffs that had not been accepted at any time before.
    pub bypasses_before_any_acceptance: usize,
    /// By-passes of handoffs that have not been accepted to this day.
    pub bypasses_never_accepted: usize,
    /// Guarded stages entered while handoffd was down that the contract gave time to be accepted.
    #[serde(default)]
    pub graces: usize,
    /// Flags set by somebody else.
    pub tampers: usize,
    /// Pay that had been released and was held again.
    pub adjustments: usize,
    /// Accepted handoffs that began again.
    pub reopened: usize,
    /// Handoffs that ended without a decision.
    pub voided: usize,
    /// Times at which the receiver's time was up.
    pub overdue: usize,
    /// Gates opened by break-glass: two people, a reason, a time; never an acceptance.
    #[serde(default)]
    pub overrides: usize,
    /// Exceptions whose day passed while their field was still missing.
    #[serde(default)]
    pub exceptions_lapsed: usize,
    /// Answers that did not count, by reason.
    pub refused: BTreeMap<String, usize>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
pub(crate) fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// What the log amounts to now, with frozen months in the place of what it amounts to where that is asked for.
pub(crate) fn build(scorecard: &Scorecard, by: Period, as_of: Timestamp, shown: Shown) -> Report {
    let mut rows = Vec::new();
    for line in scorecard.lines() {
        for (slice, _) in scorecard.cube.slices(line, Group::All) {
            let wanted = match (by, slice) {
                (Period::Week, Slice::Week(_)) | (Period::Month, Slice::Month(_)) | (_, Slice::All) => true,
                (Period::Week, Slice::Month(_)) | (Period::Month, Slice::Week(_)) => false,
            };
            rows.extend(wanted.then(|| row(scorecard, line, slice, as_of)).flatten());
        }
    }
    if by == Period::Month {
        scorecard.frozen.show(&mut rows, shown);
    }
    Report {
        as_of,
        by,
        rows,
        weakened: scorecard.weakened.clone(),
        receivers: scorecard.answers.receivers(scorecard.minimum.0),
        frozen: scorecard.frozen.versions().cloned().collect(),
    }
}

/// One line's row of one slice; `None` = nothing happened in it.
pub(crate) fn row(scorecard: &Scorecard, line: usize, slice: Slice, as_of: Timestamp) -> Option<Row> {
    let key = crate::cube::Key { line, group: Group::All, slice };
    let cell = scorecard.cube.get(key)?;
    let Line { contract, motion } = scorecard.line(line)?;
    let window = slice.window(as_of);
    let first = three(cell, slice, as_of);
    let asked = if scorecard.heard(window.until) {
        let line = Some((contract.as_str(), motion.as_str()));
        metric::re_discovery(window, &scorecard.reasks.incidence(line, slice, as_of))
    } else {
        Figure::not_measurable(Metric::ReDiscovery, window, metric::NOBODY_LISTENS)
    };
    let asked = Figure { reconstructed: cell.past.accepted, ..asked };
    let (firsts, known) = scorecard.firsts();
    let others = firsts.figures(contract.as_str(), (line, slice), Scope { window, as_of }, known);
    let others = others.map(|figure| Figure { reconstructed: cell.past.transitions, ..figure });
    let time_to_acceptance = spread(&cell.waited);
    let mut row = Row {
        contract: contract.0.clone(),
        motion: motion.0.clone(),
        period: slice.name(),
        standing: Standing::of(slice, as_of),
        version: None,
        throughput: throughput(cell),
        completion: Rate::of(cell.complete, cell.transitions),
        acceptance: Rate::of(cell.first_pass, cell.decided),
        untold: cell.untold,
        reconstructed: cell.past.cycles,
        provisional: is_provisional(cell, as_of),
        time_to_acceptance,
        total_elapsed: spread(&cell.total),
        time_band: Band::NotMeasurable,
        unmeasurable: cell.unmeasurable,
        held: cell.held,
        counts: cell.counts.clone(),
        figures: first.into_iter().chain([asked]).chain(others).collect(),
    };
    let band = |metric| row.figure(metric).map_or(Band::NotMeasurable, |figure| figure.band);
    let (completion, acceptance, time) =
        (band(Metric::Completion), band(Metric::Acceptance), band(Metric::TimeToAcceptance));
    (row.completion.band, row.acceptance.band, row.time_band) = (completion, acceptance, time);
    Some(row)
}

/// The three live numbers of a cell: whatever shows them shows these.
pub(crate) fn three(cell: &Cell, slice: Slice, as_of: Timestamp) -> [Figure; 3] {
    let window = slice.window(as_of);
    let rank = |rank: usize| cell.waited.at(rank.checked_sub(1)?);
    let completion = metric::completion(window, cell.complete, cell.transitions);
    let acceptance = metric::acceptance(window, cell.first_pass, cell.decided, is_provisional(cell, as_of));
    let time = metric::time_to_acceptance(window, spread(&cell.waited), rank, cell.unmeasurable);
    [
        Figure { unmeasurable: cell.untold, reconstructed: cell.past.transitions, ..completion },
        Figure { reconstructed: cell.past.decided, ..acceptance },
        Figure { reconstructed: cell.past.accepted, ..time },
    ]
}

pub(crate) fn throughput(cell: &Cell) -> Throughput {
    Throughput {
        opened: cell.opened,
        transitions: cell.transitions + cell.untold,
        decided: cell.decided,
        accepted: cell.counts.accepted,
        voided: cell.counts.voided,
    }
}

fn is_provisional(cell: &Cell, as_of: Timestamp) -> bool {
    cell.newest.is_some_and(|newest| as_of.duration_since(newest) < PROVISIONAL)
}

fn spread(ranks: &crate::ranks::Ranks) -> Option<Spread> {
    Spread::ranked(ranks.len(), |rank| ranks.at(rank))
}

pub(crate) fn count(counts: &mut Counts, kind: MarkKind, never_accepted: bool) {
    match kind {
        MarkKind::Bypass { ever_accepted } => {
            counts.bypasses += 1;
            counts.bypasses_before_any_acceptance += usize::from(!ever_accepted);
            counts.bypasses_never_accepted += usize::from(never_accepted);
        }
        MarkKind::Grace => counts.graces += 1,
        MarkKind::Tamper => counts.tampers += 1,
        MarkKind::Adjustment => counts.adjustments += 1,
        MarkKind::Refused(why) => *counts.refused.entry(why.to_owned()).or_default() += 1,
        MarkKind::Overdue => counts.overdue += 1,
        MarkKind::Reopened => counts.reopened += 1,
        MarkKind::Voided => counts.voided += 1,
        MarkKind::Overridden => counts.overrides += 1,
        MarkKind::ExceptionLapsed => counts.exceptions_lapsed += 1,
    }
}

impl Rate {
    /// A rate that is not held against a target.
    pub(crate) fn of(met: usize, n: usize) -> Self {
        Self { met, n, percent: metric::percent(met, n).map(hundredths), band: Band::NotMeasurable }
    }
}
