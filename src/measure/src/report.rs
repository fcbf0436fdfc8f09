//! What a scorecard says: rates with their n, bands, and the records behind each.

use std::collections::BTreeMap;

use handoff_core::id::HandoffId;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::answers::Receiver;
use crate::hold::{Holds, Shares};
use crate::period::Period;
use crate::scorecard::{MarkKind, Scorecard};
use crate::spread::{Spread, hundredths};
use crate::unit::{Passage, Unit};

/// How long an acceptance may still be taken back by a re-discovery.
const PROVISIONAL: SignedDuration = SignedDuration::from_hours(30 * 24);

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
    /// How each receiver answers, over all periods.
    #[serde(default)]
    pub receivers: Vec<Receiver>,
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
    /// Transitions with all mandatory fields filled before the transition, of all transitions. Target 90 %.
    pub completion: Rate,
    /// Cycles accepted on the first submission, of all cycles that the receiver decided. Target 85 %.
    pub acceptance: Rate,
    /// Transitions whose completeness cannot be told, because the CRM keeps no history of a mandatory field that goes so far back. They are in no
    /// rate.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub untold: usize,
    /// Cycles that were worked out afterwards from what the CRM tells of its past, of those in `records`.
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
    /// The cycles behind the rates.
    pub records: Vec<Record>,
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

/// How a number is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Band {
    /// There is nothing to judge.
    #[default]
    NotMeasurable,
    /// At or over the target (for times: under it).
    OnTarget,
    /// Short of the target.
    Below,
    /// Completion under 70 %: the template is aspirational.
    Aspirational,
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
    /// Whether the receiver's first answer was an acceptance, if that is in this period.
    pub first_pass: Option<bool>,
    /// Rejections in the cycle.
    pub rejections: u32,
    /// Milliseconds from the accepted round's completion to the acceptance, if that is in this period.
    pub waited_ms: Option<i64>,
    /// Mandatory fields whose values at the transition the CRM does not tell; the score is a guess at them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub untold: usize,
    /// Whether any of it was worked out afterwards from what the CRM tells of its past.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reconstructed: bool,
}

/// A completeness score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Score {
    /// Filled fields.
    pub filled: usize,
    /// Mandatory fields.
    pub required: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Contract, motion, and period; all periods sort last.
type Key = (String, String, bool, String);

#[derive(Default)]
struct Cell {
    row: Row,
    waited: Vec<i64>,
    total: Vec<i64>,
    records: BTreeMap<(String, u32), Record>,
}

struct Builder {
    by: Period,
    as_of: Timestamp,
    cells: BTreeMap<Key, Cell>,
}

pub(crate) fn build(scorecard: &Scorecard, by: Period, as_of: Timestamp) -> Report {
    let mut builder = Builder { by, as_of, cells: BTreeMap::new() };
    for unit in &scorecard.units {
        builder.unit(unit, &scorecard.holds);
    }
    for mark in &scorecard.marks {
        let never = !scorecard.was_accepted(&mark.handoff.stream());
        builder.each(&mark.handoff, mark.at, |cell| count(&mut cell.row.counts, mark.kind, never));
    }
    let rows = builder.cells.into_iter().map(|(key, cell)| cell.finish(key)).collect();
    let (weakened, receivers) = (scorecard.weakened.clone(), scorecard.answers.receivers());
    Report { as_of, by, rows, weakened, receivers }
}

fn count(counts: &mut Counts, kind: MarkKind, never_accepted: bool) {
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

impl Builder {
    /// Changes the cell of the period that holds `at`, and the cell of all periods.
    fn each(&mut self, whose: &HandoffId, at: Timestamp, change: impl Fn(&mut Cell)) {
        let key = |all: bool, period| (whose.contract.0.clone(), whose.motion.0.clone(), all, period);
        for key in [key(false, self.by.of(at)), key(true, String::new())] {
            change(self.cells.entry(key).or_default());
        }
    }

    fn unit(&mut self, unit: &Unit, holds: &Holds) {
        let as_of = self.as_of;
        if let Some(transition) = unit.transition {
            self.each(&unit.handoff, transition.at, |cell| {
                let told = transition.is_told();
                cell.row.untold += usize::from(!told);
                cell.row.completion.n += usize::from(told);
                cell.row.completion.met += usize::from(told && transition.is_complete());
                let record = cell.record(unit);
                record.untold = transition.untold;
                record.score = Some(Score { filled: transition.filled, required: transition.required });
                record.bypassed = transition.passage == Passage::Bypassed;
            });
        }
        if let Some(decision) = unit.decision {
            let young = as_of.duration_since(decision.at) < PROVISIONAL;
            self.each(&unit.handoff, decision.at, |cell| {
                cell.row.acceptance.n += 1;
                cell.row.acceptance.met += usize::from(decision.accepted);
                cell.row.provisional |= decision.accepted && young;
                cell.row.counts.rejections += usize::try_from(unit.rejections).unwrap_or(usize::MAX);
                cell.record(unit).first_pass = Some(decision.accepted);
            });
        }
        if let Some(acceptance) = unit.acceptance {
            let hold = holds.ended(&unit.handoff.stream(), unit.handoff.cycle);
            self.each(&unit.handoff, acceptance.at, |cell| {
                cell.row.counts.accepted += 1;
                cell.row.unmeasurable += usize::from(acceptance.waited.is_none());
                cell.waited.extend(acceptance.waited);
                cell.total.extend(acceptance.total);
                cell.record(unit).waited_ms = acceptance.waited;
                if let Some(hold) = hold {
                    cell.row.held.add(hold.shares);
                }
            });
        }
    }
}

impl Cell {
    fn record(&mut self, unit: &Unit) -> &mut Record {
        let stream = unit.handoff.stream();
        self.records.entry((stream.clone(), unit.handoff.cycle)).or_insert(Record {
            stream,
            cycle: unit.handoff.cycle,
            score: None,
            bypassed: false,
            first_pass: None,
            rejections: unit.rejections,
            waited_ms: None,
            untold: 0,
            reconstructed: unit.reconstructed,
        })
    }

    fn finish(self, (contract, motion, all, period): Key) -> Row {
        let time_to_acceptance = Spread::of(self.waited);
        let mut row = Row {
            contract,
            motion,
            period: (!all).then_some(period),
            time_band: time_band(time_to_acceptance),
            time_to_acceptance,
            total_elapsed: Spread::of(self.total),
            reconstructed: self.records.values().filter(|record| record.reconstructed).count(),
            records: self.records.into_values().collect(),
            ..self.row
        };
        row.completion.judge(90);
        if row.completion.band == Band::Below && row.completion.is_under(70) {
            row.completion.band = Band::Aspirational;
        }
        row.acceptance.judge(85);
        row
    }
}

fn time_band(spread: Option<Spread>) -> Band {
    match spread {
        None => Band::NotMeasurable,
        Some(spread) if spread.median_seconds < Decimal::from(48 * 3_600) => Band::OnTarget,
        Some(_) => Band::Below,
    }
}

impl Held {
    fn add(&mut self, shares: Shares) {
        let sum = &mut self.shares;
        self.n += 1;
        sum.total_ms += shares.total_ms;
        sum.sender_ms += shares.sender_ms;
        sum.receiver_ms += shares.receiver_ms;
        sum.customer_ms += shares.customer_ms;
        sum.system_ms += shares.system_ms;
    }
}

impl Rate {
    /// A rate that is not held against a target.
    pub(crate) fn of(met: usize, n: usize) -> Self {
        let percent = (n > 0).then(|| hundredths(Decimal::from(met * 100) / Decimal::from(n)));
        Self { met, n, percent, band: Band::NotMeasurable }
    }

    fn judge(&mut self, target: usize) {
        if self.n == 0 {
            return;
        }
        self.percent = Some(hundredths(Decimal::from(self.met * 100) / Decimal::from(self.n)));
        self.band = if self.is_under(target) { Band::Below } else { Band::OnTarget };
    }

    /// Exact: 89.999 % is under 90 % even though it prints as 90.00.
    fn is_under(&self, percent: usize) -> bool {
        self.met * 100 < self.n * percent
    }
}
