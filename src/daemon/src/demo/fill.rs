//! What the people of the story write, by the contract's fields and parts; the mapping says where it stands in a CRM.

use handoff_core::id::{FieldKey, PartKey};
use handoff_core::mapping::Mapping;
use serde_json::Value;

use super::crm::Fields;

/// Contract field, part, text.
type Said<'a> = (&'a str, &'a str, &'a str);

/// The CRM's fields for what is said; parts that live on other records are left out.
pub fn fields<V: Clone + Into<Value>>(mapping: &Mapping, said: &[(&str, &str, V)]) -> Fields {
    let place = |field: &str, part: &str| {
        let parts = mapping.read.get(&FieldKey::from(field))?;
        parts.get(&PartKey::from(part))?.field.clone()
    };
    let found =
        said.iter().filter_map(|(field, part, value)| Some((place(field, part)?, value.clone().into())));
    found.collect()
}

/// The first CRM value of one of our stages; empty when the mapping names none.
pub fn stage(mapping: &Mapping, ours: &str) -> String {
    let values = mapping.stage.names.iter().find(|(name, _)| name.as_str() == ours).map(|(_, values)| values);
    values.and_then(|values| values.first()).cloned().unwrap_or_default()
}

/// The save that moves a deal to the first CRM value of one of our stages.
pub fn to_stage(mapping: &Mapping, ours: &str) -> Fields {
    Fields::from_iter([(mapping.stage.field.clone(), Value::from(stage(mapping, ours)))])
}

/// The save that answers "accept", or takes the answer away.
pub fn accept(mapping: &Mapping, answer: bool) -> Fields {
    let decision = &mapping.decision;
    let value = if answer { Value::from(decision.accept.as_str()) } else { Value::Null };
    Fields::from_iter([(decision.field.clone(), value)])
}

/// The save that sends fields of the contract back: their keys, separated by semicolons.
pub fn reject(mapping: &Mapping, fields: &str, reason: &str) -> Fields {
    let decision = &mapping.decision;
    let mut save = Fields::from_iter([
        (decision.field.clone(), Value::from(decision.reject.as_str())),
        (decision.reason.clone(), Value::from(reason)),
    ]);
    save.extend(decision.fields.clone().map(|name| (name, Value::from(fields))));
    save
}

/// A package that says nothing.
pub(super) fn junk() -> Vec<Said<'static>> {
    vec![
        ("economic_buyer", "authority", "tbd"),
        ("sponsor_map", "strength", "Strong"),
        ("sponsor_map", "dynamics", "n/a"),
        ("commitments", "promises", "see notes"),
        ("success_criteria", "criteria", "asdf"),
        ("success_criteria", "metric", "???"),
        ("success_criteria", "target", "much better"),
        ("risks", "risks", "to be discussed"),
        ("displacement", "incumbent", "-"),
        ("displacement", "sticky_points", "TBD!!"),
        ("go_live", "anchor", "soon"),
        ("expansion", "hypothesis", "see proposal"),
    ]
}

/// A package that an onboarding lead can work with.
pub(super) fn complete<'a>(go_live: &'a str, by: &'a str) -> Vec<Said<'a>> {
    vec![
        (
            "economic_buyer",
            "authority",
            "The CFO signs up to 250,000 EUR alone; above that the board decides",
        ),
        ("sponsor_map", "strength", "Strong"),
        ("sponsor_map", "dynamics", "Operations wants it; IT fears another integration to look after"),
        ("commitments", "promises", "Two extra training days were promised by phone on the last call"),
        ("success_criteria", "criteria", "Missed appointments fall by more than half within two quarters"),
        ("success_criteria", "metric", "Missed appointments per month, from the dispatch report"),
        ("success_criteria", "target", "from 9 % to under 4 %"),
        ("success_criteria", "by", by),
        ("risks", "risks", "Their address data is stored in three systems that disagree"),
        ("displacement", "incumbent", "Dispatch Planner 7"),
        (
            "displacement",
            "sticky_points",
            "Dispatchers love the colour codes of the old planner and will miss them",
        ),
        ("go_live", "date", go_live),
        ("go_live", "anchor", "Start of the winter service season, when call volume doubles"),
        ("expansion", "hypothesis", "The northern depots follow in year two once the first two run smoothly"),
    ]
}

/// The two fields that were sent back, written anew.
pub(super) fn mended() -> Vec<Said<'static>> {
    vec![
        (
            "success_criteria",
            "criteria",
            "Missed appointments fall by more than half, measured by the dispatch report of each month",
        ),
        (
            "risks",
            "risks",
            "Address data in three systems disagrees; the customer names one owner for it before kick-off",
        ),
    ]
}

/// A promise made smaller.
pub(super) fn softened() -> Vec<Said<'static>> {
    vec![("success_criteria", "target", "from 9 % to under 7 %")]
}
