//! `/composite` and `/composite/batch`.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::{Answer, Caller, route};
use crate::{
    state::State,
    wire::{ApiError, Call, JsonBody as _, Reply},
};

const SUBREQUESTS: usize = 25;
const HEAVY: usize = 5;

#[derive(Deserialize)]
struct Composite {
    #[serde(default, rename = "allOrNone")]
    all_or_none: bool,
    #[serde(rename = "compositeRequest")]
    requests: Vec<Sub>,
}

#[derive(Deserialize)]
struct Sub {
    method: String,
    url: String,
    #[serde(rename = "referenceId")]
    reference_id: String,
    #[serde(default)]
    body: Json,
    #[serde(default, rename = "httpHeaders")]
    headers: Map<String, Json>,
}

pub(super) fn composite(state: &mut State, call: &Call, caller: &Caller) -> Answer {
    if call.method != Method::POST {
        return Err(ApiError::method(&call.method));
    }
    let request: Composite = call.json()?;
    check(&request)?;
    if request.all_or_none {
        state.begin();
    }
    let mut answers: Vec<(String, Reply)> = Vec::new();
    let mut bodies: BTreeMap<String, Json> = BTreeMap::new();
    for sub in &request.requests {
        let reply = run(state, call, caller, sub, &bodies);
        let failed = is_failure(&reply, sub, request.all_or_none);
        if reply.status < 400 {
            bodies.insert(sub.reference_id.clone(), reply.body_json());
        }
        answers.push((sub.reference_id.clone(), reply));
        if failed && request.all_or_none {
            state.roll_back();
            return Ok(Reply::json(200, &json!({"compositeResponse": halted(&request, &answers)})));
        }
    }
    if request.all_or_none {
        state.keep();
    }
    let entries: Vec<Json> = answers.iter().map(|(id, reply)| entry(id, reply)).collect();
    Ok(Reply::json(200, &json!({"compositeResponse": entries})))
}

/// With an outer allOrNone a collection fails when any of its rows does.
fn is_failure(reply: &Reply, sub: &Sub, all_or_none: bool) -> bool {
    let row_failed = || {
        reply
            .body_json()
            .as_array()
            .is_some_and(|rows| rows.iter().any(|row| row.get("success") == Some(&json!(false))))
    };
    reply.status >= 400 || (all_or_none && sub.url.contains("/composite/sobjects") && row_failed())
}

fn halted(request: &Composite, answers: &[(String, Reply)]) -> Vec<Json> {
    let last = answers.len().saturating_sub(1);
    let message = "The transaction was rolled back since another operation in the same transaction failed.";
    let rolled_back = ApiError::new(400, "PROCESSING_HALTED", message).reply();
    request
        .requests
        .iter()
        .enumerate()
        .map(|(at, sub)| match answers.get(at) {
            Some((id, reply)) if at == last => entry(id, reply),
            _ => entry(&sub.reference_id, &rolled_back),
        })
        .collect()
}

fn check(request: &Composite) -> Result<(), ApiError> {
    if request.requests.is_empty() || request.requests.len() > SUBREQUESTS {
        let message = format!("The compositeRequest must have between 1 and {SUBREQUESTS} subrequests");
        return Err(ApiError::new(400, "LIMIT_EXCEEDED", message));
    }
    let heavy = request
        .requests
        .iter()
        .filter(|sub| {
            let path = sub.url.split('?').next().unwrap_or_default().to_ascii_lowercase();
            path.contains("/query") || path.contains("/composite/sobjects")
        })
        .count();
    if heavy > HEAVY {
        let message = format!(
            "Limit exceeded: at most {HEAVY} subrequests may be queries or sObject collection operations"
        );
        return Err(ApiError::new(400, "LIMIT_EXCEEDED", message));
    }
    let mut seen = std::collections::BTreeSet::new();
    for sub in &request.requests {
        let id = &sub.reference_id;
        let letters = id.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !letters || !id.starts_with(|letter: char| letter.is_ascii_alphabetic()) || !seen.insert(id) {
            let message = format!("Provided referenceId '{id}' is invalid or not unique");
            return Err(ApiError::new(400, "INVALID_INPUT", message));
        }
    }
    Ok(())
}

fn entry(id: &str, reply: &Reply) -> Json {
    let body = if reply.body.is_empty() { Json::Null } else { reply.body_json() };
    let mut headers = Map::new();
    if reply.status == 201
        && let Some(id) = body.get("id").and_then(Json::as_str)
    {
        headers.insert("Location".to_owned(), json!(id));
    }
    json!({"body": body, "httpHeaders": headers, "httpStatusCode": reply.status, "referenceId": id})
}

fn run(state: &mut State, call: &Call, caller: &Caller, sub: &Sub, bodies: &BTreeMap<String, Json>) -> Reply {
    let (url, body) = match (resolve_text(&sub.url, bodies), resolve(&sub.body, bodies)) {
        (Ok(url), Ok(body)) => (url, body),
        (Err(error), _) | (_, Err(error)) => return error.reply(),
    };
    let mut headers = HeaderMap::new();
    for (name, value) in &sub.headers {
        let pair =
            (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str().unwrap_or_default()));
        if let (Ok(name), Ok(value)) = pair {
            headers.insert(name, value);
        }
    }
    for name in ["sforce-query-options", "sforce-call-options"] {
        if let Some(value) = call.headers.get(name).filter(|_| !headers.contains_key(name)) {
            headers.insert(name, value.clone());
        }
    }
    subcall(state, caller, &sub.method, &url, headers, &body).unwrap_or_else(|error| error.reply())
}

fn subcall(
    state: &mut State,
    caller: &Caller,
    method: &str,
    url: &str,
    headers: HeaderMap,
    body: &Json,
) -> Answer {
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|_| ApiError::new(400, "INVALID_INPUT", "unsupported method"))?;
    let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
    let target = if url.starts_with('/') { url.to_owned() } else { format!("/{url}") };
    let sub = Call::new(caller.request, method, &target, headers, body);
    let versioned = sub.segments.first().is_some_and(|part| part == "services")
        && sub.segments.get(1).is_some_and(|part| part == "data")
        && sub.segments.get(2).is_some_and(|part| part.starts_with('v'));
    let nested = sub.segments.get(3).is_some_and(|part| part == "composite")
        && sub.segments.get(4).is_none_or(|part| part != "sobjects" && part != "tree");
    if !versioned || nested {
        return Err(ApiError::not_found());
    }
    route(state, &sub, caller)
}

/// Replaces `@{reference.path}` in every text of a body.
fn resolve(json: &Json, bodies: &BTreeMap<String, Json>) -> Result<Json, ApiError> {
    Ok(match json {
        Json::String(text) => Json::String(resolve_text(text, bodies)?),
        Json::Array(items) => {
            Json::Array(items.iter().map(|item| resolve(item, bodies)).collect::<Result<_, _>>()?)
        }
        Json::Object(map) => Json::Object(
            map.iter()
                .map(|(key, value)| Ok((key.clone(), resolve(value, bodies)?)))
                .collect::<Result<_, ApiError>>()?,
        ),
        Json::Null | Json::Bool(_) | Json::Number(_) => json.clone(),
    })
}

fn resolve_text(text: &str, bodies: &BTreeMap<String, Json>) -> Result<String, ApiError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("@{") {
        out.push_str(before);
        let Some((path, tail)) = after.split_once('}') else {
            out.push_str("@{");
            rest = after;
            continue;
        };
        out.push_str(&look_up(path, bodies)?);
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

fn look_up(path: &str, bodies: &BTreeMap<String, Json>) -> Result<String, ApiError> {
    let message = "Invalid reference specified. No value for ";
    let lost = || ApiError::new(400, "PROCESSING_HALTED", format!("{message}{path} found"));
    let mut steps = path.split(['.', '[']).map(|step| step.trim_end_matches(']'));
    let mut at = steps.next().and_then(|id| bodies.get(id)).ok_or_else(lost)?;
    for step in steps {
        at = step
            .parse::<usize>()
            .ok()
            .and_then(|index| at.get(index))
            .or_else(|| at.get(step))
            .ok_or_else(lost)?;
    }
    match at {
        Json::String(text) => Ok(text.clone()),
        Json::Null => Err(lost()),
        Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => Ok(at.to_string()),
    }
}

#[derive(Deserialize)]
struct Batch {
    #[serde(default, rename = "haltOnError")]
    halt: bool,
    #[serde(rename = "batchRequests")]
    requests: Vec<BatchSub>,
}

#[derive(Deserialize)]
struct BatchSub {
    method: String,
    url: String,
    #[serde(default, rename = "richInput")]
    input: Json,
}

pub(super) fn batch(state: &mut State, call: &Call, caller: &Caller) -> Answer {
    if call.method != Method::POST {
        return Err(ApiError::method(&call.method));
    }
    let batch: Batch = call.json()?;
    if batch.requests.len() > SUBREQUESTS {
        let message = format!("Batch size limit exceeded; at most {SUBREQUESTS} subrequests");
        return Err(ApiError::new(400, "LIMIT_EXCEEDED", message));
    }
    let (mut results, mut errors) = (Vec::new(), false);
    for sub in &batch.requests {
        if errors && batch.halt {
            let message = "Batch request had failed, and haltOnError was set to true";
            let body = ApiError::new(412, "BATCH_PROCESSING_HALTED", message).reply().body_json();
            results.push(json!({"statusCode": 412, "result": body}));
            continue;
        }
        // Subrequest addresses of a batch leave "/services/data" out.
        let url = sub.url.trim_start_matches('/');
        let url = if url.starts_with("services/data/") {
            format!("/{url}")
        } else {
            format!("/services/data/{url}")
        };
        let reply = subcall(state, caller, &sub.method, &url, HeaderMap::new(), &sub.input)
            .unwrap_or_else(|error| error.reply());
        errors |= reply.status >= 400;
        let result = if reply.body.is_empty() { Json::Null } else { reply.body_json() };
        results.push(json!({"statusCode": reply.status, "result": result}));
    }
    Ok(Reply::json(200, &json!({"hasErrors": errors, "results": results})))
}
