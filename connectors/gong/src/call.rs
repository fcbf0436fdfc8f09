//! A call as `/v2/calls/extensive` tells it. Everything but id and time may be missing or null.

use std::collections::BTreeSet;

use handoff_connector::Fault;
use handoff_core::evidence::{Call, CallLink, CallParty, LinkKind, TrackerHit};
use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use crate::answer::protocol;
use crate::page::{id, list, seconds, text};

/// Most tracker hits of one call that are kept.
const HITS: usize = 10_000;
/// Longest name of a person that is kept.
const LONGEST_NAME: usize = 200;
/// Longest address that is kept.
const LONGEST_URL: usize = 2_048;

/// Reads a call. Its title and everything said is left where it is.
pub(crate) fn call(row: &Value) -> Result<Call, Fault> {
    let data = row.get("metaData").unwrap_or(&Value::Null);
    let name = id(data.get("id")).ok_or_else(|| protocol("a call without an id"))?;
    let started = time(data, "started").or_else(|| time(data, "scheduled"));
    let started = started.ok_or_else(|| protocol("a call without a time"))?;
    let lasted = seconds(data.get("duration")).unwrap_or_default();
    Ok(Call {
        id: name,
        url: text(data, "url").filter(|text| is_link(text)).map(str::to_owned),
        started,
        seconds: u32::try_from(lasted.as_secs()).unwrap_or(u32::MAX),
        private: !matches!(data.get("isPrivate"), None | Some(Value::Null | Value::Bool(false))),
        language: text(data, "language").filter(|text| text.len() <= 40).map(str::to_lowercase),
        links: links(row),
        parties: list(row, "parties").map(party).collect(),
        trackers: trackers(row.get("content").unwrap_or(&Value::Null)),
    })
}

pub(crate) fn time(row: &Value, key: &str) -> Option<Timestamp> {
    text(row, key).filter(|text| text.len() <= 40)?.parse().ok()
}

/// Only what a browser opens: an address is shown to people.
fn is_link(text: &str) -> bool {
    text.len() <= LONGEST_URL && Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "http"))
}

/// The CRM records as they are linked now. HubSpot's deals and companies come under Salesforce's names for them.
fn links(row: &Value) -> Vec<CallLink> {
    let mut links = BTreeSet::new();
    for context in list(row, "context") {
        let connector = match text(context, "system").map(str::to_lowercase).as_deref() {
            Some("salesforce") => "salesforce",
            Some("hubspot") => "hubspot",
            Some(_) | None => continue,
        };
        for object in list(context, "objects") {
            let kind = match text(object, "objectType").map(str::to_lowercase).as_deref() {
                Some("opportunity" | "deal") => LinkKind::Deal,
                Some("account" | "company") => LinkKind::Account,
                Some(_) | None => continue,
            };
            if text(object, "timing").is_some_and(|timing| timing != "Now") {
                continue;
            }
            let Some(id) = id(object.get("objectId")) else { continue };
            links.insert(CallLink { connector: connector.to_owned(), kind, id });
        }
    }
    links.into_iter().collect()
}

fn party(row: &Value) -> CallParty {
    let ours = match text(row, "affiliation") {
        Some("Internal") => Some(true),
        Some("External") => Some(false),
        Some(_) | None => None,
    };
    CallParty {
        speaker: id(row.get("speakerId")),
        name: text(row, "name").filter(|text| text.len() <= LONGEST_NAME).map(str::to_owned),
        email: text(row, "emailAddress").map(str::to_lowercase),
        ours,
    }
}

/// Where trackers struck; one that only counts names no place.
fn trackers(content: &Value) -> Vec<TrackerHit> {
    let mut hits = Vec::new();
    for tracker in list(content, "trackers") {
        let Some(name) = text(tracker, "name") else { continue };
        for place in list(tracker, "occurrences") {
            let at = seconds(place.get("startTime")).and_then(|at| u64::try_from(at.as_millis()).ok());
            let Some(at_ms) = at else { continue };
            hits.push(TrackerHit { tracker: name.to_owned(), at_ms, speaker: id(place.get("speakerId")) });
        }
    }
    hits.truncate(HITS);
    hits
}
