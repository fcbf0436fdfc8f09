//! A company's Gong as far as we ask: calls that appear late, pages with cursors that expire, errors in its own words.

use handoff_connector::{Body, Connector as _, Cursor, Exchange, Fault, Reply, Request, conformance};
use handoff_core::id::ConnectionId;
use handoff_gong::{Gong, GongConfig};
use http::{HeaderMap, Method, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) const NOW: &str = "2026-11-20T12:00:00Z";

pub(crate) fn now() -> Timestamp {
    at(NOW)
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub(crate) fn gong() -> Gong {
    Gong::new(GongConfig::new(ConnectionId::from("calls"))).expect("valid")
}

/// A call's id: more than an integer of 64 bits holds.
pub(crate) fn id(number: u32) -> String {
    format!("98765432109876{number:06}")
}

pub(crate) fn call(number: u32, started: &str) -> Value {
    json!({
        "metaData": { "id": id(number), "url": format!("https://app.gong.io/call?id={number}"), "title": conformance::CANARY,
            "scheduled": "2026-01-01T00:00:00Z", "started": started, "duration": 1_834, "isPrivate": false, "unheard": {"of": 1} },
        "context": [{ "system": "Salesforce", "objects": [
            { "objectType": "Opportunity", "objectId": "0065e00000Aa1Bb", "timing": "Now", "fields": [{ "name": "Name", "value": 7 }] },
            { "objectType": "Account", "objectId": "0015e00000Cc2Dd", "timing": null, "fields": null } ] }],
        "parties": [
            { "id": "p1", "speakerId": "s1", "name": "Rita Reyes", "emailAddress": "Rita.Reyes@northwind-peak.example", "affiliation": "Internal", "userId": "7" },
            { "id": "p2", "speakerId": null, "emailAddress": "ceo@customer.example", "affiliation": "External" },
            { "id": "p3", "emailAddress": "", "affiliation": "Unknown" } ],
        "content": { "trackers": [{ "id": "1", "name": "Pricing", "count": 2, "type": "KEYWORD",
            "occurrences": [{ "startTime": 61.5, "speakerId": "s1" }, { "startTime": 3.0014, "speakerId": null }], "phrases": [] }] },
    })
}

#[derive(Default)]
pub(crate) struct Company {
    pub(crate) calls: Vec<Value>,
    pub(crate) transcripts: Vec<Value>,
    pub(crate) links: Vec<Value>,
    pub(crate) users: usize,
    pub(crate) page: usize,
    /// Cursors given out before this many requests have expired.
    pub(crate) expired_before: usize,
    /// Every cursor has expired when it comes back.
    pub(crate) impatient: bool,
    /// Paths that the key may not ask, with the status that says so.
    pub(crate) forbidden: Vec<(&'static str, u16)>,
    pub(crate) asked: Vec<(Method, String, Value)>,
}

impl Company {
    pub(crate) fn new() -> Self {
        Self { page: 100, users: 3, ..Self::default() }
    }

    /// Leads a conversation to its end.
    pub(crate) fn talk<T: Send>(&mut self, mut exchange: Box<dyn Exchange<Output = T>>) -> Result<T, Fault> {
        conformance::drive(&mut *exchange, gong().spec(), |request| self.answer(request))
            .expect("the contract is kept")
    }

    /// A whole pass from this cursor: ids in order of reading, and the cursor it ends with.
    pub(crate) fn pass(&mut self, cursor: Cursor, now: Timestamp) -> Result<(Vec<String>, Cursor), Fault> {
        use handoff_connector::Calls as _;
        let (mut seen, mut cursor) = (Vec::new(), cursor);
        for _ in 0..1_000 {
            conformance::cursor(&cursor).expect("a cursor that can be stored");
            let page = self.talk(gong().calls(&cursor, now))?;
            seen.extend(page.calls.into_iter().map(|call| call.id));
            cursor = page.next;
            if !page.more {
                return Ok((seen, cursor));
            }
        }
        panic!("the pass does not end");
    }

    pub(crate) fn answer(&mut self, request: &Request) -> Reply {
        let body = match &request.body {
            Body::Json(body) => body.clone(),
            Body::Empty => Value::Null,
            Body::Form(_) => panic!("Gong takes no forms"),
        };
        self.asked.push((request.method.clone(), request.path.clone(), body.clone()));
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        if let Some((_, status)) = self.forbidden.iter().find(|(forbidden, _)| *forbidden == path) {
            return error(*status, conformance::CANARY);
        }
        let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let param = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        if request.method == Method::POST {
            assert!(query.is_empty(), "filters of a POST stand in its body");
            assert!(!body.to_string().contains("media"), "recordings are never asked for");
        }
        let cursor = param("cursor").or_else(|| body["cursor"].as_str().map(str::to_owned));
        match path {
            "/v2/calls/extensive" => {
                self.filtered(&body, cursor.as_deref(), &self.calls, "calls", "/metaData/id")
            }
            "/v2/calls/transcript" => {
                self.filtered(&body, cursor.as_deref(), &self.transcripts, "callTranscripts", "/callId")
            }
            "/v2/calls/manual-crm-associations" => {
                let from = at(&param("fromDateTime").expect("a start"));
                let rows =
                    self.links.iter().filter(|row| at(row["created"].as_str().expect("a time")) >= from);
                self.paged(rows.cloned().collect(), cursor.as_deref(), "associations")
            }
            "/v2/users" => {
                let users = (0..self.users).map(|n| json!({ "id": n.to_string(), "emailAddress": null }));
                ok(
                    &json!({ "requestId": "r", "records": { "totalRecords": self.users }, "users": users.collect::<Vec<_>>() }),
                )
            }
            "/v2/workspaces" => {
                ok(&json!({ "requestId": "r", "workspaces": [{ "id": "42", "name": "Main" }] }))
            }
            other => panic!("{other} is never asked for"),
        }
    }

    fn filtered(&self, body: &Value, cursor: Option<&str>, rows: &[Value], list: &str, id: &str) -> Reply {
        let filter = &body["filter"];
        assert!(filter.is_object(), "filter is required");
        let time = |key: &str| filter[key].as_str().map(at);
        let (from, to) = (time("fromDateTime"), time("toDateTime"));
        if let (Some(from), Some(to)) = (from, to)
            && from >= to
        {
            return error(400, "filter.fromDateTime: must be before toDateTime");
        }
        let ids = filter.get("callIds").map(|ids| ids.as_array().expect("a list").clone());
        if ids.as_ref().is_some_and(Vec::is_empty) {
            return error(400, "filter.callIds: must not be empty but can be null or can be omitted");
        }
        assert!(ids.as_ref().is_none_or(|ids| ids.len() <= 100), "too many ids");
        let wanted = |row: &&Value| {
            let began = row.pointer("/metaData/started").and_then(Value::as_str).map(at);
            ids.as_ref().is_none_or(|ids| row.pointer(id).is_some_and(|id| ids.contains(id)))
                && began.is_none_or(|at| from.is_none_or(|from| from <= at) && to.is_none_or(|to| at < to))
                && (began.is_some() || ids.is_some())
        };
        let rows: Vec<Value> = rows.iter().filter(wanted).cloned().collect();
        if rows.is_empty() {
            return error(404, "No calls found corresponding to the provided filters");
        }
        self.paged(rows, cursor, list)
    }

    fn paged(&self, rows: Vec<Value>, cursor: Option<&str>, list: &str) -> Reply {
        let (start, given) = match cursor {
            None => (0, self.asked.len()),
            Some(cursor) => {
                let (start, given) = cursor.split_once('@').expect("one of our cursors");
                (start.parse().expect("a number"), given.parse::<usize>().expect("a number"))
            }
        };
        if cursor.is_some() && (self.impatient || given < self.expired_before) {
            return error(400, "cursor has expired");
        }
        let total = rows.len();
        let page: Vec<Value> = rows.into_iter().skip(start).take(self.page).collect();
        let end = start + page.len();
        let mut records =
            json!({ "totalRecords": total, "currentPageSize": page.len(), "currentPageNumber": 0 });
        if end < total {
            records["cursor"] = json!(format!("{end}@{given}"));
        }
        ok(&json!({ "requestId": "r", "records": records, list: page }))
    }
}

pub(crate) fn ok(body: &Value) -> Reply {
    reply(200, body)
}

pub(crate) fn error(status: u16, text: &str) -> Reply {
    reply(status, &json!({ "requestId": "r", "errors": [text] }))
}

pub(crate) fn reply(status: u16, body: &Value) -> Reply {
    let mut headers = HeaderMap::new();
    headers.insert(header::DATE, "Fri, 20 Nov 2026 12:00:00 GMT".parse().expect("a header"));
    Reply { status: StatusCode::from_u16(status).expect("a status"), headers, body: body.to_string().into() }
}
