//! Hours of the day in which nobody is disturbed.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// From a time of day to the next such time, e.g. `18:00-08:00`; the end does not belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Quiet {
    from: Time,
    to: Time,
}

/// Not quiet hours.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not hours of a day: write them like \"18:00-08:00\", from 00:00 to 23:59, two different times")]
pub struct QuietError;

impl FromStr for Quiet {
    type Err = QuietError;

    fn from_str(text: &str) -> Result<Self, QuietError> {
        let (from, to) = text.split_once('-').ok_or(QuietError)?;
        let (from, to) = (time(from).ok_or(QuietError)?, time(to).ok_or(QuietError)?);
        if from == to { Err(QuietError) } else { Ok(Self { from, to }) }
    }
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |text: &str| {
        let plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| text.parse::<i8>().ok()).flatten()
    };
    Time::new(number(hour)?, number(minute)?, 0, 0).ok()
}

impl TryFrom<String> for Quiet {
    type Error = QuietError;

    fn try_from(text: String) -> Result<Self, QuietError> {
        text.parse()
    }
}

impl From<Quiet> for String {
    fn from(quiet: Quiet) -> Self {
        quiet.to_string()
    }
}

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from.strftime("%H:%M"), self.to.strftime("%H:%M"))
    }
}

impl Quiet {
    fn holds(self, at: Time) -> bool {
        if self.from < self.to { self.from <= at && at < self.to } else { at >= self.from || at < self.to }
    }
}

/// Whether these hours leave no minute of a day.
pub fn covers_the_day(quiet: &[Quiet]) -> bool {
    // The day is covered unless it is loud at its beginning or where one of the hours ends.
    let ends = quiet.iter().map(|one| one.to).chain([Time::midnight()]);
    ends.into_iter().all(|at| quiet.iter().any(|one| one.holds(at)))
}

/// When the quiet ends; `None` = it is not quiet. Hours that cover the whole day never end: then a day later is told, so that it is looked
/// at again.
pub(super) fn until(quiet: &[Quiet], zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    let mut at = now;
    let mut ends = None;
    for _ in 0..=quiet.len() {
        let local = zone.to_datetime(at);
        let Some(one) = quiet.iter().find(|one| one.holds(local.time())) else { return ends };
        let today = local.date();
        let day = if local.time() < one.to { Ok(today) } else { today.tomorrow() };
        let end = day.and_then(|day| zone.to_ambiguous_zoned(day.to_datetime(one.to)).compatible());
        // A clock that is put back repeats the end: time must go on all the same.
        at = end.map_or(Timestamp::MAX, |end| end.timestamp()).max(at);
        ends = Some(at);
    }
    ends
}
