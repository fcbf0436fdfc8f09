//! A small org: answers queries over its rows and keeps what is written to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use handoff_connector::{Body, Connector as _, Exchange, Fault, Reply, Request, conformance};
use handoff_core::extract::ReadPlan;
use handoff_core::id::{RecordId, RecordRef};
use handoff_salesforce::{Salesforce, SalesforceConfig};
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::{Map, Value, json};

pub(crate) const ORG: &str = "00Dxx0000000001EAA";

pub(crate) fn connector(page_size: usize) -> Salesforce {
    let config = SalesforceConfig { page_size, ..SalesforceConfig::new("sf".into(), ORG) };
    Salesforce::new(config).expect("valid")
}

/// The n-th opportunity's id, 18 characters.
pub(crate) fn id(n: usize) -> String {
    id_of("006", n)
}

pub(crate) fn id_of(prefix: &str, n: usize) -> String {
    handoff_salesforce::SfId::parse(&format!("{prefix}xx0000{n:06}")).expect("valid").as_str().to_owned()
}

pub(crate) fn opportunity(n: usize) -> RecordRef {
    RecordRef { connection: "sf".into(), object: "Opportunity".into(), record: RecordId(id(n)) }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub(crate) fn plan() -> ReadPlan {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
    ReadPlan {
        object: "Opportunity".into(),
        fields: set(&["Account.Name", "Decision__c", "Name", "OwnerId", "StageName"]),
        related: [("OpportunityContactRoles".to_owned(), set(&["ContactId", "Role"]))].into(),
        history: set(&["Decision__c", "StageName"]),
        stage_field: "StageName".to_owned(),
        interesting_stages: BTreeSet::new(),
    }
}

/// Rows by object, the clock that stamps replies, and what was asked.
#[derive(Default)]
pub(crate) struct Org {
    pub(crate) clock: Option<Timestamp>,
    pub(crate) rows: BTreeMap<String, Vec<Value>>,
    pub(crate) calls: Vec<String>,
    /// Describes by object.
    pub(crate) describes: BTreeMap<String, Value>,
}

pub(crate) fn stamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

impl Org {
    pub(crate) fn new(clock: &str) -> Self {
        Self { clock: Some(at(clock)), ..Self::default() }
    }

    /// Puts a row with an id and a stamp.
    pub(crate) fn put(&mut self, object: &str, id: &str, time: &str, fields: &Value) {
        let mut row = json!({ "Id": id, "SystemModstamp": stamp(at(time)), "CreatedDate": stamp(at(time)),
            "IsDeleted": false, "LastModifiedDate": stamp(at(time)), "LastModifiedById": id_of("005", 1) });
        merge(&mut row, fields);
        self.rows.entry(object.to_owned()).or_default().push(row);
    }

    pub(crate) fn row(&mut self, id: &str) -> Option<&mut Value> {
        self.rows.values_mut().flatten().find(|row| row["Id"] == id)
    }

    /// Leads a conversation to its end.
    pub(crate) fn talk<T: Send>(&mut self, exchange: &mut dyn Exchange<Output = T>) -> Result<T, Fault> {
        let spec = connector(10).spec();
        conformance::drive(exchange, spec, |request| self.answer(request)).expect("the contract is kept")
    }

    pub(crate) fn answer(&mut self, request: &Request) -> Reply {
        self.calls.push(request.name.to_owned());
        let Body::Json(body) = &request.body else {
            let queries = ["/query?", "/queryAll?"].iter().any(|resource| request.path.contains(resource));
            let described = request.path.strip_suffix("/describe").and_then(|path| path.rsplit('/').next());
            return if queries {
                self.reply(200, &self.query(&soql(&request.path)))
            } else if let Some(describe) = described.and_then(|object| self.describes.get(object)) {
                self.reply(200, describe)
            } else {
                self.reply(404, &Value::Null)
            };
        };
        let parts = body["compositeRequest"].as_array().expect("parts").clone();
        assert!(parts.len() <= 25, "too many subrequests");
        let heavy = parts.iter().filter(|part| {
            let url = part["url"].as_str().unwrap_or_default();
            url.contains("/query") || url.contains("/composite/sobjects")
        });
        assert!(heavy.count() <= 5, "too many queries and collections");
        let answers: Vec<Value> = parts
            .iter()
            .map(|part| {
                let (status, body) = self.part(part);
                json!({ "referenceId": part["referenceId"], "httpStatusCode": status, "httpHeaders": {}, "body": body })
            })
            .collect();
        self.reply(200, &json!({ "compositeResponse": answers }))
    }

    pub(crate) fn reply(&self, status: u16, body: &Value) -> Reply {
        let mut headers = HeaderMap::new();
        if let Some(clock) = self.clock {
            let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&clock).expect("a date");
            headers.insert(http::header::DATE, HeaderValue::from_str(&date).expect("ASCII"));
        }
        Reply {
            status: StatusCode::from_u16(status).expect("a status"),
            headers,
            body: body.to_string().into(),
        }
    }

    fn part(&mut self, part: &Value) -> (u16, Value) {
        let url = part["url"].as_str().expect("a url");
        let path = url.split('?').next().unwrap_or_default();
        let body = &part["body"];
        match (part["method"].as_str(), path.rsplit_once("/v62.0/").map(|(_, rest)| rest)) {
            (Some("GET"), Some("query" | "queryAll")) => (200, self.query(&soql(url))),
            (Some("PATCH"), Some("composite/sobjects")) => {
                let rows = body["records"].as_array().expect("records").clone();
                assert!(rows.len() <= 200);
                (200, rows.iter().map(|row| self.write(row)).collect())
            }
            (Some("POST"), Some(rest)) if rest.starts_with("composite/sobjects/") => {
                let ids = body["ids"].as_array().expect("ids").clone();
                (
                    200,
                    ids.iter()
                        .map(|id| self.row(id.as_str().expect("an id")).cloned().unwrap_or_default())
                        .collect(),
                )
            }
            (Some("PATCH"), Some(rest)) => {
                let id = rest.rsplit('/').next().unwrap_or_default().to_owned();
                let since = part["httpHeaders"]["If-Unmodified-Since"].as_str().map(str::to_owned);
                let Some(row) = self.row(&id) else { return (404, error("NOT_FOUND")) };
                let since = since.expect("an opening is guarded");
                let since = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(since).expect("a date");
                if row["SystemModstamp"].as_str().expect("a stamp") > stamp(since).as_str() {
                    return (412, error("PRECONDITION_FAILED"));
                }
                let mut change = body.clone();
                merge(&mut change, &json!({ "id": id }));
                self.write(&change);
                (204, Value::Null)
            }
            _ => (404, error("NOT_FOUND")),
        }
    }

    fn write(&mut self, change: &Value) -> Value {
        let now = self.clock.expect("a clock");
        let id = change["id"].as_str().expect("an id").to_owned();
        let Some(row) = self.row(&id) else {
            return json!({ "success": false, "errors": [{ "statusCode": "ENTITY_IS_DELETED", "message": "", "fields": [] }] });
        };
        if let Some(refusal) = row.get("refuse").and_then(Value::as_str) {
            return json!({ "success": false, "errors": [{ "statusCode": refusal, "message": "No.", "fields": [] }] });
        }
        merge(row, change);
        merge(row, &json!({ "SystemModstamp": stamp(now) }));
        json!({ "id": id, "success": true, "errors": [] })
    }

    pub(crate) fn query(&self, soql: &str) -> Value {
        let object = between(soql, " FROM ", " ").expect("FROM");
        let field = if soql.contains("ORDER BY CreatedDate") { "CreatedDate" } else { "SystemModstamp" };
        let mut rows: Vec<&Value> = self.rows.get(object).into_iter().flatten().collect();
        let key = |row: &Value| (row[field].as_str().unwrap_or_default().to_owned(), row["Id"].to_string());
        rows.sort_by_key(|row| key(row));
        if soql.contains("ORDER BY Id LIMIT") {
            rows.sort_by_key(|row| row["Id"].to_string());
            if let Some(after) = between(soql, "Id > '", "'") {
                rows.retain(|row| row["Id"].as_str().is_some_and(|id| id > after));
            }
            if let Some(list) = between(soql, "StageName IN (", ")") {
                rows.retain(|row| row["StageName"].as_str().is_some_and(|value| list.contains(value)));
            }
        } else if let Some(after) = between(soql, &format!("{field} > "), " OR ") {
            let after = (stamp(at(after)), format!("\"{}\"", between(soql, "Id > '", "'").expect("an id")));
            rows.retain(|row| key(row) > after);
        } else if let Some(from) = between(soql, &format!("{field} >= "), " ") {
            rows.retain(|row| key(row).0 >= stamp(at(from)));
        }
        for column in ["Id", "OpportunityId", "AccountId", "Customer__c"] {
            if let Some(list) = between(soql, &format!(" {column} IN ("), ")") {
                rows.retain(|row| row[column].as_str().is_some_and(|value| list.contains(value)));
            }
        }
        for column in ["Id", "OpportunityId"] {
            if let Some(only) = between(soql, &format!("WHERE {column} = '"), "'") {
                rows.retain(|row| row[column] == only);
            }
        }
        if soql.contains(" DESC") {
            rows.reverse();
        }
        let limit =
            between(&format!("{soql} "), " LIMIT ", " ").and_then(|n| n.parse().ok()).unwrap_or(2_000);
        rows.truncate(limit);
        let columns: Vec<String> = between(soql, "SELECT ", " FROM ")
            .expect("SELECT")
            .split(", ")
            .map(|path| path.split('.').next().unwrap_or_default().to_lowercase())
            .collect();
        let shown = |row: &Value| -> Value {
            let fields = row.as_object().into_iter().flatten();
            let shown = fields.filter(|(name, _)| columns.contains(&name.to_lowercase()));
            Value::Object(shown.map(|(name, value)| (name.clone(), value.clone())).collect())
        };
        let rows: Vec<Value> = rows.into_iter().map(shown).collect();
        json!({ "totalSize": rows.len(), "done": true, "records": rows })
    }
}

pub(crate) fn error(code: &str) -> Value {
    json!([{ "errorCode": code, "message": "No.", "fields": [] }])
}

/// The query in an address, decoded.
pub(crate) fn soql(url: &str) -> String {
    let query = url.split_once("?q=").map_or("", |(_, query)| query);
    percent_encoding::percent_decode_str(query).decode_utf8().expect("UTF-8").into_owned()
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    Some(rest.split_once(end).map_or(rest, |(found, _)| found))
}

fn merge(row: &mut Value, change: &Value) {
    let empty = Map::new();
    for (name, value) in change.as_object().unwrap_or(&empty) {
        row[name] = value.clone();
    }
}

/// A request as a person reads it.
pub(crate) fn readable(request: &Request) -> String {
    let mut out = format!("{} {} ({:?}, {})\n", request.method, request.path, request.lane, request.name);
    let Body::Json(body) = &request.body else { return out };
    for part in body["compositeRequest"].as_array().into_iter().flatten() {
        let url = part["url"].as_str().unwrap_or_default();
        let path = url.split('?').next().unwrap_or_default();
        let _ = write!(
            out,
            "\n{} {} {path}\n",
            part["referenceId"].as_str().unwrap_or_default(),
            part["method"].as_str().unwrap_or_default()
        );
        if url.contains('?') {
            let _ = writeln!(out, "  {}", soql(url));
        }
        for key in ["httpHeaders", "body"] {
            if let Some(value) = part.get(key) {
                let _ = writeln!(out, "  {value}");
            }
        }
    }
    out
}
