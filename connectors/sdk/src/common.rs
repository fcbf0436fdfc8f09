//! Answers that mean the same from every vendor.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use jiff::fmt::rfc2822::DateTimeParser;

use crate::{Fault, Reply};

/// The budget of a [`Fault::Throttled`] that names none: every call of the connection waits.
pub const ANY_BUDGET: &str = "any";

/// Longest wait that is read from `Retry-After`: ten years, so that arithmetic cannot overflow; the transport caps further.
const LONGEST: u64 = 10 * 366 * 24 * 60 * 60;

/// Classifies what needs no knowledge of the vendor: too many calls (429, or 503 with `Retry-After`), server errors, redirects
/// (never followed) and HTML where data was expected. `None` = the connector decides. 401 and 403 are always the connector's.
///
/// A connector asks its own error table first where a vendor gives one of these statuses a meaning of its own.
pub fn classify_common(reply: &Reply) -> Option<Fault> {
    let status = reply.status;
    let transient =
        |what: &str| Some(Fault::Transient { detail: format!("status {}: {what}", status.as_u16()) });
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => None,
        StatusCode::TOO_MANY_REQUESTS => {
            Some(Fault::Throttled { retry_after: retry_after(&reply.headers), budget: ANY_BUDGET })
        }
        StatusCode::SERVICE_UNAVAILABLE if reply.headers.contains_key(header::RETRY_AFTER) => {
            Some(Fault::Throttled { retry_after: retry_after(&reply.headers), budget: ANY_BUDGET })
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => transient("the vendor gave up waiting"),
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => Some(Fault::Denied {
            detail: format!("status {}: the vendor redirects to another place", status.as_u16()),
            remedy: "Check base_url of this connection; redirects are never followed".to_owned(),
        }),
        _ if status.is_server_error() => transient("server error"),
        _ if is_html(reply) && status.is_success() => transient("an HTML page instead of data"),
        _ if is_html(reply) => Some(Fault::Protocol {
            detail: format!("status {}: an HTML page instead of data", status.as_u16()),
        }),
        _ => None,
    }
}

/// `Retry-After` as seconds or as an HTTP date, which is read against the reply's own `Date`, so that clocks need not agree.
/// Negative and past = zero; more than ten years = ten years; unreadable = `None`.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let digits = text.strip_prefix('-').unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        let seconds = if text.starts_with('-') { 0 } else { digits.parse().unwrap_or(LONGEST).min(LONGEST) };
        return Some(Duration::from_secs(seconds));
    }
    let parser = DateTimeParser::new();
    let then = parser.parse_timestamp(text).ok()?;
    let sent = parser.parse_timestamp(headers.get(header::DATE)?.to_str().ok()?).ok()?;
    let wait = Duration::try_from(then.duration_since(sent)).unwrap_or(Duration::ZERO);
    Some(wait.min(Duration::from_secs(LONGEST)))
}

fn is_html(reply: &Reply) -> bool {
    let declared = reply
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.get(..9).is_some_and(|start| start.eq_ignore_ascii_case("text/html")));
    let first = reply.body.iter().find(|byte| !byte.is_ascii_whitespace());
    (declared && first.is_some()) || first == Some(&b'<')
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn reply(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> Reply {
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), http::HeaderValue::from_static(value)))
            .collect();
        Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers,
            body: Bytes::from_static(body.as_bytes()),
        }
    }

    fn wait(headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        match classify_common(&reply(429, headers, "")) {
            Some(Fault::Throttled { retry_after, budget: ANY_BUDGET }) => retry_after,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn d01_retry_after_is_read_in_all_its_forms() {
        let sent = ("date", "Fri, 20 Nov 2026 12:00:00 GMT");
        assert_eq!(wait(&[("retry-after", "17")]), Some(Duration::from_secs(17)));
        assert_eq!(wait(&[]), None);
        assert_eq!(wait(&[("retry-after", "-5")]), Some(Duration::ZERO));
        assert_eq!(wait(&[("retry-after", "soon")]), None);
        assert_eq!(wait(&[("retry-after", "-")]), None);
        assert_eq!(wait(&[("retry-after", "999999999999999999999999")]), Some(Duration::from_secs(LONGEST)));
        let at = |date| wait(&[("retry-after", date), sent]);
        assert_eq!(at("Fri, 20 Nov 2026 12:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(at("Fri, 20 Nov 2026 11:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(at("Fri, 20 Nov 2099 12:00:00 GMT"), Some(Duration::from_secs(LONGEST)));
        assert_eq!(wait(&[("retry-after", "Fri, 20 Nov 2026 12:00:30 GMT")]), None);
    }

    #[test]
    fn d05_html_is_never_data() {
        let html = [("content-type", "text/html; charset=utf-8")];
        let kind = |reply| classify_common(&reply).map(|fault| fault.kind());
        assert_eq!(kind(reply(200, &html, "<html>down</html>")), Some("transient"));
        assert_eq!(kind(reply(200, &[], "\n <!doctype html>")), Some("transient"));
        assert_eq!(kind(reply(414, &html, "too long")), Some("protocol"));
        assert_eq!(kind(reply(200, &html, "")), None);
        assert_eq!(kind(reply(200, &[("content-type", "application/json")], "[]")), None);
        assert_eq!(kind(reply(401, &html, "<html>")), None);
    }

    #[test]
    fn d03_server_errors_are_temporary_and_told_to_wait_if_the_vendor_says_so() {
        for status in [500, 502, 503, 504] {
            assert_eq!(classify_common(&reply(status, &[], "")).map(|f| f.kind()), Some("transient"));
        }
        let busy = classify_common(&reply(503, &[("retry-after", "9")], "<html>"));
        assert_eq!(
            busy,
            Some(Fault::Throttled { retry_after: Some(Duration::from_secs(9)), budget: ANY_BUDGET })
        );
    }

    #[test]
    fn h01_redirects_are_refused() {
        for status in [301, 302, 303, 307, 308] {
            let fault = classify_common(&reply(status, &[("location", "file:///etc/passwd")], ""));
            assert_eq!(fault.map(|f| f.kind()), Some("denied"));
        }
        assert_eq!(classify_common(&reply(300, &[], "[]")), None);
    }
}
