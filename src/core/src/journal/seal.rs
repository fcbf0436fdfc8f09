//! An entry as it is kept: a public leaf, and parts sealed with the records that they are about.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use thiserror::Error;

use super::{FIRST, LISTS, LogEntry, OPERATORS, VERSION, about, foreign, own};
use crate::event::Event;
use crate::id::{ConnectionId, HandoffId};
use crate::task::TaskChange;

/// A log entry ready for the log: the leaf is public, the parts are sealed under the key of the record named beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// Canonical JSON without personal data.
    pub leaf: Vec<u8>,
    /// Record (as text) → plain JSON to seal.
    pub parts: BTreeMap<String, Vec<u8>>,
}

/// An entry that cannot be read.
#[derive(Debug, Error)]
pub enum JournalError {
    /// Not JSON, or not an entry.
    #[error("the log entry is not readable: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// Written by a newer version.
    #[error("the log entry has format {found}, this program reads up to {VERSION}: update handoffd")]
    Newer {
        /// Its version.
        found: u64,
    },
    /// The leaf does not name its format.
    #[error("the log entry's leaf does not name its format")]
    NoVersion,
}

impl LogEntry {
    /// Splits into a public leaf and parts to seal.
    pub fn encode(&self) -> Result<Encoded, JournalError> {
        if let Some(handoff) = self.evidence() {
            return self.encode_evidence(handoff);
        }
        if let Self::Task { handoff, connection, change, .. } = self {
            return self.encode_task(handoff.as_ref(), connection, change);
        }
        if let Some(encoded) = about::encode(self)? {
            return Ok(encoded);
        }
        if let Some(encoded) = own::encode(self)? {
            return Ok(encoded);
        }
        let Some((handoff, events)) = self.handoff().or_else(|| self.reconstructed()) else {
            let mut leaf = serde_json::to_value(self)?;
            let mut parts = BTreeMap::new();
            if let Some(object) = leaf.as_object_mut() {
                object.insert("v".to_owned(), json!(FIRST));
                if let (Self::Switched { .. }, Some(by)) = (self, object.remove("by")) {
                    parts.insert(OPERATORS.to_owned(), serde_json::to_vec(&by)?);
                }
            }
            return Ok(Encoded { leaf: serde_json::to_vec(&leaf)?, parts });
        };
        let names: Vec<&str> = events.iter().map(Event::name).collect();
        let (version, kind) = match self {
            Self::Decided { .. } => (FIRST, "decided"),
            Self::Overridden { .. } => (VERSION, "overridden"),
            Self::Reconstructed { .. } => (VERSION, "reconstructed"),
            Self::Confirmed { .. }
            | Self::EvidenceSuggested { .. }
            | Self::EvidenceAnswered { .. }
            | Self::EvidenceWithdrawn { .. }
            | Self::ReaskSuggested { .. }
            | Self::ReaskAnswered { .. }
            | Self::ReaskReported { .. }
            | Self::Task { .. }
            | Self::Test { .. }
            | Self::FeedTaken { .. }
            | Self::AccountSeen { .. }
            | Self::SurveyAnswered { .. }
            | Self::ContractPublished { .. }
            | Self::ContractStep { .. }
            | Self::MetricsFrozen { .. }
            | Self::PeriodClosed { .. }
            | Self::ConfigChanged { .. }
            | Self::Switched { .. }
            | Self::Started { .. } => (FIRST, "confirmed"),
        };
        let leaf = json!({
            "v": version, "entry": kind, "at": self.at(), "stream": handoff.stream(), "cycle": handoff.cycle, "events": names,
        });
        let subject = handoff.subject.to_string();
        let mut body = serde_json::to_value(self)?;
        let mut others: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        foreign::take(&mut body, &subject, &mut String::new(), &mut others);
        let mut parts = BTreeMap::from([(subject, serde_json::to_vec(&body)?)]);
        for (record, values) in others {
            parts.insert(record, serde_json::to_vec(&values)?);
        }
        Ok(Encoded { leaf: serde_json::to_vec(&leaf)?, parts })
    }

    /// Ids and addresses of calls and who answered are sealed with the record that they are about.
    fn encode_evidence(&self, handoff: &HandoffId) -> Result<Encoded, JournalError> {
        let body = serde_json::to_value(self)?;
        let leaf = json!({
            "v": VERSION, "entry": body.get("entry"), "at": self.at(), "stream": handoff.stream(), "cycle": handoff.cycle,
        });
        let parts = BTreeMap::from([(handoff.subject.to_string(), serde_json::to_vec(&body)?)]);
        Ok(Encoded { leaf: serde_json::to_vec(&leaf)?, parts })
    }

    /// Whose task it is, and what the CRM said, is sealed with the record that it is about; what stands for several is sealed with nobody's.
    fn encode_task(
        &self,
        handoff: Option<&HandoffId>,
        connection: &ConnectionId,
        change: &TaskChange,
    ) -> Result<Encoded, JournalError> {
        let (subject, stream) = match handoff {
            Some(handoff) => (handoff.subject.to_string(), handoff.stream()),
            None => (LISTS.to_owned(), format!("tasks/{connection}/{LISTS}")),
        };
        let leaf =
            json!({ "v": VERSION, "entry": "task", "at": self.at(), "stream": stream, "task": change.id() });
        let parts = BTreeMap::from([(subject, serde_json::to_vec(self)?)]);
        Ok(Encoded { leaf: serde_json::to_vec(&leaf)?, parts })
    }

    /// Puts an entry together again. `Ok(None)` when the record it is about was erased; values of other erased records read as erased.
    pub fn decode(
        leaf: &[u8],
        mut open: impl FnMut(&str) -> Option<Vec<u8>>,
    ) -> Result<Option<Self>, JournalError> {
        let mut leaf: Value = serde_json::from_slice(leaf)?;
        match leaf.get("v").and_then(Value::as_u64) {
            None => return Err(JournalError::NoVersion),
            Some(found) if found > u64::from(VERSION) => return Err(JournalError::Newer { found }),
            Some(_) => {}
        }
        if let Some(subject) = leaf.get("about").and_then(Value::as_str) {
            let Some(bytes) = open(subject) else { return Ok(None) };
            return Ok(Some(serde_json::from_slice(&bytes)?));
        }
        let Some(stream) = leaf.get("stream").and_then(Value::as_str) else {
            own::open(&mut leaf, &mut open)?;
            let is_switch = leaf.get("entry").and_then(Value::as_str) == Some("switched");
            if let Some(object) =
                leaf.as_object_mut().filter(|object| is_switch && !object.contains_key("by"))
            {
                // The switch itself must stay known when the name is erased.
                let name = open(OPERATORS).map(|bytes| serde_json::from_slice(&bytes)).transpose()?;
                object.insert("by".to_owned(), name.unwrap_or_else(|| json!("erased")));
            }
            return Ok(Some(serde_json::from_value(leaf)?));
        };
        // The stream is contract/motion/connection/object/record; the record is what follows the second slash.
        let subject = stream.splitn(3, '/').nth(2).unwrap_or_default();
        let Some(bytes) = open(subject) else { return Ok(None) };
        let mut body: Value = serde_json::from_slice(&bytes)?;
        let mut records: Vec<String> = Vec::new();
        foreign::records(&body, subject, &mut records);
        for record in records {
            let Some(bytes) = open(&record) else { continue };
            let values: BTreeMap<String, Value> = serde_json::from_slice(&bytes)?;
            for (pointer, value) in values {
                if let Some(place) = body.pointer_mut(&pointer) {
                    *place = value;
                }
            }
        }
        Ok(Some(serde_json::from_value(body)?))
    }
}
