//! Acts of answering: each is consumed once, and only the receiver in force opens anything.

use std::collections::{BTreeMap, BTreeSet};

use super::Decision;
use crate::event::{Event, Refusal, ReopenCause};
use crate::exception::Asked;
use crate::handoff::{Handoff, Phase};
use crate::id::FieldKey;
use crate::observation::{Act, Actor, Answer};

impl Decision<'_> {
    /// Rejections and submissions that are older than every edit seen with them concern the package as it stood before. An acceptance is
    /// never moved back: of several edits only the last is known, so it could cover something that was never shown.
    pub(super) fn answer_before_edits(&mut self) {
        let changed = self.changed_fields();
        let placed: Option<Vec<_>> =
            changed.iter().map(|key| self.seen.edits.get(key).map(|edit| edit.at)).collect();
        let Some(first_edit) = placed.and_then(|times| times.into_iter().min()) else { return };
        let early: Vec<Act> =
            self.pending().into_iter().take_while(|act| act.at < first_edit && !act.answer.takes()).collect();
        for act in early {
            self.consume(&act);
        }
    }

    pub(super) fn answer(&mut self) {
        for act in self.pending() {
            self.consume(&act);
            self.advance();
        }
    }

    fn pending(&self) -> Vec<Act> {
        let Some(state) = &self.state else { return Vec::new() };
        self.seen.acts.iter().filter(|act| !state.consumed.contains(act)).cloned().collect()
    }

    fn consume(&mut self, act: &Act) {
        let Some(state) = &self.state else { return };
        let refusal = match &act.answer {
            Answer::Submit => refuse_submit(state, act),
            Answer::Accept if state.awaits_confirmation() => {
                self.refuse_confirm(state, act, &BTreeSet::new())
            }
            Answer::Accept => self.refuse_accept(state, act),
            Answer::AcceptWith { exceptions } => self.refuse_accept_with(state, act, exceptions),
            Answer::Confirm { fields } => self.refuse_confirm(state, act, fields),
            Answer::Reject { reason, .. } => {
                refuse_reject(self.receiver_problem(state, &act.by), state, act, reason)
            }
        };
        match (refusal, &act.answer) {
            (Some(why), _) => {
                self.emit(Event::AnswerRefused { act: act.id.clone(), by: act.by.clone(), at: act.at, why });
            }
            (None, Answer::Submit) => {
                self.emit(Event::Submitted { act: act.id.clone(), by: act.by.clone(), at: act.at });
            }
            (None, Answer::Accept) if state.awaits_confirmation() => self.confirm(act),
            (None, Answer::Accept) => self.accept(act),
            (None, Answer::AcceptWith { exceptions }) => self.accept_with(act, exceptions),
            (None, Answer::Confirm { .. }) => self.confirm(act),
            (None, Answer::Reject { fields, reason, reasons }) => self.reject(act, fields, reason, reasons),
        }
    }

    fn accept(&mut self, act: &Act) {
        let Some(state) = &self.state else { return };
        let round = state.round;
        self.emit(Event::Accepted { act: act.id.clone(), by: act.by.clone(), at: act.at, round });
        self.settle_pay();
    }

    fn accept_with(&mut self, act: &Act, asked: &BTreeMap<FieldKey, Asked>) {
        let Some(state) = &self.state else { return };
        let Ok(exceptions) = self.exceptions(state, act, asked) else { return };
        if !exceptions.is_empty() {
            let (id, by) = (act.id.clone(), act.by.clone());
            self.emit(Event::ExceptionsGranted { act: id, by, at: act.at, exceptions });
            self.advance();
        }
        self.accept(act);
    }

    fn reject(
        &mut self,
        act: &Act,
        fields: &BTreeSet<FieldKey>,
        reason: &str,
        reasons: &BTreeMap<FieldKey, String>,
    ) {
        let is_known = |key: &&FieldKey| self.case.contract.field(key).is_some();
        let fields: BTreeSet<FieldKey> = fields.iter().filter(is_known).cloned().collect();
        let reasons =
            reasons.iter().filter(|(key, _)| fields.contains(*key)).map(|(k, why)| (k.clone(), why.clone()));
        let reasons: BTreeMap<FieldKey, String> = reasons.collect();
        if self.state.as_ref().is_some_and(Handoff::is_accepted) {
            self.reopen(ReopenCause::Receiver { fields: fields.clone(), reason: reason.to_owned() });
        }
        let Some(state) = &self.state else { return };
        let round = state.round;
        self.emit(Event::Rejected {
            act: act.id.clone(),
            by: act.by.clone(),
            at: act.at,
            round,
            fields,
            reason: reason.to_owned(),
            reasons,
        });
    }

    /// Why this person cannot answer for the receiver. The sender is told by person, not by login.
    pub(super) fn receiver_problem(&self, state: &Handoff, by: &Actor) -> Option<Refusal> {
        let (sender, receiver) = match (&state.sender, &state.receiver) {
            (None, _) => return Some(Refusal::NoSender),
            (_, None) => return Some(Refusal::NoReceiver),
            (Some(sender), Some(receiver)) => (sender, receiver),
        };
        let role = &self.case.contract.roles.receiver;
        if by.machine {
            Some(Refusal::Machine)
        } else if by.person == sender.person {
            Some(Refusal::OwnHandoff)
        } else if by.person != receiver.person {
            Some(Refusal::NotTheReceiver)
        } else if !by.active {
            Some(Refusal::Inactive)
        } else if !by.roles.contains(role) {
            Some(Refusal::LacksRole)
        } else {
            None
        }
    }

    /// Whether he handed this package over, or was the sender until the change of people that is seen with his answer: nothing tells
    /// which of the two came first.
    pub(super) fn handed_over(&self, state: &Handoff, by: &Actor) -> bool {
        let before = self.before.and_then(|before| before.sender.as_ref());
        state.handed_over_by.as_ref() == Some(&by.person)
            || before.is_some_and(|sender| sender.person == by.person)
    }

    /// Why this person cannot take the package, whatever it says.
    fn refuse_taking(&self, state: &Handoff, act: &Act) -> Option<Refusal> {
        if let Some(problem) = self.receiver_problem(state, &act.by) {
            return Some(problem);
        }
        if self.handed_over(state, &act.by) {
            return Some(Refusal::OwnHandoff);
        }
        self.returned.then_some(Refusal::NotWaiting)
    }

    fn refuse_accept_with(
        &self,
        state: &Handoff,
        act: &Act,
        asked: &BTreeMap<FieldKey, Asked>,
    ) -> Option<Refusal> {
        if let Some(problem) = self.refuse_taking(state, act) {
            return Some(problem);
        }
        if matches!(state.phase, Phase::Accepted | Phase::Voided) {
            return Some(Refusal::NotWaiting);
        }
        if let Err(refusal) = self.exceptions(state, act, asked) {
            return Some(refusal);
        }
        is_outdated(state, act).then_some(Refusal::PackageChanged)
    }

    fn refuse_accept(&self, state: &Handoff, act: &Act) -> Option<Refusal> {
        if let Some(problem) = self.refuse_taking(state, act) {
            return Some(problem);
        }
        match state.phase {
            Phase::Accepted | Phase::Voided => return Some(Refusal::NotWaiting),
            Phase::Draft | Phase::Rejected => {
                let missing = self.completeness(state).missing;
                // Nothing missing and still not complete: not submitted, or unchanged since it was sent back.
                return Some(if missing.is_empty() {
                    Refusal::NotWaiting
                } else {
                    Refusal::Incomplete { missing }
                });
            }
            Phase::Complete => {}
        }
        is_outdated(state, act).then_some(Refusal::PackageChanged)
    }
}

/// Whether the answer is not newer than what it answers to.
fn is_outdated(state: &Handoff, act: &Act) -> bool {
    let edited_since = state.last_edit().is_some_and(|edit| act.at <= edit);
    let before_completion = state.completed.is_some_and(|completed| act.at < completed);
    let sent_back_since = state.sent_back.as_ref().is_some_and(|sent| act.at < sent.at);
    let before_opening = state.opened_at.is_some_and(|opened| act.at < opened);
    edited_since || before_completion || sent_back_since || before_opening
}

/// A rejection needs a reason and something to reject. It may concern an older package: shutting is always allowed.
fn refuse_reject(problem: Option<Refusal>, state: &Handoff, act: &Act, reason: &str) -> Option<Refusal> {
    if problem.is_some() {
        return problem;
    }
    if reason.trim().is_empty() {
        return Some(Refusal::NoReason);
    }
    match state.phase {
        Phase::Complete => None,
        // What the receiver saw complete he may send back, whatever the sender took out of it meanwhile.
        Phase::Draft if state.fell_incomplete => None,
        // An acceptance given after this rejection is the receiver's later word. In the same second nobody can tell, and shut is safe.
        Phase::Accepted if state.accepted.as_ref().is_some_and(|acceptance| acceptance.at <= act.at) => None,
        Phase::Accepted | Phase::Draft | Phase::Rejected | Phase::Voided => Some(Refusal::NotWaiting),
    }
}

fn refuse_submit(state: &Handoff, act: &Act) -> Option<Refusal> {
    let is_sender = state.sender.as_ref().is_some_and(|sender| sender.person == act.by.person);
    if !is_sender {
        return Some(Refusal::NotTheSender);
    }
    match state.phase {
        Phase::Draft | Phase::Rejected => None,
        Phase::Complete | Phase::Accepted | Phase::Voided => Some(Refusal::NotWaiting),
    }
}
