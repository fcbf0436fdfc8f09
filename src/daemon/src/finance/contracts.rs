//! Proposing, approving and publishing contract texts. Whoever tries what he may not is refused, and the log says so.

use std::sync::Arc;

use handoff_core::contract::diff::diff;
use handoff_core::contract::{Contract, ContractRef};
use handoff_core::id::{ContractId, PersonId};
use handoff_core::journal::LogEntry;
use handoff_core::lifecycle::{Attempt, NotAllowed, Standing, Step, Who};
use handoff_core::registry::{Held, Problem, Registry, parse_contract};
use handoff_store::log::MAX_LEAF;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use utoipa::ToSchema;

use crate::config::People;
use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::memory::{Change, blocking};

/// Longest name.
const NAME: usize = 100;
/// What a proposal's entry has beside its text that a publication's has not, in bytes.
const ROOM: usize = 200;
/// Longest comment.
const COMMENT: usize = 2_000;
/// Most bytes of weakenings told.
const WEAKER: usize = 4_000;
/// Most characters of each weakening.
const WEAKER_CHARS: usize = 150;

/// What somebody does with a contract's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Request {
    /// What.
    #[serde(flatten)]
    pub act: ContractAct,
    /// Who: a login as the configuration names it.
    pub by: String,
    /// What he writes about it.
    #[serde(default)]
    pub comment: String,
}

/// What can be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum ContractAct {
    /// Register a text.
    Propose {
        /// The TOML text.
        text: String,
    },
    /// Write about a proposal.
    Comment {
        /// The contract.
        contract: String,
        /// Its version.
        version: u32,
    },
    /// Approve a proposal: the contract's receiving role only.
    Approve {
        /// The contract.
        contract: String,
        /// Its version.
        version: u32,
    },
    /// Let an approved text take effect.
    Publish {
        /// The contract.
        contract: String,
        /// Its version.
        version: u32,
        /// From when on; absent or past = at once.
        #[schema(value_type = Option<String>, format = DateTime)]
        effective: Option<Timestamp>,
    },
}

/// How a contract's text stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContractRow {
    /// The contract.
    pub contract: String,
    /// The version.
    pub version: u32,
    /// SHA-256 of the text.
    pub digest: String,
    /// `adopted`, `proposed`, `approved`, `scheduled`, `in_force`, `superseded`, or `unapproved`: the files name it, but nobody approved it.
    pub standing: String,
    /// When it takes or took effect.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub effective: Option<Timestamp>,
    /// What it demands less of than the text before it.
    pub weaker: Vec<String>,
    /// Attempts that were refused.
    pub refused: u32,
}

impl ContractRow {
    /// Whether somebody should look: nobody approved what the files name, or what is or comes into force demands less than the text before.
    pub fn needs_a_look(&self) -> bool {
        let weak = matches!(self.standing.as_str(), "in_force" | "scheduled") && !self.weaker.is_empty();
        weak || self.standing == "unapproved"
    }
}

/// Why it is not done.
#[derive(Debug, Error)]
pub enum NotDone {
    /// He may not; the log says that he tried.
    #[error("refused and recorded: {0}")]
    Refused(NotAllowed),
    /// It cannot be done now.
    #[error("{0}")]
    NotNow(NotAllowed),
    /// The text is no contract.
    #[error("{}", listed(.0))]
    Invalid(Vec<Problem>),
    /// No such text.
    #[error("the log knows no single text of {contract} version {version}: see `handoffd contract list`")]
    Unknown {
        /// The contract.
        contract: String,
        /// The version.
        version: u32,
    },
    /// The text does not fit into the log.
    #[error(
        "the text is too long for the log, which takes {MAX_LEAF} bytes with everything around it: shorten its comments"
    )]
    TooLong,
    /// Nobody is named.
    #[error("name who does it")]
    Nobody,
    /// The store failed.
    #[error(transparent)]
    Fatal(#[from] Fatal),
}

fn listed(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Who a login is: the person behind it, and the roles that name one of his logins. `"*"` names nobody: from a command it cannot be told who is
/// an active user.
pub fn who(people: &People, login: &str) -> Who {
    let login = login.trim();
    let is = |other: &String| other.trim().eq_ignore_ascii_case(login);
    let person = people.same_person.iter().find(|(_, logins)| logins.iter().any(is));
    let all: Vec<&str> =
        person.map_or_else(|| vec![login], |(_, logins)| logins.iter().map(String::as_str).collect());
    let named = |holder: &String| {
        holder != "*" && all.iter().any(|login| login.trim().eq_ignore_ascii_case(holder.trim()))
    };
    let roles = people.roles.iter().filter(|(_, holders)| holders.iter().any(named));
    Who {
        login: login.to_owned(),
        person: PersonId(person.map_or_else(|| login.to_ascii_lowercase(), |(person, _)| person.clone())),
        roles: roles.map(|(role, _)| role.clone()).collect(),
    }
}

/// Does it; answers with how the text stands then.
pub(crate) async fn act(
    engine: &Arc<Engine>,
    people: &People,
    request: Request,
) -> Result<ContractRow, NotDone> {
    let clean = |text: &str, most| -> String {
        text.chars().filter(|each| !each.is_control() || *each == '\n').take(most).collect()
    };
    let by = clean(&request.by, NAME).replace('\n', " ");
    if by.trim().is_empty() {
        return Err(NotDone::Nobody);
    }
    let doing = Doing { engine, who: who(people, &by), comment: clean(&request.comment, COMMENT) };
    let _alone = engine.finance.alone.lock().await;
    let contract = match request.act {
        ContractAct::Propose { text } => doing.propose(text).await?,
        ContractAct::Comment { contract, version } => {
            let contract = doing.known(&contract, version)?;
            doing.log(&contract, Step::Commented).await?;
            contract
        }
        ContractAct::Approve { contract, version } => doing.approve(&contract, version).await?,
        ContractAct::Publish { contract, version, effective } => {
            doing.publish(&contract, version, effective).await?
        }
    };
    let life = engine.finance.life();
    let now = engine.clock.now();
    Ok(row(&contract, life.standing(&contract), life.in_force(&contract, now), now))
}

struct Doing<'e> {
    engine: &'e Arc<Engine>,
    who: Who,
    comment: String,
}

impl Doing<'_> {
    fn known(&self, contract: &str, version: u32) -> Result<ContractRef, NotDone> {
        let life = self.engine.finance.life();
        let known = life.of_version(&ContractId::from(contract), version).cloned();
        known.ok_or_else(|| NotDone::Unknown { contract: contract.to_owned(), version })
    }

    async fn log(&self, contract: &ContractRef, step: Step) -> Result<(), NotDone> {
        let entry = LogEntry::ContractStep {
            contract: contract.clone(),
            step,
            by: self.who.login.clone(),
            person: self.who.person.clone(),
            comment: self.comment.clone(),
            at: self.engine.clock.now(),
        };
        let position = self.engine.append_own(entry.clone(), Change::default()).await?;
        self.engine.finance.apply(position, &entry);
        Ok(())
    }

    async fn propose(&self, text: String) -> Result<ContractRef, NotDone> {
        let held = judged(&text).map_err(NotDone::Invalid)?;
        self.engine.finance.life().may_propose(&held.reference).map_err(NotDone::NotNow)?;
        let at = self.engine.clock.now();
        let published =
            LogEntry::ContractPublished { contract: held.reference.clone(), text: text.clone(), at };
        let fits = published.encode().is_ok_and(|encoded| encoded.leaf.len() + ROOM <= MAX_LEAF);
        if !fits {
            return Err(NotDone::TooLong);
        }
        self.log(&held.reference, Step::Proposed { text }).await?;
        Ok(held.reference)
    }

    /// The text of a proposal.
    async fn text(&self, contract: &ContractRef) -> Result<(String, Contract), NotDone> {
        let life = self.engine.finance.life();
        let position = life.standing(contract).and_then(|standing| standing.proposed_at);
        let position = position.ok_or(NotDone::NotNow(NotAllowed::NotProposed))?;
        let journal = Arc::clone(&self.engine.journal);
        let mut found = blocking(move || journal.read_now(&[position])).await?;
        let Some((_, Some(LogEntry::ContractStep { step: Step::Proposed { text }, .. }))) = found.pop()
        else {
            return Err(NotDone::NotNow(NotAllowed::NotProposed));
        };
        let parsed = parse_contract(contract.id.as_str(), &text).map_err(NotDone::Invalid)?;
        Ok((text, parsed))
    }

    /// The contract in force beside a proposal; a first text stands for itself.
    fn in_force(&self, contract: &ContractRef, proposed: &Contract) -> Contract {
        let now = self.engine.clock.now();
        let text = self.engine.finance.in_force(contract, now);
        let known = text.and_then(|text| self.engine.contracts.get(&text));
        known.map_or_else(|| proposed.clone(), |known| (*known).clone())
    }

    async fn approve(&self, contract: &str, version: u32) -> Result<ContractRef, NotDone> {
        let contract = self.known(contract, version)?;
        let (_, proposed) = self.text(&contract).await?;
        let in_force = self.in_force(&contract, &proposed);
        let life = self.engine.finance.life();
        if let Err(why) = life.may_approve(&contract, &in_force, &self.who) {
            self.log(&contract, Step::Refused { attempt: Attempt::Approve, why }).await?;
            return Err(NotDone::Refused(why));
        }
        self.log(&contract, Step::Approved).await?;
        Ok(contract)
    }

    async fn publish(
        &self,
        contract: &str,
        version: u32,
        effective: Option<Timestamp>,
    ) -> Result<ContractRef, NotDone> {
        let contract = self.known(contract, version)?;
        if let Err(why) = self.engine.finance.life().may_publish(&contract) {
            self.log(&contract, Step::Refused { attempt: Attempt::Publish, why }).await?;
            return Err(NotDone::Refused(why));
        }
        let (text, proposed) = self.text(&contract).await?;
        let before = self.in_force(&contract, &proposed);
        let now = self.engine.clock.now();
        // The text has to be known before the log says that it is in force.
        if self.engine.contracts.get(&contract).is_none() {
            let (contracts, pin, body) = (Arc::clone(&self.engine.contracts), contract.clone(), text.clone());
            let change = blocking(move || {
                let mut change = Change::default();
                contracts.publish(&mut change, &pin, &body)?;
                Ok(change)
            })
            .await?;
            let entry = LogEntry::ContractPublished { contract: contract.clone(), text, at: now };
            self.engine.append_own(entry, change).await?;
        }
        let effective = effective.filter(|effective| *effective > now).unwrap_or(now);
        let weaker = weaker(&before, &proposed);
        if !weaker.is_empty() {
            tracing::warn!(contract = %contract.id, version, weaker = weaker.len(), "a contract is published that demands less than the one before");
        }
        self.log(&contract, Step::Published { effective, weaker }).await?;
        Ok(contract)
    }
}

/// What a text demands less of, in words, loudest first; what has no room is counted.
fn weaker(before: &Contract, after: &Contract) -> Vec<String> {
    let loud: Vec<_> = diff(before, after).into_iter().filter(|change| change.weight.is_loud()).collect();
    let mut told: Vec<String> = Vec::new();
    let mut room = WEAKER;
    for change in &loud {
        let words: String = change.to_string().chars().take(WEAKER_CHARS).collect();
        let Some(left) = room.checked_sub(words.len()) else {
            told.push(format!("and {} more", loud.len() - told.len()));
            break;
        };
        room = left;
        told.push(words);
    }
    told
}

/// One contract, judged alone.
fn judged(text: &str) -> Result<Held, Vec<Problem>> {
    let registry = Registry::load([("contracts/proposal.toml", text)])?;
    let held = registry.contracts().next().cloned();
    held.ok_or_else(|| {
        vec![Problem {
            file: "proposal.toml".to_owned(),
            line: 1,
            column: 1,
            message: "this is no contract".to_owned(),
            remedy: "propose a contract file".to_owned(),
        }]
    })
}

/// A text's row.
pub fn row(
    contract: &ContractRef,
    standing: Option<&Standing>,
    in_force: Option<&ContractRef>,
    now: Timestamp,
) -> ContractRow {
    let nothing = Standing::default();
    let standing = standing.unwrap_or(&nothing);
    let name = match (&standing.published, in_force == Some(contract)) {
        (_, true) => "in_force",
        (Some((effective, _)), false) if *effective > now => "scheduled",
        (Some(_), false) => "superseded",
        (None, false) if standing.approved_at.is_some() => "approved",
        (None, false) if standing.proposed_at.is_some() => "proposed",
        (None, false) if standing.adopted => "adopted",
        (None, false) => "unapproved",
    };
    ContractRow {
        contract: contract.id.0.clone(),
        version: contract.version,
        digest: contract.digest.0.clone(),
        standing: name.to_owned(),
        effective: standing.published.map(|(effective, _)| effective),
        weaker: standing.weaker.clone(),
        refused: standing.refused,
    }
}

/// All texts that the log or the files know.
pub(crate) fn rows(engine: &Engine) -> Vec<ContractRow> {
    let (life, now) = (engine.finance.life(), engine.clock.now());
    let mut nominated: Vec<&ContractRef> =
        engine.objects.iter().flat_map(|object| &object.rules).map(|rule| &rule.nominated).collect();
    nominated.sort();
    nominated.dedup();
    let in_force = |text: &ContractRef| {
        let named = nominated.iter().copied().filter(|named| named.id == text.id);
        let mut forces = named.filter_map(|named| life.in_force(named, now));
        if forces.any(|force| force == text) { Some(text.clone()) } else { None }
    };
    let known = life.texts().map(|(text, standing)| (text, Some(standing)));
    let unknown = nominated.iter().filter(|text| life.standing(text).is_none()).map(|text| (*text, None));
    known.chain(unknown).map(|(text, standing)| row(text, standing, in_force(text).as_ref(), now)).collect()
}

#[cfg(test)]
mod tests;
