//! What to ask a CRM for.

use std::collections::{BTreeMap, BTreeSet};

use super::ReadPlan;
use crate::contract::Contract;
use crate::mapping::{Mapping, Who};

/// Everything that a mapping reads and writes: what to select, which children, which history. All stages are of interest until
/// [`ReadPlan::narrowed`].
pub fn read_plan(mapping: &Mapping) -> ReadPlan {
    let package: BTreeSet<String> =
        mapping.read.values().flat_map(BTreeMap::values).filter_map(|path| path.field.clone()).collect();
    let decision = &mapping.decision;
    let submit = mapping.submit.iter().map(|submit| submit.field.clone());
    let mut history = package.clone();
    history.extend(mapping.write.gate.values().map(|write| write.field.clone()));
    history.extend([mapping.stage.field.clone()]);
    history.extend(mapping.stage.close_date.clone());
    history.extend(submit);
    if decision.who == Who::FieldHistory {
        history.insert(decision.field.clone());
        history.extend(decision.exceptions.clone());
    }
    let mut fields = history.clone();
    fields.extend([decision.field.clone(), decision.reason.clone()]);
    fields.extend([&decision.fields, &decision.reasons, &decision.exceptions].into_iter().flatten().cloned());
    fields.extend([mapping.people.sender.field.clone(), mapping.people.receiver.field.clone()]);
    fields.extend(mapping.timeline.first_contact.clone());
    fields.extend(mapping.account.as_ref().and_then(|path| path.field.clone()));
    fields.extend(mapping.twin.iter().map(|twin| twin.field.clone()));
    fields.extend(written(mapping));
    ReadPlan {
        object: mapping.object.clone(),
        fields,
        related: related(mapping),
        history,
        stage_field: mapping.stage.field.clone(),
        interesting_stages: BTreeSet::new(),
    }
}

fn written(mapping: &Mapping) -> impl Iterator<Item = String> {
    let note = &mapping.write.note;
    let gates = mapping.write.gate.values().flat_map(|write| {
        [&write.number, &write.status, &write.cleared_at, &write.clearance_id, &write.hold_reason]
    });
    let state = mapping.write.state.iter().map(|state| state.field.clone());
    gates.chain([&note.status, &note.missing, &note.changes, &note.evidence]).flatten().cloned().chain(state)
}

fn related(mapping: &Mapping) -> BTreeMap<String, BTreeSet<String>> {
    let mut related: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in mapping.read.values().flat_map(BTreeMap::values).chain(&mapping.account) {
        if let Some(name) = &path.related {
            let columns = related.entry(name.clone()).or_default();
            columns.extend(path.matching.keys().chain(&path.take).cloned());
        }
    }
    related
}

impl ReadPlan {
    /// The same plan for searching only records in a stage that opens, voids or is guarded. Records of handoffs that are open already
    /// have to be read whatever their stage.
    pub fn narrowed(mut self, mapping: &Mapping, contract: &Contract) -> Self {
        let guarded = contract.gates.values().flat_map(|gate| &gate.stages);
        let names = contract.opens.when_stage_becomes.iter().chain(&contract.opens.void_when_stage_becomes);
        let values = names.chain(guarded).filter_map(|name| mapping.stage.names.get(name)).flatten();
        self.interesting_stages = values.cloned().collect();
        self
    }
}
