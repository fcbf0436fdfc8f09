//! A small portal: deals, contacts, associations and owners, answered as the documentation says.

use std::collections::{BTreeMap, BTreeSet};

use handoff_connector::{Body, Connector as _, Exchange, Fault, Reply, Request, conformance};
use handoff_core::extract::ReadPlan;
use handoff_core::id::{RecordId, RecordRef};
use handoff_hubspot::{HubSpot, HubSpotConfig};
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::{Value, json};

pub(crate) const PORTAL: u64 = 4_711;
pub(crate) const NOW: &str = "2026-11-20T12:00:00Z";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub(crate) fn config() -> HubSpotConfig {
    HubSpotConfig {
        webhook_url: Some("https://hooks.example.com/hs".to_owned()),
        app_id: Some("54321".to_owned()),
        ..HubSpotConfig::new("hs".into(), PORTAL.to_string())
    }
}

pub(crate) fn connector() -> HubSpot {
    HubSpot::new(config()).expect("a sound configuration")
}

pub(crate) fn deal(id: u64) -> RecordRef {
    RecordRef { connection: "hs".into(), object: "deals".into(), record: RecordId(id.to_string()) }
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub(crate) fn plan() -> ReadPlan {
    ReadPlan {
        object: "deals".into(),
        fields: set(&["dealstage", "decision", "cleared", "amount", "hubspot_owner_id", "gone"]),
        related: [("contacts".to_owned(), set(&["label", "hs_object_id"]))].into(),
        history: set(&["dealstage", "decision"]),
        stage_field: "dealstage".to_owned(),
        interesting_stages: BTreeSet::new(),
    }
}

/// One record.
#[derive(Debug, Clone, Default)]
pub(crate) struct Record {
    pub(crate) properties: BTreeMap<String, String>,
    pub(crate) history: Vec<(String, Value)>,
    pub(crate) archived: bool,
}

/// The portal.
#[derive(Default)]
pub(crate) struct Portal {
    pub(crate) records: BTreeMap<(String, u64), Record>,
    pub(crate) merged: BTreeMap<u64, u64>,
    /// (deal, contact, label); an empty label is none.
    pub(crate) links: Vec<(u64, u64, &'static str)>,
    /// Other associations: (from object, id, to object, id, type, label).
    pub(crate) legs: Vec<(&'static str, u64, &'static str, u64, u64, &'static str)>,
    pub(crate) owners: Vec<Value>,
    /// Who shares a deal: (owner, fraction).
    pub(crate) splits: BTreeMap<u64, Vec<(u64, &'static str)>>,
    /// Id and label of the stages of deals; `None` = we may not know them.
    pub(crate) stages: Option<Vec<(&'static str, &'static str)>>,
    /// The answer to whoever asks for splits instead.
    pub(crate) no_splits: Option<(u16, Value)>,
    /// Ids whose writes are refused, with the error's entry.
    pub(crate) refuse: BTreeMap<u64, Value>,
    /// Ids that make a whole batch fail.
    pub(crate) poison: BTreeSet<u64>,
    pub(crate) calls: Vec<String>,
    pub(crate) updates: Vec<Value>,
}

fn properties_of(object: &str) -> Value {
    let row = |name: &str, kind: &str, field: &str| json!({ "name": name, "type": kind, "fieldType": field });
    let rows = if object == "deals" {
        vec![
            row("dealstage", "enumeration", "radio"),
            row("decision", "enumeration", "select"),
            row("cleared", "bool", "booleancheckbox"),
            row("amount", "number", "number"),
            row("status", "string", "text"),
            row("hubspot_owner_id", "enumeration", "select"),
            row("hs_lastmodifieddate", "datetime", "date"),
            row("hs_is_deal_split", "bool", "calculation_equation"),
        ]
    } else if object == "tickets" {
        vec![
            row("subject", "string", "text"),
            row("hs_ticket_priority", "enumeration", "select"),
            row("createdate", "datetime", "date"),
            row("hs_lastmodifieddate", "datetime", "date"),
        ]
    } else {
        vec![row("email", "string", "text"), row("lastmodifieddate", "datetime", "date")]
    };
    json!({ "results": rows })
}

impl Portal {
    pub(crate) fn put(&mut self, object: &str, id: u64, modified: &str, properties: &[(&str, &str)]) {
        let record = self.records.entry((object.to_owned(), id)).or_default();
        for (name, value) in properties {
            record.properties.insert((*name).to_owned(), (*value).to_owned());
        }
        let stamp = if object == "contacts" { "lastmodifieddate" } else { "hs_lastmodifieddate" };
        record.properties.insert(stamp.to_owned(), modified.to_owned());
        record.properties.insert("hs_object_id".to_owned(), id.to_string());
    }

    pub(crate) fn record(&mut self, id: u64) -> &mut Record {
        self.records.get_mut(&("deals".to_owned(), id)).expect("a deal")
    }

    pub(crate) fn value(&self, id: u64, name: &str) -> String {
        let record = self.records.get(&("deals".to_owned(), id)).expect("a deal");
        record.properties.get(name).cloned().unwrap_or_default()
    }

    /// Adds an entry to a property's history, newest first.
    pub(crate) fn entry(&mut self, id: u64, name: &str, entry: Value) {
        self.record(id).history.insert(0, (name.to_owned(), entry));
    }

    /// Leads a conversation to its end.
    pub(crate) fn talk<T: Send>(&mut self, exchange: &mut dyn Exchange<Output = T>) -> Result<T, Fault> {
        let spec = connector().spec();
        conformance::drive(exchange, spec, |request| self.answer(request)).expect("the contract is kept")
    }

    pub(crate) fn reply(status: u16, body: &Value) -> Reply {
        let mut headers = HeaderMap::new();
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&at(NOW)).expect("a date");
        headers.insert(http::header::DATE, HeaderValue::from_str(&date).expect("ASCII"));
        Reply {
            status: StatusCode::from_u16(status).expect("a status"),
            headers,
            body: body.to_string().into(),
        }
    }

    pub(crate) fn answer(&mut self, request: &Request) -> Reply {
        self.calls.push(request.name.to_owned());
        let (status, body) = self.route(request);
        Self::reply(status, &body)
    }

    fn route(&mut self, request: &Request) -> (u16, Value) {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let query: BTreeMap<&str, &str> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let nothing = json!(null);
        let body = if let Body::Json(body) = &request.body { body } else { &nothing };
        let mut parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        // The older version comes before what is asked about.
        if parts.get(1) == Some(&"v3") {
            parts.swap(1, 2);
        }
        match parts.as_slice() {
            ["account-info", ..] => (200, json!({ "portalId": PORTAL, "timeZone": "UTC" })),
            ["crm", "properties", _, object] => (200, properties_of(object)),
            ["crm", "owners", _] => self.owners(&query),
            ["crm", "pipelines", _, "deals"] => self.pipelines(),
            ["deal-splits", "2026-09", "batch", "read"]
            | ["crm", "objects", "v3", "deals", "splits", "batch", "read"] => self.split(body),
            ["crm", "objects", _, object] => self.list(object, &query),
            ["crm", "objects", _, object, "search"] => self.search(object, body),
            ["crm", "objects", _, object, "batch", "read"] => self.read(object, &query, body),
            ["crm", "objects", _, "deals", "batch", "update"] => self.update(body),
            ["crm", "associations", _, "deals", "contacts", "batch", "read"] => self.associated(body),
            ["crm", "associations", _, from, to, "batch", "read"] => self.leg(from, to, body),
            _ => (404, json!({ "message": "resource not found" })),
        }
    }

    fn leg(&self, from: &str, to: &str, body: &Value) -> (u16, Value) {
        let inputs = body["inputs"].as_array().expect("inputs");
        assert!((1..=100).contains(&inputs.len()));
        let (mut rows, mut missing) = (Vec::new(), 0);
        for input in inputs {
            let id: u64 = input["id"].as_str().expect("an id").parse().expect("a number");
            let mine = self.legs.iter().filter(|leg| (leg.0, leg.1, leg.2) == (from, id, to));
            let to: Vec<Value> = mine
                .map(|(.., other, kind, label)| {
                    let label = (!label.is_empty()).then_some(*label);
                    let category = if label.is_some_and(|label| label != "Primary") { "USER_DEFINED" } else { "HUBSPOT_DEFINED" };
                    json!({ "toObjectId": other, "associationTypes": [{ "category": category, "typeId": kind, "label": label }] })
                })
                .collect();
            if to.is_empty() {
                missing += 1;
            } else {
                rows.push(json!({ "from": { "id": id.to_string() }, "to": to }));
            }
        }
        let error = json!({ "category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND" });
        let errors: Vec<Value> = (0..missing).map(|_| error.clone()).collect();
        (207, json!({ "status": "COMPLETE", "results": rows, "numErrors": missing, "errors": errors }))
    }

    fn pipelines(&self) -> (u16, Value) {
        let Some(stages) = &self.stages else {
            return (403, json!({ "status": "error", "category": "MISSING_SCOPES" }));
        };
        let stages: Vec<Value> =
            stages.iter().map(|(id, label)| json!({ "id": id, "label": label, "archived": false })).collect();
        (200, json!({ "results": [{ "id": "default", "label": "Sales", "stages": stages }] }))
    }

    /// Deals that nobody shares are told without rows; of unknown ones it is said that they are unknown.
    fn split(&self, body: &Value) -> (u16, Value) {
        if let Some(answer) = &self.no_splits {
            return answer.clone();
        }
        let inputs = body["inputs"].as_array().expect("inputs");
        assert!((1..=100).contains(&inputs.len()), "{} inputs", inputs.len());
        let (mut rows, mut errors) = (Vec::new(), Vec::new());
        for input in inputs {
            let deal: u64 = input["id"].as_str().expect("an id").parse().expect("a number");
            if !self.records.contains_key(&("deals".to_owned(), deal)) {
                errors.push(
                    json!({ "category": "OBJECT_NOT_FOUND", "context": { "ids": [deal.to_string()] } }),
                );
                continue;
            }
            let of = self.splits.get(&deal).into_iter().flatten();
            let splits: Vec<Value> = (1..)
                .zip(of)
                .map(|(number, (owner, part)): (u64, _)| {
                    json!({ "id": (deal * 100 + number).to_string(), "archived": false, "createdAt": NOW, "updatedAt": NOW,
                        "properties": { "hs_deal_split_percentage": part, "hubspot_owner_id": owner.to_string() } })
                })
                .collect();
            rows.push(json!({ "id": deal.to_string(), "splits": splits }));
        }
        let status = if errors.is_empty() { 200 } else { 207 };
        (
            status,
            json!({ "status": "COMPLETE", "results": rows, "numErrors": errors.len(), "errors": errors }),
        )
    }

    fn owners(&self, query: &BTreeMap<&str, &str>) -> (u16, Value) {
        let archived = query.get("archived") == Some(&"true");
        let rows =
            self.owners.iter().filter(|owner| owner["archived"].as_bool().unwrap_or(false) == archived);
        page(rows.cloned().collect(), query.get("after").copied(), 2)
    }

    fn shown(&self, object: &str, id: u64, body: &Value) -> Value {
        let record = self.records.get(&(object.to_owned(), id)).expect("there");
        let names = |key: &str| body[key].as_array().cloned().unwrap_or_default();
        let known = properties_of(object);
        let exists = |name: &str| {
            let defined = known["results"].as_array().expect("rows").iter().any(|row| row["name"] == name);
            defined || name == "hs_merged_object_ids"
        };
        let mut properties = serde_json::Map::new();
        for name in names("properties") {
            let name = name.as_str().expect("a name").to_owned();
            if exists(&name) {
                properties.insert(name.clone(), json!(record.properties.get(&name)));
            }
        }
        let merged: Vec<String> =
            self.merged.iter().filter(|(_, into)| **into == id).map(|(from, _)| from.to_string()).collect();
        if !merged.is_empty() {
            properties.insert("hs_merged_object_ids".to_owned(), json!(merged.join(";")));
        }
        let mut history = serde_json::Map::new();
        for name in names("propertiesWithHistory") {
            let name = name.as_str().expect("a name");
            let rows: Vec<&Value> = record
                .history
                .iter()
                .filter(|(property, _)| property == name)
                .map(|(_, entry)| entry)
                .collect();
            history.insert(name.to_owned(), json!(rows));
        }
        json!({ "id": id.to_string(), "properties": properties, "propertiesWithHistory": history,
            "createdAt": "2026-01-01T00:00:00Z", "updatedAt": NOW, "archived": record.archived })
    }

    fn list(&self, object: &str, query: &BTreeMap<&str, &str>) -> (u16, Value) {
        let archived = query.get("archived") == Some(&"true");
        let names: Vec<&str> = query["properties"].split(',').collect();
        let here =
            self.records.iter().filter(|((of, _), record)| of == object && record.archived == archived);
        let rows =
            here.map(|((_, id), _)| self.shown(object, *id, &json!({ "properties": names }))).collect();
        let limit = query["limit"].parse().expect("a limit");
        page(rows, query.get("after").copied(), limit)
    }

    fn search(&self, object: &str, body: &Value) -> (u16, Value) {
        let filters = body["filterGroups"][0]["filters"].as_array().expect("filters").clone();
        assert!(body.to_string().len() < 3_000 && filters.len() <= 6);
        let fits = |id: u64, record: &Record| {
            filters.iter().all(|filter| {
                let name = filter["propertyName"].as_str().expect("a name");
                let value: i64 = filter["value"].as_str().expect("text").parse().expect("a number");
                let own = if name == "hs_object_id" {
                    i64::try_from(id).expect("small")
                } else {
                    at(&record.properties[name]).as_millisecond()
                };
                match filter["operator"].as_str() {
                    Some("GTE") => own >= value,
                    Some("GT") => own > value,
                    other => panic!("{other:?}"),
                }
            })
        };
        assert_eq!(body["sorts"][0]["propertyName"], "hs_object_id");
        let here = self.records.iter().filter(|((of, _), record)| of == object && !record.archived);
        let found: Vec<u64> =
            here.filter(|((_, id), record)| fits(*id, record)).map(|((_, id), _)| *id).collect();
        let limit = usize::try_from(body["limit"].as_u64().expect("a limit")).expect("small");
        let rows: Vec<Value> = found.iter().take(limit).map(|id| self.shown(object, *id, body)).collect();
        let mut answer = json!({ "total": found.len(), "results": rows });
        if found.len() > limit {
            answer["paging"] = json!({ "next": { "after": limit.to_string() } });
        }
        (200, answer)
    }

    fn read(&self, object: &str, query: &BTreeMap<&str, &str>, body: &Value) -> (u16, Value) {
        let inputs = body["inputs"].as_array().expect("inputs");
        let most = if body.get("propertiesWithHistory").is_some() { 50 } else { 100 };
        assert!((1..=most).contains(&inputs.len()), "{} inputs", inputs.len());
        let archived = query.get("archived") == Some(&"true");
        let (mut rows, mut missing) = (BTreeMap::new(), Vec::new());
        for input in inputs {
            let asked: u64 = input["id"].as_str().expect("an id").parse().expect("a number");
            let id = self.merged.get(&asked).copied().unwrap_or(asked);
            match self.records.get(&(object.to_owned(), id)) {
                Some(record) if record.archived == archived => {
                    rows.insert(id, self.shown(object, id, body));
                }
                Some(_) | None => missing.push(asked.to_string()),
            }
        }
        // HubSpot promises no order.
        let rows: Vec<Value> = rows.into_values().rev().collect();
        if missing.is_empty() {
            return (200, json!({ "status": "COMPLETE", "results": rows }));
        }
        let error = json!({ "status": "error", "category": "OBJECT_NOT_FOUND", "message": "Could not get some objects", "context": { "ids": missing } });
        (207, json!({ "status": "COMPLETE", "results": rows, "numErrors": 1, "errors": [error] }))
    }

    fn update(&mut self, body: &Value) -> (u16, Value) {
        self.updates.push(body.clone());
        let inputs = body["inputs"].as_array().expect("inputs");
        assert!((1..=100).contains(&inputs.len()));
        let number =
            |input: &Value| -> u64 { input["id"].as_str().expect("an id").parse().expect("a number") };
        let distinct: BTreeSet<u64> = inputs.iter().map(number).collect();
        if distinct.len() < inputs.len() || inputs.iter().any(|input| self.poison.contains(&number(input))) {
            return (400, json!({ "status": "error", "category": "VALIDATION_ERROR", "message": "no" }));
        }
        let (mut rows, mut errors) = (Vec::new(), Vec::new());
        for input in inputs {
            let (asked, trace) = (number(input), &input["objectWriteTraceId"]);
            if let Some(error) = self.refuse.get(&asked) {
                let mut error = error.clone();
                error["context"]["objectWriteTraceId"] = json!([trace]);
                errors.push(error);
                continue;
            }
            let id = self.merged.get(&asked).copied().unwrap_or(asked);
            let Some(record) = self.records.get_mut(&("deals".to_owned(), id)) else {
                errors.push(
                    json!({ "category": "OBJECT_NOT_FOUND", "context": { "ids": [asked.to_string()] } }),
                );
                continue;
            };
            for (name, value) in input["properties"].as_object().expect("properties") {
                record.properties.insert(name.clone(), value.as_str().expect("text").to_owned());
            }
            record.properties.insert("hs_lastmodifieddate".to_owned(), NOW.to_owned());
            rows.push(json!({ "id": id.to_string(), "properties": {}, "objectWriteTraceId": trace }));
        }
        let status = if errors.is_empty() { 200 } else { 207 };
        (
            status,
            json!({ "status": "COMPLETE", "results": rows, "numErrors": errors.len(), "errors": errors }),
        )
    }

    fn associated(&self, body: &Value) -> (u16, Value) {
        let inputs = body["inputs"].as_array().expect("inputs");
        assert!((1..=100).contains(&inputs.len()));
        let (mut rows, mut errors) = (Vec::new(), Vec::new());
        for input in inputs {
            let deal: u64 = input["id"].as_str().expect("an id").parse().expect("a number");
            let mut to: BTreeMap<u64, Vec<Value>> = BTreeMap::new();
            for (_, contact, label) in self.links.iter().filter(|(from, ..)| *from == deal) {
                let types = to.entry(*contact).or_insert_with(|| {
                    vec![json!({ "category": "HUBSPOT_DEFINED", "typeId": 3, "label": null })]
                });
                if !label.is_empty() {
                    types.push(json!({ "category": "USER_DEFINED", "typeId": 77, "label": label }));
                }
            }
            if to.is_empty() {
                errors.push(json!({ "category": "OBJECT_NOT_FOUND", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                    "context": { "fromObjectId": [deal.to_string()] } }));
                continue;
            }
            // One association a page, so that paging is played as well.
            let skip: usize = input["after"].as_str().map_or(0, |after| after.parse().expect("a number"));
            let total = to.len();
            let shown: Vec<Value> = to
                .into_iter()
                .skip(skip)
                .take(1)
                .map(|(id, types)| json!({ "toObjectId": id, "associationTypes": types }))
                .collect();
            let mut row = json!({ "from": { "id": deal.to_string() }, "to": shown });
            if skip + 1 < total {
                row["paging"] = json!({ "next": { "after": (skip + 1).to_string() } });
            }
            rows.push(row);
        }
        let status = if errors.is_empty() { 200 } else { 207 };
        (
            status,
            json!({ "status": "COMPLETE", "results": rows, "numErrors": errors.len(), "errors": errors }),
        )
    }
}

fn page(rows: Vec<Value>, after: Option<&str>, limit: usize) -> (u16, Value) {
    let skip: usize = after.map_or(0, |after| after.parse().expect("a number"));
    let total = rows.len();
    let shown: Vec<Value> = rows.into_iter().skip(skip).take(limit).collect();
    let mut answer = json!({ "results": shown });
    if skip + limit < total {
        answer["paging"] = json!({ "next": { "after": (skip + limit).to_string() } });
    }
    (200, answer)
}
