//! Calls from files: JSON lines of our own, and the vendor's shapes as other projects publish them.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value as Json;

use crate::{Affiliation, CallSpec, Error, Link, Party, Passage, Sentence};

fn text(file: &Path) -> Result<String, Error> {
    std::fs::read_to_string(file).map_err(|source| Error::Read { path: file.display().to_string(), source })
}

fn wrong(file: &Path, line: usize, detail: &impl ToString) -> Error {
    Error::Load { path: file.display().to_string(), line, detail: detail.to_string() }
}

fn whole<T: DeserializeOwned>(file: &Path) -> Result<T, Error> {
    serde_json::from_str(&text(file)?).map_err(|error| wrong(file, error.line(), &error))
}

/// One call per line; empty lines are skipped.
pub(crate) fn lines(file: &Path) -> Result<Vec<CallSpec>, Error> {
    let text = text(file)?;
    let filled = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    filled
        .map(|(place, line)| serde_json::from_str(line).map_err(|error| wrong(file, place + 1, &error)))
        .collect()
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Webhook {
    Whole {
        #[serde(rename = "callData")]
        call_data: CallData,
    },
    Inner(CallData),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallData {
    meta_data: MetaData,
    #[serde(default)]
    context: Vec<SystemContext>,
    parties: Option<Vec<ForeignParty>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetaData {
    id: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    scheduled: Option<Timestamp>,
    started: Timestamp,
    duration: u32,
    #[serde(default)]
    system: Option<String>,
    #[serde(default)]
    is_private: Option<bool>,
}

#[derive(Deserialize)]
struct SystemContext {
    system: String,
    #[serde(default)]
    objects: Vec<ForeignObject>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ForeignObject {
    object_type: String,
    object_id: String,
    #[serde(default)]
    fields: Vec<Field>,
}

#[derive(Deserialize)]
struct Field {
    name: String,
    value: Json,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ForeignParty {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    email_address: Option<String>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    speaker_id: Option<String>,
    #[serde(default)]
    affiliation: Option<Affiliation>,
}

/// The call of a webhook body, whole or only its inner object.
pub(crate) fn webhook(file: &Path) -> Result<CallSpec, Error> {
    let data = match whole(file)? {
        Webhook::Whole { call_data } | Webhook::Inner(call_data) => call_data,
    };
    let meta = data.meta_data;
    let title = meta.title.unwrap_or_default();
    let system = meta.system.unwrap_or_else(|| "Other".to_owned());
    let mut call = CallSpec::new(&title, meta.started).with_id(&meta.id).lasting(meta.duration).on(&system);
    call.scheduled = meta.scheduled;
    call.private = meta.is_private.unwrap_or(false);
    for part in data.context {
        for object in part.objects {
            let mut link = Link::new(&part.system, &object.object_type, &object.object_id);
            link.fields = object.fields.into_iter().map(|field| (field.name, field.value)).collect();
            call.links.push(link);
        }
    }
    call.parties = data.parties.map(|all| all.into_iter().map(party).collect());
    Ok(call)
}

fn party(from: ForeignParty) -> Party {
    Party {
        id: from.id,
        email: from.email_address,
        name: from.name,
        title: from.title,
        user_id: from.user_id,
        speaker_id: from.speaker_id,
        unmatched: false,
        affiliation: from.affiliation,
        contact: None,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transcripts {
    call_transcripts: Vec<OneTranscript>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OneTranscript {
    call_id: String,
    transcript: Vec<ForeignPassage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ForeignPassage {
    #[serde(default)]
    speaker_id: Option<String>,
    #[serde(default)]
    topic: Option<String>,
    sentences: Vec<ForeignSentence>,
}

#[derive(Deserialize)]
struct ForeignSentence {
    start: u32,
    end: u32,
    text: String,
}

/// What was said in each call of a transcript answer.
pub(crate) fn transcripts(file: &Path) -> Result<Vec<(String, Vec<Passage>)>, Error> {
    let all: Transcripts = whole(file)?;
    let sentence = |one: ForeignSentence| Sentence { from_ms: one.start, to_ms: one.end, text: one.text };
    let passage = |one: ForeignPassage| Passage {
        speaker: one.speaker_id,
        topic: one.topic,
        sentences: one.sentences.into_iter().map(sentence).collect(),
    };
    Ok(all
        .call_transcripts
        .into_iter()
        .map(|one| (one.call_id, one.transcript.into_iter().map(passage).collect()))
        .collect())
}
