//! The scorecard over many handoff cycles: what an entry costs when it comes in, what a question costs, and what all of it weighs.
//!
//! The log is one in which every metric has something to say: packages, rejections, by-passes, accounts that leave, surveys around handoffs, calls
//! that ask again, months that are frozen.

use std::hint::black_box;
use std::time::{Duration, Instant};

use handoff_core::journal::LogEntry;
use handoff_measure::drill::Question;
use handoff_measure::metric::{Metric, Slice};
use handoff_measure::people::Teams;
use handoff_measure::period::Period;
use handoff_measure::worlds::years::{MONTHS, MOTIONS, Years};
use jiff::{SignedDuration, Timestamp};

use super::{Figure, figure};
use crate::config::ScorecardSettings;
use crate::demo::DemoError;
use crate::numbers::Standing;

/// Times that every cell is asked for.
const ROUNDS: usize = 4;
/// Questions of kinds that look at many cells.
const WIDE: usize = 100;

/// Folds so many cycles entry by entry, then asks.
pub(super) fn measure(cycles: u32, figures: &mut Vec<Figure>) {
    let mut bench = Bench { cycles, standing: Standing::new(&ScorecardSettings::default()), figures };
    bench.fold();
    bench.freeze();
    bench.cells();
    bench.wide();
}

/// Gives the log entries of so many cycles, oldest first, contract texts before them.
pub(super) fn each(
    cycles: u32,
    take: impl FnMut(&LogEntry) -> Result<(), DemoError>,
) -> Result<(), DemoError> {
    let mut take = take;
    years(cycles).try_for_each(|entry| take(&entry))
}

fn years(cycles: u32) -> Years {
    Years::new(usize::try_from(cycles).unwrap_or(usize::MAX))
}

struct Bench<'f> {
    cycles: u32,
    standing: Standing,
    figures: &'f mut Vec<Figure>,
}

impl Bench<'_> {
    fn say(&mut self, what: &str, value: f64, unit: &'static str) {
        self.figures.push(figure(format!("scorecard of {} cycles: {what}", self.cycles), value, unit));
    }

    /// As the daemon follows its log: the numbers, the practice and the by-passes.
    fn fold(&mut self) {
        let (mut updates, before) = (Spans::default(), crate::metrics::resident());
        for (position, entry) in (0..).zip(years(self.cycles)) {
            let start = Instant::now();
            self.standing.apply(position, black_box(&entry));
            updates.push(start.elapsed());
        }
        let grown =
            crate::metrics::resident().zip(before).map(|(after, before)| after.saturating_sub(before));
        let grown = grown.map(|grown| grown.saturating_sub(updates.bytes()));
        self.say("log entries", float(updates.0.len()), "entries");
        self.say("mean of an update by one log entry", updates.mean() * 1e6, "µs");
        self.say("p99 of an update by one log entry", updates.at(99) * 1e6, "µs");
        self.say("all updates, as after a start", updates.sum(), "s");
        if let Some(grown) = grown.and_then(|grown| usize::try_from(grown).ok()) {
            self.say("memory of a cycle", float(grown) / f64::from(self.cycles.max(1)), "bytes");
        }
    }

    /// Freezes every month that is due, as the daemon does.
    fn freeze(&mut self) {
        let card = &mut self.standing.scorecard;
        for entry in card.to_freeze(Years::end()) {
            card.apply(&entry);
        }
    }

    /// Every contract, motion and month, all six metrics.
    fn cells(&mut self) {
        let contracts: Vec<String> = years(0).contracts().map(|pin| pin.id.0.clone()).collect();
        let (card, mut spans) = (&self.standing.scorecard, Spans::default());
        for _ in 0..ROUNDS {
            for contract in &contracts {
                for motion in MOTIONS {
                    for slice in (0..MONTHS).map(month).chain([Slice::All]) {
                        spans.time(|| card.row(contract, motion, slice, Years::end()));
                    }
                }
            }
        }
        self.say("p50 of one contract, motion and month", spans.at(50) * 1e3, "ms");
        self.say("p99 of one contract, motion and month", spans.at(99) * 1e3, "ms");
    }

    /// Whole pages.
    fn wide(&mut self) {
        let now = Years::end();
        let contract = years(0).contracts().nth(2).map(|pin| pin.id.0.clone()).unwrap_or_default();
        let behind = |slice, metric| Question {
            contract: contract.clone(),
            motion: None,
            slice,
            metric: Some(metric),
            after: None,
            limit: 100,
        };
        let (teams, card) = (Teams::new(), &self.standing.scorecard);
        let report = |by| serde_json::to_vec(&card.report(by, now)).map_or(0, |text| text.len());
        let drill = |slice, metric| card.drill(&behind(slice, metric)).n;
        let all: [(&str, &dyn Fn() -> usize); 8] = [
            ("all contracts, motions and months, as JSON", &|| report(Period::Month)),
            ("all contracts, motions and weeks, as JSON", &|| report(Period::Week)),
            ("the live numbers of the running month", &|| card.live(now).len()),
            ("all senders and receivers of a month", &|| card.people(month(5), &teams, now).rows.len()),
            ("all senders and receivers ever", &|| card.people(Slice::All, &teams, now).rows.len()),
            ("100 records behind a month's completion", &|| drill(month(5), Metric::Completion)),
            ("100 records behind all acceptances", &|| drill(Slice::All, Metric::Acceptance)),
            ("months that are due to be frozen", &|| card.to_freeze(now).len()),
        ];
        let spans = all.map(|(what, ask)| {
            let mut spans = Spans::default();
            (0..WIDE).for_each(|_| spans.time(ask));
            (what, spans.at(99))
        });
        for (what, p99) in spans {
            self.say(&format!("p99 of {what}"), p99 * 1e3, "ms");
        }
    }
}

/// A month by its number from the first one on.
fn month(number: i64) -> Slice {
    let into = SignedDuration::from_hours(24 * (30 * number + 2));
    let at: Timestamp = Years::start().checked_add(into).unwrap_or(Timestamp::MAX);
    Slice::of(Period::Month, at)
}

/// Spans of time in nanoseconds.
#[derive(Debug, Default)]
struct Spans(Vec<u32>);

impl Spans {
    fn push(&mut self, span: Duration) {
        self.0.push(u32::try_from(span.as_nanos()).unwrap_or(u32::MAX));
    }

    fn time<T>(&mut self, ask: impl FnOnce() -> T) {
        let start = Instant::now();
        let answer = black_box(ask());
        self.push(start.elapsed());
        drop(answer);
    }

    /// Seconds of all together.
    fn sum(&self) -> f64 {
        self.0.iter().map(|span| f64::from(*span)).sum::<f64>() / 1e9
    }

    fn mean(&self) -> f64 {
        self.sum() / float(self.0.len().max(1))
    }

    /// Seconds of a percentile, by nearest rank.
    fn at(&self, percent: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(rank).map_or(0.0, |span| f64::from(*span) / 1e9)
    }

    /// What they weigh themselves.
    fn bytes(&self) -> u64 {
        u64::try_from(self.0.capacity() * size_of::<u32>()).unwrap_or(0)
    }
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_a_small_run_are_there() {
        let mut figures = Vec::new();
        measure(200, &mut figures);
        assert_eq!(figures.len(), 15);
        assert!(figures.iter().all(|figure| figure.name.contains("200 cycles")));
    }
}
