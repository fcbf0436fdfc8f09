//! Checks of an evidence mapping against its contract.

use std::collections::BTreeSet;

use crate::contract::Contract;
use crate::evidence::{EvidenceMapping, Phrase, Rule};
use crate::id::FieldKey;
use crate::lint::Complaint;
use crate::registry::{quoted, suggestion};

type Found = Vec<Complaint>;

/// Most phrases, trackers and topics of one rule.
const MOST: usize = 500;
/// Longest of them, in bytes.
const LONGEST: usize = 200;

pub(super) fn fields(mapping: &EvidenceMapping, contract: &Contract, found: &mut Found) {
    let known: Vec<&str> = contract.fields.iter().map(|field| field.key.as_str()).collect();
    for field in mapping.field.keys().filter(|key| contract.field(key).is_none()) {
        let message = format!("the contract has no field {}", quoted(field.as_str()));
        found.push(Complaint::new(&["field", field.as_str()], message, suggestion(field.as_str(), &known)));
    }
    if mapping.field.is_empty() {
        let remedy = format!("add [[field.{}]] with phrases", known.first().unwrap_or(&"KEY"));
        found.push(Complaint::new(&["field"], "no field has rules, so nothing would be suggested", remedy));
    }
}

pub(super) fn rules(mapping: &EvidenceMapping, _: &Contract, found: &mut Found) {
    for (field, row, rule) in all(mapping) {
        let row = row.to_string();
        let at = ["field", field.as_str(), row.as_str()];
        let lists = [("phrases", &rule.phrases), ("trackers", &rule.trackers), ("topics", &rule.topics)];
        if lists.iter().all(|(_, list)| list.is_empty()) {
            let message =
                format!("rule {} of field {} finds nothing", plus_one(&row), quoted(field.as_str()));
            found.push(Complaint::new(&at, message, "add phrases, trackers or topics, or remove the rule"));
        }
        for (key, list) in lists {
            let at = ["field", field.as_str(), row.as_str(), key];
            if list.len() > MOST {
                found.push(Complaint::new(&at, format!("more than {MOST} {key}"), "keep those that matter"));
            }
            if list.iter().any(|text| text.len() > LONGEST || text.chars().any(char::is_control)) {
                let message = format!("one of the {key} is not one line of at most {LONGEST} bytes");
                found.push(Complaint::new(&at, message, "shorten it"));
            }
            if key != "phrases" && list.iter().any(|name| name.trim().is_empty()) {
                found.push(Complaint::new(&at, "holds an empty name", "write it as the vendor shows it"));
            }
        }
    }
    for (field, _) in mapping.field.iter().filter(|(_, rules)| rules.is_empty()) {
        let message = format!("field {} has no rules", quoted(field.as_str()));
        found.push(Complaint::new(&["field", field.as_str()], message, "add phrases, or remove it"));
    }
}

pub(super) fn phrases(mapping: &EvidenceMapping, _: &Contract, found: &mut Found) {
    for (field, row, rule) in all(mapping) {
        let row = row.to_string();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        for (number, text) in rule.phrases.iter().enumerate() {
            let number = number.to_string();
            let at = ["field", field.as_str(), row.as_str(), "phrases", number.as_str()];
            if let Err(why) = Phrase::parse(text) {
                let remedy = "write two or more telling words, e.g. \"currently using\"";
                found.push(Complaint::new(&at, format!("phrase {} {why}", quoted(text)), remedy));
            }
            if !seen.insert(text.trim().to_lowercase()) {
                let message = format!("phrase {} stands there twice", quoted(text));
                found.push(Complaint::new(&at, message, "remove one"));
            }
        }
    }
}

pub(super) fn numbers(mapping: &EvidenceMapping, _: &Contract, found: &mut Found) {
    let places = mapping.places;
    if places.gap_seconds > 600 {
        found.push(Complaint::new(&["places", "gap_seconds"], "out of range", "write 0 to 600 seconds"));
    }
    if !(1..=20).contains(&places.most) {
        found.push(Complaint::new(&["places", "most"], "out of range", "write 1 to 20 places"));
    }
}

fn all(mapping: &EvidenceMapping) -> impl Iterator<Item = (&FieldKey, usize, &Rule)> {
    mapping
        .field
        .iter()
        .flat_map(|(field, rules)| rules.iter().enumerate().map(move |(row, rule)| (field, row, rule)))
}

fn plus_one(row: &str) -> usize {
    row.parse::<usize>().unwrap_or(0).saturating_add(1)
}
