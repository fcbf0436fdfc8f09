//! An event, laid flat: what its columns hold, and the fields it speaks of.

use std::collections::BTreeSet;

use handoff_core::beside::{Because, EchoCause, Happening};
use handoff_core::break_glass::OverrideEnd;
use handoff_core::event::{EditEffect, Event, NotReverted, Refusal, ReopenCause, VoidCause};
use handoff_core::id::{FieldKey, GateName, StageName};
use handoff_core::observation::{Actor, Observation};
use jiff::Timestamp;

use crate::scorecard::refusal;

/// What the columns of an event hold. Words that people wrote are not among it.
#[derive(Debug, Default)]
pub(super) struct Flat {
    pub(super) at: Option<Timestamp>,
    pub(super) due: Option<Timestamp>,
    pub(super) round: Option<u32>,
    pub(super) by: Option<String>,
    pub(super) act: Option<String>,
    pub(super) gate: Option<String>,
    pub(super) stage: Option<String>,
    pub(super) entry: Option<String>,
    pub(super) reason: Option<String>,
    pub(super) open: Option<bool>,
    pub(super) ever_accepted: Option<bool>,
    pub(super) number: Option<u32>,
    /// Field, what it says of it, and the field's last edit.
    pub(super) fields: Vec<(FieldKey, &'static str, Option<Timestamp>)>,
}

impl Flat {
    /// Of one event; `seen` is what it was decided on.
    pub(super) fn of(event: &Event, seen: Option<&Observation>) -> Self {
        let flat = Self::default();
        match event {
            Event::Opened { stage, at, .. } => flat.stage(stage).at(*at),
            Event::StageChanged { stage, at, entry, .. } => {
                Self { stage: stage.as_ref().map(|stage| stage.0.clone()), ..flat }.at(*at).entry(entry)
            }
            Event::PackageChanged { set, cleared, edits, acceptance } => {
                let keys: BTreeSet<&FieldKey> = set.keys().chain(cleared).chain(edits.keys()).collect();
                let change = |key: &FieldKey| match (set.contains_key(key), cleared.contains(key)) {
                    (true, _) => "set",
                    (false, true) => "cleared",
                    (false, false) => "edited",
                };
                let row = |key: &FieldKey| (key.clone(), change(key), edits.get(key).map(|(at, _)| *at));
                let effect = match acceptance {
                    EditEffect::BeforeAcceptance => "before_acceptance",
                    EditEffect::Noted => "noted",
                    EditEffect::Breaks => "breaks",
                };
                Self { fields: keys.into_iter().map(row).collect(), ..flat }.reason(effect)
            }
            Event::Submitted { act, by, at } => flat.by(by).act(act).at(Some(*at)),
            Event::Completed { round, at } => flat.round(*round).at(Some(*at)),
            Event::FellIncomplete { missing } => {
                flat.fields(missing.iter().map(|finding| &finding.field).collect(), "missing")
            }
            Event::Accepted { act, by, at, round, .. } => flat.by(by).act(act).at(Some(*at)).round(*round),
            Event::Rejected { act, by, at, round, fields, .. } => {
                let edited = |key| seen.and_then(|seen| seen.edits.get(key)).map(|edit| edit.at);
                let fields = fields.iter().map(|key| (key.clone(), "rejected", edited(key))).collect();
                Self { fields, ..flat }.by(by).act(act).at(Some(*at)).round(*round)
            }
            Event::ExceptionsGranted { act, by, at, exceptions } => {
                flat.by(by).act(act).at(Some(*at)).fields(exceptions.keys().collect(), "excepted")
            }
            Event::ExceptionsMet { fields } => flat.fields(fields.iter().collect(), "met"),
            Event::ExceptionsLapsed { fields, due } => {
                flat.due(*due).fields(fields.iter().collect(), "lapsed")
            }
            Event::ConfirmationNeeded { fields } => flat.fields(fields.keys().collect(), "unconfirmed"),
            Event::Confirmed { act, by, at, fields } => {
                flat.by(by).act(act).at(Some(*at)).fields(fields.iter().collect(), "confirmed")
            }
            Event::OverrideAsked { gate, expires, by, at, .. } => {
                flat.gate(gate).by(by).at(Some(*at)).due(*expires)
            }
            Event::Overridden { gate, confirmed_by, expires, at, .. } => {
                flat.gate(gate).by(confirmed_by).at(Some(*at)).due(*expires)
            }
            Event::OverrideEnded { gate, at, because } => {
                let reason = match because {
                    OverrideEnd::Expired => "expired",
                    OverrideEnd::Superseded => "superseded",
                    OverrideEnd::Voided => "voided",
                };
                flat.gate(gate).at(Some(*at)).reason(reason)
            }
            Event::AnswerRefused { act, by, at, why } => {
                let flat = flat.by(by).act(act).at(Some(*at)).reason(refusal(why));
                match why {
                    Refusal::ExceptionUnclear { fields } => flat.fields(fields.iter().collect(), "refused"),
                    Refusal::Incomplete { missing } => {
                        flat.fields(missing.iter().map(|finding| &finding.field).collect(), "missing")
                    }
                    Refusal::OwnHandoff
                    | Refusal::NotTheReceiver
                    | Refusal::LacksRole
                    | Refusal::Machine
                    | Refusal::Inactive
                    | Refusal::NoReceiver
                    | Refusal::NoSender
                    | Refusal::PackageChanged
                    | Refusal::NotWaiting
                    | Refusal::NoReason
                    | Refusal::NotTheSender
                    | Refusal::OtherFields => flat,
                }
            }
            Event::Reopened { cause, .. } => flat.cause(cause),
            Event::SlaBreached { round, due } => flat.round(*round).due(*due),
            Event::ClockSet { round, .. } => flat.round(*round),
            Event::Reminded { round, step, .. } => Self { number: Some(*step), ..flat }.round(*round),
            Event::Escalated { round, since, vacant, .. } => {
                flat.round(*round).due(*since).reason(if *vacant { "vacant" } else { "late" })
            }
            Event::ConcernsChanged { concerns } => {
                let name = |concern| serde_json::to_value(concern).ok()?.as_str().map(str::to_owned);
                let names: Vec<String> = concerns.iter().filter_map(name).collect();
                flat.reason(&names.join(" "))
            }
            Event::Bypassed { gate, stage, by, at, entry, ever_accepted, .. } => {
                let by = by.as_ref().map(|by| by.person.0.clone());
                let flat = Self { ever_accepted: Some(*ever_accepted), by, ..flat };
                flat.gate(gate).stage(stage).at(*at).entry(entry)
            }
            Event::GraceGranted { grace } => {
                flat.gate(&grace.gate).stage(&grace.stage).at(grace.at).entry(&grace.entry).due(grace.until)
            }
            Event::GraceEnded { gate, entry, kept } => {
                flat.gate(gate).entry(entry).reason(if *kept { "kept" } else { "lapsed" })
            }
            Event::Tampered { gate, seen_open, by, at, .. } => {
                let by = by.as_ref().map(|by| by.person.0.clone());
                Self { open: Some(*seen_open), by, ..flat }.gate(gate).at(*at)
            }
            Event::GateWritten { gate, open, .. } | Event::GateOrdered { gate, open } => {
                Self { open: Some(*open), ..flat }.gate(gate)
            }
            Event::CommissionHeld { adjustment, cause } => {
                Self { number: Some(*adjustment), ..flat }.cause(cause)
            }
            Event::Voided { cause } => flat.void(cause, seen),
            Event::Healed { gate } => flat.gate(gate),
            Event::RevertOrdered { gate, entry, .. }
            | Event::StageReverted { gate, entry, .. }
            | Event::RevertRefused { gate, entry } => flat.gate(gate).entry(entry),
            Event::RevertGivenUp { gate, entry, why } => {
                let reason = match why {
                    NotReverted::TooOften => "too_often",
                    NotReverted::NoWayBack => "no_way_back",
                    NotReverted::TooLate => "too_late",
                };
                flat.gate(gate).entry(entry).reason(reason)
            }
            Event::Beside { what } => flat.happening(what),
            Event::PeopleChanged { .. }
            | Event::Absorbed { .. }
            | Event::CommissionReleased { .. }
            | Event::TwinsChanged { .. }
            | Event::CarriedChanged { .. }
            | Event::PayChanged { .. }
            | Event::Reassigned { .. }
            | Event::Repinned { .. } => flat,
        }
    }

    fn happening(self, what: &Happening) -> Self {
        match what {
            Happening::FieldsDisputed { fields } => self.fields(fields.keys().collect(), "disputed"),
            Happening::MotionAssigned { motion, by, at, .. } => {
                let by = by.as_ref().map(|by| by.person.0.clone());
                Self { by, reason: motion.as_ref().map(|motion| motion.0.clone()), ..self }.at(*at)
            }
            Happening::ReturnPathBegan { at }
            | Happening::Acknowledged { at }
            | Happening::Resolved { at }
            | Happening::LeadRecycled { at }
            | Happening::SignalsChanged { at, .. } => self.at(Some(*at)),
            Happening::AckMissed { due }
            | Happening::EchoMissed { due }
            | Happening::LoopMissed { due }
            | Happening::FirstTouchMissed { due } => self.due(*due),
            Happening::Echoed { cause, at, entry, .. } => {
                let reason = match cause {
                    EchoCause::Status => "status",
                    EchoCause::Tick => "tick",
                };
                self.at(Some(*at)).entry(entry).reason(reason)
            }
            Happening::LoopClosed { by, at, activity } | Happening::FirstTouched { by, at, activity } => {
                self.by(by).at(Some(*at)).act(activity)
            }
            Happening::ForeignMessage { message, by, at } => self.by(by).at(Some(*at)).act(message),
            Happening::PrimaryAssigned { owner } => {
                Self { by: owner.as_ref().map(|owner| owner.person.0.clone()), ..self }
            }
            Happening::SteadySince { since } => self.at(*since),
            Happening::TriggerSet { fires } => Self { due: *fires, ..self },
            Happening::ReunificationDue { because, at, .. } => {
                let reason = match because {
                    Because::Trigger => "trigger",
                    Because::Latest => "latest",
                };
                self.at(Some(*at)).reason(reason)
            }
            Happening::Reunified { to, at } => self.by(to).at(Some(*at)),
            Happening::EtaGiven { .. }
            | Happening::EtaPassed { .. }
            | Happening::ResolutionWithdrawn
            | Happening::HealthFell { .. }
            | Happening::HealthRecovered { .. } => self,
        }
    }

    fn cause(self, cause: &ReopenCause) -> Self {
        match cause {
            ReopenCause::Edited { fields } => {
                self.reason("edited").fields(fields.iter().collect(), "reopened")
            }
            ReopenCause::Receiver { fields, .. } => {
                self.reason("receiver").fields(fields.iter().collect(), "reopened")
            }
            ReopenCause::People => self.reason("people"),
            ReopenCause::Unconfirmed { fields } => {
                self.reason("unconfirmed").fields(fields.iter().collect(), "reopened")
            }
            ReopenCause::ExceptionsLapsed { fields } => {
                self.reason("exceptions_lapsed").fields(fields.iter().collect(), "reopened")
            }
            ReopenCause::Merged => self.reason("merged"),
            ReopenCause::AuthoritiesDisagree => self.reason("authorities_disagree"),
            ReopenCause::Contradicted { .. } => self.reason("contradicted"),
            ReopenCause::Voided { .. } => self.reason("voided"),
        }
    }

    fn void(self, cause: &VoidCause, seen: Option<&Observation>) -> Self {
        match cause {
            VoidCause::Stage { stage } => {
                self.reason("stage").stage(stage).at(seen.and_then(|seen| seen.stage.since))
            }
            VoidCause::Deleted => self.reason("deleted"),
            VoidCause::Merged { .. } => self.reason("merged"),
            VoidCause::Gone => self.reason("gone"),
            VoidCause::OtherMotion { .. } => self.reason("other_motion"),
        }
    }

    fn at(self, at: Option<Timestamp>) -> Self {
        Self { at, ..self }
    }

    fn due(self, due: Timestamp) -> Self {
        Self { due: Some(due), ..self }
    }

    fn round(self, round: u32) -> Self {
        Self { round: Some(round), ..self }
    }

    fn by(self, by: &Actor) -> Self {
        Self { by: Some(by.person.0.clone()), ..self }
    }

    fn act(self, act: &str) -> Self {
        Self { act: Some(act.to_owned()), ..self }
    }

    fn gate(self, gate: &GateName) -> Self {
        Self { gate: Some(gate.0.clone()), ..self }
    }

    fn stage(self, stage: &StageName) -> Self {
        Self { stage: Some(stage.0.clone()), ..self }
    }

    fn entry(self, entry: &str) -> Self {
        Self { entry: Some(entry.to_owned()), ..self }
    }

    fn reason(self, reason: &str) -> Self {
        Self { reason: Some(reason.to_owned()), ..self }
    }

    fn fields(self, keys: Vec<&FieldKey>, change: &'static str) -> Self {
        let keys: BTreeSet<&FieldKey> = keys.into_iter().collect();
        Self { fields: keys.into_iter().map(|key| (key.clone(), change, None)).collect(), ..self }
    }
}
