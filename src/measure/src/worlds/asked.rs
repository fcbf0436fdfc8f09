//! Calls after acceptances in a world: they are scored, what they suggest is answered or not, scored again or withdrawn, and people report on the
//! record themselves.

use std::collections::BTreeMap;

use handoff_core::contract::ContractRef;
use handoff_core::evidence::{CallRef, Withdrawal};
use handoff_core::id::{FieldKey, HandoffId};
use handoff_core::journal::LogEntry;
use handoff_core::reask::{Reask, ReportedBy};
use jiff::{SignedDuration, Timestamp};

use super::chance::Chance;
use super::{BEGINS, DAY};

/// Days before anybody listens.
const DEAF: i64 = 45;

/// Milliseconds of the thirty days in which a question counts.
const WINDOW: i64 = 30 * DAY * 1_000;

/// What will be heard, and when.
#[derive(Debug)]
pub(super) struct Listeners {
    chance: Chance,
    pending: BTreeMap<(Timestamp, u32), LogEntry>,
    serial: u32,
}

/// An acceptance that calls follow.
pub(super) struct Acceptance<'a> {
    pub(super) handoff: &'a HandoffId,
    pub(super) pin: &'a ContractRef,
    pub(super) fields: &'a [FieldKey],
    pub(super) at: Timestamp,
}

impl Listeners {
    pub(super) fn new(seed: u64) -> Self {
        Self { chance: Chance::new(seed ^ 0xCA11), pending: BTreeMap::new(), serial: 0 }
    }

    /// What is known by this moment, as an entry of then.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<LogEntry> {
        let first = self.pending.first_entry().filter(|first| first.key().0 <= now)?;
        let mut entry = first.remove();
        if let LogEntry::ReaskSuggested { at, .. }
        | LogEntry::ReaskAnswered { at, .. }
        | LogEntry::ReaskReported { at, .. }
        | LogEntry::EvidenceWithdrawn { at, .. } = &mut entry
        {
            *at = now;
        }
        Some(entry)
    }

    /// A package was accepted: meetings with the customer follow.
    pub(super) fn accepted(&mut self, accepted: &Acceptance<'_>) {
        if accepted.at.as_second() < BEGINS + DEAF * DAY {
            return;
        }
        if self.chance.one_in(2) {
            for _ in 0..=self.chance.below(4) {
                self.call(accepted);
            }
        }
        if self.chance.one_in(12) {
            self.report(accepted);
        }
    }

    fn call(&mut self, accepted: &Acceptance<'_>) {
        let started = self.moment(accepted.at);
        self.serial += 1;
        let call = CallRef { connection: "gong".into(), id: format!("77{:08}", self.serial) };
        let found = self.found(accepted.fields);
        let told = self.later(started, 2);
        self.push(told, suggested(accepted, &call, started, found.clone()));
        for one in &found {
            if self.chance.one_in(3) {
                continue;
            }
            let (at, confirmed) = (self.later(told, 9), self.chance.one_in(3));
            self.push(at, answered(accepted, &call, one, confirmed));
            // A second thought.
            if self.chance.one_in(9) {
                let (again, confirmed) = (self.later(at, 20), self.chance.one_in(2));
                self.push(again, answered(accepted, &call, one, confirmed));
            }
        }
        if self.chance.one_in(7) {
            // Another lexicon: some of it is found again, and something else.
            let mut again: Vec<Reask> = found.into_iter().filter(|_| !self.chance.one_in(3)).collect();
            again.extend(self.found(accepted.fields));
            let at = self.later(told, 25);
            self.push(at, suggested(accepted, &call, started, again));
        }
        if self.chance.one_in(9) {
            let at = self.later(told, 25);
            let handoff = accepted.handoff.clone();
            let withdrawn = LogEntry::EvidenceWithdrawn { handoff, call, because: Withdrawal::Private, at };
            self.push(at, withdrawn);
        }
    }

    fn report(&mut self, accepted: &Acceptance<'_>) {
        let asked = self.moment(accepted.at);
        let source = if self.chance.one_in(2) { ReportedBy::Receiver } else { ReportedBy::Customer };
        let claimed = (!self.chance.one_in(4)).then_some(asked);
        let told = self.later(asked, 3);
        let said = |stands: bool, asked: Option<Timestamp>| LogEntry::ReaskReported {
            handoff: accepted.handoff.clone(),
            source,
            stands,
            by: Some("005000000000001".to_owned()),
            asked,
            at: told,
        };
        self.push(told, said(true, claimed));
        if self.chance.one_in(4) {
            let at = self.later(told, 12);
            self.push(at, said(false, claimed));
        }
    }

    fn found(&mut self, fields: &[FieldKey]) -> Vec<Reask> {
        let mut found: Vec<Reask> = Vec::new();
        for _ in 0..self.chance.below(3) {
            let Some(field) = fields.get(self.chance.below(fields.len())) else { continue };
            let from_ms = 1_000 * u64::try_from(self.chance.below(1_800)).unwrap_or_default();
            found.push(Reask {
                field: field.clone(),
                from_ms,
                to_ms: from_ms + 4_000,
                automatic: self.chance.one_in(3),
                strict: !self.chance.one_in(4),
                complaint: self.chance.one_in(6),
                question: 700,
                answer: 1_200,
                why: "asks for it".to_owned(),
            });
        }
        found
    }

    /// Within forty days, sometimes to the millisecond where the thirty begin and end, sometimes before.
    fn moment(&mut self, accepted: Timestamp) -> Timestamp {
        let far = i64::try_from(self.chance.below(40 * 86_400)).unwrap_or_default() * 1_000;
        let far = match self.chance.below(24) {
            0 => 0,
            1 => WINDOW,
            2 => WINDOW - 1,
            3 => -1,
            _ => far,
        };
        accepted.checked_add(SignedDuration::from_millis(far)).unwrap_or(accepted)
    }

    fn later(&mut self, at: Timestamp, days: usize) -> Timestamp {
        let seconds = i64::try_from(1 + self.chance.below(days * 86_400)).unwrap_or_default();
        at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
    }

    fn push(&mut self, at: Timestamp, entry: LogEntry) {
        self.serial += 1;
        self.pending.insert((at, self.serial), entry);
    }
}

fn answered(accepted: &Acceptance<'_>, call: &CallRef, one: &Reask, confirmed: bool) -> LogEntry {
    LogEntry::ReaskAnswered {
        handoff: accepted.handoff.clone(),
        call: call.clone(),
        field: one.field.clone(),
        from_ms: one.from_ms,
        confirmed,
        by: "api".to_owned(),
        act: None,
        at: accepted.at,
    }
}

fn suggested(accepted: &Acceptance<'_>, call: &CallRef, started: Timestamp, found: Vec<Reask>) -> LogEntry {
    LogEntry::ReaskSuggested {
        handoff: accepted.handoff.clone(),
        contract: accepted.pin.clone(),
        call: call.clone(),
        url: None,
        started,
        accepted: accepted.at,
        lexicon: "world".to_owned(),
        found,
        at: accepted.at,
    }
}
