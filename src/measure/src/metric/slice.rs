//! Weeks, months, and everything: slices of the calendar in UTC.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use super::Window;
use crate::period::Period;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// A slice of the calendar in UTC, in order of weeks, months, everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slice {
    /// ISO weeks after the one that begins on 1969-12-29.
    Week(i32),
    /// Months after January of the year 0.
    Month(i32),
    /// All time.
    All,
}

impl Slice {
    /// The week or month that holds a moment.
    pub fn of(period: Period, at: Timestamp) -> Self {
        match period {
            Period::Week => Self::Week(week(at)),
            Period::Month => Self::Month(month(at)),
        }
    }

    /// The slice of this name: `2026-W07`, `2026-02`, `all`; `None` = it names none.
    pub fn named(name: &str) -> Option<Self> {
        if name == "all" {
            return Some(Self::All);
        }
        let (year, rest) = name.split_once('-')?;
        let year: i16 = year.parse().ok().filter(|_| year.len() == 4)?;
        let found = if let Some(number) = rest.strip_prefix('W') {
            let number = number.parse().ok()?;
            let monday = jiff::civil::ISOWeekDate::new(year, number, jiff::civil::Weekday::Monday).ok()?;
            Self::Week(week(start(monday.date())?))
        } else {
            Self::Month(month(start(Date::new(year, rest.parse().ok()?, 1).ok()?)?))
        };
        (found.name().as_deref() == Some(name)).then_some(found)
    }

    /// Whether a moment is in it.
    pub fn holds(self, at: Timestamp) -> bool {
        match self {
            Self::Week(index) => week(at) == index,
            Self::Month(index) => month(at) == index,
            Self::All => true,
        }
    }

    /// Its name; `None` = all time, or outside of the calendar.
    pub fn name(self) -> Option<String> {
        let first = self.first()?;
        match self {
            Self::Week(_) => {
                let week = first.iso_week_date();
                Some(format!("{:04}-W{:02}", week.year(), week.week()))
            }
            Self::Month(_) => Some(format!("{:04}-{:02}", first.year(), first.month())),
            Self::All => None,
        }
    }

    /// Its moments; all time ends at `as_of`.
    pub fn window(self, as_of: Timestamp) -> Window {
        let from = self.first().and_then(start);
        let until = self.next().and_then(Self::first).and_then(start).unwrap_or(as_of);
        Window { from, until }
    }

    /// The first moment after it; `None` = all time.
    pub fn end(self) -> Option<Timestamp> {
        self.next().and_then(Self::first).and_then(start)
    }

    /// The slice after it; `None` = all time.
    pub fn next(self) -> Option<Self> {
        match self {
            Self::Week(index) => Some(Self::Week(index.checked_add(1)?)),
            Self::Month(index) => Some(Self::Month(index.checked_add(1)?)),
            Self::All => None,
        }
    }

    /// The slice this many before it; `None` = all time, or outside of the calendar.
    pub fn back(self, by: i32) -> Option<Self> {
        match self {
            Self::Week(index) => Some(Self::Week(index.checked_sub(by)?)),
            Self::Month(index) => Some(Self::Month(index.checked_sub(by)?)),
            Self::All => None,
        }
    }

    fn first(self) -> Option<Date> {
        match self {
            Self::Week(index) => {
                let days = Span::new().try_days(i64::from(index).checked_mul(7)?).ok()?;
                date(1969, 12, 29).checked_add(days).ok()
            }
            Self::Month(index) => {
                let (year, month) = (index.div_euclid(12), index.rem_euclid(12) + 1);
                Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, 1).ok()
            }
            Self::All => None,
        }
    }
}

fn start(date: Date) -> Option<Timestamp> {
    date.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// The day of a moment, from 1970-01-01.
fn day(at: Timestamp) -> i64 {
    at.as_nanosecond().div_euclid(i128::from(DAY) * 1_000_000_000).try_into().unwrap_or(0)
}

fn week(at: Timestamp) -> i32 {
    i32::try_from((day(at) + 3).div_euclid(7)).unwrap_or(0)
}

fn month(at: Timestamp) -> i32 {
    let date = at.to_zoned(TimeZone::UTC).date();
    i32::from(date.year()) * 12 + i32::from(date.month()) - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_slice_is_named_as_its_period_and_holds_its_moment(second in -2_000_000_000_i64..7_000_000_000) {
            let at = Timestamp::from_second(second).unwrap();
            for period in [Period::Week, Period::Month] {
                let slice = Slice::of(period, at);
                prop_assert_eq!(slice.name().unwrap(), period.of(at));
                prop_assert_eq!(Slice::named(&period.of(at)), Some(slice));
                let window = slice.window(at);
                prop_assert!(window.from.unwrap() <= at && at < window.until);
                prop_assert_eq!(Slice::of(period, window.until), slice.next().unwrap());
            }
        }
    }

    #[test]
    fn what_names_no_slice_is_none() {
        for name in ["", "2026", "2026-13", "2026-W54", "2026-1", "2026-W7", "26-01", "2026-01-01"] {
            assert_eq!(Slice::named(name), None, "{name}");
        }
        assert_eq!(
            Slice::named("2026-W53"),
            Some(Slice::of(Period::Week, "2027-01-01T00:00:00Z".parse().unwrap()))
        );
    }
}
