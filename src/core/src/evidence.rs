//! Calls as evidence: where in a recorded call a contract's field may have been spoken of. Suggestions that a person confirms; no words of
//! a call are kept, and no field of a package is ever filled from one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

mod mapping;
mod phrase;
mod state;
mod suggest;
#[cfg(test)]
mod tests;

pub use mapping::{EvidenceMapping, Places, Rule, SaidBy};
pub use phrase::{Phrase, PhraseError};
pub use state::{CallRef, Evidence, Heard, Place, PlaceAnswer, Standing, Withdrawal};
pub use suggest::{Ground, Spot, Suggestion, suggest};

/// A recorded call as a connector read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// The vendor's id (Gong: up to 20 decimal digits, more than an integer holds).
    pub id: String,
    /// Where a person can listen to it.
    pub url: Option<String>,
    /// When it began; a call becomes readable only some time after it ended.
    pub started: Timestamp,
    /// How long it lasted, in seconds.
    pub seconds: u32,
    /// Whether it is private: its transcript is never asked for.
    pub private: bool,
    /// The language that is spoken in it, as the vendor writes it (Gong: ISO 639-2, e.g. `eng`), if it knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The CRM records that the vendor links it to.
    pub links: Vec<CallLink>,
    /// Who took part.
    pub parties: Vec<CallParty>,
    /// Where the vendor's own trackers struck.
    pub trackers: Vec<TrackerHit>,
}

/// A CRM record that a call is linked to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallLink {
    /// The connector of the CRM, e.g. `salesforce`.
    pub connector: String,
    /// What the record is.
    pub kind: LinkKind,
    /// Its id as the vendor of the calls writes it; not necessarily the CRM's canonical form.
    pub id: String,
}

/// What a linked record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkKind {
    /// A deal or opportunity.
    Deal,
    /// An account or company.
    Account,
}

/// Somebody in a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallParty {
    /// How the transcript names him; absent for those who did not speak.
    pub speaker: Option<String>,
    /// Full name, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// E-mail address, lower case, if known.
    pub email: Option<String>,
    /// Whether he belongs to our side; `None` = the vendor does not know.
    pub ours: Option<bool>,
}

/// A place where a tracker of the vendor struck.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackerHit {
    /// The tracker's name.
    pub tracker: String,
    /// Milliseconds from the start of the call.
    pub at_ms: u64,
    /// Who spoke, as the transcript names him.
    pub speaker: Option<String>,
}

/// What was said in a call. It lives in memory while it is read, and nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Transcript {
    /// The call's id.
    pub call: String,
    /// In the order of the call.
    pub passages: Vec<Passage>,
}

impl std::fmt::Debug for Transcript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transcript")
            .field("call", &self.call)
            .field("passages", &self.passages.len())
            .finish()
    }
}

/// One speaker's turn.
#[derive(Clone, PartialEq, Eq)]
pub struct Passage {
    /// Who speaks, as the call's parties name him.
    pub speaker: Option<String>,
    /// The topic that the vendor saw.
    pub topic: Option<String>,
    /// His sentences.
    pub sentences: Vec<Sentence>,
}

/// One sentence.
#[derive(Clone, PartialEq, Eq)]
pub struct Sentence {
    /// Milliseconds from the start of the call.
    pub from_ms: u64,
    /// Milliseconds from the start of the call.
    pub to_ms: u64,
    /// The words; never stored, never logged.
    pub text: String,
}
