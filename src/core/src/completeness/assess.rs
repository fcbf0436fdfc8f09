//! A package against its contract.

use std::cell::LazyCell;
use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::prepared::Prepared;
use super::rule::{RuleError, facts};
use super::{Completeness, Finding, Problem, words};
use crate::beside::Trouble;
use crate::contract::{Contract, Field, Part};
use crate::id::{FieldKey, MotionId, PartKey, StageName};
use crate::quality::{Rules, age};
use crate::value::{Package, Sourced, Value};

/// What the requirements of a package may depend on besides itself.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// Our name of the stage; `None` = unknown.
    pub stage: Option<&'a StageName>,
    /// The motion.
    pub motion: &'a MotionId,
    /// Fields that the receiver sent back and that were not changed since.
    pub still_rejected: &'a BTreeSet<FieldKey>,
    /// Fields that say something that does not count, and why.
    pub disputed: &'a BTreeMap<FieldKey, BTreeSet<Trouble>>,
    /// The day that ages are counted from; `None` = no age is judged.
    pub as_of: Option<Date>,
}

/// Says which required fields are filled and what is missing, in the contract's field order.
///
/// A field is filled when each of its parts answers its question. Where `none_is_an_answer`, the ticked part `none` fills the field
/// too, unless one of its parts says something all the same: then nobody can tell which holds, and it is missing.
/// A rule that cannot be computed makes its field required and missing.
pub fn assess(contract: &Contract, package: &Package, situation: &Situation<'_>) -> Completeness {
    let mut outcome = Completeness::default();
    judge(contract, package, situation, |field, mut judged| {
        let filled = judged.missing.is_empty();
        outcome.required.insert(field.key.clone());
        outcome.fields.insert(field.key.clone(), filled);
        if filled {
            outcome.filled.insert(field.key.clone());
        }
        if judged.attested_none {
            outcome.attested_none.insert(field.key.clone());
        }
        outcome.missing.append(&mut judged.missing);
    });
    outcome
}

/// Which fields a package must have, whatever it holds: for one that is known to be complete, at a fraction of what [`assess`] costs.
pub fn required(contract: &Contract, package: &Package, situation: &Situation<'_>) -> BTreeSet<FieldKey> {
    let mut keys = BTreeSet::new();
    demands(contract, package, situation, |_, field, _| {
        keys.insert(field.key.clone());
    });
    keys
}

/// What is missing, and whether the package is complete: [`assess`] without the books.
pub(crate) fn shortfall(
    contract: &Contract,
    package: &Package,
    situation: &Situation<'_>,
) -> (Vec<Finding>, bool) {
    let mut missing = Vec::new();
    let mut requires = false;
    judge(contract, package, situation, |_, mut judged| {
        requires = true;
        missing.append(&mut judged.missing);
    });
    let complete = requires && missing.is_empty();
    (missing, complete)
}

/// One required field.
#[derive(Default)]
struct Judged {
    missing: Vec<Finding>,
    attested_none: bool,
}

/// Tells each required field in the contract's order, and whether its rule could be computed.
fn demands(
    contract: &Contract,
    package: &Package,
    situation: &Situation<'_>,
    mut tell: impl FnMut(&Prepared, &Field, bool),
) {
    let prepared = Prepared::of(contract);
    let facts = LazyCell::new(|| facts(contract, package, situation.stage, Some(situation.motion)));
    for (place, field) in contract.fields.iter().enumerate() {
        let required = match prepared.required(place) {
            None => Ok(true),
            Some(rule) => rule.and_then(|rule| rule.holds(&facts).map_err(|_| &RuleError::Failed)),
        };
        if !matches!(required, Ok(false)) {
            tell(prepared.as_ref(), field, required.is_ok());
        }
    }
}

/// Judges each required field in the contract's order.
fn judge(
    contract: &Contract,
    package: &Package,
    situation: &Situation<'_>,
    mut tell: impl FnMut(&Field, Judged),
) {
    demands(contract, package, situation, |prepared, field, computed| {
        let mut judged = field_problems(&prepared.rules, field, package.get(&field.key), situation.as_of);
        if !computed {
            judged.missing.push(finding(field, None, Problem::RuleFailed));
        }
        if situation.still_rejected.contains(&field.key) {
            judged.missing.push(finding(field, None, Problem::Rejected));
        }
        for trouble in situation.disputed.get(&field.key).into_iter().flatten() {
            judged.missing.push(finding(field, None, Problem::Disputed { why: *trouble }));
        }
        tell(field, judged);
    });
}

fn field_problems(
    rules: &Rules,
    field: &Field,
    parts: Option<&BTreeMap<PartKey, Sourced>>,
    as_of: Option<Date>,
) -> Judged {
    let value = |key: &PartKey| parts.and_then(|parts| parts.get(key)).map(|sourced| &sourced.value);
    let problem = |part: &Part, value: Option<&Value>| {
        rules.problem(part, value).or_else(|| age::problem(part, value?, as_of?))
    };
    let mut problems = field.parts.iter().map(|(key, part)| (key, problem(part, value(key))));
    if field.none_is_an_answer && is_attested_none(parts) {
        let silent = |problem: Option<Problem>| matches!(problem, Some(Problem::Empty | Problem::Filler));
        if problems.all(|(_, problem)| silent(problem)) {
            return Judged { missing: Vec::new(), attested_none: true };
        }
        return Judged { missing: vec![finding(field, None, Problem::Contradiction)], attested_none: false };
    }
    if field.parts.is_empty() {
        return Judged { missing: vec![finding(field, None, Problem::Empty)], attested_none: false };
    }
    let missing = problems.filter_map(|(key, problem)| Some(finding(field, Some(key), problem?))).collect();
    Judged { missing, attested_none: false }
}

fn is_attested_none(parts: Option<&BTreeMap<PartKey, Sourced>>) -> bool {
    let none = parts.and_then(|parts| parts.iter().find(|(key, _)| key.as_str() == "none"));
    none.is_some_and(|(_, sourced)| sourced.value == Value::Flag(true))
}

fn finding(field: &Field, part: Option<&PartKey>, problem: Problem) -> Finding {
    let name = part.map(|key| {
        let own = field.parts.get(key).and_then(|part| part.label.clone());
        own.unwrap_or_else(|| words(key.as_str()))
    });
    let label = match name {
        // One part needs no second name.
        Some(name) if field.parts.len() > 1 => format!("{}: {name}", field.label),
        Some(_) | None => field.label.clone(),
    };
    Finding { field: field.key.clone(), part: part.cloned(), problem, label }
}
