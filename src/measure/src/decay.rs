//! What becomes of a handoff that nothing enforces: its last two whole quarters beside each other. A template that people are only asked to
//! fill is filled less and less; whether that is so here is said with an interval, not by eye.

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive as _;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::cube::Cell;
use crate::metric::{Figure, Interval, Metric, Slice, Window, percent};
use crate::period::Period;
use crate::report::{Throughput, three, throughput};
use crate::scorecard::Scorecard;
use crate::spread::hundredths;

/// One quarter of a handoff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Quarter {
    /// Its name, e.g. `2026-Q1`.
    pub name: String,
    /// Completion, acceptance, time to acceptance.
    pub figures: Vec<Figure>,
    /// How much went through.
    pub throughput: Throughput,
}

/// Where a share goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    /// The whole interval of the change lies below zero.
    Decays,
    /// The whole interval of the change lies above zero.
    Improves,
    /// The interval holds zero.
    NoClearChange,
    /// One of the quarters has nothing to measure.
    NotMeasurable,
}

/// How one share changed from the quarter before to the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// Completion or acceptance.
    pub metric: Metric,
    /// The later share less the earlier one, in percentage points rounded to hundredths.
    #[schema(value_type = Option<String>)]
    pub points: Option<Decimal>,
    /// Newcombe's 95 % interval of the difference (his method 10, from the two Wilson intervals).
    #[schema(value_type = Option<String>)]
    pub low: Option<Decimal>,
    /// Its upper end.
    #[schema(value_type = Option<String>)]
    pub high: Option<Decimal>,
    /// What follows.
    pub trend: Trend,
}

/// A contract and motion over its last two whole quarters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decay {
    /// The contract.
    pub contract: String,
    /// The motion.
    pub motion: String,
    /// Whether a gate of it is enforced now; absent = its contract's text is not known.
    pub enforced: Option<bool>,
    /// The quarter before the last whole one, then that one.
    pub quarters: [Quarter; 2],
    /// Of completion and acceptance.
    pub changes: Vec<Change>,
}

impl Scorecard {
    /// The two last whole quarters of every contract and motion; `observed` = only of those that nothing enforces.
    pub fn decay(&self, as_of: Timestamp, observed: bool) -> Vec<Decay> {
        let running = quarter_of(as_of);
        self.lines().filter_map(|line| self.decay_of(line, running?, observed, as_of)).collect()
    }

    fn decay_of(&self, line: usize, running: Slice, observed: bool, as_of: Timestamp) -> Option<Decay> {
        let state = self.line_state(line)?;
        if observed && state.enforced == Some(true) {
            return None;
        }
        let (earlier, before) = self.quarter(line, running.back(6)?, as_of)?;
        let (later, last) = self.quarter(line, running.back(3)?, as_of)?;
        let changes = vec![
            change(
                Metric::Completion,
                (before.complete, before.transitions),
                (last.complete, last.transitions),
            ),
            change(Metric::Acceptance, (before.first_pass, before.decided), (last.first_pass, last.decided)),
        ];
        Some(Decay {
            contract: state.line.contract.0.clone(),
            motion: state.line.motion.0.clone(),
            enforced: state.enforced,
            quarters: [earlier, later],
            changes,
        })
    }

    /// The three months from this one on.
    fn quarter(&self, line: usize, first: Slice, as_of: Timestamp) -> Option<(Quarter, Cell)> {
        let months = [first, first.next()?, first.next()?.next()?];
        let mut cell = Cell::default();
        for month in months {
            if let Some(other) = self.cell(line, month) {
                cell.merge(other);
            }
        }
        let from = first.window(as_of).from;
        let window = Window { from, until: months[2].end()? };
        let figures = three(&cell, first, as_of).map(|figure| Figure { window, ..figure });
        let name = first.name()?;
        let (year, month) = name.split_once('-')?;
        let number = month.parse::<u8>().ok()?.div_ceil(3);
        let quarter = Quarter {
            name: format!("{year}-Q{number}"),
            figures: figures.to_vec(),
            throughput: throughput(&cell),
        };
        Some((quarter, cell))
    }
}

/// The first month of the quarter that holds a moment.
fn quarter_of(at: Timestamp) -> Option<Slice> {
    let Slice::Month(index) = Slice::of(Period::Month, at) else { return None };
    Some(Slice::Month(index - index.rem_euclid(3)))
}

fn change(metric: Metric, before: (usize, usize), last: (usize, usize)) -> Change {
    let difference = |later: Decimal, earlier: Decimal| hundredths(later - earlier);
    let points = percent(last.0, last.1).zip(percent(before.0, before.1)).map(|(a, b)| difference(a, b));
    let interval = newcombe(last, before);
    let trend = match interval {
        None => Trend::NotMeasurable,
        Some((_, high)) if high < Decimal::ZERO => Trend::Decays,
        Some((low, _)) if low > Decimal::ZERO => Trend::Improves,
        Some(_) => Trend::NoClearChange,
    };
    Change { metric, points, low: interval.map(|each| each.0), high: interval.map(|each| each.1), trend }
}

/// Newcombe's hybrid score interval of a difference of two shares, in percentage points, from the rounded Wilson ends.
fn newcombe(one: (usize, usize), two: (usize, usize)) -> Option<(Decimal, Decimal)> {
    let of = |(met, n): (usize, usize)| -> Option<(Decimal, Interval)> {
        Some((percent(met, n)?, crate::metric::wilson(met, n)?))
    };
    let ((p1, i1), (p2, i2)) = (of(one)?, of(two)?);
    let square = |a: Decimal, b: Decimal| (a - b) * (a - b);
    let root = |sum: Decimal| {
        let sum = rust_decimal::prelude::ToPrimitive::to_f64(&sum)?;
        Decimal::from_f64(sum.sqrt())
    };
    let low = p1 - p2 - root(square(p1, i1.low) + square(i2.high, p2))?;
    let high = p1 - p2 + root(square(i1.high, p1) + square(p2, i2.low))?;
    Some((hundredths(low), hundredths(high)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Newcombe 1998 (Statistics in Medicine 17, 873–890), table II, method 10: 56/70 − 48/80 is 0.0524 to 0.3339; 9/10 − 3/10 is 0.1705 to 0.8090.
    #[test]
    fn a_difference_of_shares_has_the_published_interval() {
        let text = |interval: Option<(Decimal, Decimal)>| {
            interval.map(|(low, high)| (low.to_string(), high.to_string())).unwrap()
        };
        assert_eq!(text(newcombe((56, 70), (48, 80))), ("5.24".to_owned(), "33.39".to_owned()));
        assert_eq!(text(newcombe((9, 10), (3, 10))), ("17.05".to_owned(), "80.90".to_owned()));
        assert_eq!(newcombe((0, 0), (3, 10)), None);
    }

    #[test]
    fn a_change_is_clear_only_where_its_interval_excludes_zero() {
        let trend = |before, last| change(Metric::Completion, before, last).trend;
        assert_eq!(trend((95, 100), (60, 100)), Trend::Decays);
        assert_eq!(trend((60, 100), (95, 100)), Trend::Improves);
        assert_eq!(trend((9, 10), (8, 10)), Trend::NoClearChange);
        assert_eq!(trend((0, 0), (8, 10)), Trend::NotMeasurable);
    }
}
