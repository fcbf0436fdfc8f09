//! The fold: what each event makes of the state.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Acceptance, GateState, Handoff, Phase, PutBack, REVERTS_PER_HOUR, RejectedField, RevertOrder, SentBack,
    Stamp, StandingBypass, field_digest, package_digest,
};
use crate::event::{EditEffect, Event};
use crate::id::FieldKey;
use crate::observation::Actor;
use crate::sla::Clock;
use crate::value::Package;

impl Handoff {
    /// Folds the entries of a stream, each with its stamp.
    pub fn fold<'a>(entries: impl IntoIterator<Item = (Stamp, &'a [Event])>) -> Option<Self> {
        entries.into_iter().fold(None, |state, (stamp, events)| Self::apply(state, stamp, events))
    }

    /// Folds one log entry: its events, then one more version.
    pub fn apply(before: Option<Self>, stamp: Stamp, events: &[Event]) -> Option<Self> {
        let mut state = events.iter().fold(before, |state, event| Self::evolve(state, stamp, event))?;
        state.version += 1;
        Some(state)
    }

    /// Folds one event. Total: a fact cannot be refused; events before the first `Opened` change nothing.
    pub fn evolve(before: Option<Self>, stamp: Stamp, event: &Event) -> Option<Self> {
        if let Event::Opened { handoff, contract, stage, at } = event {
            let opened = Self::opened(before, stamp, handoff, contract, stage);
            return Some(Self { opened_at: *at, ..opened });
        }
        let mut state = before?;
        state.change(stamp, event);
        Some(state)
    }

    fn change(&mut self, stamp: Stamp, event: &Event) {
        match event {
            // Handled by `evolve`.
            Event::Opened { .. } => {}
            Event::PeopleChanged { sender, receiver } => {
                self.sender.clone_from(sender);
                self.receiver.clone_from(receiver);
            }
            Event::StageChanged { stage, raw, entry, .. } => {
                self.stage.clone_from(stage);
                self.stage_raw.clone_from(raw);
                self.stage_entry.clone_from(entry);
                self.bypass = None;
                self.put_back = None;
            }
            Event::PackageChanged { set, cleared, edits, acceptance } => {
                if self.is_accepted() {
                    self.returns.count_late(&self.package, set);
                }
                self.edit(set, cleared, edits);
                self.carry(*acceptance);
            }
            Event::Submitted { act, by, at } => {
                self.consumed.insert(act, *at);
                self.submitted = Some(*at);
                self.handed_over_by = Some(by.person.clone());
            }
            Event::Completed { at, .. } => {
                self.phase = Phase::Complete;
                self.completed = Some(*at);
                self.sla_breached = false;
                self.fell_incomplete = false;
                let digest = self.package_digest();
                self.returns.hand_over(&digest);
                if self.submitted.is_none() {
                    self.handed_over_by = self.sender.as_ref().map(|sender| sender.person.clone());
                }
            }
            Event::FellIncomplete { .. } => {
                self.stop_clock(self.last_edit().unwrap_or(stamp.time));
                self.phase = Phase::Draft;
                self.completed = None;
                self.fell_incomplete = true;
            }
            Event::Accepted { act, by, at, behalf, .. } => {
                self.accept(stamp, act, by, *at);
                if let Some(acceptance) = &mut self.accepted {
                    acceptance.behalf.clone_from(behalf);
                }
            }
            Event::Rejected { act, at, fields, reason, reasons, .. } => {
                self.consumed.insert(act, *at);
                self.stop_clock(*at);
                self.phase = Phase::Rejected;
                self.round += 1;
                self.send_back(*at, fields, reason);
                self.returns.reasons.clone_from(reasons);
            }
            Event::ExceptionsGranted { .. }
            | Event::ExceptionsMet { .. }
            | Event::ExceptionsLapsed { .. }
            | Event::ConfirmationNeeded { .. }
            | Event::Confirmed { .. }
            | Event::Absorbed { .. } => self.note_return(event),
            Event::OverrideAsked { .. } | Event::Overridden { .. } | Event::OverrideEnded { .. } => {
                self.note_override(stamp, event);
            }
            Event::AnswerRefused { act, at, .. } => self.consumed.insert(act, *at),
            Event::Reopened { cycle, .. } => self.reopen(stamp, *cycle),
            Event::GraceGranted { grace } => self.grace = Some(grace.clone()),
            Event::GraceEnded { .. } => self.grace = None,
            Event::Reassigned { to, .. } => self.falls_to.clone_from(to),
            Event::SlaBreached { .. } => self.sla_breached = true,
            Event::ClockSet { clock, .. } => self.clock = Some(Clock::set(clock, self.clock.as_ref())),
            Event::Reminded { step, .. } => {
                if let Some(clock) = &mut self.clock {
                    clock.reminded = *step;
                }
            }
            Event::Escalated { since, to, .. } => {
                if let Some(clock) = &mut self.clock {
                    clock.escalated = Some((*since, to.clone()));
                }
            }
            Event::ConcernsChanged { concerns } => self.concerns.clone_from(concerns),
            Event::Bypassed { gate, from, .. } => {
                self.bypasses += 1;
                self.bypass =
                    Some(StandingBypass { gate: gate.clone(), from: from.clone(), order: None, stays: None });
            }
            Event::RevertOrdered { gate, entry, from, to, close_date } => {
                let order = RevertOrder {
                    entry: entry.clone(),
                    from: from.clone(),
                    to: to.clone(),
                    close_date: close_date.clone(),
                    refused: false,
                };
                if let Some(bypass) = &mut self.bypass {
                    bypass.gate.clone_from(gate);
                    bypass.order = Some(order);
                }
                self.reverts.push(stamp.time);
                let forgotten = self.reverts.len().saturating_sub(REVERTS_PER_HOUR);
                self.reverts.drain(..forgotten);
            }
            Event::StageReverted { from, .. } => self.put_back = Some(PutBack { from: from.clone() }),
            Event::RevertGivenUp { gate, why, .. } => {
                if let Some(bypass) = &mut self.bypass {
                    bypass.gate.clone_from(gate);
                    bypass.stays = Some(*why);
                }
            }
            Event::RevertRefused { entry, .. } => {
                let order = self.bypass.as_mut().and_then(|bypass| bypass.order.as_mut());
                if let Some(order) = order.filter(|order| order.entry == *entry) {
                    order.refused = true;
                }
            }
            Event::TwinsChanged { link, twins } => {
                self.link.clone_from(link);
                self.twins.clone_from(twins);
            }
            Event::Beside { what } => self.beside.apply(what),
            Event::PayChanged { pay } => self.pay = pay.as_deref().cloned(),
            Event::Repinned { contract, .. } => self.contract.clone_from(contract),
            Event::CarriedChanged { carried } => self.carried.clone_from(carried),
            Event::Tampered { gate, deviation, .. } => {
                self.gates.entry(gate.clone()).or_default().tampered = Some(deviation.clone());
            }
            Event::Healed { gate } => self.gates.entry(gate.clone()).or_default().tampered = None,
            Event::GateOrdered { gate, open } => {
                self.gates.entry(gate.clone()).or_default().ordered = Some(*open);
            }
            Event::GateWritten { gate, open, clearance } => {
                let state = self.gates.entry(gate.clone()).or_default();
                // An order given meanwhile stays in force until it is read back itself.
                let ordered = state.ordered.filter(|ordered| ordered != open);
                *state = GateState {
                    confirmed: Some(*open),
                    clearance: clearance.clone(),
                    ordered,
                    tampered: None,
                };
            }
            Event::CommissionReleased { .. } => self.released = true,
            Event::CommissionHeld { adjustment, .. } => {
                self.released = false;
                self.adjustments = *adjustment;
            }
            Event::Voided { cause } => {
                self.phase = Phase::Voided;
                self.accepted = None;
                self.completed = None;
                self.voided = Some(cause.clone());
                self.grace = None;
                self.clock = None;
                self.returns = std::mem::take(&mut self.returns).carried();
                self.forget_reverting();
            }
        }
    }

    fn edit(
        &mut self,
        set: &Package,
        cleared: &BTreeSet<FieldKey>,
        edits: &BTreeMap<FieldKey, (Timestamp, Option<Actor>)>,
    ) {
        for key in cleared {
            self.package.remove(key);
        }
        for (key, parts) in set {
            self.package.insert(key.clone(), parts.clone());
        }
        if !set.is_empty() || !cleared.is_empty() || self.digest.is_none() {
            self.digest = Some(package_digest(&self.package));
        }
        for (key, (at, _)) in edits {
            self.edits.insert(key.clone(), *at);
        }
        for (key, field) in &mut self.rejected {
            let now = field_digest(&self.package, key);
            if now != field.was || edits.get(key).is_some_and(|(at, _)| *at > field.at) {
                field.mended = true;
            }
        }
    }

    fn carry(&mut self, effect: EditEffect) {
        if effect == EditEffect::Noted {
            let package = self.package_digest();
            if let Some(acceptance) = &mut self.accepted {
                acceptance.covers = package;
            }
        }
    }

    fn accept(&mut self, stamp: Stamp, act: &str, by: &Actor, at: Timestamp) {
        self.consumed.insert(act, at);
        self.clock = None;
        self.phase = Phase::Accepted;
        self.ever_accepted = true;
        self.forget_reverting();
        self.carried_when_accepted.clone_from(&self.carried);
        self.rejected.clear();
        self.sent_back = None;
        self.reason = None;
        let package = self.package_digest();
        self.returns.reasons.clear();
        self.returns.hand_over(&package);
        self.returns.answer(&self.package);
        self.accepted = Some(Acceptance {
            by: by.clone(),
            at,
            stamp,
            shown: package.clone(),
            covers: package,
            behalf: None,
        });
    }

    /// What was accepted, or is off, is never put back any more, whatever becomes of the acceptance.
    fn forget_reverting(&mut self) {
        self.put_back = None;
        if let Some(bypass) = &mut self.bypass {
            bypass.order = None;
            bypass.stays = None;
        }
    }

    /// The receiver's clock stands while the package is with the sender.
    fn stop_clock(&mut self, at: Timestamp) {
        if let Some(clock) = &mut self.clock {
            clock.pause(at);
        }
    }

    fn send_back(&mut self, at: Timestamp, fields: &BTreeSet<FieldKey>, reason: &str) {
        self.completed = None;
        self.submitted = None;
        self.handed_over_by = None;
        self.fell_incomplete = false;
        self.reason = Some(reason.to_owned());
        self.sent_back = Some(SentBack { at, package: self.package_digest() });
        self.returns.answer(&self.package);
        self.returns.exceptions.clear();
        self.returns.excepted_at = None;
        for key in fields {
            let was = field_digest(&self.package, key);
            let mended = self.edits.get(key).is_some_and(|edited| *edited > at);
            self.rejected.insert(key.clone(), RejectedField { at, was, mended });
        }
    }
}
