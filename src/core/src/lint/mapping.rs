//! Checks of a mapping against its contract.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::contract::{Contract, Submit};
use crate::exception::UNKNOWN;
use crate::id::{FieldKey, GateName, PartKey};
use crate::lint::Complaint;
use crate::mapping::{DecisionMapping, Mapping, ReadPath};
use crate::registry::{quoted, suggestion};

type Found = Vec<Complaint>;

/// Every CRM field that the mapping writes, with its place in the file.
pub(super) fn write_targets(mapping: &Mapping) -> Vec<(Vec<String>, &str)> {
    let mut targets = Vec::new();
    for (gate, write) in &mapping.write.gate {
        let fields = [
            ("field", Some(&write.field)),
            ("number", write.number.as_ref()),
            ("status", write.status.as_ref()),
            ("cleared_at", write.cleared_at.as_ref()),
            ("clearance_id", write.clearance_id.as_ref()),
            ("hold_reason", write.hold_reason.as_ref()),
        ];
        for (key, name) in fields {
            if let Some(name) = name {
                targets
                    .push((["write", "gate", gate.as_str(), key].map(str::to_owned).to_vec(), name.as_str()));
            }
        }
    }
    let note = &mapping.write.note;
    let notes = [("status", &note.status), ("missing", &note.missing), ("changes", &note.changes)];
    for (key, name) in notes.into_iter().chain([("evidence", &note.evidence), ("numbers", &note.numbers)]) {
        if let Some(name) = name {
            targets.push((["write", "note", key].map(str::to_owned).to_vec(), name.as_str()));
        }
    }
    if let Some(beside) = &mapping.beside {
        let echo = beside.echo.as_ref().filter(|echo| echo.on.is_none());
        targets.extend(echo.map(|echo| (vec!["beside".to_owned(), "echo".to_owned()], echo.field.as_str())));
        let brief = beside.brief.as_deref();
        targets.extend(brief.map(|brief| (vec!["beside".to_owned(), "brief".to_owned()], brief)));
    }
    if let Some(state) = &mapping.write.state {
        targets.push((["write", "state", "field"].map(str::to_owned).to_vec(), state.field.as_str()));
    }
    targets
}

pub(super) fn parts(mapping: &Mapping, contract: &Contract, found: &mut Found) {
    let nothing = BTreeMap::new();
    for field in &contract.fields {
        let key = field.key.as_str();
        let read = mapping.read.get(&field.key).unwrap_or(&nothing);
        let none = PartKey::from("none");
        let needed: BTreeSet<&PartKey> =
            field.parts.keys().chain(field.none_is_an_answer.then_some(&none)).collect();
        let unknown = PartKey::from(UNKNOWN);
        for part in needed.iter().filter(|part| !read.contains_key(**part)) {
            let message = format!("part {} is not mapped", quoted(&format!("{key}.{part}")));
            let remedy = format!("add {part} = {{ field = \"…\" }} to [read.{key}]");
            found.push(Complaint::new(&["read", key], message, remedy));
        }
        let known: Vec<&str> = needed.iter().map(|part| part.as_str()).collect();
        for part in read.keys().filter(|part| !needed.contains(part) && **part != unknown) {
            let message = format!("field {} has no part {}", quoted(key), quoted(part.as_str()));
            found.push(Complaint::new(
                &["read", key, part.as_str()],
                message,
                suggestion(part.as_str(), &known),
            ));
        }
    }
    let known: Vec<&str> = contract.fields.iter().map(|field| field.key.as_str()).collect();
    for field in mapping.read.keys().filter(|key| contract.field(key).is_none()) {
        let message = format!("the contract has no field {}", quoted(field.as_str()));
        found.push(Complaint::new(&["read", field.as_str()], message, suggestion(field.as_str(), &known)));
    }
}

pub(super) fn paths_of(mapping: &Mapping) -> impl Iterator<Item = (&FieldKey, &PartKey, &ReadPath)> {
    mapping.read.iter().flat_map(|(field, parts)| parts.iter().map(move |(part, path)| (field, part, path)))
}

pub(super) fn gates(mapping: &Mapping, contract: &Contract, found: &mut Found) {
    let known: Vec<&str> = contract.gates.keys().map(GateName::as_str).collect();
    for name in contract.gates.keys().filter(|name| !mapping.write.gate.contains_key(name)) {
        let message = format!("gate {} is not mapped", quoted(name.as_str()));
        found.push(Complaint::new(&["write", "gate"], message, format!("add {name} = {{ field = \"…\" }}")));
    }
    for (name, write) in &mapping.write.gate {
        let at = ["write", "gate", name.as_str()];
        if !contract.gates.contains_key(name) {
            let message = format!("the contract has no gate {}", quoted(name.as_str()));
            found.push(Complaint::new(&at, message, suggestion(name.as_str(), &known)));
        }
        let plain = |value: &Value| value.is_boolean() || value.is_number() || value.is_string();
        if !plain(&write.open) || !plain(&write.closed) || write.open == write.closed {
            let message = format!(
                "gate {} needs two different plain values for open and closed",
                quoted(name.as_str())
            );
            found.push(Complaint::new(&at, message, "write open = true, closed = false"));
        }
    }
}

pub(super) fn stages(mapping: &Mapping, contract: &Contract, found: &mut Found) {
    let guarded = contract.gates.values().flat_map(|gate| &gate.stages);
    let needed: BTreeSet<_> = contract
        .opens
        .when_stage_becomes
        .iter()
        .chain(&contract.opens.void_when_stage_becomes)
        .chain(guarded)
        .collect();
    for stage in needed.into_iter().filter(|stage| !mapping.stage.names.contains_key(stage)) {
        let message = format!("stage {} of the contract is not named", quoted(stage.as_str()));
        found.push(Complaint::new(&["stage", "names"], message, format!("add {stage} = [\"…\"]")));
    }
    let mut owners = BTreeMap::new();
    for (stage, values) in &mapping.stage.names {
        let at = ["stage", "names", stage.as_str()];
        if values.is_empty() || values.iter().any(|value| value.trim().is_empty()) {
            let message = format!("stage {} has no values, or an empty one", quoted(stage.as_str()));
            found.push(Complaint::new(&at, message, "list the CRM's stage values"));
        }
        for value in values {
            if let Some(other) = owners.insert(value.as_str(), stage) {
                let message = format!("stage value {} is listed under {other} and {stage}", quoted(value));
                found.push(Complaint::new(&at, message, "list each value once"));
            }
        }
    }
}

pub(super) fn answers(mapping: &Mapping, _: &Contract, found: &mut Found) {
    let decision = &mapping.decision;
    if decision.accept == decision.reject
        || decision.accept.trim().is_empty()
        || decision.reject.trim().is_empty()
    {
        let message = "accept and reject must be two different values";
        found.push(Complaint::new(&["decision", "reject"], message, "write the pick-list's two values"));
    }
    other_answers(decision, found);
    if mapping.people.sender.field == mapping.people.receiver.field {
        let message =
            format!("sender and receiver are both read from {}", quoted(&mapping.people.sender.field));
        found.push(Complaint::new(
            &["people", "receiver"],
            message,
            "name the field with the receiver's user",
        ));
    }
    let mut used = BTreeMap::from([(mapping.stage.field.as_str(), "the stage")]);
    let submit =
        mapping.submit.as_ref().map(|submit| (submit.field.as_str(), "submitting", ["submit", "field"]));
    let close_date = mapping.stage.close_date.as_deref();
    let twin = mapping.twin.as_ref().map(|twin| (twin.field.as_str(), "the twin's id", ["twin", "field"]));
    let fields = [
        twin,
        close_date.map(|name| (name, "the close date", ["stage", "close_date"])),
        Some((decision.field.as_str(), "the decision", ["decision", "field"])),
        Some((decision.reason.as_str(), "the reason", ["decision", "reason"])),
        decision.fields.as_deref().map(|name| (name, "the rejected fields", ["decision", "fields"])),
        decision.reasons.as_deref().map(|name| (name, "the reasons per field", ["decision", "reasons"])),
        decision.exceptions.as_deref().map(|name| (name, "the exceptions", ["decision", "exceptions"])),
        submit,
    ];
    for (name, what, at) in fields.into_iter().flatten() {
        if let Some(other) = used.insert(name, what) {
            let message = format!("{} is mapped to {other} and to {what}", quoted(name));
            found.push(Complaint::new(&at, message, "use one CRM field for each"));
        }
    }
    for (field, part, path) in paths_of(mapping) {
        if let Some(what) = path.field.as_deref().and_then(|name| used.get(name)) {
            let message = format!(
                "{} is mapped to {what}, so it cannot be part of the package",
                quoted(&format!("{field}.{part}"))
            );
            found.push(Complaint::new(
                &["read", field.as_str(), part.as_str()],
                message,
                "name the field with the content",
            ));
        }
    }
}

/// Answers besides yes and no have values of their own, and exceptions a field to stand in.
fn other_answers(decision: &DecisionMapping, found: &mut Found) {
    let mut taken = vec![decision.accept.as_str(), decision.reject.as_str()];
    for (key, value) in [("accept_with", &decision.accept_with), ("confirm", &decision.confirm)] {
        let Some(value) = value else { continue };
        if value.trim().is_empty() || taken.contains(&value.as_str()) {
            let message = format!("{} is empty or another answer's value too", quoted(value));
            found.push(Complaint::new(&["decision", key], message, "write a value of its own"));
        }
        taken.push(value);
    }
    if decision.accept_with.is_some() != decision.exceptions.is_some() {
        let message = "accept_with and exceptions belong together";
        found.push(Complaint::new(&["decision", "exceptions"], message, "write both, or neither"));
    }
}

pub(super) fn submit(mapping: &Mapping, contract: &Contract, found: &mut Found) {
    let at = ["submit"];
    match (contract.submit, &mapping.submit) {
        (Submit::Explicit, None) => found.push(Complaint::new(
            &at,
            "the contract wants the sender to submit, but [submit] is missing",
            "add [submit] with field and value",
        )),
        (Submit::Auto, Some(_)) => found.push(Complaint::new(
            &at,
            "the contract submits by itself, so [submit] has no effect",
            "remove it, or write submit = \"explicit\" in the contract",
        )),
        (Submit::Explicit, Some(submit)) if submit.value.trim().is_empty() => {
            found.push(Complaint::new(
                &["submit", "value"],
                "the value is empty",
                "write the value for \"submitted\"",
            ));
        }
        (Submit::Explicit, Some(_)) | (Submit::Auto, None) => {}
    }
}

pub(super) fn targets(mapping: &Mapping, _: &Contract, found: &mut Found) {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for (at, name) in write_targets(mapping) {
        let place = at.join(".");
        if let Some(other) = seen.insert(name.to_lowercase(), place.clone()) {
            let at: Vec<&str> = at.iter().map(String::as_str).collect();
            let message = format!("{} is written by {other} and by {place}", quoted(name));
            found.push(Complaint::new(&at, message, "give each its own CRM field"));
        }
    }
}

pub(super) fn read_and_written(mapping: &Mapping, _: &Contract, found: &mut Found) {
    let decision = &mapping.decision;
    let people = &mapping.people;
    let package = paths_of(mapping).filter_map(|(_, _, path)| path.field.as_deref());
    let read: BTreeSet<String> = package
        .chain([mapping.stage.field.as_str(), &people.sender.field, &people.receiver.field])
        .chain([decision.field.as_str(), &decision.reason])
        .chain(
            [&decision.fields, &decision.reasons, &decision.exceptions]
                .into_iter()
                .filter_map(Option::as_deref),
        )
        .chain(mapping.submit.as_ref().map(|submit| submit.field.as_str()))
        .chain(mapping.twin.as_ref().map(|twin| twin.field.as_str()))
        .map(str::to_lowercase)
        .collect();
    for (at, name) in write_targets(mapping) {
        if read.contains(&name.to_lowercase()) {
            let at: Vec<&str> = at.iter().map(String::as_str).collect();
            let message = format!("{} is written, but people's words are read from it too", quoted(name));
            found.push(Complaint::new(&at, message, "write to a field of its own"));
        }
    }
}
