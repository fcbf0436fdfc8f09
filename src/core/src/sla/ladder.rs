//! One receiver's clock: when it is due, and the instants of its ladder.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Calendar, Interval, due_at};
use crate::contract::{Returned, Sla};

/// Most pauses that are remembered one by one; of more, the last ones grow together.
const MOST_PAUSES: usize = 64;

/// The instants of a receiver's clock. They are logged, so that what they follow from need not be at hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// When it began to run.
    pub started: Timestamp,
    /// When it stood, because the package was with the sender.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<Interval>,
    /// When the receiver's time is up.
    pub due: Option<Timestamp>,
    /// When he is reminded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remind_at: Vec<Timestamp>,
    /// When it is taken to somebody above him.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_at: Option<Timestamp>,
}

/// A receiver's clock, and how far it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Its instants.
    pub set: Settings,
    /// The newest step of the ladder that he was reminded at, from 1; 0 = not yet.
    pub reminded: u32,
    /// When it was taken to somebody above him, and to which role.
    pub escalated: Option<(Timestamp, String)>,
    /// It stands since then, because the package is with the sender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_since: Option<Timestamp>,
}

impl Sla {
    /// Whether its clock is more than a number of calendar hours that begins anew in every round: only then its instants are logged.
    pub fn is_kept(&self) -> bool {
        self.calendar.is_some()
            || !self.remind_after.is_empty()
            || self.escalate_after.is_some()
            || self.when_returned == Returned::Pause
    }

    /// The instants that follow for a round that is complete since `completed`, after `before`.
    pub fn settings(
        &self,
        calendars: &BTreeMap<String, Calendar>,
        before: Option<&Clock>,
        completed: Timestamp,
    ) -> Settings {
        let (started, pauses) = match (self.when_returned, before) {
            (Returned::Pause, Some(clock)) => clock.resumed(completed),
            (Returned::Pause, None) | (Returned::Restart, _) => (completed, Vec::new()),
        };
        let always = Calendar::always();
        // A calendar that nobody knows any more counts every hour: it never prolongs anything.
        let calendar = self.calendar.as_ref().and_then(|name| calendars.get(name)).unwrap_or(&always);
        let at = |allowed: SignedDuration| due_at(calendar, started, allowed, &pauses);
        Settings {
            started,
            due: self.accept_within_hours.map(|hours| at(SignedDuration::from_hours(i64::from(hours)))),
            remind_at: self.remind_after.iter().map(|after| at(after.duration())).collect(),
            escalate_at: self.escalate_after.map(|after| at(after.duration())),
            pauses,
        }
    }
}

impl Clock {
    /// A clock that was set just now, after `before`: it keeps what was told unless it began anew.
    pub fn set(settings: &Settings, before: Option<&Self>) -> Self {
        let same = before.filter(|clock| clock.set.started == settings.started);
        Self {
            set: settings.clone(),
            reminded: same.map_or(0, |clock| clock.reminded),
            escalated: same.and_then(|clock| clock.escalated.clone()),
            paused_since: None,
        }
    }

    /// Stops it.
    pub fn pause(&mut self, at: Timestamp) {
        self.paused_since.get_or_insert(at);
    }

    /// The newest step of the ladder whose time has come, from 1.
    pub fn step(&self, now: Timestamp) -> u32 {
        let passed = self.set.remind_at.iter().filter(|at| **at <= now).count();
        u32::try_from(passed).unwrap_or(u32::MAX)
    }

    /// The next instant after `now` at which somebody has to be told something.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        if self.escalated.is_some() {
            return None;
        }
        let steps = self.set.remind_at.iter().copied().chain(self.set.escalate_at);
        steps.filter(|at| *at > now).min()
    }

    /// When it began to run, and its pauses with the one that ends at `completed`.
    fn resumed(&self, completed: Timestamp) -> (Timestamp, Vec<Interval>) {
        let mut pauses = self.set.pauses.clone();
        if let Some(from) = self.paused_since.filter(|from| *from < completed) {
            if pauses.len() >= MOST_PAUSES
                && let Some(last) = pauses.last_mut()
            {
                last.to = completed;
            } else {
                pauses.push(Interval { from, to: completed });
            }
        }
        (self.set.started, pauses)
    }
}
