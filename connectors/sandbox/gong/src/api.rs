//! The vendor's endpoints: who may call, what it costs, what is answered.

mod calls;
mod company;
mod filter;

use handoff_sandbox_host::{Call, Reply};
use http::Method;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use crate::{
    access,
    cursor::{self, Page},
    envelope::{self, Refusal},
    fault::Action,
    limits::Spent,
    state::State,
    tripwire::Wire,
    workspace::Attempt,
};

/// The endpoint kind of a call, as counters and faults name it.
pub(crate) fn kind_of(call: &Call) -> &'static str {
    let (get, post) = (call.method == Method::GET, call.method == Method::POST);
    match call.parts().as_slice() {
        ["oauth2", "authorize"] if get => "authorize",
        ["oauth2", "generate-customer-token"] if post => "token",
        ["v2", "crm", ..] => "crm",
        ["v2", "calls"] if get => "calls",
        ["v2", "calls", "extensive"] if post => "extensive",
        ["v2", "calls", "transcript"] if post => "transcripts",
        ["v2", "calls", "manual-crm-associations"] if get => "associations",
        ["v2", "calls", _] if get => "call",
        ["v2", "users"] if get => "users",
        ["v2", "users", "extensive"] if post => "users_extensive",
        ["v2", "workspaces"] if get => "workspaces",
        ["v2", "settings", "trackers"] if get => "trackers",
        ["v2", ..] if !get => "write",
        _ => "other",
    }
}

/// What the company really answers.
pub(crate) fn answer(state: &mut State, call: &Call, kind: &'static str, action: Option<&Action>) -> Reply {
    state.count(kind);
    match kind {
        "authorize" => return access::authorize(state, call),
        "token" => return access::token(state, call),
        _ => {}
    }
    match company(state, call, kind) {
        Ok(mut body) => {
            if state.manners.unknown_fields || action == Some(&Action::UnknownFields) {
                envelope::sprinkle(&mut body);
            }
            Reply::json(200, &body)
        }
        Err(refusal) => refusal.reply(call),
    }
}

fn company(state: &mut State, call: &Call, kind: &str) -> Result<Json, Refusal> {
    touch(state, call, kind);
    if kind == "crm" || kind == "other" {
        return Err(Refusal::new(404, "Not found"));
    }
    let caller = state.access.caller_of(call, kind, state.second())?;
    let now = state.now();
    if let Err(spent) = state.limits.charge(now) {
        if spent == Spent::Second {
            state.wires.touch(Wire::TooFast, call.number, format!("{kind}: more than 3 calls in a second"));
        }
        return Err(spent.refusal());
    }
    match kind {
        "calls" => calls::list(state, call, &caller),
        "call" => calls::one(state, call, &caller, call.parts().get(2).copied().unwrap_or_default()),
        "extensive" => calls::extensive(state, call, &caller),
        "transcripts" => calls::transcripts(state, call, &caller),
        "users" => company::users(state, call),
        "users_extensive" => company::users_extensive(state, call),
        "workspaces" => Ok(company::workspaces(state, call)),
        "trackers" => Ok(company::trackers(state, call)),
        "associations" => company::associations(state, call),
        _ => Err(Refusal::new(405, "Method not allowed")),
    }
}

/// Wires that a call touches whoever makes it and whatever it gets.
fn touch(state: &mut State, call: &Call, kind: &str) {
    let what = format!("{} {}", call.method, call.path);
    if kind == "crm" {
        state.wires.touch(Wire::Crm, call.number, what.clone());
    }
    if kind == "write" {
        state.wires.touch(Wire::Write, call.number, what);
    }
    if kind == "write" || (kind == "crm" && call.method != Method::GET) {
        state.attempts.push(Attempt {
            request: call.number,
            at: state.now(),
            method: call.method.to_string(),
            path: call.path.clone(),
        });
    }
    if call.method == Method::POST && !call.params.is_empty() {
        let names: Vec<&str> = call.params.iter().map(|(name, _)| name.as_str()).collect();
        state.wires.touch(Wire::QueryOnPost, call.number, format!("{kind}: {}", names.join(", ")));
    }
}

/// A request's cursor, and what the cursor must go with.
struct Inputs {
    kind: &'static str,
    cursor: Option<String>,
    fingerprint: String,
}

impl Inputs {
    fn of_query(call: &Call, kind: &'static str) -> Self {
        let mut others: Vec<&(String, String)> =
            call.params.iter().filter(|(name, _)| name != "cursor").collect();
        others.sort();
        let inputs = serde_json::json!(others);
        Self {
            kind,
            cursor: call.param("cursor").map(str::to_owned),
            fingerprint: cursor::fingerprint(kind, &inputs),
        }
    }

    /// Reads a POST body, and what a cursor of it is bound to.
    fn of_body<T: DeserializeOwned>(call: &Call, kind: &'static str) -> Result<(Self, T), Refusal> {
        let malformed = || Refusal::bad("Malformed request body");
        let mut all: Map<String, Json> = serde_json::from_slice(&call.body).map_err(|_| malformed())?;
        let typed = serde_json::from_slice(&call.body).map_err(|_| malformed())?;
        let cursor = all.remove("cursor").and_then(|cursor| cursor.as_str().map(str::to_owned));
        let fingerprint = cursor::fingerprint(kind, &sorted(Json::Object(all)));
        Ok((Self { kind, cursor, fingerprint }, typed))
    }

    /// The page that is asked for; remembers expired cursors.
    fn page<T>(&self, state: &mut State, call: &Call, all: Vec<T>) -> Result<Page<T>, Refusal> {
        let (now, life) = (state.second(), state.manners.cursor_life);
        if let Some(cursor) = self.cursor.as_deref().filter(|cursor| cursor::is_expired(cursor, now)) {
            state.wires.stale_cursor(cursor, call.number, self.kind);
        }
        cursor::page(all, self.cursor.as_deref(), &self.fingerprint, now, life)
    }
}

/// The same value with the keys of every object in order.
fn sorted(value: Json) -> Json {
    match value {
        Json::Object(object) => {
            let mut pairs: Vec<(String, Json)> =
                object.into_iter().map(|(name, inner)| (name, sorted(inner))).collect();
            pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
            Json::Object(pairs.into_iter().collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(sorted).collect()),
        other @ (Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_)) => other,
    }
}
