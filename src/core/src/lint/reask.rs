//! Checks of where people answer about re-asks.

use crate::contract::Contract;
use crate::lint::Complaint;
use crate::mapping::Mapping;
use crate::registry::quoted;

/// Whether every answer can be told from the others and from what is written.
pub(super) fn mapping(mapping: &Mapping, _: &Contract, found: &mut Vec<Complaint>) {
    let Some(reask) = &mapping.reask else { return };
    let (confirm, dismiss) = (reask.confirm.trim(), reask.dismiss.trim());
    if confirm.is_empty() || dismiss.is_empty() || confirm == dismiss {
        let message = "confirm and dismiss must be two different values";
        found.push(Complaint::new(&["reask", "dismiss"], message, "write the pick-list's two values"));
    }
    let decision = &mapping.decision;
    let answers = [
        Some(&decision.accept),
        Some(&decision.reject),
        decision.accept_with.as_ref(),
        decision.confirm.as_ref(),
    ];
    let taken = |value: &str| answers.into_iter().flatten().any(|answer| answer.trim() == value);
    if reask.field == decision.field && (taken(confirm) || taken(dismiss)) {
        let message = "confirm or dismiss is an answer of [decision] too";
        found.push(Complaint::new(&["reask", "field"], message, "write values of their own"));
    }
    let tags = [("reported", &reask.reported), ("complaint", &reask.complaint)];
    for (key, tag) in tags {
        if tag.as_ref().is_some_and(|tag| tag.is.iter().all(|value| value.trim().is_empty())) {
            let message = "no value says yes, so that nothing would ever be reported";
            found.push(Complaint::new(&["reask", key, "is"], message, "write the values that say yes"));
        }
    }
    let written = super::mapping::write_targets(mapping);
    let own = [decision.field.as_str(), mapping.stage.field.as_str()];
    let read = [("field", Some(&reask.field)), ("fields", reask.fields.as_ref())]
        .into_iter()
        .chain(tags.map(|(key, tag)| (key, tag.as_ref().map(|tag| &tag.field))));
    let mut seen = Vec::new();
    for (key, name) in read.filter_map(|(key, name)| Some((key, name?))) {
        let shared = key != "field" && own.contains(&name.as_str());
        let taken =
            written.iter().any(|(_, target)| target == name) || shared || *name == mapping.stage.field;
        if taken || seen.contains(&name) {
            let message = format!("field {} has another purpose already", quoted(name));
            found.push(Complaint::new(&["reask", key], message, "give it a field of its own"));
        }
        seen.push(name);
    }
}
