//! What a handoff remembers besides where it stands.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Stamp;
use crate::digest::Digest;
use crate::event::NotReverted;
use crate::id::GateName;
use crate::observation::{Act, Actor, DateMove};
use crate::seat::Behalf;

/// How many answers are remembered one by one; of older ones it is known only that they are older.
const REMEMBERED: usize = 64;

/// Acts of answering that have had their effect. Bounded: an answer that shows up only after 64 later ones had theirs is taken for one of
/// the forgotten, which never opens anything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Consumed {
    /// The newest acts by id, with the CRM's time.
    recent: BTreeMap<String, Timestamp>,
    /// The newest forgotten act: everything up to it counts as consumed.
    until: Option<(Timestamp, String)>,
}

impl Consumed {
    /// Whether this act has had its effect.
    pub fn contains(&self, act: &Act) -> bool {
        let forgotten = |(at, id): &(Timestamp, String)| (act.at, act.id.as_str()) <= (*at, id.as_str());
        self.recent.contains_key(&act.id) || self.until.as_ref().is_some_and(forgotten)
    }

    pub(super) fn insert(&mut self, act: &str, at: Timestamp) {
        self.recent.insert(act.to_owned(), at);
        if self.recent.len() <= REMEMBERED {
            return;
        }
        let oldest = self.recent.iter().map(|(id, at)| (*at, id.clone())).min();
        if let Some(oldest) = oldest {
            self.recent.remove(&oldest.1);
            self.until = self.until.take().max(Some(oldest));
        }
    }
}

/// The receiver's word on this cycle's package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// Who.
    pub by: Actor,
    /// When, as the CRM claims.
    pub at: Timestamp,
    /// Where it stands in the log.
    pub stamp: Stamp,
    /// Digest of the package as it was accepted; the clearance id is bound to it.
    pub shown: Digest,
    /// Digest of the package that the acceptance covers now: as accepted, with noted edits carried over.
    pub covers: Digest,
    /// For whom he answered, if he was not the named receiver himself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behalf: Option<Behalf>,
}

/// A field that the receiver sent back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedField {
    /// When.
    pub at: Timestamp,
    /// Digest of the field's parts as they stood; a changed digest mends it.
    pub was: Digest,
    /// Whether it was changed since.
    pub mended: bool,
}

/// A by-pass whose stage still stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingBypass {
    /// The gate that was passed.
    pub gate: GateName,
    /// The CRM's stage before, if it told.
    pub from: Option<String>,
    /// The order to put it back, while it is in force.
    #[serde(default)]
    pub order: Option<RevertOrder>,
    /// Why it stays, if the policy would have it put back.
    #[serde(default)]
    pub stays: Option<NotReverted>,
}

/// An order to put a stage back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevertOrder {
    /// The entry into the stage that is undone.
    pub entry: String,
    /// The CRM's value that stands there.
    pub from: String,
    /// The CRM's value that it goes back to.
    pub to: String,
    /// The close date that goes back with it.
    pub close_date: Option<DateMove>,
    /// Whether the CRM refused it.
    pub refused: bool,
}

/// A stage that was put back and still stands there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PutBack {
    /// The CRM's value that it was put back from.
    pub from: String,
}

/// A package that was sent back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentBack {
    /// When.
    pub at: Timestamp,
    /// How it stood.
    pub package: Digest,
}

/// What we know of one gate's flag.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GateState {
    /// Last value we wrote and read back; `None` = never written, so it should be shut.
    pub confirmed: Option<bool>,
    /// The clearance id confirmed with it.
    pub clearance: Option<String>,
    /// What we ordered last and have not read back yet.
    pub ordered: Option<bool>,
    /// A deviation that stands in the ledger already.
    pub tampered: Option<String>,
}

impl GateState {
    /// What the flag reads, or will read, if nobody but us touches it.
    pub fn intended(&self) -> bool {
        self.ordered.unwrap_or_else(|| self.confirmed.unwrap_or(false))
    }

    /// Whether a flag that reads `open` can be our own doing: as confirmed, or as ordered but not yet read back.
    pub fn is_ours(&self, open: bool) -> bool {
        open == self.confirmed.unwrap_or(false) || self.ordered == Some(open)
    }
}
