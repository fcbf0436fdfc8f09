//! The contract of a connector as code: any connector's tests call these against its own conversations.
//!
//! Nothing is sent. A scripted or simulated peer answers; [`hostile_replies`] is a peer that answers nonsense to everything.

use http::{HeaderMap, StatusCode};
use serde_json::json;
use thiserror::Error;

use handoff_core::extract::ReadPlan;
use handoff_core::id::{RecordId, RecordRef};

use crate::{
    AuthKind, Body, Connector, Cursor, Delivery, Exchange, Fault, Inbound, Reply, Request, Source, Spec,
    Step, Window,
};

/// A text that stands where a record's value would; it may come back in no fault.
pub const CANARY: &str = "canary-5f1e0c";

/// Most requests of one conversation before it counts as endless.
const PATIENCE: usize = 500;

/// Where a connector breaks the contract.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Breach {
    /// The description of the connector makes no sense.
    #[error("spec: {0}")]
    Spec(&'static str),
    /// A request that the transport must not send.
    #[error("request {name}: {problem}")]
    Request {
        /// Its name.
        name: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// Asking twice for the request gave two different ones.
    #[error("request {0} is another one when asked for again")]
    NotRepeatable(String),
    /// The conversation does not end.
    #[error("the conversation does not end")]
    Endless,
    /// Nonsense was taken for an answer.
    #[error("reply {0} was taken for an answer")]
    Believed(&'static str),
    /// A fault repeats a value of the reply.
    #[error("the fault for reply {0} repeats a value")]
    Leaked(&'static str),
    /// A cursor is not the same after storing.
    #[error("the cursor changes when it is stored")]
    Cursor,
    /// The pages of a walk do not end.
    #[error("the pages of the walk do not end, or one repeats for ever")]
    NoEnd,
    /// A walk ended with a fault.
    #[error("the walk ended with a fault: {0}")]
    Broken(Fault),
    /// An id is not canonical, or nonsense was taken for one.
    #[error("record id: {0}")]
    RecordId(&'static str),
    /// A delivery without proof of origin was let in.
    #[error("a delivery without proof of origin was let in")]
    LetIn,
}

/// Checks that a connector's description is whole: budgets with limits, ways to authenticate, batches.
pub fn spec(connector: &impl Connector) -> Result<(), Breach> {
    let spec = connector.spec();
    let auth: &[AuthKind] = spec.auth;
    if spec.name.is_empty() || auth.is_empty() {
        return Err(Breach::Spec("a connector has a name and a way to authenticate"));
    }
    if spec.read_batch == 0 {
        return Err(Breach::Spec("a read takes at least one record"));
    }
    for budget in spec.budgets {
        if budget.limit == 0 || budget.reserve_percent > 90 {
            return Err(Breach::Spec("a budget allows calls and keeps at most 90 percent for gates"));
        }
        if matches!(budget.window, Window::Short(window) if window.is_zero()) {
            return Err(Breach::Spec("a window is longer than nothing"));
        }
    }
    Ok(())
}

/// Checks a request: a relative address in plain ASCII, no credentials, a stable name, charges to known budgets.
pub fn request(request: &Request, spec: &Spec) -> Result<(), Breach> {
    let breach = |problem| Err(Breach::Request { name: request.name.to_owned(), problem });
    if !request.path.starts_with('/') || request.path.starts_with("//") {
        return breach("the path is relative to the instance and starts with one slash");
    }
    if !request.path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return breach("the path is percent-encoded");
    }
    if request.headers.contains_key(http::header::AUTHORIZATION) {
        return breach("credentials are the transport's");
    }
    if request.name.is_empty() || !request.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
        return breach("the name is lower case and holds no value");
    }
    if request.cost.iter().any(|(name, _)| !spec.budgets.iter().any(|budget| budget.name == *name)) {
        return breach("the cost names a budget that the spec does not have");
    }
    if matches!(request.method, http::Method::GET) && request.body != Body::Empty {
        return breach("a GET has no body");
    }
    Ok(())
}

/// Two requests as the transport would send them.
fn same(a: &Request, b: &Request) -> bool {
    a.method == b.method
        && a.path == b.path
        && a.headers == b.headers
        && a.body == b.body
        && a.lane == b.lane
        && a.idempotent == b.idempotent
        && a.name == b.name
}

/// Leads a conversation to its end, checking every request, and that it stays the same when asked for twice and after a temporary fault.
/// The inner result is the conversation's own.
pub fn drive<T: Send>(
    exchange: &mut dyn Exchange<Output = T>,
    spec: &Spec,
    mut peer: impl FnMut(&Request) -> Reply,
) -> Result<Result<T, Fault>, Breach> {
    for _ in 0..PATIENCE {
        let first = exchange.request();
        request(&first, spec)?;
        if !same(&first, &exchange.request()) {
            return Err(Breach::NotRepeatable(first.name.to_owned()));
        }
        match exchange.reply(&peer(&first)) {
            Ok(Step::Continue) => {}
            Ok(Step::Done(output)) => return Ok(Ok(output)),
            Err(fault) => {
                let temporary = matches!(fault, Fault::Transient { .. } | Fault::Throttled { .. });
                if temporary && !same(&first, &exchange.request()) {
                    return Err(Breach::NotRepeatable(first.name.to_owned()));
                }
                return Ok(Err(fault));
            }
        }
    }
    Err(Breach::Endless)
}

/// Replies that no vendor documents, by name: broken, empty, of the wrong shape, or a proxy's page.
pub fn hostile_replies() -> Vec<(&'static str, Reply)> {
    let reply =
        |status: StatusCode, body: Vec<u8>| Reply { status, headers: HeaderMap::new(), body: body.into() };
    let json = |value: serde_json::Value| value.to_string().into_bytes();
    let ok = StatusCode::OK;
    let html = format!("<html><body>{CANARY}</body></html>").into_bytes();
    let long = json(json!({ "records": CANARY.repeat(1_000), "results": { "a": [CANARY] }, "done": CANARY }));
    let error =
        json(json!([{ "errorCode": "SOME_NEW_CODE", "message": format!("value {CANARY} is wrong") }]));
    vec![
        ("empty", reply(ok, Vec::new())),
        ("no content", reply(StatusCode::NO_CONTENT, Vec::new())),
        ("web page with 200", reply(ok, html.clone())),
        ("web page with 414", reply(StatusCode::URI_TOO_LONG, html.clone())),
        ("web page with 503", reply(StatusCode::SERVICE_UNAVAILABLE, html)),
        ("truncated", reply(ok, br#"{"done":true,"records":[{"Id":"#.to_vec())),
        ("not UTF-8", reply(ok, vec![0xff, 0xfe, 0x00, 0x80])),
        ("NUL", reply(ok, vec![0; 64])),
        ("null", reply(ok, b"null".to_vec())),
        ("number", reply(ok, b"1e308".to_vec())),
        ("list", reply(ok, b"[]".to_vec())),
        ("object", reply(ok, b"{}".to_vec())),
        ("list of nonsense", reply(ok, format!(r#"[1,null,"{CANARY}",[],{{}}]"#).into_bytes())),
        ("depth", reply(ok, "[".repeat(100_000).into_bytes())),
        ("wrong types", reply(ok, long)),
        ("unknown error", reply(StatusCode::BAD_REQUEST, error.clone())),
        ("unknown refusal", reply(StatusCode::FORBIDDEN, error)),
        ("unknown status", reply(StatusCode::IM_A_TEAPOT, b"short and stout".to_vec())),
        ("empty 400", reply(StatusCode::BAD_REQUEST, Vec::new())),
        ("empty 401", reply(StatusCode::UNAUTHORIZED, Vec::new())),
        ("empty 404", reply(StatusCode::NOT_FOUND, Vec::new())),
    ]
}

/// Checks that a conversation takes no nonsense for an answer, ends, and repeats no value in its fault. `output_faults` gives the faults
/// inside an output that reports for several records; an output in which all failed is no belief.
pub fn survives<T: Send>(
    make: impl Fn() -> Box<dyn Exchange<Output = T>>,
    spec: &Spec,
    output_faults: impl Fn(&T) -> Option<Vec<Fault>>,
) -> Result<(), Breach> {
    for (name, reply) in hostile_replies() {
        let faults = match drive(&mut *make(), spec, |_| reply.clone())? {
            Err(fault) => vec![fault],
            Ok(output) => output_faults(&output).ok_or(Breach::Believed(name))?,
        };
        if faults.iter().any(|fault| format!("{fault} {fault:?}").contains(CANARY)) {
            return Err(Breach::Leaked(name));
        }
    }
    Ok(())
}

/// Checks that a cursor survives being stored.
pub fn cursor(cursor: &Cursor) -> Result<(), Breach> {
    let stored = serde_json::to_vec(cursor).map_err(|_| Breach::Cursor)?;
    let read: Cursor = serde_json::from_slice(&stored).map_err(|_| Breach::Cursor)?;
    if read == *cursor { Ok(()) } else { Err(Breach::Cursor) }
}

/// Walks a whole census page by page, each page with a cursor that was stored and a conversation of its own, as after a restart. Gives every
/// record listed, in the order listed. The cursor of each page leads on or the walk has ended.
pub fn census(
    source: &impl Source,
    plan: &ReadPlan,
    mut peer: impl FnMut(&Request) -> Reply,
) -> Result<Vec<RecordRef>, Breach> {
    let mut listed = Vec::new();
    let mut here = Cursor::beginning();
    for _ in 0..PATIENCE {
        let mut exchange = source.census(plan, &here);
        let page = drive(&mut *exchange, source.spec(), &mut peer)?.map_err(Breach::Broken)?;
        cursor(&page.next)?;
        listed.extend(page.changed.into_iter().map(|changed| changed.record));
        if !page.more {
            return Ok(listed);
        }
        if page.next == here {
            return Err(Breach::NoEnd);
        }
        here = page.next;
    }
    Err(Breach::NoEnd)
}

/// Checks that an id in any of its spellings becomes this canonical one, that the canonical one stays as it is, and that nonsense is no id.
pub fn record_id(source: &impl Source, spellings: &[&str], canonical: &RecordId) -> Result<(), Breach> {
    let is_canonical = |written: &str| source.record_id(written).as_ref() == Some(canonical);
    if !is_canonical(canonical.as_str()) {
        return Err(Breach::RecordId("the canonical form stays as it is"));
    }
    if !spellings.iter().all(|written| is_canonical(written)) {
        return Err(Breach::RecordId("every spelling becomes the canonical form"));
    }
    let long = "1".repeat(300);
    let nonsense =
        ["", " ", "n/a", "../1", "1/2", "1?x=y", "1'", "1\r\nX: y", "\u{feff}", "-1", long.as_str()];
    if nonsense.iter().any(|written| source.record_id(written).is_some()) {
        return Err(Breach::RecordId("nonsense is no id"));
    }
    Ok(())
}

/// Checks that a genuine delivery is let in with its secret and with no other: none, an empty one, a longer, a shorter, another.
pub fn inbound(
    connector: &impl Inbound,
    genuine: Delivery<'_>,
    secret: &[u8],
    now: jiff::Timestamp,
) -> Result<(), Breach> {
    let longer = [secret, b"x"].concat();
    let shorter = secret.get(1..).unwrap_or_default();
    let other: Vec<u8> = secret.iter().map(|byte| byte ^ 1).collect();
    let wrong: [&[&[u8]]; 5] = [&[], &[b""], &[&longer], &[shorter], &[&other]];
    if wrong.iter().any(|secrets| connector.verify(genuine, secrets, now).is_ok()) {
        return Err(Breach::LetIn);
    }
    match connector.verify(genuine, &[&other, secret], now) {
        Ok(id) if id.0.len() <= 256 => Ok(()),
        Ok(_) => Err(Breach::Spec("a delivery id has at most 256 bytes")),
        Err(_) => Err(Breach::Spec("a genuine delivery is let in with any secret in force")),
    }
}

#[cfg(test)]
mod tests;
