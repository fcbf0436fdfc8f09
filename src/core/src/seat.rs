//! Who may answer on the receiver's side: the person that the record names, a member of the queue that it names, a delegate, or the fallback
//! role while nobody can. Never the sender, under no login, and nobody who stands in for him.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::contract::Contract;
use crate::event::Refusal;
use crate::id::{ActorId, PersonId};
use crate::observation::Actor;

/// Who stands in for whom, as an installation says it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seats {
    /// People who answer for others for a time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delegates: Vec<Delegate>,
    /// Queues and teams that a record may name in a person's place, by the CRM's id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub queues: BTreeMap<ActorId, Queue>,
}

/// Somebody who answers for somebody else for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegate {
    /// For whom.
    pub of: PersonId,
    /// Who.
    pub to: PersonId,
    /// From this moment; absent = always so far.
    pub from: Option<Timestamp>,
    /// Before this moment; absent = until further notice.
    pub until: Option<Timestamp>,
}

/// A queue or team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// Its members; absent = everybody who holds the receiving role.
    pub members: Option<BTreeSet<PersonId>>,
}

/// For whom somebody answered who is not the named receiver himself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behalf {
    /// The receiver that the record named, as a person or queue; `None` = it named nobody.
    pub of: Option<PersonId>,
    /// By what right.
    pub by: Right,
}

/// By what right somebody answers for the named receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// He is the receiver's delegate.
    Delegate,
    /// He is a member of the queue.
    Member,
    /// He holds the fallback role, and nobody named could answer.
    Fallback,
}

impl Delegate {
    fn stands_in(&self, who: &PersonId, of: &PersonId, at: Timestamp) -> bool {
        self.to == *who
            && self.of == *of
            && self.from.is_none_or(|from| from <= at)
            && self.until.is_none_or(|until| at < until)
    }
}

impl Seats {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.delegates.is_empty() && self.queues.is_empty()
    }

    fn stands_in(&self, who: &PersonId, of: &PersonId, at: Timestamp) -> bool {
        self.delegates.iter().any(|delegate| delegate.stands_in(who, of, at))
    }

    /// Whether somebody is the sender, one of the sending queue, or stands in for the sender at this moment.
    pub fn is_senders(&self, sender: &Actor, who: &Actor, at: Timestamp) -> bool {
        let of_queue = self
            .queues
            .get(&sender.id)
            .is_some_and(|queue| queue.members.as_ref().is_none_or(|members| members.contains(&who.person)));
        who.person == sender.person || of_queue || self.stands_in(&who.person, &sender.person, at)
    }

    /// By what right somebody answers at this moment: `None` = he is the named receiver.
    pub fn right(
        &self,
        contract: &Contract,
        sender: Option<&Actor>,
        receiver: Option<&Actor>,
        who: &Actor,
        at: Timestamp,
    ) -> Result<Option<Behalf>, Refusal> {
        let sender = sender.ok_or(Refusal::NoSender)?;
        let fallback = falls_to(contract, Some(sender), receiver);
        if receiver.is_none() && fallback.is_none() {
            return Err(Refusal::NoReceiver);
        }
        if who.machine || self.queues.contains_key(&who.id) {
            return Err(Refusal::Machine);
        }
        if self.is_senders(sender, who, at) {
            return Err(Refusal::OwnHandoff);
        }
        let behalf = self.behalf(receiver, fallback, who, at, sender)?;
        if !who.active {
            return Err(Refusal::Inactive);
        }
        let fell = behalf.as_ref().is_some_and(|behalf| behalf.by == Right::Fallback);
        let role = if fell { fallback } else { None }.unwrap_or(&contract.roles.receiver);
        if who.roles.contains(role) { Ok(behalf) } else { Err(Refusal::LacksRole) }
    }

    fn behalf(
        &self,
        receiver: Option<&Actor>,
        fallback: Option<&str>,
        who: &Actor,
        at: Timestamp,
        sender: &Actor,
    ) -> Result<Option<Behalf>, Refusal> {
        let right = |by| Ok(Some(Behalf { of: receiver.map(|receiver| receiver.person.clone()), by }));
        if let Some(receiver) = receiver {
            if who.person == receiver.person {
                return Ok(None);
            }
            if let Some(queue) = self.queues.get(&receiver.id) {
                let is_member = queue.members.as_ref().is_none_or(|members| members.contains(&who.person));
                return if is_member { right(Right::Member) } else { Err(Refusal::NotTheReceiver) };
            }
            // Who is the sender cannot have it answered either.
            if self.stands_in(&who.person, &receiver.person, at) && receiver.person != sender.person {
                return right(Right::Delegate);
            }
        }
        match fallback {
            Some(role) if who.roles.contains(role) => right(Right::Fallback),
            Some(_) | None => Err(Refusal::NotTheReceiver),
        }
    }
}

/// The role that answers because the record names nobody who could: nobody at all, or somebody whose user is switched off. For a receiver who is
/// the sender nobody answers until another one is named.
pub fn falls_to<'a>(
    contract: &'a Contract,
    sender: Option<&Actor>,
    receiver: Option<&Actor>,
) -> Option<&'a str> {
    let is_sender = |receiver: &Actor| sender.is_some_and(|sender| sender.person == receiver.person);
    let vacant = receiver.is_none_or(|receiver| !receiver.active && !is_sender(receiver));
    contract.roles.fallback.as_deref().filter(|_| vacant)
}
