//! What to ask a CRM for.

use std::collections::{BTreeMap, BTreeSet};

use super::ReadPlan;
use crate::contract::Contract;
use crate::mapping::{Mapping, PayMapping, Who};

/// Everything that a mapping reads and writes: what to select, which children, which history. All stages are of interest until
/// [`ReadPlan::narrowed`].
pub fn read_plan(mapping: &Mapping) -> ReadPlan {
    let ways = || mapping.paths().filter_map(|path| path.way().ok());
    let package: BTreeSet<String> = ways().filter_map(|way| way.own_field().map(str::to_owned)).collect();
    let decision = &mapping.decision;
    let submit = mapping.submit.iter().map(|submit| submit.field.clone());
    // Another record's field has its history there.
    let mut history: BTreeSet<String> = package.iter().filter(|name| !name.contains('.')).cloned().collect();
    history.extend(mapping.write.gate.values().map(|write| write.field.clone()));
    history.extend([mapping.stage.field.clone()]);
    history.extend(mapping.stage.close_date.clone());
    history.extend(submit);
    history.extend(crate::beside::history_of(mapping));
    if decision.who == Who::FieldHistory {
        history.insert(decision.field.clone());
        history.extend(decision.exceptions.clone());
    }
    let mut fields = history.clone();
    fields.extend(package);
    fields.extend([decision.field.clone(), decision.reason.clone()]);
    fields.extend([&decision.fields, &decision.reasons, &decision.exceptions].into_iter().flatten().cloned());
    fields.extend([mapping.people.sender.field.clone(), mapping.people.receiver.field.clone()]);
    fields.extend(mapping.timeline.first_contact.clone());
    let account = mapping.account.as_ref().and_then(|path| path.way().ok());
    fields.extend(account.and_then(|way| way.own_field().map(str::to_owned)));
    fields.extend(mapping.twin.iter().map(|twin| twin.field.clone()));
    fields.extend(mapping.pay.iter().flat_map(PayMapping::fields).map(str::to_owned));
    fields.extend(written(mapping));
    fields.extend(crate::beside::fields(mapping));
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
    gates.chain([&note.status, &note.missing, &note.changes, &note.evidence, &note.numbers]).flatten().cloned().chain(state)
}

fn related(mapping: &Mapping) -> BTreeMap<String, BTreeSet<String>> {
    let mut related: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in mapping.paths().chain(&mapping.account) {
        let Ok(way) = path.way() else { continue };
        let Some(rows) = way.child_rows() else { continue };
        // Rows of a feed are ours, not the CRM's.
        if rows.fed_by.is_some() {
            continue;
        }
        let columns = related.entry(rows.relation()).or_default();
        columns.extend(way.columns().into_iter().map(str::to_owned));
    }
    for (name, columns) in crate::beside::columns(mapping) {
        related.entry(name.to_owned()).or_default().extend(columns.into_iter().map(str::to_owned));
    }
    for (name, columns) in mapping.pay.iter().filter_map(PayMapping::related) {
        related.entry(name.to_owned()).or_default().extend(columns.map(str::to_owned));
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
