//! One line of input: a call as Gong tells it, what was said, and what the handoff had recorded before.
//!
//! Reading is lenient where a vendor varies and strict where a number would become wrong.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::record::{Recorded, recorded};

/// Most sentences of one call that are read.
pub const MOST_SENTENCES: usize = 20_000;
/// Longest sentence that is read, in bytes; the rest of a longer one is left out.
const LONGEST_SENTENCE: usize = 8_000;

/// A line that cannot be scored because it does not say what has to be known.
#[derive(Debug, Error)]
pub enum InputError {
    /// The line is no JSON.
    #[error("column {column}: this is no JSON: write one call per line")]
    Json {
        /// Where reading stopped.
        column: usize,
        /// What the parser says.
        #[source]
        source: serde_json::Error,
    },
    /// A key is missing that a number needs.
    #[error("`{key}` is missing: {remedy}")]
    Missing {
        /// Path of the key.
        key: &'static str,
        /// What to write.
        remedy: &'static str,
    },
    /// A key holds something of another shape.
    #[error("`{key}` is not {wanted}")]
    Shape {
        /// Path of the key.
        key: String,
        /// What belongs there.
        wanted: &'static str,
    },
    /// The transcript is of another call.
    #[error("the transcript is of another call than `call`: give the transcript of the same call")]
    OtherCall,
    /// The call is longer than any call.
    #[error("the transcript has more than {MOST_SENTENCES} sentences")]
    TooLong,
}

/// Whose side somebody is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Of the company that sold.
    Internal,
    /// Of the customer.
    External,
}

/// One who takes part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Party {
    /// The vendor's id of the voice; `None` for those who did not speak.
    pub speaker: Option<String>,
    /// Full name, as the vendor has it.
    pub name: Option<String>,
    /// Lower case.
    pub email: Option<String>,
    /// The vendor's ids of the party and of its user.
    pub ids: Vec<String>,
    /// Whose side the vendor says it is on.
    pub side: Option<Side>,
}

/// A sentence of one voice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence {
    /// Whose voice; `None` where the vendor does not know.
    pub speaker: Option<String>,
    /// Milliseconds from the start of the call.
    pub from_ms: u64,
    /// Milliseconds from the start of the call.
    pub to_ms: u64,
    /// What was said.
    pub text: String,
}

/// A call with everything that scoring asks for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Call {
    /// The vendor's id.
    pub id: String,
    /// The customer's account, if the line names it.
    pub account: Option<String>,
    /// When it began; the scheduled time where the vendor tells no other.
    pub started: Option<Timestamp>,
    /// Nobody but its host may see it.
    pub private: bool,
    /// ISO 639-2 code in lower case, if the vendor tells it.
    pub language: Option<String>,
    /// Everyone who was invited or spoke.
    pub parties: Vec<Party>,
    /// In time order; `None` = there is no transcript.
    pub sentences: Option<Vec<Sentence>>,
    /// The vendor's own count of questions from our side.
    pub questions: Option<u64>,
    /// Contract → field → what was recorded in the accepted version.
    pub package: BTreeMap<String, BTreeMap<String, Recorded>>,
    /// Contract → when its receiver accepted. The entry of the empty name holds for contracts without their own.
    pub accepted: BTreeMap<String, Timestamp>,
    /// The handoff that the call follows; `None` = the one that was accepted last.
    pub contract: Option<String>,
    /// Ids, e-mail addresses or names of those who handed over: what they ask is no re-ask of the receiver.
    pub senders: Vec<String>,
    /// Ids, e-mail addresses or names of the receiving team, to tell their questions from other colleagues'.
    pub receivers: Vec<String>,
    /// E-mail domains of our side, lower case.
    pub domains: Vec<String>,
}

impl Call {
    /// Reads one line: see the crate's README for the format.
    pub fn read(line: &str) -> Result<Self, InputError> {
        let value: Value = serde_json::from_str(line)
            .map_err(|source| InputError::Json { column: source.column(), source })?;
        Self::from_json(&value)
    }

    /// The same from JSON that was read already.
    pub fn from_json(value: &Value) -> Result<Self, InputError> {
        let top = value
            .as_object()
            .ok_or(InputError::Shape { key: "(the line)".to_owned(), wanted: "an object" })?;
        let call = pick(top, &["call", "callData"]).and_then(Value::as_object).unwrap_or(top);
        let meta = pick(call, &["metaData", "metadata"]).and_then(Value::as_object).unwrap_or(call);
        let id = text(pick(meta, &["id", "callId"])).or_else(|| text(pick(call, &["id", "callId"])));
        let id = id.ok_or(InputError::Missing {
            key: "call.metaData.id",
            remedy: "give the vendor's id of the call",
        })?;
        let transcript = pick(top, &["transcript", "callTranscript"]).or_else(|| call.get("transcript"));
        let started =
            ["started", "scheduled"].iter().find_map(|key| meta.get(*key)).filter(|at| !at.is_null());
        Ok(Self {
            sentences: transcript.map_or(Ok(None), |transcript| said(&id, transcript))?,
            id,
            account: text(pick(top, &["account", "account_id", "accountId"])),
            started: started.map(|at| time("call.metaData.started", at)).transpose()?,
            private: !matches!(
                pick(meta, &["isPrivate", "private"]),
                None | Some(Value::Null | Value::Bool(false))
            ),
            language: text(meta.get("language")).map(|language| language.to_lowercase()),
            parties: list(pick(call, &["parties"]).or_else(|| top.get("parties")))
                .filter_map(party)
                .collect(),
            questions: call
                .get("interaction")
                .and_then(|of| of.get("questions")?.get("companyCount")?.as_u64()),
            package: package(top)?,
            accepted: accepted(top)?,
            contract: text(pick(top, &["contract", "handoff"])),
            senders: names(pick(top, &["sender_team", "senders", "sender"])),
            receivers: names(pick(top, &["receiver_team", "receivers", "receiver"])),
            domains: names(pick(top, &["our_domains", "internal_domains"])),
        })
    }
}

fn pick<'a>(of: &'a Map<String, Value>, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().find_map(|key| of.get(*key)).filter(|value| !value.is_null())
}

/// A string or an id that was written as a number; never empty.
fn text(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter()
}

/// A name, a list of names, or a list of people with id, e-mail address and name.
fn names(value: Option<&Value>) -> Vec<String> {
    let of = |value: &Value| -> Vec<String> {
        match value {
            Value::Object(person) => {
                let keys = ["emailAddress", "email", "name", "userId", "speakerId", "id"];
                keys.iter().filter_map(|key| text(person.get(*key))).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                text(Some(value)).into_iter().collect()
            }
        }
    };
    let all: Vec<String> = match value {
        Some(Value::Array(many)) => many.iter().flat_map(of).collect(),
        Some(one) => of(one),
        None => Vec::new(),
    };
    all.into_iter().map(|name| name.to_lowercase()).collect()
}

fn party(value: &Value) -> Option<Party> {
    let of = value.as_object()?;
    let side = text(of.get("affiliation")).and_then(|side| match side.to_lowercase().as_str() {
        "internal" | "company" => Some(Side::Internal),
        "external" | "noncompany" | "non-company" | "customer" => Some(Side::External),
        _ => None,
    });
    Some(Party {
        speaker: text(of.get("speakerId")),
        name: text(of.get("name")),
        email: text(pick(of, &["emailAddress", "email"])).map(|email| email.to_lowercase()),
        ids: ["id", "userId"]
            .iter()
            .filter_map(|key| text(of.get(*key)))
            .map(|id| id.to_lowercase())
            .collect(),
        side,
    })
}

fn said(call: &str, transcript: &Value) -> Result<Option<Vec<Sentence>>, InputError> {
    let of = match transcript {
        Value::Object(of) => match of.get("callTranscripts").and_then(Value::as_array) {
            Some(many) => many
                .iter()
                .filter_map(Value::as_object)
                .find(|one| text(one.get("callId")).is_none_or(|id| id == call))
                .ok_or(InputError::OtherCall)?,
            None => of,
        },
        Value::Array(passages) => return sentences(passages).map(Some),
        Value::Null => return Ok(None),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(InputError::Shape {
                key: "transcript".to_owned(),
                wanted: "Gong's callTranscript object",
            });
        }
    };
    if text(of.get("callId")).is_some_and(|id| id != call) {
        return Err(InputError::OtherCall);
    }
    match of.get("transcript") {
        Some(Value::Array(passages)) => sentences(passages).map(Some),
        None | Some(Value::Null) => Ok(None),
        Some(_) => {
            Err(InputError::Shape { key: "transcript.transcript".to_owned(), wanted: "a list of turns" })
        }
    }
}

fn sentences(passages: &[Value]) -> Result<Vec<Sentence>, InputError> {
    let mut out: Vec<Sentence> = Vec::new();
    for passage in passages {
        let speaker = text(passage.get("speakerId"));
        let last = out.last().map_or(0, |last| last.to_ms);
        match passage.get("sentences") {
            Some(Value::Array(of)) => {
                for one in of {
                    let last = out.last().map_or(0, |last| last.to_ms);
                    out.extend(sentence(speaker.as_ref(), one, last));
                }
            }
            _ => out.extend(sentence(speaker.as_ref(), passage, last)),
        }
        if out.len() > MOST_SENTENCES {
            return Err(InputError::TooLong);
        }
    }
    out.sort_by_key(|sentence| sentence.from_ms);
    Ok(out)
}

/// A sentence without a time of its own comes right after the one before it.
fn sentence(speaker: Option<&String>, value: &Value, last: u64) -> Option<Sentence> {
    let mut said = text(value.get("text"))?;
    if said.len() > LONGEST_SENTENCE {
        let end = (0..=LONGEST_SENTENCE).rev().find(|at| said.is_char_boundary(*at)).unwrap_or(0);
        said.truncate(end);
    }
    let at = |keys: [&str; 3]| keys.iter().find_map(|key| milliseconds(value.get(*key)?));
    let from_ms = at(["start", "start_ms", "startMs"]).unwrap_or(last);
    let to_ms = at(["end", "end_ms", "endMs"]).unwrap_or(from_ms).max(from_ms);
    Some(Sentence { speaker: speaker.cloned(), from_ms, to_ms, text: said })
}

/// Whole milliseconds; a fraction is left out.
fn milliseconds(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => {
            let text = number.to_string();
            text.split('.').next().and_then(|whole| whole.parse().ok())
        }
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn time(key: &str, value: &Value) -> Result<Timestamp, InputError> {
    let wanted = "a time with its offset, e.g. 2026-03-01T09:00:00Z";
    let shape = || InputError::Shape { key: key.to_owned(), wanted };
    let text = value.as_str().filter(|text| text.len() <= 40).ok_or_else(shape)?;
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    // a bare date is the end of that day: a call of the same day is not taken for a later one
    let date: jiff::civil::Date = text.parse().map_err(|_| shape())?;
    let end = date.at(23, 59, 59, 0).to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| shape())?;
    Ok(end.timestamp())
}

fn package(top: &Map<String, Value>) -> Result<BTreeMap<String, BTreeMap<String, Recorded>>, InputError> {
    let remedy = "give {contract: {field: {part: value}}}";
    let value = pick(top, &["package", "packages"]).ok_or(InputError::Missing { key: "package", remedy })?;
    let contracts = value
        .as_object()
        .ok_or_else(|| InputError::Shape { key: "package".to_owned(), wanted: "an object of contracts" })?;
    let mut out = BTreeMap::new();
    for (contract, fields) in contracts {
        let wanted = "an object of fields";
        let fields = fields
            .as_object()
            .ok_or_else(|| InputError::Shape { key: format!("package.{contract}"), wanted })?;
        let fields = pick(fields, &["fields"]).and_then(Value::as_object).unwrap_or(fields);
        let fields = fields.iter().filter(|(key, _)| !key.starts_with("accepted_at"));
        let fields = fields.map(|(field, parts)| (field.clone(), recorded(parts)));
        out.insert(contract.clone(), fields.collect());
    }
    Ok(out)
}

fn accepted(top: &Map<String, Value>) -> Result<BTreeMap<String, Timestamp>, InputError> {
    let mut out = BTreeMap::new();
    match pick(top, &["accepted_at", "acceptedAt"]) {
        Some(Value::Object(of)) => {
            for (contract, at) in of.iter().filter(|(_, at)| !at.is_null()) {
                out.insert(contract.clone(), time(&format!("accepted_at.{contract}"), at)?);
            }
        }
        Some(at) => {
            out.insert(String::new(), time("accepted_at", at)?);
        }
        None => {}
    }
    let contracts = pick(top, &["package", "packages"]).and_then(Value::as_object);
    for (contract, fields) in contracts.into_iter().flatten() {
        if let Some(at) = fields.get("accepted_at").filter(|at| at.is_string()) {
            out.insert(contract.clone(), time(&format!("package.{contract}.accepted_at"), at)?);
        }
    }
    Ok(out)
}
