//! The vendor's envelope: a request id on every body, `records` on lists, bare texts as errors.

use handoff_sandbox_host::{Call, Reply};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

/// Calls, users and associations per page; a client cannot choose.
pub(crate) const PAGE: usize = 100;

/// A refused request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) text: String,
    pub(crate) retry_after: Option<i64>,
}

impl Refusal {
    pub(crate) fn new(status: u16, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), retry_after: None }
    }

    /// 400 with the field that is wrong and why.
    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self::new(400, text)
    }

    /// An empty window, a wrong filter, or a key that sees no calls: the vendor does not say which.
    pub(crate) fn no_calls() -> Self {
        Self::new(404, "No calls found corresponding to the provided filters")
    }

    pub(crate) fn reply(&self, call: &Call) -> Reply {
        let reply =
            Reply::json(self.status, &json!({"requestId": request_id(call.number), "errors": [self.text]}));
        match self.retry_after {
            Some(seconds) => reply.with("Retry-After", seconds.to_string()),
            None => reply,
        }
    }
}

/// A body with the request id in front.
pub(crate) fn body(call: &Call, parts: Vec<(&str, Json)>) -> Json {
    let mut body = Map::new();
    body.insert("requestId".to_owned(), json!(request_id(call.number)));
    for (name, value) in parts {
        body.insert(name.to_owned(), value);
    }
    Json::Object(body)
}

/// 19 lower-case letters and digits, the same for the same request number.
pub(crate) fn request_id(number: u64) -> String {
    const SIGNS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    Sha256::digest(format!("request:{number}"))
        .iter()
        .take(19)
        .map(|byte| char::from(SIGNS.get(usize::from(byte % 36)).copied().unwrap_or(b'0')))
        .collect()
}

/// Puts fields that no client knows into every object, as the vendor may do without warning.
pub(crate) fn sprinkle(value: &mut Json) {
    match value {
        Json::Object(object) => {
            for inner in object.values_mut() {
                sprinkle(inner);
            }
            object.insert("addedWithoutWarning".to_owned(), json!({"kind": "NEW", "value": 1}));
        }
        Json::Array(items) => items.iter_mut().for_each(sprinkle),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}
