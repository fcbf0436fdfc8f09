//! The state of one handoff: a fold over its events.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::carried::CarriedSeen;
use crate::contract::ContractRef;
use crate::digest::Digest;
use crate::event::{Concern, EditEffect, Event, VoidCause};
use crate::id::{FieldKey, GateName, HandoffId, PersonId, RecordRef, StageName};
use crate::observation::Actor;
use crate::twin::TwinSeen;
use crate::value::Package;

mod known;

pub use known::{
    Acceptance, Consumed, GateState, PutBack, RejectedField, RevertOrder, SentBack, StandingBypass,
};

/// How many orders to put a stage back are remembered: as many as are allowed within an hour.
pub const REVERTS_PER_HOUR: usize = 2;

/// Where in the log, and when, an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Position in the log.
    pub position: u64,
    /// The log's own time.
    pub time: Timestamp,
}

/// Where a handoff stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The sender is to act.
    Draft,
    /// The receiver is to act.
    Complete,
    /// Done.
    Accepted,
    /// Sent back; the sender is to act on the rejected fields.
    Rejected,
    /// Off.
    Voided,
}

/// Who has to act next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// The sender.
    Sender,
    /// The receiver.
    Receiver,
    /// Nobody.
    Nobody,
}

/// The state of one handoff with all its cycles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handoff {
    /// Which handoff; `cycle` counts up.
    pub id: HandoffId,
    /// The pin.
    pub contract: ContractRef,
    /// Where it stands.
    pub phase: Phase,
    /// Round within the cycle, from 1: each rejection starts the next.
    pub round: u32,
    /// Where and when it opened.
    pub opened: Stamp,
    /// When the opening stage was entered, as the CRM claims.
    pub opened_at: Option<Timestamp>,
    /// Our stage name, if known.
    pub stage: Option<StageName>,
    /// The CRM's stage.
    pub stage_raw: String,
    /// The package.
    pub package: Package,
    /// Digest of the package; absent only in states that were saved by a program that did not keep it.
    #[serde(default)]
    pub digest: Option<Digest>,
    /// Last known edit per field.
    pub edits: BTreeMap<FieldKey, Timestamp>,
    /// Who hands over.
    pub sender: Option<Actor>,
    /// Who decides.
    pub receiver: Option<Actor>,
    /// The sender handed over in this round.
    pub submitted: Option<Timestamp>,
    /// Who handed over in this round: who submitted it, or else the sender in force when it became complete.
    #[serde(default)]
    pub handed_over_by: Option<PersonId>,
    /// The package was complete in this round and is no longer: the receiver may have seen it.
    #[serde(default)]
    pub fell_incomplete: bool,
    /// When the round became complete, as the CRM claims.
    pub completed: Option<Timestamp>,
    /// The receiver's clock ran out in this round.
    pub sla_breached: bool,
    /// The acceptance in force.
    pub accepted: Option<Acceptance>,
    /// Whether any cycle was ever accepted.
    pub ever_accepted: bool,
    /// When the package was last sent back, and how it stood then: it takes a change to hand it over again.
    pub sent_back: Option<SentBack>,
    /// Fields sent back, until the next acceptance.
    pub rejected: BTreeMap<FieldKey, RejectedField>,
    /// The receiver's last reason.
    pub reason: Option<String>,
    /// Acts of answering that have had their effect.
    pub consumed: Consumed,
    /// The entry into the present stage that was judged already.
    pub stage_entry: String,
    /// What looks wrong about the record now.
    pub concerns: BTreeSet<Concern>,
    /// By-passes so far.
    pub bypasses: u32,
    /// The by-pass that put the record into its present stage.
    pub bypass: Option<StandingBypass>,
    /// When the newest orders to put a stage back were given, oldest first; at most [`REVERTS_PER_HOUR`].
    #[serde(default)]
    pub reverts: Vec<Timestamp>,
    /// The record stands where we put it back to.
    #[serde(default)]
    pub put_back: Option<PutBack>,
    /// The same deal in another CRM, as this record names it.
    #[serde(default)]
    pub link: Option<RecordRef>,
    /// What the authorities over the same deal elsewhere say.
    #[serde(default)]
    pub twins: Vec<TwinSeen>,
    /// How the handoffs stand that parts of the package are carried from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carried: Vec<CarriedSeen>,
    /// How they stood when this handoff was accepted last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carried_when_accepted: Vec<CarriedSeen>,
    /// Flags.
    pub gates: BTreeMap<GateName, GateState>,
    /// Whether pay was released in the running cycle.
    pub released: bool,
    /// Adjustments so far.
    pub adjustments: u32,
    /// Why it was voided.
    pub voided: Option<VoidCause>,
    /// Log entries of this stream so far; the expected version of the next append.
    pub version: u64,
}

impl Handoff {
    /// Digest of the package as it stands.
    pub fn package_digest(&self) -> Digest {
        self.digest.clone().unwrap_or_else(|| package_digest(&self.package))
    }

    /// Whether the acceptance in force covers exactly the package as it stands, and is the word of the receiver in force, who is not the
    /// sender. Nobody named on either side: nothing is in force.
    pub fn acceptance_holds(&self) -> bool {
        let covers = |acceptance: &Acceptance| match &self.digest {
            Some(digest) => acceptance.covers == *digest,
            None => acceptance.covers == package_digest(&self.package),
        };
        let named = self.sender.is_some() && self.receiver.is_some();
        self.phase == Phase::Accepted
            && named
            && self.accepted.as_ref().is_some_and(covers)
            && !self.is_outlived_by_people()
    }

    /// Whether the people in force make the acceptance somebody else's, or the sender's own. Nobody named leaves it as it is.
    pub fn is_outlived_by_people(&self) -> bool {
        let Some(acceptance) = &self.accepted else { return false };
        let is_acceptor =
            |actor: &Actor| actor.person == acceptance.by.person || actor.id == acceptance.by.id;
        let own = self.sender.as_ref().is_some_and(|sender| {
            is_acceptor(sender)
                || self.receiver.as_ref().is_some_and(|receiver| receiver.person == sender.person)
        });
        own || self.receiver.as_ref().is_some_and(|receiver| !is_acceptor(receiver))
    }

    /// Whether the acceptance in force covers exactly the package as it stands.
    pub fn is_accepted(&self) -> bool {
        self.phase == Phase::Accepted && self.accepted.is_some()
    }

    /// Whether the package stands exactly as it did when it was sent back.
    pub fn is_unchanged_since_sent_back(&self) -> bool {
        self.sent_back.as_ref().is_some_and(|sent| {
            sent.package == self.package_digest() && !self.edits.values().any(|edited| *edited > sent.at)
        })
    }

    /// The last known edit of any field.
    pub fn last_edit(&self) -> Option<Timestamp> {
        self.edits.values().max().copied()
    }

    /// The day that ages in the package are counted from: when the handoff opened, as the CRM claims; of a later cycle when it began. It
    /// stands still, so that a package does not go bad while it waits or after it was accepted.
    pub fn as_of(&self) -> Option<Date> {
        let claimed = self.opened_at.filter(|_| self.id.cycle <= 1);
        Some(day(claimed.unwrap_or(self.opened.time)))
    }

    /// Who has to act next.
    pub fn turn(&self) -> Turn {
        match self.phase {
            Phase::Draft | Phase::Rejected => Turn::Sender,
            Phase::Complete => Turn::Receiver,
            Phase::Accepted | Phase::Voided => Turn::Nobody,
        }
    }

    /// Fields that were sent back and not changed since.
    pub fn still_rejected(&self) -> BTreeSet<FieldKey> {
        self.rejected.iter().filter(|(_, field)| !field.mended).map(|(key, _)| key.clone()).collect()
    }

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

    fn opened(
        before: Option<Self>,
        stamp: Stamp,
        id: &HandoffId,
        contract: &ContractRef,
        stage: &StageName,
    ) -> Self {
        let fresh = Self {
            id: id.clone(),
            contract: contract.clone(),
            phase: Phase::Draft,
            round: 1,
            opened: stamp,
            opened_at: None,
            stage: Some(stage.clone()),
            stage_raw: String::new(),
            digest: Some(package_digest(&Package::new())),
            package: Package::new(),
            edits: BTreeMap::new(),
            sender: None,
            receiver: None,
            submitted: None,
            handed_over_by: None,
            fell_incomplete: false,
            completed: None,
            sla_breached: false,
            accepted: None,
            ever_accepted: false,
            sent_back: None,
            rejected: BTreeMap::new(),
            reason: None,
            consumed: Consumed::default(),
            stage_entry: String::new(),
            concerns: BTreeSet::new(),
            bypasses: 0,
            bypass: None,
            reverts: Vec::new(),
            put_back: None,
            link: None,
            twins: Vec::new(),
            carried: Vec::new(),
            carried_when_accepted: Vec::new(),
            gates: BTreeMap::new(),
            released: false,
            adjustments: 0,
            voided: None,
            version: 0,
        };
        // A stream that opens again keeps what must never be forgotten: consumed acts, by-passes, flags, adjustments.
        match before {
            None => fresh,
            Some(old) => Self {
                digest: Some(package_digest(&old.package)),
                package: old.package,
                edits: old.edits,
                sender: old.sender,
                receiver: old.receiver,
                stage_raw: old.stage_raw,
                stage_entry: old.stage_entry,
                ever_accepted: old.ever_accepted,
                consumed: old.consumed,
                bypasses: old.bypasses,
                bypass: old.bypass,
                reverts: old.reverts,
                link: old.link,
                twins: old.twins,
                carried: old.carried,
                carried_when_accepted: old.carried_when_accepted,
                gates: old.gates,
                adjustments: old.adjustments,
                version: old.version,
                ..fresh
            },
        }
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
                if self.submitted.is_none() {
                    self.handed_over_by = self.sender.as_ref().map(|sender| sender.person.clone());
                }
            }
            Event::FellIncomplete { .. } => {
                self.phase = Phase::Draft;
                self.completed = None;
                self.fell_incomplete = true;
            }
            Event::Accepted { act, by, at, .. } => self.accept(stamp, act, by, *at),
            Event::Rejected { act, at, fields, reason, .. } => {
                self.consumed.insert(act, *at);
                self.phase = Phase::Rejected;
                self.round += 1;
                self.send_back(*at, fields, reason);
            }
            Event::AnswerRefused { act, at, .. } => self.consumed.insert(act, *at),
            Event::Reopened { cycle, .. } => self.reopen(stamp, *cycle),
            Event::SlaBreached { .. } => self.sla_breached = true,
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
        self.phase = Phase::Accepted;
        self.ever_accepted = true;
        self.forget_reverting();
        self.carried_when_accepted.clone_from(&self.carried);
        self.rejected.clear();
        self.sent_back = None;
        self.reason = None;
        let package = self.package_digest();
        self.accepted =
            Some(Acceptance { by: by.clone(), at, stamp, shown: package.clone(), covers: package });
    }

    /// What was accepted, or is off, is never put back any more, whatever becomes of the acceptance.
    fn forget_reverting(&mut self) {
        self.put_back = None;
        if let Some(bypass) = &mut self.bypass {
            bypass.order = None;
            bypass.stays = None;
        }
    }

    fn send_back(&mut self, at: Timestamp, fields: &BTreeSet<FieldKey>, reason: &str) {
        self.completed = None;
        self.submitted = None;
        self.handed_over_by = None;
        self.fell_incomplete = false;
        self.reason = Some(reason.to_owned());
        self.sent_back = Some(SentBack { at, package: self.package_digest() });
        for key in fields {
            let was = field_digest(&self.package, key);
            let mended = self.edits.get(key).is_some_and(|edited| *edited > at);
            self.rejected.insert(key.clone(), RejectedField { at, was, mended });
        }
    }

    fn reopen(&mut self, stamp: Stamp, cycle: u32) {
        self.id.cycle = cycle;
        self.round = 1;
        self.opened = stamp;
        self.phase = Phase::Draft;
        self.accepted = None;
        self.completed = None;
        self.submitted = None;
        self.handed_over_by = None;
        self.fell_incomplete = false;
        self.sla_breached = false;
        self.sent_back = None;
        self.rejected.clear();
        self.reason = None;
    }
}

/// The day of a moment, in UTC.
pub fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// Digest of a package.
pub fn package_digest(package: &Package) -> Digest {
    Digest::of(package)
}

/// Digest of one field's parts; an absent field has the digest of nothing.
pub fn field_digest(package: &Package, key: &FieldKey) -> Digest {
    Digest::of(&package.get(key))
}
