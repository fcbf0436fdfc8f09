//! The scorecard over many handoff cycles: what an entry costs when it comes in, and what a question costs.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use handoff_core::contract::ContractRef;
use handoff_core::decide::Terms;
use handoff_core::event::Event;
use handoff_core::id::{ActorId, HandoffId, MotionId, PersonId, RecordRef};
use handoff_core::journal::LogEntry;
use handoff_core::observation::{Actor, Observation};
use handoff_core::registry::{Registry, shipped};
use handoff_measure::drill::Question;
use handoff_measure::metric::{Metric, Slice};
use handoff_measure::people::Teams;
use handoff_measure::period::Period;
use handoff_measure::scorecard::Scorecard;
use jiff::{SignedDuration, Timestamp};

use super::{Figure, figure};
use crate::demo::DemoError;

/// Motions of each contract.
const MOTIONS: [&str; 2] = ["main", "expansion"];
/// Senders, and as many receivers.
const PEOPLE: u64 = 120;
/// Months that the cycles are spread over.
const MONTHS: i64 = 24;
/// Questions of each kind.
const QUESTIONS: usize = 500;
/// Questions of kinds that look at everything.
const WIDE: usize = 25;

/// Folds so many cycles entry by entry, then asks.
pub(super) fn measure(cycles: u32, figures: &mut Vec<Figure>) -> Result<(), DemoError> {
    let registry =
        Registry::load(shipped()).map_err(|_refused| DemoError::Contracts("refused".to_owned()))?;
    let mut year = Year::new(&registry);
    let mut card = Scorecard::new();
    year.publish(&registry, &mut card);
    let mut updates = Vec::new();
    for index in 0..cycles {
        for entry in year.cycle(u64::from(index), u64::from(cycles)) {
            let start = Instant::now();
            card.apply(std::hint::black_box(&entry));
            updates.push(start.elapsed());
        }
    }
    let name = |what: &str| format!("scorecard of {cycles} cycles: {what}");
    let (mean, p99) = (mean(&updates), high(&mut updates));
    figures.push(figure(name("mean of an update by one log entry"), micros(mean), "µs"));
    figures.push(figure(name("p99 of an update by one log entry"), micros(p99), "µs"));
    let now = year.start + SignedDuration::from_hours(24 * 31 * MONTHS);
    let months: Vec<Slice> = (0..24_i64)
        .map(|month| Slice::of(Period::Month, year.start + SignedDuration::from_hours(24 * 30 * month)))
        .collect();
    let mut random = Random(7);
    let mut ask = |times: usize, question: &mut dyn FnMut(&mut Random)| {
        let mut spans: Vec<Duration> = (0..times)
            .map(|_| {
                let start = Instant::now();
                question(&mut random);
                start.elapsed()
            })
            .collect();
        micros(high(&mut spans)) / 1_000.0
    };
    let contracts: Vec<String> = year.pins.iter().map(|pin| pin.id.0.clone()).collect();
    let one = ask(QUESTIONS, &mut |random| {
        let (contract, motion) = (random.of(&contracts), random.of(&MOTIONS));
        if let (Some(contract), Some(motion), Some(month)) = (contract, motion, random.of(&months)) {
            std::hint::black_box(card.row(contract, motion, *month, now));
        }
    });
    figures.push(figure(name("p99 of one contract, motion and month"), one, "ms"));
    let all = ask(WIDE, &mut |_| drop(std::hint::black_box(card.report(Period::Month, now))));
    figures.push(figure(name("p99 of all contracts, motions and months"), all, "ms"));
    let people = ask(WIDE, &mut |random| {
        if let Some(month) = random.of(&months) {
            std::hint::black_box(card.people(*month, &Teams::new(), now));
        }
    });
    figures.push(figure(name("p99 of all senders and receivers of a month"), people, "ms"));
    let drill = ask(WIDE, &mut |random| {
        let (Some(contract), Some(slice)) = (random.of(&contracts), random.of(&months)) else { return };
        let question = Question {
            contract: contract.clone(),
            motion: None,
            slice: *slice,
            metric: Some(Metric::Completion),
            after: None,
            limit: 100,
        };
        std::hint::black_box(card.drill(&question));
    });
    figures.push(figure(name("p99 of the first 100 records behind a figure"), drill, "ms"));
    Ok(())
}

/// Gives the log entries of so many cycles, oldest first, contract texts before them.
pub(super) fn each(
    cycles: u32,
    mut take: impl FnMut(&LogEntry) -> Result<(), DemoError>,
) -> Result<(), DemoError> {
    let registry =
        Registry::load(shipped()).map_err(|_refused| DemoError::Contracts("refused".to_owned()))?;
    let mut year = Year::new(&registry);
    for held in registry.contracts() {
        let (contract, text) = (held.reference.clone(), held.text.to_string());
        take(&LogEntry::ContractPublished { contract, text, at: year.start })?;
    }
    for index in 0..cycles {
        for entry in year.cycle(u64::from(index), u64::from(cycles)) {
            take(&entry)?;
        }
    }
    Ok(())
}

fn micros(span: Duration) -> f64 {
    span.as_secs_f64() * 1_000_000.0
}

fn mean(spans: &[Duration]) -> Duration {
    let count = u32::try_from(spans.len()).unwrap_or(u32::MAX).max(1);
    spans.iter().sum::<Duration>() / count
}

/// The 99th percentile, by nearest rank.
fn high(spans: &mut [Duration]) -> Duration {
    spans.sort_unstable();
    spans.get((spans.len() * 99).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self, under: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % under.max(1)
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        let at = self.next(u64::try_from(list.len()).unwrap_or(0));
        list.get(usize::try_from(at).unwrap_or(0))
    }
}

/// Entries of handoffs that follow one another over two years.
struct Year {
    start: Timestamp,
    pins: Vec<ContractRef>,
    random: Random,
}

impl Year {
    fn new(registry: &Registry) -> Self {
        let start = Timestamp::from_second(1_735_689_600).unwrap_or(Timestamp::UNIX_EPOCH);
        let pins = registry.contracts().map(|held| held.reference.clone()).collect();
        Self { start, pins, random: Random(42) }
    }

    fn publish(&self, registry: &Registry, card: &mut Scorecard) {
        for held in registry.contracts() {
            card.apply(&LogEntry::ContractPublished {
                contract: held.reference.clone(),
                text: held.text.clone(),
                at: self.start,
            });
        }
    }

    /// Opened and complete; then answered, one in four sent back first.
    fn cycle(&mut self, index: u64, of: u64) -> Vec<LogEntry> {
        let seconds = u64::try_from(MONTHS * 30 * 86_400).unwrap_or(0);
        let since =
            |seconds: u64| self.start + SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(0));
        let opened = since(index * seconds / of.max(1));
        let (sender, receiver) = (self.random.next(PEOPLE), self.random.next(PEOPLE));
        let (hours, back) = (self.random.next(120), self.random.next(4) == 0);
        let motion = self.random.of(&MOTIONS).copied().unwrap_or_default();
        let Some(contract) = self.random.of(&self.pins).cloned() else { return Vec::new() };
        let handoff = HandoffId {
            contract: contract.id.clone(),
            motion: MotionId::from(motion),
            subject: RecordRef {
                connection: "sf".into(),
                object: "Opportunity".into(),
                record: format!("006{index:012}AAA").as_str().into(),
            },
            cycle: 1,
        };
        let after = |minutes: u64| opened + SignedDuration::from_mins(i64::try_from(minutes).unwrap_or(0));
        let seen = Observation {
            sender: Some(actor("ae", sender)),
            receiver: Some(actor("on", receiver)),
            ..Observation::gone(handoff.subject.clone())
        };
        let entry = |at, events| LogEntry::Decided {
            handoff: handoff.clone(),
            contract: contract.clone(),
            terms: Terms::default(),
            at,
            seen: Box::new(seen.clone()),
            events,
        };
        let by = actor("on", receiver);
        let begin = Event::Opened {
            handoff: handoff.clone(),
            contract: contract.clone(),
            stage: "commit".into(),
            at: Some(opened),
        };
        let complete = |round, minutes| Event::Completed { round, at: after(minutes) };
        let mut entries = vec![entry(after(60), vec![begin, complete(1, 60)])];
        let wait = 60 + hours * 60;
        let mut round = 1;
        if back {
            let reject = Event::Rejected {
                act: format!("r{index}"),
                by: by.clone(),
                at: after(wait),
                round,
                fields: BTreeSet::new(),
                reason: String::new(),
                reasons: BTreeMap::new(),
            };
            entries.push(entry(after(wait), vec![reject]));
            round = 2;
            entries.push(entry(after(wait + 90), vec![complete(2, wait + 90)]));
        }
        let at = after(wait + 120);
        let accept = Event::Accepted { act: format!("a{index}"), by, at, round, behalf: None };
        entries.push(entry(at, vec![accept]));
        entries
    }
}

fn actor(team: &str, number: u64) -> Actor {
    let name = format!("{team}{number}@example.com");
    Actor {
        id: ActorId::from(name.as_str()),
        person: PersonId::from(name.as_str()),
        machine: false,
        active: true,
        roles: BTreeSet::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_a_small_run_are_there() {
        let mut figures = Vec::new();
        measure(200, &mut figures).unwrap();
        assert_eq!(figures.len(), 6);
        assert!(figures.iter().all(|figure| figure.name.contains("200 cycles")));
    }
}
