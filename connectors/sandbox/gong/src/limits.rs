//! The company's allowance: three calls in any second and ten thousand a day, shared by everything that calls.

use std::{collections::VecDeque, time::Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::envelope::Refusal;

/// What a second of the per-second allowance is measured with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// Not at all: calls may follow each other as fast as they like.
    #[default]
    Off,
    /// The sandbox's clock; with a manual one, three calls between two moves of its hand.
    Sandbox,
    /// The machine's running time, which is what a client paces itself by.
    Machine,
}

const SECOND: i64 = 1_000;
const DAY: i64 = 24 * 3_600;

/// Calls used and allowed.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) pace: Pace,
    pub(crate) per_second: usize,
    pub(crate) per_day: u64,
    pub(crate) used: u64,
    day: i64,
    recent: VecDeque<i64>,
    born: Instant,
}

impl Limits {
    pub(crate) fn new(pace: Pace, per_day: u64) -> Self {
        Self {
            pace,
            per_second: 3,
            per_day,
            used: 0,
            day: i64::MIN,
            recent: VecDeque::new(),
            born: Instant::now(),
        }
    }

    /// Charges one call; the refusal says how long to wait in whole seconds.
    pub(crate) fn charge(&mut self, now: Timestamp) -> Result<(), Spent> {
        self.roll(now);
        if self.used >= self.per_day {
            let wait = DAY - now.as_second().rem_euclid(DAY);
            return Err(Spent::Day(wait));
        }
        if let Some(at) = self.at(now) {
            while self.recent.front().is_some_and(|first| at.saturating_sub(*first) >= SECOND) {
                self.recent.pop_front();
            }
            if self.recent.len() >= self.per_second {
                return Err(Spent::Second);
            }
            self.recent.push_back(at);
        }
        self.used += 1;
        Ok(())
    }

    fn at(&self, now: Timestamp) -> Option<i64> {
        match self.pace {
            Pace::Off => None,
            Pace::Sandbox => Some(now.as_millisecond()),
            Pace::Machine => Some(i64::try_from(self.born.elapsed().as_millis()).unwrap_or(i64::MAX)),
        }
    }

    /// Sets what is used of today's allowance.
    pub(crate) fn set(&mut self, now: Timestamp, used: u64, per_day: u64) {
        self.roll(now);
        self.used = used;
        self.per_day = per_day;
    }

    fn roll(&mut self, now: Timestamp) {
        let day = now.as_second().div_euclid(DAY);
        if day != self.day {
            self.day = day;
            self.used = 0;
        }
    }
}

/// Which allowance is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spent {
    /// That of this second.
    Second,
    /// That of the day, which ends in so many seconds.
    Day(i64),
}

impl Spent {
    pub(crate) fn refusal(self) -> Refusal {
        let (text, wait) = match self {
            Self::Second => ("API call limit per second exceeded", 1),
            Self::Day(wait) => ("API call limit per day exceeded", wait),
        };
        Refusal { retry_after: Some(wait), ..Refusal::new(429, text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(millis).unwrap()
    }

    #[test]
    fn the_fourth_call_in_any_second_is_refused() {
        let mut limits = Limits::new(Pace::Sandbox, 100);
        for millis in [0, 400, 800] {
            assert_eq!(limits.charge(at(millis)), Ok(()));
        }
        assert_eq!(limits.charge(at(999)), Err(Spent::Second));
        assert_eq!(limits.charge(at(1_000)), Ok(()));
        assert_eq!(limits.charge(at(1_399)), Err(Spent::Second));
        assert_eq!(limits.used, 4, "a refused call costs nothing");
    }

    #[test]
    fn the_day_ends_at_midnight_utc() {
        let mut limits = Limits::new(Pace::Off, 1);
        assert_eq!(limits.charge(at(3_600_000)), Ok(()));
        assert_eq!(limits.charge(at(3_600_000)), Err(Spent::Day(DAY - 3_600)));
        assert_eq!(limits.charge(at(DAY * 1_000)), Ok(()));
    }
}
