//! Relative date literals: `TODAY`, `LAST_N_DAYS:7`, `THIS_QUARTER`, …

use jiff::civil::{Date, date};
use jiff::{Span, ToSpan};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// Longest count in `…_N_…:n`: keeps every result inside the calendar.
const MOST: i64 = 9_999;

/// First and last day of a relative date literal; `None` when the word is none, or its count is missing or too large.
/// Weeks start on Sunday.
pub(super) fn days(word: &str, count: Option<i64>, today: Date) -> Option<(Date, Date)> {
    let word = word.to_ascii_uppercase();
    if let Some(n) = count {
        if !(0..=MOST).contains(&n) {
            return None;
        }
        let (unit, from, to) = counted(&word, n)?;
        return stretch(unit, from, to, today);
    }
    let (unit, from, to) = match word.as_str() {
        "TODAY" => (Unit::Day, 0, 0),
        "YESTERDAY" => (Unit::Day, -1, -1),
        "TOMORROW" => (Unit::Day, 1, 1),
        "LAST_90_DAYS" => (Unit::Day, -90, 0),
        "NEXT_90_DAYS" => (Unit::Day, 1, 90),
        _ => {
            let (at, name) = word.split_once('_')?;
            let at = match at {
                "LAST" => -1,
                "THIS" => 0,
                "NEXT" => 1,
                _ => return None,
            };
            let unit = match name {
                "WEEK" => Unit::Week,
                "MONTH" => Unit::Month,
                "QUARTER" => Unit::Quarter,
                "YEAR" => Unit::Year,
                _ => return None,
            };
            (unit, at, at)
        }
    };
    stretch(unit, from, to, today)
}

fn counted(word: &str, n: i64) -> Option<(Unit, i64, i64)> {
    let plural = |name: &str| match name {
        "DAYS" => Some(Unit::Day),
        "WEEKS" => Some(Unit::Week),
        "MONTHS" => Some(Unit::Month),
        "QUARTERS" => Some(Unit::Quarter),
        "YEARS" => Some(Unit::Year),
        _ => None,
    };
    if let Some(name) = word.strip_prefix("LAST_N_") {
        let unit = plural(name)?;
        // the vendor counts today into LAST_N_DAYS, but not this week into LAST_N_WEEKS
        return Some((unit, -n, if unit == Unit::Day { 0 } else { -1 }));
    }
    if let Some(name) = word.strip_prefix("NEXT_N_") {
        return Some((plural(name)?, 1, n));
    }
    let name = word.strip_prefix("N_")?.strip_suffix("_AGO")?;
    Some((plural(name)?, -n, -n))
}

fn stretch(unit: Unit, from: i64, to: i64, today: Date) -> Option<(Date, Date)> {
    let start = match unit {
        Unit::Day => today,
        Unit::Week => today.checked_sub(i64::from(today.weekday().to_sunday_zero_offset()).days()).ok()?,
        Unit::Month => today.first_of_month(),
        Unit::Quarter => date(today.year(), (today.month() - 1) / 3 * 3 + 1, 1),
        Unit::Year => today.first_of_year(),
    };
    let first = start.checked_add(units(unit, from)?).ok()?;
    let last = start.checked_add(units(unit, to + 1)?).ok()?.yesterday().ok()?;
    Some((first, last))
}

fn units(unit: Unit, n: i64) -> Option<Span> {
    match unit {
        Unit::Day => Span::new().try_days(n),
        Unit::Week => Span::new().try_weeks(n),
        Unit::Month => Span::new().try_months(n),
        Unit::Quarter => Span::new().try_months(n.checked_mul(3)?),
        Unit::Year => Span::new().try_years(n),
    }
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_days() {
        // a Friday
        let today = date(2026, 11, 20);
        let day = |d: i8| date(2026, 11, d);
        for (word, n, expected) in [
            ("today", None, (day(20), day(20))),
            ("YESTERDAY", None, (day(19), day(19))),
            ("LAST_N_DAYS", Some(7), (day(13), day(20))),
            ("NEXT_N_DAYS", Some(2), (day(21), day(22))),
            ("N_DAYS_AGO", Some(3), (day(17), day(17))),
            ("THIS_WEEK", None, (day(15), day(21))),
            ("LAST_WEEK", None, (day(8), day(14))),
            ("THIS_MONTH", None, (day(1), day(30))),
            ("LAST_N_MONTHS", Some(2), (date(2026, 9, 1), date(2026, 10, 31))),
            ("THIS_QUARTER", None, (date(2026, 10, 1), date(2026, 12, 31))),
            ("NEXT_YEAR", None, (date(2027, 1, 1), date(2027, 12, 31))),
        ] {
            assert_eq!(days(word, n, today), Some(expected), "{word}");
        }
        assert_eq!(days("LAST_N_DAYS", None, today), None);
        assert_eq!(days("NEXT_N_YEARS", Some(9_999), today), None);
        assert_eq!(days("SOMEDAY", None, today), None);
    }
}
