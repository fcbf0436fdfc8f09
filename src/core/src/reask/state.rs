//! What is known of re-asks of one handoff: a part of the fold over its evidence.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Reask, ReportedBy};
use crate::evidence::{CallRef, PlaceAnswer, Standing, Withdrawal};
use crate::id::FieldKey;
use crate::journal::LogEntry;

/// A re-ask that a call suggests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggested {
    /// What was found.
    pub reask: Reask,
    /// Since when it is known here; an answer that is older is not about it.
    pub since: Timestamp,
    /// What a person said about it; `None` = nobody did.
    pub answer: Option<PlaceAnswer>,
}

impl Suggested {
    /// How it stands.
    pub fn standing(&self) -> Standing {
        match &self.answer {
            None => Standing::Suggested,
            Some(answer) if answer.confirmed => Standing::Confirmed,
            Some(_) => Standing::Dismissed,
        }
    }
}

/// A call that was scored against the accepted package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoredCall {
    /// The call.
    pub call: CallRef,
    /// Where a person can listen to it.
    pub url: Option<String>,
    /// When it began.
    pub started: Timestamp,
    /// The cycle whose acceptance was in force then.
    pub cycle: u32,
    /// When that acceptance was given.
    pub accepted: Timestamp,
    /// SHA-256 of the lexicon.
    pub lexicon: String,
    /// What it suggests, by time and field; may be empty.
    pub suggested: Vec<Suggested>,
    /// Why it counts no more; what people said about it stays known.
    pub withdrawn: Option<Withdrawal>,
}

/// What somebody reported without a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// Whether it stands.
    pub stands: bool,
    /// The cycle that it is about.
    pub cycle: u32,
    /// Who, if the CRM tells it.
    pub by: Option<String>,
    /// When, as the CRM claims; else when it was seen.
    pub asked: Timestamp,
}

/// The re-asks of one handoff, over all its cycles.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reasks {
    /// Calls by [`CallRef`] as text.
    pub calls: BTreeMap<String, ScoredCall>,
    /// What was reported last, by whom.
    pub reports: BTreeMap<ReportedBy, Reported>,
    /// Acts on the record that had their effect.
    pub acts: BTreeSet<String>,
}

/// A re-ask that waits for a person.
#[derive(Debug, Clone, Copy)]
pub struct Open<'a> {
    /// The call.
    pub call: &'a ScoredCall,
    /// What it suggests.
    pub suggested: &'a Suggested,
}

impl Reasks {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.reports.is_empty() && self.acts.is_empty()
    }

    /// Folds one entry; true = it was about re-asks.
    pub fn apply(&mut self, entry: &LogEntry) -> bool {
        if let LogEntry::ReaskSuggested { .. } = entry {
            self.suggest(entry);
        } else if let LogEntry::ReaskAnswered { call, field, from_ms, confirmed, by, act, at, .. } = entry {
            let answer = PlaceAnswer { confirmed: *confirmed, by: by.clone(), at: *at };
            if let Some(suggested) = self.suggested_mut(call, field, *from_ms) {
                suggested.answer = Some(answer);
            }
            self.acts.extend(act.clone());
        } else if let LogEntry::ReaskReported { handoff, source, stands, by, asked, at, .. } = entry {
            let (cycle, asked) = (handoff.cycle, asked.unwrap_or(*at));
            self.reports.insert(*source, Reported { stands: *stands, cycle, by: by.clone(), asked });
        } else if let LogEntry::EvidenceWithdrawn { call, because, .. } = entry {
            if let Some(scored) = self.calls.get_mut(&call.to_string()) {
                scored.withdrawn = Some(*because);
            }
            return false;
        } else {
            return false;
        }
        true
    }

    /// Whether a call stands scored here.
    pub fn holds(&self, call: &CallRef) -> bool {
        self.calls.get(&call.to_string()).is_some_and(|scored| scored.withdrawn.is_none())
    }

    /// Whether folding this entry would change what is known of its call.
    pub fn is_news(&self, entry: &LogEntry) -> bool {
        let LogEntry::ReaskSuggested { call, .. } = entry else { return true };
        let mut after = self.clone();
        after.suggest(entry);
        after.calls.get(&call.to_string()) != self.calls.get(&call.to_string())
    }

    /// Every suggestion of calls that were not withdrawn, oldest call first, in time order.
    pub fn all(&self) -> Vec<Open<'_>> {
        let mut calls: Vec<&ScoredCall> =
            self.calls.values().filter(|scored| scored.withdrawn.is_none()).collect();
        calls.sort_by(|a, b| (a.started, &a.call).cmp(&(b.started, &b.call)));
        calls
            .into_iter()
            .flat_map(|call| call.suggested.iter().map(move |suggested| Open { call, suggested }))
            .collect()
    }

    /// Suggestions that nobody answered.
    pub fn open(&self) -> Vec<Open<'_>> {
        self.all().into_iter().filter(|open| open.suggested.answer.is_none()).collect()
    }

    /// The suggestion of a call that begins there and is for this field.
    pub fn suggested(&self, call: &CallRef, field: &FieldKey, from_ms: u64) -> Option<&Suggested> {
        let scored = self.calls.get(&call.to_string()).filter(|scored| scored.withdrawn.is_none())?;
        scored.suggested.iter().find(|one| one.reask.field == *field && one.reask.from_ms == from_ms)
    }

    fn suggested_mut(&mut self, call: &CallRef, field: &FieldKey, from_ms: u64) -> Option<&mut Suggested> {
        let scored = self.calls.get_mut(&call.to_string())?;
        scored.suggested.iter_mut().find(|one| one.reask.field == *field && one.reask.from_ms == from_ms)
    }

    /// What is found now stands in the place of what was found before; what a person answered stays, whatever is found.
    fn suggest(&mut self, entry: &LogEntry) {
        let LogEntry::ReaskSuggested { handoff, call, url, started, accepted, lexicon, found, at, .. } =
            entry
        else {
            return;
        };
        let before = self.calls.remove(&call.to_string()).map(|scored| scored.suggested).unwrap_or_default();
        let same = |left: &Reask, right: &Reask| left.field == right.field && left.from_ms == right.from_ms;
        let mut suggested: Vec<Suggested> = Vec::new();
        for reask in found {
            let known = before.iter().find(|known| same(&known.reask, reask));
            if known.is_none_or(|known| known.answer.is_none()) {
                let since = known.map_or(*at, |known| known.since);
                suggested.push(Suggested { reask: reask.clone(), since, answer: None });
            }
        }
        suggested.extend(before.into_iter().filter(|known| known.answer.is_some()));
        suggested.sort_by(|a, b| {
            (a.reask.from_ms, a.reask.to_ms, &a.reask.field).cmp(&(
                b.reask.from_ms,
                b.reask.to_ms,
                &b.reask.field,
            ))
        });
        let scored = ScoredCall {
            call: call.clone(),
            url: url.clone(),
            started: *started,
            cycle: handoff.cycle,
            accepted: *accepted,
            lexicon: lexicon.clone(),
            suggested,
            withdrawn: None,
        };
        self.calls.insert(call.to_string(), scored);
    }
}
