//! The return loop beyond yes and no: exceptions, confirmations of edits, overrides that end, records merged into this one.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::Decision;
use crate::break_glass::OverrideEnd;
use crate::completeness::Completeness;
use crate::contract::{AfterAcceptance, Submit};
use crate::digest::Digest;
use crate::event::{Event, Refusal, ReopenCause};
use crate::exception::{Asked, Exception, FARTHEST, OnLapse, claims};
use crate::gate::opening;
use crate::handoff::returns::waive;
use crate::handoff::{Handoff, Phase, field_digest};
use crate::id::FieldKey;
use crate::observation::Act;

impl Decision<'_> {
    /// Why these exceptions do not count, or what is granted by them: every missing field has a reason and a day, and nothing else is in the way.
    pub(super) fn exceptions(
        &self,
        state: &Handoff,
        act: &Act,
        asked: &BTreeMap<FieldKey, Asked>,
    ) -> Result<BTreeMap<FieldKey, Exception>, Refusal> {
        let mut completeness = self.strict(state);
        let missing: BTreeSet<FieldKey> =
            completeness.missing.iter().map(|finding| finding.field.clone()).collect();
        let claims = claims(&state.package);
        let mut granted = BTreeMap::new();
        let mut unclear = BTreeSet::new();
        for key in missing {
            let claim = claims.get(&key);
            let words = match asked.get(&key) {
                Some(words) => words.clone(),
                None if asked.is_empty() && claim.is_some() => Asked::default(),
                None => continue,
            };
            let exception = words.complete(claim).filter(|exception| self.may_last(act.at, exception));
            match exception {
                Some(exception) => drop(granted.insert(key, exception)),
                None => drop(unclear.insert(key)),
            }
        }
        if !unclear.is_empty() {
            return Err(Refusal::ExceptionUnclear { fields: unclear });
        }
        waive(&mut completeness, &granted.keys().cloned().collect());
        if !completeness.missing.is_empty() {
            return Err(Refusal::Incomplete { missing: completeness.missing });
        }
        if completeness.is_complete() && self.is_handed_over(state) {
            Ok(granted)
        } else {
            Err(Refusal::NotWaiting)
        }
    }

    /// A day ahead of the answer and of now, and not so far ahead that it is none.
    fn may_last(&self, at: Timestamp, exception: &Exception) -> bool {
        exception.due > at && exception.due > self.now && exception.due.duration_since(at) <= FARTHEST
    }

    /// Whether the sender handed over what stands there.
    pub(super) fn is_handed_over(&self, state: &Handoff) -> bool {
        match self.case.contract.submit {
            Submit::Auto => !state.is_unchanged_since_sent_back(),
            Submit::Explicit => state.submitted.is_some(),
        }
    }

    /// What is filled and missing without any exception.
    fn strict(&self, state: &Handoff) -> Completeness {
        self.assessed(state)
    }

    /// What is filled and missing, with the exceptions in force counted as filled.
    pub(super) fn completeness(&self, state: &Handoff) -> Completeness {
        let mut completeness = self.assessed(state);
        waive(&mut completeness, &state.excepted(self.case.contract, self.now));
        completeness
    }

    /// Exceptions whose field is filled now, and those whose day has passed.
    pub(super) fn note_exceptions(&mut self) {
        let Some(state) = self.state.as_ref().filter(|state| state.is_accepted()) else { return };
        if state.returns.exceptions.is_empty() {
            return;
        }
        let missing: BTreeSet<FieldKey> =
            self.strict(state).missing.into_iter().map(|finding| finding.field).collect();
        let (open, met): (BTreeMap<_, _>, BTreeMap<_, _>) =
            state.returns.exceptions.clone().into_iter().partition(|(key, _)| missing.contains(key));
        let lapsed: BTreeMap<FieldKey, Timestamp> = open
            .into_iter()
            .filter(|(_, granted)| !granted.lapsed && granted.exception.due <= self.now)
            .map(|(key, granted)| (key, granted.exception.due))
            .collect();
        if !met.is_empty() {
            self.emit(Event::ExceptionsMet { fields: met.into_keys().collect() });
        }
        let Some(due) = lapsed.values().max().copied() else { return };
        let fields: BTreeSet<FieldKey> = lapsed.into_keys().collect();
        self.emit(Event::ExceptionsLapsed { fields: fields.clone(), due });
        if self.case.contract.exceptions.on_lapse == OnLapse::Reopen {
            self.reopen(ReopenCause::ExceptionsLapsed { fields });
        }
    }

    /// What an edit of this field does now: filling what may be missing is what the receiver asked for.
    pub(super) fn policy(&self, key: &FieldKey) -> AfterAcceptance {
        let excepted = self.state.as_ref().is_some_and(|state| state.returns.exceptions.contains_key(key));
        if excepted {
            return AfterAcceptance::Note;
        }
        self.case.contract.field(key).map_or(AfterAcceptance::Reopen, |field| field.after_acceptance)
    }

    /// Fields that would have to be confirmed after these have changed, each with the digest of what was accepted.
    pub(super) fn to_confirm(&self, changed: &BTreeSet<FieldKey>) -> BTreeMap<FieldKey, Digest> {
        let Some(state) = self.state.as_ref().filter(|state| state.is_accepted()) else {
            return BTreeMap::new();
        };
        let mut waiting = state.returns.unconfirmed.clone();
        for key in changed.iter().filter(|key| self.policy(key) == AfterAcceptance::Reconfirm) {
            waiting.entry(key.clone()).or_insert_with(|| field_digest(&state.package, key));
        }
        // What was taken back is as it was accepted.
        waiting.retain(|key, accepted| field_digest(&self.seen.package, key) != *accepted);
        waiting
    }

    /// Says which fields wait for a confirmation, if that changed; pay waits with them.
    pub(super) fn need_confirmation(&mut self, waiting: BTreeMap<FieldKey, Digest>) {
        let Some(state) = self.state.as_ref().filter(|state| state.is_accepted()) else { return };
        if state.returns.unconfirmed == waiting {
            return;
        }
        let fields: BTreeSet<FieldKey> = waiting.keys().cloned().collect();
        self.emit(Event::ConfirmationNeeded { fields: waiting });
        if !fields.is_empty() {
            self.hold(ReopenCause::Unconfirmed { fields });
        }
    }

    /// Why this does not confirm what was edited.
    pub(super) fn refuse_confirm(
        &self,
        state: &Handoff,
        act: &Act,
        fields: &BTreeSet<FieldKey>,
    ) -> Option<Refusal> {
        if let Err(problem) = self.right(state, act) {
            return Some(problem);
        }
        if self.handed_over(state, &act.by) {
            return Some(Refusal::OwnHandoff);
        }
        if self.returned || !state.awaits_confirmation() {
            return Some(Refusal::NotWaiting);
        }
        if state.last_edit().is_some_and(|edit| act.at <= edit) {
            return Some(Refusal::PackageChanged);
        }
        let changed: BTreeSet<FieldKey> = state.returns.unconfirmed.keys().cloned().collect();
        (!fields.is_empty() && *fields != changed).then_some(Refusal::OtherFields)
    }

    pub(super) fn confirm(&mut self, act: &Act) {
        let Some(state) = &self.state else { return };
        let fields = state.returns.unconfirmed.keys().cloned().collect();
        self.emit(Event::Confirmed { act: act.id.clone(), by: act.by.clone(), at: act.at, fields });
        self.settle_pay();
    }

    /// Overrides end at their time, when their gate opens by itself, and with the handoff.
    pub(super) fn end_overrides(&mut self) {
        let Some(state) = &self.state else { return };
        let mut ends = Vec::new();
        for (gate, known) in state.overrides.iter().filter(|(_, known)| known.ended.is_none()) {
            let because = if state.phase == Phase::Voided {
                OverrideEnd::Voided
            } else if known.expires <= self.now {
                OverrideEnd::Expired
            } else if opening(self.case.contract, state, gate, self.now).is_some() {
                OverrideEnd::Superseded
            } else {
                continue;
            };
            ends.push(Event::OverrideEnded { gate: gate.clone(), at: self.now, because });
        }
        for end in ends {
            self.emit(end);
        }
    }

    /// A record that took another one in is not what was accepted, whatever it says now.
    pub(super) fn note_absorbed(&mut self) {
        let Some(state) = &self.state else { return };
        if self.seen.absorbed.is_subset(&state.absorbed) {
            return;
        }
        let records = state.absorbed.union(&self.seen.absorbed).cloned().collect();
        let accepted = state.is_accepted();
        self.emit(Event::Absorbed { records });
        if accepted {
            self.reopen(ReopenCause::Merged);
        }
    }
}
