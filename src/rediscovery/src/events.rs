//! What scoring says about a call: places and reasons, no words unless asked for.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use crate::lexicon::QuestionType;
use crate::roles::NotScored;

/// Everything about one call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Events {
    /// The vendor's id of the call.
    pub call: String,
    /// The customer's account, as the line names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// When the call began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// When the receiver accepted what is in force: the last acceptance before the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Timestamp>,
    /// Whether the call counts.
    pub scored: bool,
    /// Why it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_scored: Option<NotScored>,
    /// At least one event that was decided without a person.
    pub incident: bool,
    /// Questions for something that the accepted package held, in time order.
    pub events: Vec<Event>,
    /// Recorded values that were read back: the good behaviour.
    pub confirms: Vec<Place>,
    /// Questions for a detail on top of a recorded value.
    pub new_details: Vec<Place>,
    /// Questions for a field of an accepted package that was empty.
    pub asked_unfilled: Vec<Place>,
    /// Where the customer says that this was said before, whether or not a field was found.
    pub complaints: Vec<Span>,
    /// Counts of the call.
    pub counts: Counts,
    /// SHA-256 of the lexicon.
    pub lexicon: String,
}

/// Counts of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counts {
    /// Sentences of the receiving side.
    pub asker_sentences: usize,
    /// Questions of the receiving side that were looked at.
    pub asker_questions: usize,
    /// Sentences of the customer.
    pub customer_sentences: usize,
    /// The vendor's own count of questions from our side.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor_questions: Option<u64>,
}

/// What is done with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Counts by itself.
    Auto,
    /// Counts once a person confirms it.
    Review,
}

/// A question for something that was recorded.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// Whether it counts by itself.
    pub decision: Decision,
    /// The field and where.
    #[serde(flatten)]
    pub place: Place,
    /// Of the handoff that the call follows; else of an earlier one.
    pub strict: bool,
    /// The line names the speaker as of the receiving team.
    pub by_receiver: bool,
    /// The customer says that this was said before.
    pub complaint: bool,
    /// Another field that the question may have asked for instead, as contract/field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
}

/// A field and where it was spoken of.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    /// The contract.
    pub contract: String,
    /// Its field.
    pub field: String,
    /// Where.
    #[serde(flatten)]
    pub span: Span,
    /// The voice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// What the question asks for.
    pub asks: BTreeSet<QuestionType>,
    /// How clearly the question asks for the field, 0 to 1.
    pub question_score: f64,
    /// How much of the record the answer repeats, or the question gives away, in nats.
    pub record_score: f64,
    /// What was hit in the lexicon: its own topics and phrases.
    pub lexicon_hits: BTreeSet<String>,
    /// What of the record was said again.
    pub record_hits: Vec<RecordHit>,
    /// The same in a sentence.
    pub why: String,
    /// The question; only where quoting is switched on, at most 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
}

/// Where in the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    /// Milliseconds from the start.
    pub from_ms: u64,
    /// Milliseconds from the start.
    pub to_ms: u64,
}

/// A term of the record that was said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordHit {
    /// The part of the field.
    pub part: String,
    /// `word`, `number`, `date`.
    pub kind: &'static str,
    /// How much it tells, in nats.
    pub nats: f64,
    /// First 12 hex digits of SHA-256 over salt, call and term: the same term of the same call has the same hash.
    pub hash: String,
    /// The term; only where quoting is switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub term: Option<String>,
}

impl Serialize for QuestionType {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
