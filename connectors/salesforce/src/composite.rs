//! Several requests for the price of one.

use handoff_connector::{Body, Fault, Lane, Reply, Request};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::error;
use crate::spec::ONE_CALL;

/// One request inside a composite.
#[derive(Debug, Clone)]
pub(crate) struct Sub {
    /// Name in the answer; starts with a letter.
    pub(crate) name: String,
    /// `GET`, `POST`, `PATCH`.
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) url: String,
    /// Body, if any.
    pub(crate) body: Option<Value>,
    /// Precondition, if any.
    pub(crate) unmodified_since: Option<String>,
}

impl Sub {
    /// A `GET`.
    pub(crate) fn get(name: impl Into<String>, url: String) -> Self {
        Self { name: name.into(), method: Method::GET, url, body: None, unmodified_since: None }
    }

    /// A request with a body.
    pub(crate) fn with_body(name: impl Into<String>, method: Method, url: String, body: Value) -> Self {
        Self { name: name.into(), method, url, body: Some(body), unmodified_since: None }
    }

    fn json(&self) -> Value {
        let mut object = Map::new();
        object.insert("method".to_owned(), json!(self.method.as_str()));
        object.insert("url".to_owned(), json!(self.url));
        object.insert("referenceId".to_owned(), json!(self.name));
        if let Some(body) = &self.body {
            object.insert("body".to_owned(), body.clone());
        }
        if let Some(date) = &self.unmodified_since {
            object.insert("httpHeaders".to_owned(), json!({ "If-Unmodified-Since": date }));
        }
        Value::Object(object)
    }
}

/// The answer to one [`Sub`].
#[derive(Debug, Clone)]
pub(crate) struct SubReply {
    /// Its own HTTP status.
    pub(crate) status: StatusCode,
    /// Its body; `null` when there is none.
    pub(crate) body: Value,
}

impl SubReply {
    /// The body of a success; otherwise the fault it states.
    pub(crate) fn ok(&self) -> Result<&Value, Fault> {
        if self.status.is_success() { Ok(&self.body) } else { Err(self.fault()) }
    }

    /// The fault that a failure states.
    pub(crate) fn fault(&self) -> Fault {
        error::of_status(self.status, &self.body, None)
    }
}

/// A composite request; each part for itself, in order. It is idempotent as long as its parts are.
pub(crate) fn request(base: &str, subs: &[Sub], lane: Lane, name: &'static str) -> Request {
    let parts: Vec<Value> = subs.iter().map(Sub::json).collect();
    Request {
        method: Method::POST,
        path: format!("{base}/composite"),
        headers: headers(),
        body: Body::Json(
            json!({ "allOrNone": false, "collateSubrequests": false, "compositeRequest": parts }),
        ),
        lane,
        cost: ONE_CALL,
        idempotent: true,
        name,
    }
}

/// A plain `GET`.
pub(crate) fn get(
    path: String,
    lane: Lane,
    cost: &'static [(&'static str, u32)],
    name: &'static str,
) -> Request {
    Request {
        method: Method::GET,
        path,
        headers: headers(),
        body: Body::Empty,
        lane,
        cost,
        idempotent: true,
        name,
    }
}

/// Names us in the CRM's own logs, keeps pages large, and keeps our updates from re-assigning owners or filling "recently used".
fn headers() -> HeaderMap {
    const ALL: [(&str, &str); 5] = [
        ("sforce-call-options", "client=handoffd"),
        ("sforce-query-options", "batchSize=2000"),
        ("sforce-auto-assign", "FALSE"),
        ("sforce-mru", "updateMru=false"),
        ("sforce-duplicate-rule-header", "allowSave=true"),
    ];
    ALL.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
}

/// The answers in the order of the subrequests. A missing answer is a protocol fault; a session or limit fault of any part is the whole's.
pub(crate) fn replies(reply: &Reply, subs: &[Sub]) -> Result<Vec<SubReply>, Fault> {
    let mut body = error::body(reply)?;
    let Some(answers) = body.get_mut("compositeResponse").and_then(Value::as_array_mut) else {
        return Err(Fault::Protocol { detail: "a composite answer without compositeResponse".to_owned() });
    };
    let mut out = Vec::with_capacity(subs.len());
    for sub in subs {
        let answer = answers
            .iter_mut()
            .find(|answer| answer.get("referenceId").and_then(Value::as_str) == Some(&sub.name));
        let Some(answer) = answer else {
            return Err(Fault::Protocol { detail: format!("no answer to subrequest {}", sub.name) });
        };
        let status = answer
            .get("httpStatusCode")
            .and_then(Value::as_u64)
            .and_then(|code| u16::try_from(code).ok())
            .and_then(|code| StatusCode::from_u16(code).ok())
            .ok_or_else(|| Fault::Protocol { detail: format!("no status for subrequest {}", sub.name) })?;
        let body = answer.get_mut("body").map(Value::take).unwrap_or_default();
        let answer = SubReply { status, body };
        if !status.is_success() {
            match answer.fault() {
                whole @ (Fault::Expired | Fault::Throttled { .. }) => return Err(whole),
                Fault::Transient { .. }
                | Fault::Denied { .. }
                | Fault::Stale
                | Fault::Gone
                | Fault::Refused { .. }
                | Fault::Protocol { .. } => {}
            }
        }
        out.push(answer);
    }
    Ok(out)
}

/// A reply with a status and a body and nothing else; for conversations that look into bodies themselves.
#[cfg(test)]
pub(crate) fn reply_of(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: HeaderMap::new(),
        body: body.into().into(),
    }
}
