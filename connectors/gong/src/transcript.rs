//! What was said, as `/v2/calls/transcript` tells it. Times are whole milliseconds here, unlike a tracker's seconds.

use handoff_connector::Fault;
use handoff_core::evidence::{Passage, Sentence, Transcript};
use serde_json::Value;

use crate::answer::protocol;
use crate::page::{id, list, milliseconds, text};

/// Reads a transcript; `None` = the call is named, but what was said is not there yet.
pub(crate) fn transcript(row: &Value) -> Result<(String, Option<Transcript>), Fault> {
    let call = id(row.get("callId")).ok_or_else(|| protocol("a transcript without a call"))?;
    let passages = match row.get("transcript") {
        Some(Value::Array(passages)) => passages,
        None | Some(Value::Null) => return Ok((call, None)),
        Some(_) => return Err(protocol("a transcript that is no list")),
    };
    let passages = passages.iter().map(passage).collect();
    Ok((call.clone(), Some(Transcript { call, passages })))
}

fn passage(row: &Value) -> Passage {
    Passage {
        speaker: id(row.get("speakerId")),
        topic: text(row, "topic").map(str::to_owned),
        sentences: list(row, "sentences").filter_map(sentence).collect(),
    }
}

/// A sentence without words or without a place cannot be pointed at.
fn sentence(row: &Value) -> Option<Sentence> {
    let from_ms = milliseconds(row.get("start"))?;
    let to_ms = milliseconds(row.get("end")).unwrap_or(from_ms).max(from_ms);
    Some(Sentence { from_ms, to_ms, text: text(row, "text")?.to_owned() })
}
