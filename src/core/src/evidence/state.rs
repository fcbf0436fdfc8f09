//! The evidence of one handoff: a fold over its log entries.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Spot;
use crate::id::{ConnectionId, FieldKey};
use crate::journal::LogEntry;
use crate::reask::Reasks;

/// A call of one connection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CallRef {
    /// The connection that knows it.
    pub connection: ConnectionId,
    /// The vendor's id.
    pub id: String,
}

impl fmt::Display for CallRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.connection, self.id)
    }
}

/// Why a call is no evidence any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Withdrawal {
    /// It was deleted, or our user can no longer see it.
    Deleted,
    /// It was made private.
    Private,
    /// It is linked to other records now.
    Relinked,
}

/// What a person said about a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceAnswer {
    /// Whether it speaks of the field.
    pub confirmed: bool,
    /// Who says so, as the command line or API knows him.
    pub by: String,
    /// The daemon's time.
    pub at: Timestamp,
}

/// A suggested place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Where, and why it was suggested.
    pub spot: Spot,
    /// What a person said about it; `None` = nobody did.
    pub answer: Option<PlaceAnswer>,
}

/// How a place stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// A person said that it speaks of the field.
    Confirmed,
    /// Nobody said anything.
    Suggested,
    /// A person said that it does not.
    Dismissed,
}

impl Place {
    /// How it stands.
    pub fn standing(&self) -> Standing {
        match &self.answer {
            None => Standing::Suggested,
            Some(answer) if answer.confirmed => Standing::Confirmed,
            Some(_) => Standing::Dismissed,
        }
    }
}

/// One call as evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// The call.
    pub call: CallRef,
    /// Where a person can listen to it.
    pub url: Option<String>,
    /// When it began.
    pub started: Timestamp,
    /// Its places, by time and field.
    pub places: Vec<Place>,
    /// Why it is no evidence any more; what people said about it stays known.
    pub withdrawn: Option<Withdrawal>,
}

/// The evidence of one handoff, over all its cycles.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Calls by [`CallRef`] as text.
    pub calls: BTreeMap<String, Heard>,
    /// Questions of calls for what the accepted package held, and what people say about them.
    #[serde(default, skip_serializing_if = "Reasks::is_empty")]
    pub reasks: Reasks,
    /// Log entries folded so far; the expected version of the next append.
    pub version: u64,
}

impl Evidence {
    /// Folds one entry. Entries of other kinds change nothing.
    pub fn apply(&mut self, entry: &LogEntry) {
        self.reasks.apply(entry);
        match entry {
            LogEntry::EvidenceSuggested { call, url, started, spots, .. } => {
                self.suggest(call, url.as_deref(), *started, spots);
            }
            LogEntry::EvidenceAnswered { call, field, from_ms, confirmed, by, at, .. } => {
                let answer = PlaceAnswer { confirmed: *confirmed, by: by.clone(), at: *at };
                if let Some(place) = self.place_mut(call, field, *from_ms) {
                    place.answer = Some(answer);
                }
            }
            LogEntry::EvidenceWithdrawn { call, because, .. } => {
                if let Some(heard) = self.calls.get_mut(&call.to_string()) {
                    heard.withdrawn = Some(*because);
                }
            }
            LogEntry::ReaskSuggested { .. }
            | LogEntry::ReaskAnswered { .. }
            | LogEntry::ReaskReported { .. } => {}
            LogEntry::Decided { .. }
            | LogEntry::Reconstructed { .. }
            | LogEntry::Confirmed { .. }
            | LogEntry::Overridden { .. }
            | LogEntry::Task { .. }
            | LogEntry::Test { .. }
            | LogEntry::FeedTaken { .. }
            | LogEntry::AccountSeen { .. }
            | LogEntry::SurveyAnswered { .. }
            | LogEntry::ContractPublished { .. }
            | LogEntry::ConfigChanged { .. }
            | LogEntry::Switched { .. }
            | LogEntry::ContractStep { .. }
            | LogEntry::MetricsFrozen { .. }
            | LogEntry::PeriodClosed { .. }
            | LogEntry::Started { .. } => return,
        }
        self.version += 1;
    }

    /// Whether suggesting these spots would change anything.
    pub fn is_news(&self, call: &CallRef, url: Option<&str>, started: Timestamp, spots: &[Spot]) -> bool {
        let key = call.to_string();
        if spots.is_empty() && !self.calls.contains_key(&key) {
            return false;
        }
        let mut after = self.clone();
        after.suggest(call, url, started, spots);
        after.calls.get(&key) != self.calls.get(&key)
    }

    /// Whether a call stands here, as evidence or scored, and was not withdrawn.
    pub fn holds(&self, call: &CallRef) -> bool {
        self.calls.get(&call.to_string()).is_some_and(|heard| heard.withdrawn.is_none())
            || self.reasks.holds(call)
    }

    /// The places of calls that were not withdrawn, oldest call first, in time order.
    pub fn places(&self) -> Vec<(&Heard, &Place)> {
        let mut calls: Vec<&Heard> = self.calls.values().filter(|heard| heard.withdrawn.is_none()).collect();
        calls.sort_by(|a, b| (a.started, &a.call).cmp(&(b.started, &b.call)));
        calls.into_iter().flat_map(|heard| heard.places.iter().map(move |place| (heard, place))).collect()
    }

    /// The place of a call that begins there and speaks of this field.
    pub fn place(&self, call: &CallRef, field: &FieldKey, from_ms: u64) -> Option<&Place> {
        let heard = self.calls.get(&call.to_string()).filter(|heard| heard.withdrawn.is_none())?;
        heard.places.iter().find(|place| place.spot.field == *field && place.spot.from_ms == from_ms)
    }

    fn place_mut(&mut self, call: &CallRef, field: &FieldKey, from_ms: u64) -> Option<&mut Place> {
        let heard = self.calls.get_mut(&call.to_string())?;
        heard.places.iter_mut().find(|place| place.spot.field == *field && place.spot.from_ms == from_ms)
    }

    /// The spots as they are suggested now; a place that a person answered stays, whatever is suggested.
    fn suggest(&mut self, call: &CallRef, url: Option<&str>, started: Timestamp, spots: &[Spot]) {
        let before = self.calls.remove(&call.to_string());
        let answered: Vec<Place> = before
            .into_iter()
            .flat_map(|heard| heard.places)
            .filter(|place| place.answer.is_some())
            .collect();
        let same = |left: &Spot, right: &Spot| left.field == right.field && left.from_ms == right.from_ms;
        let fresh = spots.iter().filter(|spot| !answered.iter().any(|place| same(&place.spot, spot)));
        let mut places: Vec<Place> = fresh.map(|spot| Place { spot: spot.clone(), answer: None }).collect();
        places.extend(answered);
        let order = |place: &Place| (place.spot.from_ms, place.spot.to_ms, place.spot.field.clone());
        places.sort_by_key(order);
        let url = url.map(str::to_owned);
        let heard = Heard { call: call.clone(), url, started, places, withdrawn: None };
        self.calls.insert(call.to_string(), heard);
    }
}
