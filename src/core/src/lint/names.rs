//! Names that go into queries and on records: plain identifiers only, so that nothing can be smuggled in.

use std::collections::BTreeMap;

use crate::contract::Contract;
use crate::lint::Complaint;
use crate::mapping::{COUNT_COLUMN, Enforcement, EnforcementKind, Mapping, ReadPath, Wanted};
use crate::registry::quoted;

const LONGEST: usize = 80;

/// Whether a CRM's API name is `^[A-Za-z][A-Za-z0-9_]*$` and at most 80 characters.
pub(super) fn is_api_name(name: &str) -> bool {
    name.len() <= LONGEST
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|each| each.is_ascii_alphanumeric() || each == '_')
}

fn is_key(name: &str) -> bool {
    name.len() <= LONGEST
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(|each| each.is_ascii_lowercase() || each.is_ascii_digit() || each == '_')
}

fn is_slug(name: &str) -> bool {
    name.len() <= LONGEST
        && name.split('-').all(|word| {
            !word.is_empty() && word.chars().all(|each| each.is_ascii_lowercase() || each.is_ascii_digit())
        })
}

fn key(at: &[&str], name: &str, found: &mut Vec<Complaint>) {
    if !is_key(name) {
        let message = format!("{} is not a plain name", quoted(name));
        found.push(Complaint::new(at, message, "use small letters, digits and _, a letter first"));
    }
}

pub(super) fn api(at: &[&str], name: &str, found: &mut Vec<Complaint>) {
    if !is_api_name(name) {
        let message = format!("{} is not an API name", quoted(name));
        found.push(Complaint::new(at, message, "use letters, digits and _, a letter first, at most 80"));
    }
}

/// Keys of a contract.
pub(super) fn contract(contract: &Contract, found: &mut Vec<Complaint>) {
    if !is_slug(contract.contract.as_str()) {
        let message = format!("{} is not a contract name", quoted(contract.contract.as_str()));
        found.push(Complaint::new(&["contract"], message, "use small letters, digits and single -"));
    }
    key(&["roles", "sender"], &contract.roles.sender, found);
    key(&["roles", "receiver"], &contract.roles.receiver, found);
    for stage in &contract.opens.when_stage_becomes {
        key(&["opens", "when_stage_becomes"], stage.as_str(), found);
    }
    for stage in &contract.opens.void_when_stage_becomes {
        key(&["opens", "void_when_stage_becomes"], stage.as_str(), found);
    }
    for (name, gate) in &contract.gates {
        key(&["gates", name.as_str()], name.as_str(), found);
        for stage in &gate.stages {
            key(&["gates", name.as_str(), "stages"], stage.as_str(), found);
        }
    }
    for (row, field) in contract.fields.iter().enumerate() {
        let row = row.to_string();
        key(&["field", &row, "key"], field.key.as_str(), found);
        for (name, part) in &field.parts {
            key(&["field", &row, "parts", name.as_str()], name.as_str(), found);
            for column in part.columns.keys() {
                key(&["field", &row, "parts", name.as_str(), "columns"], column, found);
            }
        }
    }
}

/// API names of a mapping.
pub(super) fn mapping(mapping: &Mapping, _: &Contract, found: &mut Vec<Complaint>) {
    key(&["connector"], &mapping.connector, found);
    for motion in mapping.motion.always.iter().chain(mapping.motion.names.keys()) {
        key(&["motion"], motion.as_str(), found);
    }
    api(&["object"], mapping.object.as_str(), found);
    api(&["stage", "field"], &mapping.stage.field, found);
    if let Some(name) = &mapping.stage.close_date {
        api(&["stage", "close_date"], name, found);
    }
    for (field, parts) in &mapping.read {
        for (part, path) in parts {
            read_path(&["read", field.as_str(), part.as_str()], path, found);
        }
    }
    for (name, criterion) in mapping.icp.iter().flat_map(|icp| &icp.criteria) {
        key(&["icp", "criteria", name], name, found);
        read_path(&["icp", "criteria", name, "read"], &criterion.read, found);
    }
    if let Some(path) = &mapping.account {
        read_path(&["account"], path, found);
    }
    api(&["people", "sender", "field"], &mapping.people.sender.field, found);
    api(&["people", "receiver", "field"], &mapping.people.receiver.field, found);
    api(&["decision", "field"], &mapping.decision.field, found);
    api(&["decision", "reason"], &mapping.decision.reason, found);
    let decision = &mapping.decision;
    for (at, name) in
        [("fields", &decision.fields), ("reasons", &decision.reasons), ("exceptions", &decision.exceptions)]
    {
        if let Some(name) = name {
            api(&["decision", at], name, found);
        }
    }
    if let Some(submit) = &mapping.submit {
        api(&["submit", "field"], &submit.field, found);
    }
    if let Some(twin) = &mapping.twin {
        api(&["twin", "object"], twin.object.as_str(), found);
        api(&["twin", "field"], &twin.field, found);
    }
    if let Some(beside) = &mapping.beside {
        for (at, name) in crate::beside::names(beside) {
            api_path(&["beside", at], name, found);
        }
    }
    for (at, name) in super::mapping::write_targets(mapping) {
        let at: Vec<&str> = at.iter().map(String::as_str).collect();
        api(&at, name, found);
    }
    if let Some(enforcement) = &mapping.enforcement {
        enforced_by(enforcement, found);
    }
}

/// An approval rule is found by people, under the title that it was given; everything else has an API name.
fn enforced_by(enforcement: &Enforcement, found: &mut Vec<Complaint>) {
    let (at, name) = (["enforcement", "name"], enforcement.name.as_str());
    match enforcement.kind {
        EnforcementKind::ValidationRule | EnforcementKind::RequiredProperty => api(&at, name, found),
        EnforcementKind::ApprovalRule => {
            if name.trim().is_empty() || name.len() > 255 || name.chars().any(char::is_control) {
                let message = "the rule's title must be one line of 1 to 255 bytes";
                found.push(Complaint::new(&at, message, "write the title as the CRM shows it"));
            }
        }
    }
}

/// Most names in a path of lookups; Salesforce follows five and takes a field of the last.
const DEEPEST: usize = 6;

/// A field, or a path of lookups that ends in one.
fn api_path(at: &[&str], name: &str, found: &mut Vec<Complaint>) {
    if name.split('.').count() > DEEPEST || !name.split('.').all(is_api_name) {
        let message = format!("{} is not an API name", quoted(name));
        let remedy =
            "use letters, digits and _, a letter first, at most 80; a dot follows a lookup, at most 5";
        found.push(Complaint::new(at, message, remedy));
    }
}

fn read_path(at: &[&str], path: &ReadPath, found: &mut Vec<Complaint>) {
    let with = |key: &'static str| at.iter().copied().chain([key]).collect::<Vec<_>>();
    // What is carried is taken from a contract, and `through` and `of` are the record's own.
    let take = path.take.as_ref().filter(|_| path.carried.is_none());
    let columns =
        [("field", &path.field), ("newest", &path.newest), ("oldest", &path.oldest), ("dated", &path.dated)];
    for (key, name) in columns.into_iter().filter_map(|(key, name)| Some((key, name.as_ref()?))) {
        api_path(&with(key), name, found);
    }
    if let Some(name) = take {
        api_path(&with("take"), name, found);
    }
    for (key, name) in [("related", &path.related), ("of", &path.of), ("key", &path.key)] {
        if let Some(name) = name {
            api(&with(key), name, found);
        }
    }
    for name in path.rows.iter().flat_map(BTreeMap::values).filter(|name| *name != COUNT_COLUMN) {
        api_path(&with("rows"), name, found);
    }
    if let Some(series) = &path.series {
        for name in std::iter::once(&series.at).chain(&series.value).chain(&series.per) {
            api_path(&with("series"), name, found);
        }
    }
    if let Some(name) = &path.feed {
        key(&with("feed"), name, found);
    }
    if let Some(carried) = &path.carried {
        for name in carried.through.iter().chain(&carried.related) {
            api(&with("carried"), name, found);
        }
        wanted(&with("carried"), &carried.matching, found);
    }
    wanted(&with("where"), &path.matching, found);
}

fn wanted(at: &[&str], matching: &BTreeMap<String, Wanted>, found: &mut Vec<Complaint>) {
    let fits =
        |value: &String| !value.is_empty() && value.len() <= 255 && !value.chars().any(char::is_control);
    for (name, wanted) in matching {
        api_path(at, name, found);
        if !(1..=50).contains(&wanted.values().len()) || !wanted.values().iter().all(fits) {
            let message =
                format!("{} must equal one line of 1 to 255 bytes, or one of 1 to 50 such", quoted(name));
            found.push(Complaint::new(at, message, "write the pick-list value as the CRM shows it"));
        }
    }
}
