//! What an answer means. Gong's errors are texts without codes: known ones are recognised, and none is ever repeated.

use std::time::Duration;

use handoff_connector::{Fault, Reply, classify_common, retry_after};
use serde_json::Value;

use crate::spec::{DAILY, PER_SECOND};

/// A wait longer than this is not about the calls of a second.
const SECONDS_LIMIT: Duration = Duration::from_mins(1);
/// Most texts of an answer that are looked at.
const TEXTS: usize = 20;

/// Why an answer brings nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// Nothing fits the filter. Gong says so with 404; a key whose owner may see no calls gets the same words.
    Nothing,
    /// The page's cursor is too old (about an hour from the first page).
    CursorExpired,
    /// The key or app may not ask this.
    NotAllowed(Fault),
    /// Anything else.
    Failed(Fault),
}

impl Unanswered {
    /// The fault for a conversation that knows no better.
    pub(crate) fn fault(self) -> Fault {
        match self {
            Self::Nothing => protocol("nothing fits a filter that always fits something"),
            Self::CursorExpired => protocol("the cursor of a page expired before the page was asked for"),
            Self::NotAllowed(fault) | Self::Failed(fault) => fault,
        }
    }
}

pub(crate) fn protocol(detail: &str) -> Fault {
    Fault::Protocol { detail: detail.to_owned() }
}

/// The JSON object of a good answer.
pub(crate) fn body(reply: &Reply) -> Result<Value, Unanswered> {
    match reply.status.as_u16() {
        // Which of both says that a scope is missing differs by endpoint; a new token settles it.
        401 => return Err(Unanswered::NotAllowed(Fault::Expired)),
        403 => return Err(Unanswered::NotAllowed(denied())),
        429 => return Err(Unanswered::Failed(throttled(reply))),
        404 => return Err(not_found(reply)),
        400 => return Err(bad_request(reply)),
        _ => {}
    }
    if let Some(fault) = classify_common(reply) {
        return Err(Unanswered::Failed(fault));
    }
    let failed = |detail: &str| Unanswered::Failed(protocol(detail));
    if !reply.status.is_success() {
        return Err(failed(&format!("status {}", reply.status.as_u16())));
    }
    match serde_json::from_slice::<Value>(&reply.body) {
        Ok(body) if body.is_object() => Ok(body),
        Ok(_) => Err(failed("the answer is not a JSON object")),
        Err(error) if error.is_eof() => {
            Err(Unanswered::Failed(Fault::Transient { detail: "the answer broke off".to_owned() }))
        }
        Err(error) => Err(failed(&format!("not JSON (line {}, column {})", error.line(), error.column()))),
    }
}

fn denied() -> Fault {
    Fault::Denied {
        detail: "status 403: Gong refuses this key or app, or calls from this address".to_owned(),
        remedy: "In Gong's Admin center, API: add this machine's address to the trusted IPs (up to 5 minutes), and give the app the \
                 scopes api:calls:read:basic, api:calls:read:extensive, api:calls:read:transcript, api:users:read and \
                 api:crm-calls:manual-association:read"
            .to_owned(),
    }
}

/// Gong tells only how long to wait, so the length tells which of its two limits was reached.
fn throttled(reply: &Reply) -> Fault {
    let retry_after = retry_after(&reply.headers);
    let long = retry_after.is_some_and(|wait| wait > SECONDS_LIMIT);
    Fault::Throttled { retry_after, budget: if long { DAILY } else { PER_SECOND } }
}

/// The texts of `errors`, lower case.
fn texts(reply: &Reply) -> Vec<String> {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let errors = body.get("errors").and_then(Value::as_array);
    errors.into_iter().flatten().take(TEXTS).filter_map(Value::as_str).map(str::to_lowercase).collect()
}

fn not_found(reply: &Reply) -> Unanswered {
    const NOTHING: [&str; 3] =
        ["corresponding to the provided filters", "no calls found", "call id was not found"];
    let texts = texts(reply);
    if texts.iter().any(|text| NOTHING.iter().any(|known| text.contains(known))) {
        return Unanswered::Nothing;
    }
    if texts.is_empty() {
        return Unanswered::Failed(Fault::Denied {
            detail: "status 404 without an error of Gong's".to_owned(),
            remedy: "Check login_url of this connection: Gong's Admin center, API, shows your company's own address"
                .to_owned(),
        });
    }
    Unanswered::Failed(protocol("status 404 with an unknown text"))
}

fn bad_request(reply: &Reply) -> Unanswered {
    const KNOWN: [&str; 3] = ["must not be empty", "must be before", "must not be null"];
    let texts = texts(reply);
    let says = |words: &str| texts.iter().any(|text| text.contains(words));
    if says("cursor has expired") {
        return Unanswered::CursorExpired;
    }
    let known = KNOWN.iter().find(|words| says(words));
    Unanswered::Failed(match known {
        Some(words) => protocol(&format!("status 400: a filter {words}")),
        None => protocol("status 400 with an unknown text"),
    })
}
