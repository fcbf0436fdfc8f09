//! What is governed: contracts through mappings over connections, grouped by the object that they read.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use handoff_connector::Changed;
use handoff_core::contract::{ContractRef, Mode, OnBypass};
use handoff_core::decide::Terms;
use handoff_core::extract::{ReadPlan, read_plan};
use handoff_core::id::{ConnectionId, ContractId, MotionId, ObjectName, RecordRef};
use handoff_core::mapping::{Mapping, Motion};
use handoff_core::registry::{Held, Registry};
use handoff_core::sla::Calendar;
use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use crate::config::{Config, Govern};
use crate::due::Due;
use crate::seats::seats;

/// A change seen this long after its stamp cannot be followed by another one with the same stamp, even if the clocks differ a little.
const SETTLED: SignedDuration = SignedDuration::from_secs(120);
/// Most changes remembered per object.
const REMEMBERED: usize = 200_000;

/// What the configuration governs does not fit together.
#[derive(Debug, Error)]
pub enum GovernError {
    /// No such connection.
    #[error("[[govern]] {contract}: there is no connection named {connection}")]
    NoConnection {
        /// The contract.
        contract: ContractId,
        /// The connection asked for.
        connection: ConnectionId,
    },
    /// No such mapping.
    #[error("[[govern]] {contract}: there is no mapping named {mapping}")]
    NoMapping {
        /// The contract.
        contract: ContractId,
        /// The mapping asked for.
        mapping: String,
    },
    /// The mapping serves another contract.
    #[error("[[govern]] {contract}: the mapping {mapping} serves {serves}")]
    OtherContract {
        /// The contract asked for.
        contract: ContractId,
        /// The mapping.
        mapping: String,
        /// What it serves.
        serves: ContractId,
    },
    /// The mapping is for another connector.
    #[error(
        "[[govern]] {contract}: the mapping {mapping} is for {wants}, the connection {connection} speaks {speaks}"
    )]
    OtherConnector {
        /// The contract.
        contract: ContractId,
        /// The mapping.
        mapping: String,
        /// What the mapping is for.
        wants: String,
        /// The connection.
        connection: ConnectionId,
        /// What it speaks.
        speaks: String,
    },
    /// No such evidence mapping.
    #[error("[[evidence]] {connection}: there is no evidence mapping named {mapping}")]
    NoEvidence {
        /// The connection.
        connection: ConnectionId,
        /// The mapping asked for.
        mapping: String,
    },
    /// The connection is not one with calls that the mapping is for.
    #[error("[[evidence]] {connection}: the mapping {mapping} is not for calls of this connection")]
    NoCalls {
        /// The connection asked for.
        connection: ConnectionId,
        /// The mapping.
        mapping: String,
    },
    /// The lexicon of re-discovery.
    #[error("[rediscovery] lexicon: {0}")]
    Lexicon(#[source] Box<crate::lexicon::Unfit>),
    /// The same contract twice on the same records.
    #[error("[[govern]] {contract} appears twice for the same records of {connection}")]
    Twice {
        /// The contract.
        contract: ContractId,
        /// The connection.
        connection: ConnectionId,
    },
}

/// One contract over one object.
pub(crate) struct Rule {
    pub(crate) mapping: Mapping,
    /// The version that new handoffs open with.
    pub(crate) current: Held,
    /// What the files name; it takes effect only if the log says so.
    pub(crate) nominated: ContractRef,
    pub(crate) terms: Terms,
    pub(crate) cap: Option<u32>,
}

impl Rule {
    /// Whether any gate is written.
    pub(crate) fn writes(&self) -> bool {
        let contract = &self.current.contract;
        contract.gates.keys().any(|gate| self.terms.mode(contract, gate) == Mode::Enforce)
    }

    /// Whether a stage may be put back.
    pub(crate) fn reverts(&self) -> bool {
        let contract = &self.current.contract;
        contract.gates.keys().any(|gate| {
            self.terms.mode(contract, gate) == Mode::Enforce
                && self.terms.on_bypass(contract, gate) == OnBypass::Revert
        })
    }

    /// The stream of a record in one motion.
    pub(crate) fn stream(&self, motion: &MotionId, record: &RecordRef) -> String {
        format!("{}/{motion}/{record}", self.mapping.contract)
    }

    /// The streams that a record may have, one per motion.
    pub(crate) fn streams(&self, record: &RecordRef) -> impl Iterator<Item = String> {
        self.mapping.motion.candidates().into_iter().map(|motion| self.stream(&motion, record))
    }
}

/// One object of one connection with everything that governs it.
pub(crate) struct Governed {
    pub(crate) connection: ConnectionId,
    pub(crate) object: ObjectName,
    pub(crate) plan: ReadPlan,
    pub(crate) rules: Vec<Rule>,
    pub(crate) due: Due,
    /// One pass over the changes at a time.
    pub(crate) pass: tokio::sync::Mutex<()>,
    /// One census at a time.
    pub(crate) census: tokio::sync::Mutex<()>,
    polled: Mutex<Option<Timestamp>>,
    seen: Mutex<BTreeMap<(RecordRef, Timestamp), Timestamp>>,
}

impl Governed {
    pub(crate) fn polled_at(&self) -> Option<Timestamp> {
        *self.polled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn polled(&self, at: Timestamp) {
        *self.polled.lock().unwrap_or_else(PoisonError::into_inner) = Some(at);
    }

    /// Whether this change was read before, at a time when no other change could still get the same stamp.
    pub(crate) fn is_repeated(&self, changed: &Changed) -> bool {
        let Some(stamp) = changed.stamp else { return false };
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&(changed.record.clone(), stamp)).is_some_and(|read| read.duration_since(stamp) > SETTLED)
    }

    /// These changes have their outcome; they were read at `asked` or later.
    pub(crate) fn remember(&self, changes: Vec<Changed>, asked: Timestamp) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len().saturating_add(changes.len()) > REMEMBERED {
            seen.clear();
        }
        for Changed { record, stamp } in changes {
            if let Some(stamp) = stamp {
                seen.insert((record, stamp), asked);
            }
        }
    }
}

/// Groups what is governed by connection and object.
pub(crate) fn governed(config: &Config, registry: &Registry) -> Result<Vec<Governed>, GovernError> {
    let mut objects: BTreeMap<(ConnectionId, ObjectName), Vec<Rule>> = BTreeMap::new();
    for govern in &config.govern {
        let rule = rule(config, registry, govern)?;
        let key = (govern.connection.clone(), rule.mapping.object.clone());
        let rules = objects.entry(key).or_default();
        let same = |other: &Rule| {
            other.mapping.contract == rule.mapping.contract && other.mapping.motion == rule.mapping.motion
        };
        if rules.iter().any(same) {
            let (contract, connection) = (govern.contract.clone(), govern.connection.clone());
            return Err(GovernError::Twice { contract, connection });
        }
        rules.push(rule);
    }
    Ok(objects
        .into_iter()
        .map(|((connection, object), rules)| Governed {
            connection,
            plan: joint_plan(&object, &rules),
            object,
            rules,
            due: Due::new(),
            pass: tokio::sync::Mutex::new(()),
            census: tokio::sync::Mutex::new(()),
            polled: Mutex::new(None),
            seen: Mutex::new(BTreeMap::new()),
        })
        .collect())
}

fn rule(config: &Config, registry: &Registry, govern: &Govern) -> Result<Rule, GovernError> {
    let contract = govern.contract.clone();
    let Some(connection) = config.connection.get(&govern.connection) else {
        return Err(GovernError::NoConnection { contract, connection: govern.connection.clone() });
    };
    let found =
        registry.mapping(&govern.mapping).and_then(|mapping| Some((mapping, registry.contract_of(mapping)?)));
    let Some((mapping, held)) = found else {
        return Err(GovernError::NoMapping { contract, mapping: govern.mapping.clone() });
    };
    if mapping.contract != contract {
        let (mapping, serves) = (govern.mapping.clone(), mapping.contract.clone());
        return Err(GovernError::OtherContract { contract, mapping, serves });
    }
    if mapping.connector != connection.connector {
        return Err(GovernError::OtherConnector {
            contract,
            mapping: govern.mapping.clone(),
            wants: mapping.connector.clone(),
            connection: govern.connection.clone(),
            speaks: connection.connector.clone(),
        });
    }
    let terms = Terms {
        governed_since: govern.governed_since,
        modes: govern.mode.clone(),
        on_bypass: govern.on_bypass.clone(),
        calendars: calendars(config, registry, &contract),
        seats: seats(&config.people),
        reunify: govern.reunify,
        // Known only once the state is open.
        outages: Vec::new(),
    };
    let mut mapping = mapping.clone();
    if let Some(motion) = &govern.motion {
        mapping.motion = Motion::always(motion.clone());
    }
    let nominated = held.reference.clone();
    Ok(Rule { mapping, current: held.clone(), nominated, terms, cap: govern.max_writes_per_hour })
}

/// The calendars that any version of the contract names: open handoffs stay on theirs.
fn calendars(config: &Config, registry: &Registry, contract: &ContractId) -> BTreeMap<String, Calendar> {
    let versions = registry.contracts().filter(|held| held.contract.contract == *contract);
    let names = versions.filter_map(|held| held.contract.sla.calendar.as_ref());
    names.filter_map(|name| Some((name.clone(), config.calendar.get(name)?.clone()))).collect()
}

/// One plan that reads what all rules of an object need.
fn joint_plan(object: &ObjectName, rules: &[Rule]) -> ReadPlan {
    let mut plans = rules.iter().map(|rule| read_plan(&rule.mapping));
    let empty = ReadPlan {
        object: object.clone(),
        fields: std::collections::BTreeSet::new(),
        related: BTreeMap::new(),
        history: std::collections::BTreeSet::new(),
        stage_field: String::new(),
        interesting_stages: std::collections::BTreeSet::new(),
    };
    let first = plans.next().unwrap_or(empty);
    plans.fold(first, |mut all, plan| {
        all.fields.extend(plan.fields);
        for (relationship, fields) in plan.related {
            all.related.entry(relationship).or_default().extend(fields);
        }
        all.history.extend(plan.history);
        all
    })
}
