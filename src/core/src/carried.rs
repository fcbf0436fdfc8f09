//! Values by reference: a part that is carried from the accepted package of another handoff, and what becomes of it when that one changes.
//! A link that names nothing, or a handoff that is not accepted, carries nothing: its part is missing.

use serde::{Deserialize, Serialize};

use crate::contract::{Contract, Kind};
use crate::digest::Digest;
use crate::extract::{RawRecord, first_row, text_of};
use crate::handoff::{Handoff, Phase};
use crate::id::{ContractId, FieldKey, PartKey, RecordRef};
use crate::mapping::{Link, Mapping, Way};
use crate::observation::Observation;
use crate::value::{Sourced, Value};

#[cfg(test)]
mod tests;

/// How the handoff that a part is carried from stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CarriedSeen {
    /// Our field.
    pub field: FieldKey,
    /// Our part.
    pub part: PartKey,
    /// The contract that it is carried from.
    pub contract: ContractId,
    /// The record that the link names; `None` = it names none.
    pub record: Option<RecordRef>,
    /// How its handoff stands.
    pub standing: Standing,
}

/// How a handoff stands that something is carried from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Standing {
    /// Accepted: this package, in this cycle.
    Accepted {
        /// The cycle.
        cycle: u32,
        /// Digest of the package as it stands.
        package: Digest,
    },
    /// There, but no acceptance is in force.
    NotAccepted,
    /// Nothing is named, or what is named carries no such handoff.
    Broken,
}

/// A part that is carried, as the mapping says, with what the record names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted<'m> {
    /// Our field.
    pub field: &'m FieldKey,
    /// Our part.
    pub part: &'m PartKey,
    /// The contract that it is carried from.
    pub contract: &'m ContractId,
    /// Field of that contract.
    pub their_field: FieldKey,
    /// Its part.
    pub their_part: PartKey,
    /// What the record names.
    pub named: Named,
}

/// What a record names as the carrier of another handoff.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// Nothing.
    Nothing,
    /// An id, as the CRM writes it; of which object is for the caller to find out.
    Id(String),
    /// A record.
    Record(RecordRef),
}

/// All parts of a mapping that are carried, in order.
pub fn wanted<'m>(mapping: &'m Mapping, raw: &RawRecord) -> Vec<Wanted<'m>> {
    let mut all = Vec::new();
    for (field, parts) in &mapping.read {
        for (part, path) in parts {
            let Ok(Way::Carried { contract, link, field: their_field, part: their_part }) = path.way() else {
                continue;
            };
            let named = match link {
                Link::Through(name) => text_of(raw, name).map_or(Named::Nothing, Named::Id),
                Link::Related(rows) => {
                    first_row(raw, &rows).map_or(Named::Nothing, |row| Named::Record(row.record.clone()))
                }
            };
            all.push(Wanted { field, part, contract, their_field, their_part, named });
        }
    }
    all
}

/// What the handoff of the named record gives: how it stands, and the value, if it is accepted and holds one. Where the value was found is
/// where that handoff found it.
pub fn carry(
    wanted: &Wanted<'_>,
    record: Option<RecordRef>,
    other: Option<&Handoff>,
) -> (CarriedSeen, Option<Sourced>) {
    let other = other.filter(|other| other.id.contract == *wanted.contract && other.phase != Phase::Voided);
    let (standing, value) = match other {
        None => (Standing::Broken, None),
        Some(other) if !other.acceptance_holds() => (Standing::NotAccepted, None),
        Some(other) => {
            let standing = Standing::Accepted { cycle: other.id.cycle, package: other.package_digest() };
            let value =
                other.package.get(&wanted.their_field).and_then(|parts| parts.get(&wanted.their_part));
            (standing, value.cloned())
        }
    };
    let seen = CarriedSeen {
        field: wanted.field.clone(),
        part: wanted.part.clone(),
        contract: wanted.contract.clone(),
        record,
        standing,
    };
    (seen, value)
}

impl Observation {
    /// Puts what is carried into the package: nothing else of a field is touched, and a part that the contract does not have is left out.
    pub fn take_carried(&mut self, contract: &Contract, all: Vec<(CarriedSeen, Option<Sourced>)>) {
        for (seen, value) in &all {
            let part = contract.field(&seen.field).and_then(|field| field.parts.get(&seen.part));
            let Some((part, value)) = part.zip(value.clone()) else { continue };
            let value = Sourced { value: retyped(part.kind, value.value), ..value };
            self.package.entry(seen.field.clone()).or_default().insert(seen.part.clone(), value);
        }
        self.carried = all.into_iter().map(|(seen, _)| seen).collect();
    }
}

/// Words are words, whichever kind of words the other contract took them for. All else keeps its kind, and quality says if it does not fit.
fn retyped(kind: Kind, value: Value) -> Value {
    match (kind, value) {
        (Kind::Text, Value::Name(text) | Value::Choice(text)) => Value::Text(text),
        (Kind::Name, Value::Text(text) | Value::Choice(text)) => Value::Name(text),
        (Kind::Choice, Value::Text(text) | Value::Name(text)) => Value::Choice(text),
        (_, value) => value,
    }
}

impl Handoff {
    /// What stands otherwise now at the handoffs that something is carried from than when this one was accepted last.
    pub fn drifted(&self) -> Vec<&CarriedSeen> {
        let same = |now: &CarriedSeen| self.carried_when_accepted.contains(now);
        let known = |now: &CarriedSeen| {
            self.carried_when_accepted.iter().any(|then| (&then.field, &then.part) == (&now.field, &now.part))
        };
        self.carried.iter().filter(|now| known(now) && !same(now)).collect()
    }

    /// What is carried from a handoff that is broken or not accepted, and what has drifted since, a line each; names no values.
    pub fn words_of_carried(&self) -> Vec<String> {
        let drifted = self.drifted();
        let words = |seen: &CarriedSeen| {
            let part = format!("{}: {}", plain(seen.field.as_str()), plain(seen.part.as_str()));
            let record = seen.record.as_ref().map(|record| format!(" of {record}")).unwrap_or_default();
            let from = format!("{}{record}", seen.contract);
            match &seen.standing {
                Standing::Broken => Some(format!("{part} is carried from {from}, which is not there")),
                Standing::NotAccepted => {
                    Some(format!("{part} is carried from {from}, which is not accepted"))
                }
                Standing::Accepted { cycle, .. } => drifted.contains(&seen).then(|| {
                    format!("{part} is carried from {from}, which was changed since (cycle {cycle})")
                }),
            }
        };
        self.carried.iter().filter_map(words).collect()
    }
}

fn plain(key: &str) -> String {
    key.replace('_', " ")
}
