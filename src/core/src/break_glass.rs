//! Break-glass: two different people open one gate for a while, with a reason. It is no acceptance and is never counted as one.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::contract::Contract;
use crate::digest::Digest;
use crate::event::Event;
use crate::gate::evaluate;
use crate::handoff::{Handoff, Phase, Stamp};
use crate::id::GateName;
use crate::observation::Actor;

/// The role that both people need.
pub const ROLE: &str = "break_glass";
/// Longest time that an override may last.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 30);
/// How long a request waits for the second person.
pub const WAITS: SignedDuration = SignedDuration::from_hours(24);
/// Fewest and most characters of a reason.
const REASON: std::ops::RangeInclusive<usize> = 10..=500;

/// A gate that is opened, or asked to be opened, without what it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// Why.
    pub reason: String,
    /// Who asked for it.
    pub asked_by: Actor,
    /// When he asked.
    pub asked_at: Timestamp,
    /// The moment from which on the gate is shut again.
    pub expires: Timestamp,
    /// The second person's word; absent = still asked for.
    pub granted: Option<Grant>,
    /// When it ended before its time, or its end was noted.
    pub ended: Option<Timestamp>,
}

/// The second person's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Who.
    pub by: Actor,
    /// Where and when it stands in the log.
    pub stamp: Stamp,
    /// Digest of the package as it stood; the clearance id is bound to it.
    pub package: Digest,
}

impl Override {
    /// Whether the gate stands open by it at this moment.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.granted.is_some() && self.ended.is_none() && now < self.expires
    }

    /// Whether it stood open by it at a moment that may be past.
    pub fn was_in_force(&self, at: Timestamp) -> bool {
        let from = self.granted.as_ref().map(|grant| grant.stamp.time);
        let until = self.ended.map_or(self.expires, |ended| ended.min(self.expires));
        from.is_some_and(|from| from <= at) && at < until
    }
}

/// Why an override ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverrideEnd {
    /// Its time is over.
    Expired,
    /// The gate is open for its own reason now.
    Superseded,
    /// The handoff is off.
    Voided,
}

/// Why an override is not taken down.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Denied {
    /// No such gate.
    #[error("the contract has no such gate: name one of those that `handoffd why` shows")]
    NoGate,
    /// The handoff is off.
    #[error("the handoff is off or its record is gone: nothing can be opened on it")]
    Off,
    /// The stage is unknown.
    #[error("the stage is not known to the mapping: name it there first")]
    UnknownStage,
    /// Judged by another contract than the pinned one.
    #[error("the pinned contract is not at hand")]
    NotPinned,
    /// It is open already.
    #[error("the gate is open already")]
    Open,
    /// Too little or too much of a reason.
    #[error("give a reason of 10 to 500 characters")]
    Reason,
    /// Not in the future, or too far.
    #[error("an override ends in the future, at most 30 days from now")]
    Expiry,
    /// The person may not.
    #[error(
        "this person is not an active human with the role {ROLE}: see [people.roles] in the configuration"
    )]
    LacksRole,
    /// The sender of the handoff.
    #[error("the sender of a handoff has no say in opening its gates")]
    Sender,
    /// Nobody asked, or too long ago.
    #[error("nobody asked for this gate within the last 24 hours: ask first")]
    NotAsked,
    /// The one who asked.
    #[error("the second person must be another one than who asked, by person and not by login")]
    SamePerson,
    /// Somebody asked already.
    #[error("it is asked for or in force already: let another person confirm it, or wait until it ends")]
    Asked,
}

/// The first person's word: nothing opens by it.
pub fn ask(
    contract: &Contract,
    handoff: &Handoff,
    by: &Actor,
    wanted: (&GateName, &str, Timestamp),
    now: Timestamp,
) -> Result<Event, Denied> {
    let (gate, reason, expires) = wanted;
    may_open(contract, handoff, by, gate, now)?;
    let reason: String = reason.chars().filter(|each| !each.is_control()).collect();
    if !REASON.contains(&reason.trim().chars().count()) {
        return Err(Denied::Reason);
    }
    if expires <= now || expires.duration_since(now) > LONGEST {
        return Err(Denied::Expiry);
    }
    if pending(handoff, gate, now).is_some_and(|asked| asked.asked_by.person != by.person) {
        return Err(Denied::Asked);
    }
    let (gate, reason, by) = (gate.clone(), reason.trim().to_owned(), by.clone());
    Ok(Event::OverrideAsked { gate, reason, expires, by, at: now })
}

/// The second person's word: the gate opens by it until its time is over.
pub fn confirm(
    contract: &Contract,
    handoff: &Handoff,
    by: &Actor,
    gate: &GateName,
    now: Timestamp,
) -> Result<Event, Denied> {
    may_open(contract, handoff, by, gate, now)?;
    let asked = pending(handoff, gate, now).ok_or(Denied::NotAsked)?;
    if asked.asked_by.person == by.person || asked.asked_by.id == by.id {
        return Err(Denied::SamePerson);
    }
    // Who asked may have become the sender since.
    let sender = handoff.sender.as_ref();
    if sender.is_some_and(|sender| sender.person == asked.asked_by.person) {
        return Err(Denied::Sender);
    }
    Ok(Event::Overridden {
        gate: gate.clone(),
        reason: asked.reason.clone(),
        asked_by: asked.asked_by.clone(),
        confirmed_by: by.clone(),
        expires: asked.expires,
        at: now,
    })
}

fn pending<'a>(handoff: &'a Handoff, gate: &GateName, now: Timestamp) -> Option<&'a Override> {
    let asked = handoff.overrides.get(gate)?;
    let waits = now.duration_since(asked.asked_at) < WAITS && now < asked.expires;
    (asked.granted.is_none() && asked.ended.is_none() && waits).then_some(asked)
}

fn may_open(
    contract: &Contract,
    handoff: &Handoff,
    by: &Actor,
    gate: &GateName,
    now: Timestamp,
) -> Result<(), Denied> {
    if by.machine || !by.active || !by.roles.contains(ROLE) {
        return Err(Denied::LacksRole);
    }
    if handoff.sender.as_ref().is_none_or(|sender| sender.person == by.person || sender.id == by.id) {
        return Err(Denied::Sender);
    }
    if handoff.phase == Phase::Voided {
        return Err(Denied::Off);
    }
    if handoff.stage.is_none() {
        return Err(Denied::UnknownStage);
    }
    if !handoff.is_pinned_to(contract) {
        return Err(Denied::NotPinned);
    }
    match evaluate(contract, handoff, now).gates.get(gate) {
        None => Err(Denied::NoGate),
        Some(true) => Err(Denied::Open),
        Some(false) => Ok(()),
    }
}

impl Handoff {
    /// Whether this is the contract that it is pinned to, by name and version.
    pub fn is_pinned_to(&self, contract: &Contract) -> bool {
        self.contract.id == contract.contract && self.contract.version == contract.version
    }

    /// The override by which this gate stands open now, if there is one.
    pub fn override_in_force(&self, gate: &GateName, now: Timestamp) -> Option<&Override> {
        self.overrides.get(gate).filter(|found| found.is_in_force(now))
    }

    /// When the next override in force ends.
    pub fn override_ends(&self, now: Timestamp) -> Option<Timestamp> {
        self.overrides.values().filter(|each| each.is_in_force(now)).map(|each| each.expires).min()
    }

    pub(crate) fn note_override(&mut self, stamp: Stamp, event: &Event) {
        if let Event::OverrideAsked { gate, reason, expires, by, at } = event {
            let asked = Override {
                reason: reason.clone(),
                asked_by: by.clone(),
                asked_at: *at,
                expires: *expires,
                granted: None,
                ended: None,
            };
            self.overrides.insert(gate.clone(), asked);
        } else if let Event::Overridden { gate, reason, asked_by, confirmed_by, expires, at } = event {
            let package = self.package_digest();
            let asked_at = self.overrides.get(gate).map_or(*at, |asked| asked.asked_at);
            let granted = Override {
                reason: reason.clone(),
                asked_by: asked_by.clone(),
                asked_at,
                expires: *expires,
                granted: Some(Grant { by: confirmed_by.clone(), stamp, package }),
                ended: None,
            };
            self.overrides.insert(gate.clone(), granted);
        } else if let Event::OverrideEnded { gate, at, .. } = event
            && let Some(known) = self.overrides.get_mut(gate)
        {
            known.ended = Some(*at);
        }
    }
}
