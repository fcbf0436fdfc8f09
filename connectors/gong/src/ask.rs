//! Requests. Filters of a POST stand in its body only: Gong silently ignores them in the address.

use handoff_connector::{Body, Lane, Request};
use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::Api;
use crate::spec::ONE_CALL;

/// Reading: repeating it changes nothing, also where the method is POST.
fn request(method: Method, path: String, body: Body, name: &'static str) -> Request {
    Request {
        method,
        path,
        headers: HeaderMap::new(),
        body,
        lane: Lane::Read,
        cost: ONE_CALL,
        idempotent: true,
        name,
    }
}

pub(crate) fn get(path: &str, query: &[(&str, &str)], name: &'static str) -> Request {
    let mut path = path.to_owned();
    if !query.is_empty() {
        let pairs = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        path.push('?');
        path.push_str(&pairs);
    }
    request(Method::GET, path, Body::Empty, name)
}

pub(crate) fn post(path: &str, body: Value, name: &'static str) -> Request {
    request(Method::POST, path.to_owned(), Body::Json(body), name)
}

/// Which calls are asked for; an empty list of ids would be refused, so it is never made.
pub(crate) enum Which<'a> {
    Began { from: Timestamp, to: Timestamp },
    Ids(&'a [String]),
}

/// A time as Gong reads it, in whole seconds.
pub(crate) fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn filter(api: &Api, which: &Which<'_>) -> Value {
    let mut filter = Map::new();
    match which {
        Which::Began { from, to } => {
            filter.insert("fromDateTime".to_owned(), time(*from).into());
            filter.insert("toDateTime".to_owned(), time(*to).into());
        }
        Which::Ids(ids) => {
            filter.insert("callIds".to_owned(), json!(ids));
        }
    }
    if let Some(workspace) = &api.workspace {
        filter.insert("workspaceId".to_owned(), workspace.clone().into());
    }
    filter.into()
}

/// Links, parties and trackers; recordings are never asked for.
pub(crate) fn extensive(api: &Api, which: &Which<'_>, page: Option<&str>, name: &'static str) -> Request {
    let body = json!({
        "filter": filter(api, which),
        "contentSelector": {
            "context": "Extended",
            "contextTiming": ["Now"],
            "exposedFields": { "parties": true, "content": { "trackers": true, "trackerOccurrences": true } },
        },
    });
    post("/v2/calls/extensive", with_page(body, page), name)
}

pub(crate) fn transcript(api: &Api, which: &Which<'_>, page: Option<&str>) -> Request {
    let body = json!({ "filter": filter(api, which) });
    post("/v2/calls/transcript", with_page(body, page), "transcripts")
}

/// Calls that somebody linked by hand since `from`.
pub(crate) fn links(from: Timestamp, page: Option<&str>) -> Request {
    let from = time(from);
    let mut query = vec![("fromDateTime", from.as_str())];
    query.extend(page.map(|page| ("cursor", page)));
    get("/v2/calls/manual-crm-associations", &query, "links")
}

fn with_page(mut body: Value, page: Option<&str>) -> Value {
    if let (Some(page), Some(body)) = (page, body.as_object_mut()) {
        body.insert("cursor".to_owned(), page.into());
    }
    body
}
