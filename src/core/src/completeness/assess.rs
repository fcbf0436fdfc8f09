//! A package against its contract.

use std::collections::{BTreeMap, BTreeSet};

use super::rule::{Facts, Rule};
use super::{Completeness, Finding, Problem, words};
use crate::contract::{Contract, Field};
use crate::id::{FieldKey, MotionId, PartKey, StageName};
use crate::quality::Rules;
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
}

/// Says which required fields are filled and what is missing, in the contract's field order.
///
/// A field is filled when each of its parts answers its question. Where `none_is_an_answer`, the ticked part `none` fills the field
/// too, unless one of its parts says something all the same: then nobody can tell which holds, and it is missing.
/// A rule that cannot be computed makes its field required and missing.
pub fn assess(contract: &Contract, package: &Package, situation: &Situation<'_>) -> Completeness {
    let rules = Rules::new(&contract.quality);
    let mut outcome = Completeness::default();
    for field in &contract.fields {
        let required = is_required(contract, field, package, situation);
        if matches!(required, Ok(false)) {
            continue;
        }
        let parts = package.get(&field.key);
        let mut missing = field_problems(&rules, field, parts, &mut outcome.attested_none);
        if required.is_err() {
            missing.push(finding(field, None, Problem::RuleFailed));
        }
        if situation.still_rejected.contains(&field.key) {
            missing.push(finding(field, None, Problem::Rejected));
        }
        let filled = missing.is_empty();
        outcome.required.insert(field.key.clone());
        outcome.fields.insert(field.key.clone(), filled);
        if filled {
            outcome.filled.insert(field.key.clone());
        }
        outcome.missing.append(&mut missing);
    }
    outcome
}

/// Whether a field is required could not be computed.
struct RuleFailed;

fn is_required(
    contract: &Contract,
    field: &Field,
    package: &Package,
    situation: &Situation<'_>,
) -> Result<bool, RuleFailed> {
    let Some(text) = &field.required_when else { return Ok(true) };
    let facts = Facts { stage: situation.stage, motion: Some(situation.motion) };
    Rule::compile(text).and_then(|rule| rule.holds(contract, package, &facts)).map_err(|_| RuleFailed)
}

fn field_problems(
    rules: &Rules,
    field: &Field,
    parts: Option<&BTreeMap<PartKey, Sourced>>,
    attested: &mut BTreeSet<FieldKey>,
) -> Vec<Finding> {
    let value = |key: &PartKey| parts.and_then(|parts| parts.get(key)).map(|sourced| &sourced.value);
    let problems: Vec<(&PartKey, Option<Problem>)> =
        field.parts.iter().map(|(key, part)| (key, rules.problem(part, value(key)))).collect();
    let none = PartKey::from("none");
    if field.none_is_an_answer && value(&none) == Some(&Value::Flag(true)) {
        let silent = |problem: &Option<Problem>| matches!(problem, Some(Problem::Empty | Problem::Filler));
        if problems.iter().all(|(_, problem)| silent(problem)) {
            attested.insert(field.key.clone());
            return Vec::new();
        }
        return vec![finding(field, None, Problem::Contradiction)];
    }
    if field.parts.is_empty() {
        return vec![finding(field, None, Problem::Empty)];
    }
    problems.into_iter().filter_map(|(key, problem)| Some(finding(field, Some(key), problem?))).collect()
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
