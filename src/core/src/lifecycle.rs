//! The life of a contract's text: proposed, approved by the receiver, published from a date on. The receiver holds the pen.
//!
//! The first text of a contract that an installation uses is adopted. Every later one takes effect only when it was published, and it can
//! only be published after somebody who holds the contract's receiving role, and who is not its proposer, approved exactly this text. Until then the
//! text in force stays in force.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::contract::{Contract, ContractRef};
use crate::id::{ContractId, PersonId};
use crate::journal::LogEntry;

/// What was done with a contract's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// Somebody proposed it.
    Proposed {
        /// Its text.
        text: String,
    },
    /// Somebody wrote about it.
    Commented,
    /// The receiver approved it.
    Approved,
    /// It takes effect at this moment.
    Published {
        /// When; open handoffs stay on their version.
        effective: Timestamp,
        /// What it demands less of than the text that was in force, in words; empty = nothing.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        weaker: Vec<String>,
    },
    /// Somebody tried what he may not.
    Refused {
        /// What he tried.
        attempt: Attempt,
        /// Why not.
        why: NotAllowed,
    },
}

/// What can be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempt {
    /// To approve.
    Approve,
    /// To publish.
    Publish,
}

/// Why a step is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Error)]
#[serde(rename_all = "snake_case")]
pub enum NotAllowed {
    /// Nobody proposed this text.
    #[error("nobody proposed this text: propose it first")]
    NotProposed,
    /// He does not hold the receiving role by name.
    #[error(
        "only somebody who holds the contract's receiving role can approve, and is named for it in [people.roles]; \"*\" names nobody"
    )]
    NotTheReceiver,
    /// He proposed it himself, by person.
    #[error("nobody approves what he proposed himself, under whatever login")]
    OwnProposal,
    /// He holds the sending role too.
    #[error("who hands over cannot approve what he has to hand over")]
    AlsoSender,
    /// The receiver has not approved it.
    #[error("the receiving role has not approved this text: the receiver holds the pen")]
    NotApproved,
    /// It was approved already.
    #[error("this text was approved already")]
    AlreadyApproved,
    /// It was published already.
    #[error("this text was published already")]
    AlreadyPublished,
    /// This number belongs to another text.
    #[error("this version number was used for another text: count up `version`")]
    VersionTaken,
    /// The log knows this text already.
    #[error("this text is known already")]
    Known,
}

/// Somebody who acts, as the configuration knows him.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// As he was named.
    pub login: String,
    /// The person behind all logins.
    pub person: PersonId,
    /// Roles that name one of his logins; `"*"` names nobody.
    pub roles: BTreeSet<String>,
}

/// How one text stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// It was in use without a proposal: the first text of its contract.
    pub adopted: bool,
    /// Who proposed it, by person.
    pub proposers: BTreeSet<PersonId>,
    /// Log position of the proposal that holds its text.
    pub proposed_at: Option<u64>,
    /// Log position of the approval.
    pub approved_at: Option<u64>,
    /// When it takes effect, and the log position of its publication.
    pub published: Option<(Timestamp, u64)>,
    /// What it demands less of, as told when it was published.
    pub weaker: Vec<String>,
    /// Refused attempts.
    pub refused: u32,
}

/// All texts of all contracts: a fold over the log.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lifecycle {
    texts: BTreeMap<ContractId, BTreeMap<ContractRef, Standing>>,
}

impl Lifecycle {
    /// Takes one entry; entries of other kinds change nothing.
    pub fn apply(&mut self, position: u64, entry: &LogEntry) {
        if let LogEntry::ContractPublished { contract, .. } = entry {
            self.adopt(contract);
        } else if let LogEntry::ContractStep { contract, step, person, .. } = entry {
            self.step(position, contract, step, person);
        }
    }

    /// A text that is in use; without a proposal it is adopted.
    pub fn adopt(&mut self, contract: &ContractRef) {
        let standing = self.standing_of(contract);
        standing.adopted |= standing.proposed_at.is_none();
    }

    fn standing_of(&mut self, contract: &ContractRef) -> &mut Standing {
        self.texts.entry(contract.id.clone()).or_default().entry(contract.clone()).or_default()
    }

    fn step(&mut self, position: u64, contract: &ContractRef, step: &Step, person: &PersonId) {
        let standing = self.standing_of(contract);
        match step {
            Step::Proposed { .. } => {
                standing.proposers.insert(person.clone());
                standing.proposed_at.get_or_insert(position);
            }
            Step::Commented => {}
            Step::Approved => standing.approved_at = Some(position),
            Step::Published { effective, weaker } => {
                standing.published = Some((*effective, position));
                standing.weaker.clone_from(weaker);
            }
            Step::Refused { .. } => standing.refused = standing.refused.saturating_add(1),
        }
    }

    /// How a text stands; `None` = the log does not know it.
    pub fn standing(&self, contract: &ContractRef) -> Option<&Standing> {
        self.texts.get(&contract.id)?.get(contract)
    }

    /// All texts, by contract, version and digest.
    pub fn texts(&self) -> impl Iterator<Item = (&ContractRef, &Standing)> {
        self.texts.values().flatten()
    }

    /// The known text of a contract with this version; `None` = there is none, or several.
    pub fn of_version(&self, id: &ContractId, version: u32) -> Option<&ContractRef> {
        let mut found = self.texts.get(id)?.keys().filter(|known| known.version == version);
        found.next().filter(|_| found.next().is_none())
    }

    /// The text that new handoffs open with, where the files nominate this one; `None` = the contract is new here and is adopted.
    pub fn in_force(&self, nominated: &ContractRef, now: Timestamp) -> Option<&ContractRef> {
        let texts = self.texts.get(&nominated.id)?;
        let published = texts.iter().filter_map(|(text, standing)| {
            standing.published.filter(|(effective, _)| *effective <= now).map(|at| (at, text))
        });
        if let Some((_, newest)) = published.max() {
            return Some(newest);
        }
        let adopted = || texts.iter().filter(|(_, standing)| standing.adopted).map(|(text, _)| text);
        adopted().find(|text| *text == nominated).or_else(|| adopted().max_by_key(|text| text.version))
    }

    /// Whether this text may be proposed.
    pub fn may_propose(&self, contract: &ContractRef) -> Result<(), NotAllowed> {
        let known = self.texts.get(&contract.id);
        if known.is_some_and(|texts| texts.contains_key(contract)) {
            return Err(NotAllowed::Known);
        }
        let taken = known.into_iter().flat_map(BTreeMap::keys).any(|text| text.version == contract.version);
        if taken { Err(NotAllowed::VersionTaken) } else { Ok(()) }
    }

    /// Whether he may approve this text. The roles are those of the text in force: a text cannot name its own judge.
    pub fn may_approve(
        &self,
        contract: &ContractRef,
        in_force: &Contract,
        who: &Who,
    ) -> Result<(), NotAllowed> {
        let standing = self.standing(contract).filter(|standing| standing.proposed_at.is_some());
        let standing = standing.ok_or(NotAllowed::NotProposed)?;
        if standing.approved_at.is_some() {
            return Err(NotAllowed::AlreadyApproved);
        }
        if !who.roles.contains(&in_force.roles.receiver) {
            return Err(NotAllowed::NotTheReceiver);
        }
        if who.roles.contains(&in_force.roles.sender) {
            return Err(NotAllowed::AlsoSender);
        }
        if standing.proposers.contains(&who.person) {
            return Err(NotAllowed::OwnProposal);
        }
        Ok(())
    }

    /// Whether this text may be published.
    pub fn may_publish(&self, contract: &ContractRef) -> Result<(), NotAllowed> {
        let standing = self.standing(contract).filter(|standing| standing.proposed_at.is_some());
        let standing = standing.ok_or(NotAllowed::NotProposed)?;
        if standing.published.is_some() {
            return Err(NotAllowed::AlreadyPublished);
        }
        standing.approved_at.map(drop).ok_or(NotAllowed::NotApproved)
    }
}

#[cfg(test)]
mod tests;
