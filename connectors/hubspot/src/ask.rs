//! Requests as the transport sends them.

use handoff_connector::{Body, Lane, Request};
use http::{HeaderMap, Method};
use serde_json::Value;

/// A GET.
pub(crate) fn get(
    path: String,
    lane: Lane,
    cost: &'static [(&'static str, u32)],
    name: &'static str,
) -> Request {
    request(Method::GET, path, Body::Empty, lane, cost, name)
}

/// A POST of JSON. All of ours write the same values when they are sent twice.
pub(crate) fn post(
    path: String,
    body: Value,
    lane: Lane,
    cost: &'static [(&'static str, u32)],
    name: &'static str,
) -> Request {
    request(Method::POST, path, Body::Json(body), lane, cost, name)
}

fn request(
    method: Method,
    path: String,
    body: Body,
    lane: Lane,
    cost: &'static [(&'static str, u32)],
    name: &'static str,
) -> Request {
    Request { method, path, headers: HeaderMap::new(), body, lane, cost, idempotent: true, name }
}

/// A paging token inside a query; one that HubSpot could not have given is `None`.
pub(crate) fn token(after: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_graphic();
    if after.is_empty() || after.len() > 500 || !after.bytes().all(plain) {
        return None;
    }
    Some(percent_encoding::utf8_percent_encode(after, percent_encoding::NON_ALPHANUMERIC).to_string())
}

/// The token of the next page: `paging.next.after`, which HubSpot writes as text or as a number.
pub(crate) fn next_page(body: &Value) -> Option<String> {
    match body.get("paging")?.get("next")?.get("after")? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
