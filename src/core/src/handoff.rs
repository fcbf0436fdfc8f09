//! The state of one handoff: a fold over its events.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::break_glass::Override;
use crate::carried::CarriedSeen;
use crate::contract::ContractRef;
use crate::digest::Digest;
use crate::event::{Concern, VoidCause};
use crate::id::{FieldKey, GateName, HandoffId, PersonId, RecordRef, StageName};
use crate::observation::Actor;
use crate::outage::Grace;
use crate::pay::Pay;
use crate::sla::Clock;
use crate::twin::TwinSeen;
use crate::value::Package;

mod cycle;
mod fold;
mod known;
pub(crate) mod returns;

pub use known::{
    Acceptance, Consumed, GateState, PutBack, RejectedField, RevertOrder, SentBack, StandingBypass,
};
pub use returns::{Answered, Confirmed, Granted, Returns, Version};

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
    /// The role that decides because nobody named could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub falls_to: Option<String>,
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
    /// The receiver's clock of the running cycle, where the contract keeps one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Clock>,
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
    /// A stage that was entered past its gate while handoffd was down, and may still be made good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace: Option<Grace>,
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
    /// What the deal is worth for pay and to whom, as last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pay: Option<Pay>,
    /// Whether pay was released in the running cycle.
    pub released: bool,
    /// Adjustments so far.
    pub adjustments: u32,
    /// What happened beside the package.
    #[serde(default, skip_serializing_if = "crate::beside::Beside::is_empty")]
    pub beside: crate::beside::Beside,
    /// Why it was voided.
    pub voided: Option<VoidCause>,
    /// What the return loop remembers.
    #[serde(default, skip_serializing_if = "Returns::is_empty")]
    pub returns: Returns,
    /// Per gate the last override that was asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<GateName, Override>,
    /// The ids of records that were merged into this one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub absorbed: BTreeSet<String>,
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
        let nobody =
            |acceptance: &Acceptance| acceptance.behalf.as_ref().is_some_and(|behalf| behalf.of.is_none());
        let named =
            self.sender.is_some() && (self.receiver.is_some() || self.accepted.as_ref().is_some_and(nobody));
        self.phase == Phase::Accepted
            && named
            && self.returns.unconfirmed.is_empty()
            && self.accepted.as_ref().is_some_and(covers)
            && !self.is_outlived_by_people()
    }

    /// Whether the people in force make the acceptance somebody else's, or the sender's own. Nobody named leaves it as it is.
    pub fn is_outlived_by_people(&self) -> bool {
        let Some(acceptance) = &self.accepted else { return false };
        let is_acceptor =
            |actor: &Actor| actor.person == acceptance.by.person || actor.id == acceptance.by.id;
        let of = acceptance.behalf.as_ref().and_then(|behalf| behalf.of.as_ref());
        let own = self.sender.as_ref().is_some_and(|sender| {
            is_acceptor(sender)
                || of == Some(&sender.person)
                || self.receiver.as_ref().is_some_and(|receiver| receiver.person == sender.person)
        });
        let answered_for = |receiver: &Actor| is_acceptor(receiver) || of == Some(&receiver.person);
        own || self.receiver.as_ref().is_some_and(|receiver| !answered_for(receiver))
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
            Phase::Accepted if self.awaits_confirmation() => Turn::Receiver,
            Phase::Accepted | Phase::Voided => Turn::Nobody,
        }
    }

    /// Fields that were sent back and not changed since.
    pub fn still_rejected(&self) -> BTreeSet<FieldKey> {
        self.rejected.iter().filter(|(_, field)| !field.mended).map(|(key, _)| key.clone()).collect()
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
