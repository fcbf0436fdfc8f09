//! Calendars: when a team works.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, date};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Hours;

/// When a team works: hours of the week on the wall clock of a zone, but for holidays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Calendar {
    /// IANA time zone, e.g. `Europe/Berlin`; its rules are those that this program was built with.
    pub zone: String,
    /// Hours per day of the week, e.g. `mon = "09:00-17:00"`; a day that is not named is free.
    pub hours: BTreeMap<Day, Hours>,
    /// Days on which nobody works, e.g. `"2026-12-25"`.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub holidays: BTreeSet<Date>,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

/// The days in order from the first of the epoch, a Thursday.
const FROM_EPOCH: [Day; 7] = [Day::Thu, Day::Fri, Day::Sat, Day::Sun, Day::Mon, Day::Tue, Day::Wed];

/// A calendar made ready to be reckoned with.
pub(super) struct Ready<'a> {
    pub(super) zone: TimeZone,
    calendar: &'a Calendar,
    /// Holidays as days since 1970-01-01.
    holidays: BTreeSet<i64>,
}

impl Calendar {
    /// The calendar of every hour of every day.
    pub fn always() -> Self {
        let hours = FROM_EPOCH.into_iter().map(|day| (day, Hours::whole_day())).collect();
        Self { zone: "UTC".to_owned(), hours, holidays: BTreeSet::new() }
    }

    /// The zone by its name; `None` = this program knows no such zone.
    pub fn zone(&self) -> Option<TimeZone> {
        TimeZoneDatabase::bundled().get(&self.zone).ok()
    }

    /// `None` = its zone is unknown, or nobody ever works.
    pub(super) fn ready(&self) -> Option<Ready<'_>> {
        if self.hours.is_empty() {
            return None;
        }
        let holidays = self.holidays.iter().map(|day| epoch_day(*day)).collect();
        Some(Ready { zone: self.zone()?, calendar: self, holidays })
    }
}

impl Ready<'_> {
    /// The hours of the day that is so many days after 1970-01-01 on the zone's wall clock; `None` = free.
    pub(super) fn hours(&self, day: i64) -> Option<&Hours> {
        if self.holidays.contains(&day) {
            return None;
        }
        let weekday = usize::try_from(day.rem_euclid(7)).ok().and_then(|index| FROM_EPOCH.get(index))?;
        self.calendar.hours.get(weekday)
    }
}

/// Days since 1970-01-01.
fn epoch_day(day: Date) -> i64 {
    day.duration_since(date(1970, 1, 1)).as_hours() / 24
}
