//! Which handoffs are asked: a random sample that anybody can draw again.

use handoff_core::concrete::{Draw, TestKind};
use handoff_core::digest::Digest;
use handoff_core::id::HandoffId;
use jiff::civil::{Weekday, time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::period::Period;

/// How long after its week a handoff of this kind is asked about: a month after its acceptance for H04, at once for all others.
pub fn delay(kind: TestKind) -> SignedDuration {
    match kind {
        TestKind::H01 | TestKind::H02 | TestKind::H06 => SignedDuration::ZERO,
        TestKind::H04 => SignedDuration::from_hours(30 * 24),
    }
}

/// An ISO week in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Week {
    /// Its name, e.g. `2026-W07`.
    pub name: String,
    /// Its first moment.
    pub start: Timestamp,
    /// The first moment after it.
    pub end: Timestamp,
}

impl Week {
    /// The last whole week that is asked about at this moment; `None` = at the end of time.
    pub fn asked_at(kind: TestKind, now: Timestamp) -> Option<Self> {
        let at = now.checked_sub(delay(kind)).ok()?;
        let monday = at.to_zoned(TimeZone::UTC).date();
        let back = i64::from(monday.weekday().since(Weekday::Monday));
        let end = monday.checked_sub(jiff::Span::new().try_days(back).ok()?).ok()?;
        let start = end.checked_sub(jiff::Span::new().try_days(7).ok()?).ok()?;
        let moment = |date: jiff::civil::Date| {
            let midnight = date.to_datetime(time(0, 0, 0, 0)).to_zoned(TimeZone::UTC);
            midnight.ok().map(|zoned| zoned.timestamp())
        };
        let start = moment(start)?;
        Some(Self { name: Period::Week.of(start), start, end: moment(end)? })
    }

    /// Whether the moment is in it.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
}

/// Draws up to `wanted` handoffs, `known` of which were drawn already: those whose SHA-256 of (seed, test, week, stream, cycle) is lowest. The population
/// may come in any order.
pub fn draw(
    kind: TestKind,
    week: &Week,
    seed: u64,
    population: &[HandoffId],
    wanted: usize,
) -> (Draw, Vec<HandoffId>) {
    let rank =
        |handoff: &HandoffId| Digest::of(&(seed, kind.as_str(), &week.name, handoff.stream(), handoff.cycle));
    let mut ranked: Vec<(Digest, &HandoffId)> =
        population.iter().map(|handoff| (rank(handoff), handoff)).collect();
    ranked.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
    ranked.dedup_by(|(left, _), (right, _)| left == right);
    let mut names: Vec<(String, u32)> =
        ranked.iter().map(|(_, handoff)| (handoff.stream(), handoff.cycle)).collect();
    names.sort_unstable();
    let draw =
        Draw { kind, week: week.name.clone(), seed, population: names.len(), drawn_from: Digest::of(&names) };
    (draw, ranked.into_iter().take(wanted).map(|(_, handoff)| handoff.clone()).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use handoff_core::id::{ConnectionId, ContractId, MotionId, ObjectName, RecordId, RecordRef};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn handoffs(n: usize) -> Vec<HandoffId> {
        let one = |number: usize| HandoffId {
            contract: ContractId::from("h01-marketing-to-sdr"),
            motion: MotionId::from("main"),
            subject: RecordRef {
                connection: ConnectionId::from("sf"),
                object: ObjectName::from("Lead"),
                record: RecordId(format!("lead-{number}")),
            },
            cycle: 1,
        };
        (0..n).map(one).collect()
    }

    #[test]
    fn last_week_is_the_whole_one_before_and_h04_asks_a_month_later() {
        let week = Week::asked_at(TestKind::H01, at("2026-11-21T13:00:00Z")).unwrap();
        assert_eq!(week.name, "2026-W46");
        assert_eq!((week.start, week.end), (at("2026-11-09T00:00:00Z"), at("2026-11-16T00:00:00Z")));
        assert!(week.holds(week.start) && !week.holds(week.end));
        let monday = Week::asked_at(TestKind::H01, at("2026-11-16T00:00:00Z")).unwrap();
        assert_eq!(monday, week);
        let sunday = Week::asked_at(TestKind::H01, at("2026-11-15T23:59:59Z")).unwrap();
        assert_eq!(sunday.name, "2026-W45");
        let later = Week::asked_at(TestKind::H04, at("2026-11-21T13:00:00Z")).unwrap();
        assert_eq!(later.name, "2026-W42");
    }

    #[test]
    fn a_seed_draws_the_same_handoffs_again_in_whatever_order_they_come() {
        let week = Week::asked_at(TestKind::H01, at("2026-11-21T13:00:00Z")).unwrap();
        let mut all = handoffs(50);
        let (first, sample) = draw(TestKind::H01, &week, 7, &all, 5);
        all.reverse();
        assert_eq!(draw(TestKind::H01, &week, 7, &all, 5), (first.clone(), sample.clone()));
        assert_eq!((first.population, sample.len()), (50, 5));
        let (_, other) = draw(TestKind::H01, &week, 8, &all, 5);
        assert_ne!(sample, other);
        let (fewer, two) = draw(TestKind::H01, &week, 7, &all[..2], 5);
        assert_eq!((fewer.population, two.len()), (2, 2));
        assert_ne!(fewer.drawn_from, first.drawn_from, "a handoff that is left out shows");
        assert_eq!(draw(TestKind::H01, &week, 7, &[], 5).1, []);
    }

    #[test]
    fn every_handoff_is_drawn_about_equally_often() {
        let week = Week::asked_at(TestKind::H01, at("2026-11-21T13:00:00Z")).unwrap();
        let all = handoffs(10);
        let mut times: BTreeMap<HandoffId, usize> = BTreeMap::new();
        for seed in 0..2_000 {
            for one in draw(TestKind::H01, &week, seed, &all, 1).1 {
                *times.entry(one).or_default() += 1;
            }
        }
        // 200 expected of each; five standard deviations are 67.
        assert_eq!(times.len(), 10);
        assert!(times.values().all(|times| (133..=267).contains(times)), "{times:?}");
    }
}
