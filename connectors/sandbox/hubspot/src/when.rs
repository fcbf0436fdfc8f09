//! Instants in milliseconds since the epoch, and the vendor's way to write and read them.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// Milliseconds of a day.
pub(crate) const DAY: i64 = 86_400_000;

/// `2026-11-20T09:15:27.123Z`; without the fraction when it is zero.
pub(crate) fn iso(millis: i64) -> String {
    let at = stamp(millis);
    let form = if millis.rem_euclid(1000) == 0 { "%Y-%m-%dT%H:%M:%SZ" } else { "%Y-%m-%dT%H:%M:%S.%3fZ" };
    at.strftime(form).to_string()
}

/// The instant; the epoch when out of range.
pub(crate) fn stamp(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Reads an instant: epoch milliseconds, RFC 3339, or a day (its midnight in UTC).
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(millis) = text.parse::<i64>() {
        return Timestamp::from_millisecond(millis).ok().map(Timestamp::as_millisecond);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_millisecond());
    }
    midnight(text)
}

/// Midnight in UTC of a `YYYY-MM-DD` day.
pub(crate) fn midnight(text: &str) -> Option<i64> {
    let day: Date = text.parse().ok()?;
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok().map(Timestamp::as_millisecond)
}

/// The day in UTC, `YYYY-MM-DD`.
pub(crate) fn day(millis: i64) -> String {
    stamp(millis).strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_reads_back() {
        assert_eq!(iso(1_795_165_200_000), "2026-11-20T09:00:00Z");
        assert_eq!(parse("2026-11-20T09:00:00.250Z"), Some(1_795_165_200_250));
        assert_eq!(iso(1_795_165_200_250), "2026-11-20T09:00:00.250Z");
        assert_eq!(parse("1795165200250"), Some(1_795_165_200_250));
        assert_eq!(parse("2026-11-20").map(day).as_deref(), Some("2026-11-20"));
        assert_eq!(parse("yesterday"), None);
    }
}
