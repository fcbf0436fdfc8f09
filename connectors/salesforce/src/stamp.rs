//! Times as Salesforce writes them.

use handoff_connector::Reply;
use jiff::Timestamp;
use jiff::fmt::{rfc2822, strtime};

/// Reads `2026-11-20T09:15:27.000+0000`, and the same with `Z` or `+00:00`.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    if text.len() > 40 {
        return None;
    }
    if let Ok(stamp) = text.parse::<Timestamp>() {
        return Some(stamp);
    }
    strtime::parse("%Y-%m-%dT%H:%M:%S%.f%z", text).ok()?.to_timestamp().ok()
}

/// Writes a stamp as an unquoted SOQL literal with milliseconds, `2026-11-20T09:15:27.000Z`.
pub(crate) fn soql(stamp: Timestamp) -> String {
    stamp.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Writes a stamp as an HTTP date, `Fri, 20 Nov 2026 09:15:27 GMT`; `None` for years that it cannot express.
pub(crate) fn http_date(stamp: Timestamp) -> Option<String> {
    rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&stamp).ok()
}

/// The server's own clock, from the reply's `Date` header.
pub(crate) fn server_clock(reply: &Reply) -> Option<Timestamp> {
    let text = reply.headers.get(http::header::DATE)?.to_str().ok()?;
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn b04_every_spelling_of_utc_is_read() {
        let expected: Timestamp = "2026-11-20T09:15:27Z".parse().expect("valid");
        for text in [
            "2026-11-20T09:15:27.000+0000",
            "2026-11-20T09:15:27.000Z",
            "2026-11-20T09:15:27Z",
            "2026-11-20T09:15:27+00:00",
            "2026-11-20T10:15:27.000+0100",
        ] {
            assert_eq!(parse(text), Some(expected), "{text}");
        }
        assert_eq!(soql(expected), "2026-11-20T09:15:27.000Z");
        assert_eq!(http_date(expected).as_deref(), Some("Fri, 20 Nov 2026 09:15:27 GMT"));
        assert_eq!(parse("2026-11-20"), None);
        assert_eq!(parse("tomorrow"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn what_is_written_is_read_back(seconds in 0_i64..4_000_000_000) {
            let stamp = Timestamp::from_second(seconds).expect("in range");
            prop_assert_eq!(parse(&soql(stamp)), Some(stamp));
            prop_assert_eq!(parse(&soql(stamp).replace('Z', "+0000")), Some(stamp));
        }
    }
}
