//! `/services/data`: finds the endpoint of a call, checks session, version and allocation, and answers.

mod collections;
mod composite;
mod replication;
mod rows;
mod setup;
mod tree;

use http::Method;
use serde_json::{Map, Value as Json, json};

use crate::{
    fault::total_limit,
    ids::Id,
    query::Ask,
    record::ActorKind,
    schema::describe,
    state::{Actor, State},
    wire::{ApiError, Call, Reply},
};

/// What a data call knows about itself: who asks, in which session, by which version.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) user: Id,
    pub(crate) token: String,
    pub(crate) client: Option<String>,
    pub(crate) version: String,
    pub(crate) request: u64,
}

impl Caller {
    pub(crate) fn actor(&self, kind: ActorKind) -> Actor {
        Actor { user: self.user, kind, client: self.client.clone(), request: self.request, transaction: None }
    }
}

pub(crate) type Answer = Result<Reply, ApiError>;

/// Answers a `/services/data` call; `kind` is its endpoint kind, which is counted.
pub(crate) fn answer(state: &mut State, call: &Call, kind: &str) -> Reply {
    let Some(version) = call.segments.get(2) else { return Reply::json(200, &versions()) };
    let reply = authorised(state, call, version, kind).unwrap_or_else(|error| error.reply());
    let limit = state.limits.header();
    reply.with("Sforce-Limit-Info", limit)
}

fn authorised(state: &mut State, call: &Call, version: &str, kind: &str) -> Answer {
    check_version(version)?;
    let token = token_of(call)?;
    let session = state.sessions.live(&token, state.second()).ok_or_else(ApiError::session)?;
    let caller = Caller {
        user: session.user,
        token,
        client: client_of(call),
        version: version.trim_start_matches('v').to_owned(),
        request: call.number,
    };
    if !state.is_active(caller.user) {
        return Err(ApiError::session());
    }
    let cost = if kind == "composite_batch" { batch_size(call) } else { 1 };
    let now = state.second();
    if !state.limits.charge(cost, now) {
        return Err(total_limit());
    }
    route(state, call, &caller)
}

fn batch_size(call: &Call) -> u64 {
    let body: Json = serde_json::from_slice(&call.body).unwrap_or_default();
    let count = body.get("batchRequests").and_then(Json::as_array).map_or(0, Vec::len);
    u64::try_from(count).unwrap_or(1).max(1)
}

fn check_version(version: &str) -> Result<(), ApiError> {
    let number =
        version.strip_prefix('v').and_then(|text| text.strip_suffix(".0")).and_then(|text| text.parse().ok());
    match number {
        Some(31_u32..=68) => Ok(()),
        Some(number) if number < 31 => Err(ApiError::new(
            410,
            "UNSUPPORTED_API_VERSION",
            "The requested API version is no longer supported",
        )),
        Some(_) | None => Err(ApiError::not_found()),
    }
}

fn token_of(call: &Call) -> Result<String, ApiError> {
    let Some(header) = call.header("authorization") else { return Err(ApiError::session()) };
    match header.split_once(' ') {
        Some((scheme, token))
            if scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("oauth") =>
        {
            Ok(token.trim().to_owned())
        }
        _ => Err(ApiError::new(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")),
    }
}

fn client_of(call: &Call) -> Option<String> {
    let options = call.header("sforce-call-options")?;
    options.split(',').find_map(|part| part.trim().strip_prefix("client=")).map(str::to_owned)
}

fn versions() -> Json {
    (31..=68)
        .map(|number: u32| {
            let season = match number % 3 {
                0 => "Spring",
                1 => "Summer",
                _ => "Winter",
            };
            // v62 is Winter '25, and three releases make a year.
            let year = (number + 13) / 3;
            json!({
                "label": format!("{season} '{year}"), "url": format!("/services/data/v{number}.0"),
                "version": format!("{number}.0"),
            })
        })
        .collect()
}

/// Routes a checked call below `/services/data/vXX.0`.
pub(crate) fn route(state: &mut State, call: &Call, caller: &Caller) -> Answer {
    let parts: Vec<&str> = call.segments.iter().skip(3).map(String::as_str).collect();
    let method = &call.method;
    match parts.as_slice() {
        [] => only_get(method, || Reply::json(200, &resources(state, caller))),
        ["query" | "queryAll" | "queryall"] => query(state, call, caller),
        ["query" | "queryAll" | "queryall", locator] => {
            state.query_more(locator, &caller.token, &caller.version).map(|body| Reply::json(200, &body))
        }
        ["tooling", "query"] => setup::tooling(state, call, caller),
        ["limits"] => only_get(method, || Reply::json(200, &state.limits.json())),
        ["sobjects"] => Ok(describe::global(state, call, caller)),
        ["sobjects", object] if method == Method::GET => describe::basic(state, object, caller),
        ["sobjects", object, "describe"] => describe::object(state, call, object, caller),
        ["sobjects", object, "updated"] => replication::updated(state, call, object),
        ["sobjects", object, "deleted"] => replication::deleted(state, call, object),
        ["sobjects", object, rest @ ..] => rows::answer(state, call, caller, object, rest),
        ["composite"] => composite::composite(state, call, caller),
        ["composite", "batch"] => composite::batch(state, call, caller),
        ["composite", "sobjects", rest @ ..] => collections::answer(state, call, caller, rest),
        ["composite", "tree", object] => tree::answer(state, call, caller, object),
        ["jobs", family, rest @ ..] => crate::bulk::answer(state, call, caller, family, rest),
        _ => Err(ApiError::not_found()),
    }
}

fn only_get(method: &Method, reply: impl FnOnce() -> Reply) -> Answer {
    if method == Method::GET || method == Method::HEAD { Ok(reply()) } else { Err(ApiError::method(method)) }
}

fn resources(state: &State, caller: &Caller) -> Json {
    let base = format!("/services/data/v{}", caller.version);
    let mut map = Map::new();
    for name in ["sobjects", "query", "queryAll", "limits", "composite", "jobs/query", "jobs/ingest"] {
        map.insert(name.to_owned(), json!(format!("{base}/{name}")));
    }
    map.insert(
        "identity".to_owned(),
        json!(format!("{}/id/{}/{}", state.base_url, state.org_id, caller.user)),
    );
    map.into()
}

fn query(state: &mut State, call: &Call, caller: &Caller) -> Answer {
    if call.method != Method::GET {
        return Err(ApiError::method(&call.method));
    }
    let soql = call.param("q").ok_or_else(|| {
        ApiError::new(400, "MALFORMED_QUERY", "A query string has to be specified as parameter named 'q'")
    })?;
    if setup::concerns(soql) {
        return setup::data(state, soql, caller);
    }
    let batch = call
        .header("sforce-query-options")
        .and_then(|options| options.split(',').find_map(|part| part.trim().strip_prefix("batchSize=")))
        .and_then(|size| size.trim().parse().ok())
        .unwrap_or(2000_usize)
        .clamp(200, 2000);
    let deleted = call.segments.get(3).is_some_and(|name| name.eq_ignore_ascii_case("queryall"));
    let ask = Ask { soql, user: caller.user, token: &caller.token, version: &caller.version, deleted, batch };
    state.query(&ask).map(|body| Reply::json(200, &body))
}

/// The position of an object, or the vendor's 404.
pub(crate) fn object_position(state: &State, name: &str) -> Result<usize, ApiError> {
    state.schema.position(name).ok_or_else(ApiError::not_found)
}
