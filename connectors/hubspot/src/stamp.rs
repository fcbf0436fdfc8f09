//! Times as HubSpot writes them.

use handoff_connector::Reply;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use serde_json::Value;

/// Reads an ISO time or epoch milliseconds, as text or as a number.
pub(crate) fn parse(value: &Value) -> Option<Timestamp> {
    handoff_core::extract::timestamp_of(value)
}

/// The server's own clock, from the reply's `Date` header.
pub(crate) fn server_clock(reply: &Reply) -> Option<Timestamp> {
    let text = reply.headers.get(http::header::DATE)?.to_str().ok()?;
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}
