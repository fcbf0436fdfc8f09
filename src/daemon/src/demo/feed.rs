//! The product's own telemetry: sent to the daemon over HTTP, signed as the Standard Webhooks specification says, or not.

use std::time::Duration;

use handoff_transport::{AllowedHosts, HttpConfig, HttpWire, Wire as _, WireRequest};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use super::DemoError;
use crate::feed::signature;

/// The feed with how much each feature is used.
pub(super) const USAGE: &str = "usage";
/// The feed with who came to which training.
pub(super) const ATTENDANCE: &str = "attendance";
/// Signs its deliveries; it protects nothing, for both ends are on loopback.
pub(super) const SECRET: &str = "whsec_ZGVtby1mZWVkLXNlY3JldC1mb3ItbG9vcGJhY2s=";

/// What the daemon answered.
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) status: u16,
    /// Rows that were taken.
    pub(super) taken: u64,
}

/// Sends rows, signed or not.
pub(super) async fn send(
    feed: &str,
    daemon: std::net::SocketAddr,
    at: Timestamp,
    rows: &[Value],
    signed: bool,
) -> Result<Answer, DemoError> {
    let not_sent = |_fault| DemoError::Feed;
    let body = json!({"rows": rows}).to_string().into_bytes();
    let (id, time) = (format!("msg_{}", at.as_nanosecond()), at.as_second().to_string());
    let key = signature::key(SECRET).ok_or(DemoError::Feed)?;
    let proof = signature::sign(&key, &id, &time, &body).filter(|_| signed);
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in [(signature::ID, &id), (signature::TIME, &time)] {
        let value = HeaderValue::try_from(value).map_err(|_not_a_header| DemoError::Feed)?;
        headers.insert(HeaderName::from_static(name), value);
    }
    if let Some(proof) = proof {
        let value = HeaderValue::try_from(proof).map_err(|_not_a_header| DemoError::Feed)?;
        headers.insert(HeaderName::from_static(signature::SIGNATURE), value);
    }
    let wire = HttpWire::new(HttpConfig {
        hosts: AllowedHosts { names: Vec::new(), allow_loopback: true },
        connect_timeout: Duration::from_secs(5),
        body_cap: 1_048_576,
        extra_roots: Vec::new(),
    })
    .map_err(|_no_wire| DemoError::Feed)?;
    let url = Url::parse(&format!("http://{daemon}/feeds/{feed}")).map_err(|_not_a_url| DemoError::Feed)?;
    let timeout = Duration::from_secs(30);
    let request = WireRequest { method: Method::POST, url, headers, body: body.into(), timeout };
    let reply = wire.send(request).await.map_err(not_sent)?;
    let told: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let taken = told.get("taken").and_then(Value::as_u64).unwrap_or(0);
    Ok(Answer { status: reply.status.as_u16(), taken })
}
