//! Which mandatory fields are filled, and what exactly is missing where they are not.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::contract::Contract;
use crate::id::{FieldKey, MotionId, PartKey, StageName};
use crate::value::Package;

/// One thing that is missing, in words a rep understands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The field.
    pub field: FieldKey,
    /// The part, unless the whole field is meant.
    pub part: Option<PartKey>,
    /// What is wrong.
    pub problem: Problem,
    /// The label of field and part, e.g. `Success criteria: target`; never a record's value.
    pub label: String,
}

/// What is wrong with a part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum Problem {
    /// Nothing there.
    Empty,
    /// A filler such as "n/a" or "tbd".
    Filler,
    /// Too short to inform.
    TooShort {
        /// Characters needed.
        needs: u32,
    },
    /// A target without a figure.
    NoNumber,
    /// Not of the kind the contract asks for.
    WrongKind,
    /// Not one of the choices.
    NotAChoice,
    /// A list row without a needed column.
    RowIncomplete {
        /// Row from 1.
        row: u32,
        /// Column.
        column: String,
    },
    /// The receiver sent it back and it was not changed since.
    Rejected,
    /// Whether it is required could not be computed; it counts as required.
    RuleFailed,
    /// The value was erased on request.
    Erased,
}

/// The outcome for one package.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Completeness {
    /// Required fields that are filled.
    pub filled: BTreeSet<FieldKey>,
    /// Required fields.
    pub required: BTreeSet<FieldKey>,
    /// What is missing, in the contract's field order.
    pub missing: Vec<Finding>,
    /// Fields that are attested as "there are none".
    pub attested_none: BTreeSet<FieldKey>,
    /// Per required field: whether it is filled; kept for scores.
    pub fields: BTreeMap<FieldKey, bool>,
}

impl Completeness {
    /// Whether nothing is missing. An empty contract is never complete.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && !self.required.is_empty() && self.filled.len() == self.required.len()
    }
}

/// What the requirements of a package may depend on.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The stage, if known.
    pub stage: Option<&'a StageName>,
    /// The motion.
    pub motion: &'a MotionId,
    /// Fields that were sent back and not changed since: they are not filled.
    pub still_rejected: &'a BTreeSet<FieldKey>,
}

/// Says which mandatory fields are filled.
pub fn assess(contract: &Contract, package: &Package, situation: &Situation<'_>) -> Completeness {
    let mut outcome = Completeness::default();
    for field in &contract.fields {
        outcome.required.insert(field.key.clone());
        let parts = package.get(&field.key);
        let before = outcome.missing.len();
        for part in field.parts.keys() {
            if parts.is_none_or(|parts| !parts.contains_key(part)) {
                outcome.missing.push(Finding {
                    field: field.key.clone(),
                    part: Some(part.clone()),
                    problem: Problem::Empty,
                    label: format!("{}: {part}", field.label),
                });
            }
        }
        if situation.still_rejected.contains(&field.key) {
            outcome.missing.push(Finding {
                field: field.key.clone(),
                part: None,
                problem: Problem::Rejected,
                label: field.label.clone(),
            });
        }
        let filled = outcome.missing.len() == before;
        if filled {
            outcome.filled.insert(field.key.clone());
        }
        outcome.fields.insert(field.key.clone(), filled);
    }
    outcome
}
