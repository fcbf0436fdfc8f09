//! Findings: what is wrong, where, and what to do.

use std::collections::BTreeSet;

use handoff_connector::{CheckFinding, Fault};
use handoff_core::extract::{ReadPlan, relation_parts};
use handoff_core::id::ObjectName;
use handoff_core::mapping::{GateWrite, Mapping, ReadPath, Who};
use serde_json::Value;

use super::{Case, advice, wrong};
use crate::id::{is_object, is_property};
use crate::property::{Definition, Definitions, Kind};
use crate::read::{LABEL, OWN_ID};
use crate::{Api, row, splits, stages};

/// Names that cannot be internal names are never sent.
pub(super) fn names(
    mappings: &[Mapping],
    plans: &[ReadPlan],
    writes: &[(ObjectName, Vec<String>)],
) -> Vec<CheckFinding> {
    let related = plans.iter().flat_map(|plan| plan.related.keys()).flat_map(|key| {
        let (of, related) = relation_parts(key);
        of.into_iter().chain([related])
    });
    let objects = related.chain(plans.iter().map(|plan| plan.object.as_str()));
    let objects = objects.chain(mappings.iter().map(|mapping| mapping.object.as_str()));
    let objects = objects.chain(writes.iter().map(|(object, _)| object.as_str()));
    let read = plans
        .iter()
        .flat_map(|plan| plan.fields.iter().chain(&plan.history).chain(plan.related.values().flatten()));
    let written = writes.iter().flat_map(|(_, fields)| fields);
    let names = read.chain(written).map(String::as_str);
    let bad: BTreeSet<&str> =
        objects.filter(|name| !is_object(name)).chain(names.filter(|name| !is_property(name))).collect();
    let shown = |name: &str| name.chars().filter(|each| !each.is_control()).take(80).collect::<String>();
    let remedy =
        "Correct the mapping: internal names have letters, digits and underscores, e.g. handoff_status";
    bad.into_iter().map(|name| wrong(shown(name), "this is not an internal name", remedy)).collect()
}

/// The labels of an answer; a HubSpot-defined type without a label is none.
pub(super) fn labels(body: &Value) -> Result<BTreeSet<String>, Fault> {
    let rows = row::results(body)?.iter();
    let mut labels: BTreeSet<String> =
        rows.filter_map(|row| row.get("label")?.as_str()).map(str::to_owned).collect();
    labels.insert("Primary".to_owned());
    Ok(labels)
}

/// Everything that definitions, pipelines and labels can tell.
pub(super) fn all(api: &Api, case: &Case) -> Vec<CheckFinding> {
    let mut findings = Vec::new();
    for plan in &case.plans {
        findings.extend(reads(api, case, plan));
    }
    for (object, fields) in &case.writes {
        let Some(known) = seen(api, case, object) else { continue };
        findings.extend(fields.iter().filter_map(|field| writable(object, field, &known)));
    }
    for mapping in &case.mappings {
        let object = mapping.object.as_str();
        if let Some(pipelines) = case.pipelines.get(object) {
            findings.extend(pipelines.judge(mapping));
        }
        findings.extend(paths(case, mapping));
        if let Some(known) = seen(api, case, object) {
            findings.extend(mapped(mapping, &known));
            if !stages::are_named_by(&mapping.stage.field) {
                findings.extend(stages(mapping, &known));
            }
        }
    }
    findings
}

fn seen(api: &Api, case: &Case, object: &str) -> Option<std::sync::Arc<Definitions>> {
    if case.hidden.contains(object) { None } else { api.known.find(object) }
}

fn missing(object: &str, name: &str) -> CheckFinding {
    wrong(
        format!("{object}.{name}"),
        "the property is not there, or our token may not read it: it counts as empty, and gates that wait for it stay shut",
        "Create it (deploy/hubspot has ours), or correct its name",
    )
}

fn reads(api: &Api, case: &Case, plan: &ReadPlan) -> Vec<CheckFinding> {
    let object = plan.object.as_str();
    let mut findings = Vec::new();
    if let Some(known) = seen(api, case, object) {
        let all = plan.fields.iter().chain(&plan.history).collect::<BTreeSet<_>>();
        let gone = all.into_iter().filter(|name| is_property(name) && known.find(name).is_none());
        findings.extend(gone.map(|name| missing(object, name)));
    }
    for (key, names) in &plan.related {
        let (_, other) = relation_parts(key);
        if splits::is_meant(plan, key) {
            let gone = names.iter().filter(|name| !splits::COLUMNS.contains(&name.as_str()));
            findings.extend(gone.map(|name| {
                wrong(
                    format!("{object}.{key}.{name}"),
                    "a deal split has no such property: nobody could be paid by it",
                    "Write payee = \"hubspot_owner_id\" and percent = \"hs_deal_split_percentage\" in [pay] splits",
                )
            }));
            continue;
        }
        let Some(known) = seen(api, case, other) else { continue };
        let own = |name: &&String| !matches!(name.as_str(), LABEL | OWN_ID);
        let gone = names.iter().filter(own).filter(|name| known.find(name).is_none());
        findings.extend(gone.map(|name| missing(other, name)));
    }
    findings
}

fn writable(object: &str, field: &str, known: &Definitions) -> Option<CheckFinding> {
    let place = format!("{object}.{field}");
    match known.find(field) {
        None => Some(wrong(
            place,
            "the property that is written is not there",
            "Create it from the files in deploy/hubspot, or correct the mapping",
        )),
        Some(definition) if definition.read_only => Some(wrong(
            place,
            "the property cannot be written: HubSpot calculates it or locks its value",
            "Map a property of your own",
        )),
        // Without it the same task could be created twice.
        Some(definition) if object == crate::tasks::TASKS && !is_vendors(field) && !definition.unique => {
            Some(wrong(
                place,
                "tasks are found by this property, but two of them may share a value",
                "Delete it and create it from deploy/hubspot/properties/tasks.json: hasUniqueValue cannot be set later",
            ))
        }
        Some(_) => None,
    }
}

fn is_vendors(property: &str) -> bool {
    property.starts_with("hs_") || property == "hubspot_owner_id"
}

/// Association labels that nobody can give.
fn paths(case: &Case, mapping: &Mapping) -> Vec<CheckFinding> {
    let object = mapping.object.as_str();
    let all = mapping.read.values().flat_map(|parts| parts.values()).chain(&mapping.account);
    let one = |path: &ReadPath| {
        let way = path.way().ok()?;
        let rows = way.child_rows()?;
        let (from, to) = (rows.of.unwrap_or(object), rows.related);
        let wanted = rows.matching.get(LABEL)?;
        let known = case.labels.get(&(from.to_owned(), to.to_owned()))?;
        let label = wanted.values().iter().find(|label| !known.contains(*label))?;
        Some(wrong(
            format!("{from}.{to}"),
            format!("there is no association label '{label}': nobody can be named by it"),
            "Create it from deploy/hubspot/association-labels.json, or correct `where` in the mapping",
        ))
    };
    all.filter_map(one).collect()
}

fn mapped(mapping: &Mapping, known: &Definitions) -> Vec<CheckFinding> {
    let mut findings = answers(mapping, known);
    for gate in mapping.write.gate.values() {
        findings.extend(gate_fields(mapping, gate, known));
    }
    for person in [&mapping.people.sender.field, &mapping.people.receiver.field] {
        let other = known.find(person).filter(|definition| definition.kind != Kind::Owner);
        findings.extend(other.map(|_| {
            wrong(
                format!("{}.{person}", mapping.object),
                "the property does not name a HubSpot user",
                "Map hubspot_owner_id or a property of the kind 'HubSpot user'",
            )
        }));
    }
    let close = mapping.stage.close_date.iter();
    findings.extend(close.filter_map(|name| kind(mapping, name, known, &[Kind::Date, Kind::Moment])));
    if let Some(state) = &mapping.write.state {
        let values: Vec<&String> = state.names.values().collect();
        findings.extend(choices(mapping, &state.field, &values, known));
    }
    let gates: Vec<&str> = mapping.write.gate.values().map(|gate| gate.field.as_str()).collect();
    findings.push(advice(
        format!("{}.{}", mapping.object, gates.join(", ")),
        "HubSpot has no way to keep workflows, imports and other apps with deal access from writing these properties",
        "Restrict their editing to super admins (Enterprise); what others write is found in the history and taken back",
    ));
    findings
}

/// Stages of an object without pipelines: the choices of a property.
fn stages(mapping: &Mapping, known: &Definitions) -> Vec<CheckFinding> {
    let field = &mapping.stage.field;
    let named: Vec<&String> = mapping.stage.names.values().flatten().collect();
    let mut findings = choices(mapping, field, &named, known);
    let offered = known.find(field).map(|definition| definition.options.as_slice()).unwrap_or_default();
    findings.extend(offered.iter().filter(|option| !named.contains(option)).map(|option| {
        advice(
            format!("{}.{field}", mapping.object),
            format!(
                "the drop-down offers '{option}', which the mapping does not name: gates stay shut there"
            ),
            "Add the value to [stage.names]",
        )
    }));
    findings
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Flag => "single check-box",
        Kind::Number => "number",
        Kind::Date => "date",
        Kind::Moment => "date and time",
        Kind::Owner => "HubSpot user",
        Kind::Text => "text or choice",
    }
}

/// A property of another type than it is used for; a missing one is found elsewhere.
fn kind(mapping: &Mapping, name: &str, known: &Definitions, kinds: &[Kind]) -> Option<CheckFinding> {
    let found = known.find(name).filter(|definition| !kinds.contains(&definition.kind))?;
    let wanted: Vec<&str> = kinds.iter().map(|kind| kind_name(*kind)).collect();
    Some(wrong(
        format!("{}.{name}", mapping.object),
        format!("the property is a {}, not a {}", kind_name(found.kind), wanted.join(" or ")),
        "Map a property of the right type",
    ))
}

fn gate_fields(mapping: &Mapping, gate: &GateWrite, known: &Definitions) -> Vec<CheckFinding> {
    let flag: &[Kind] = match (&gate.open, &gate.closed) {
        (Value::Bool(_), _) | (_, Value::Bool(_)) => &[Kind::Flag],
        (Value::Number(_), _) => &[Kind::Number],
        _ => &[Kind::Text],
    };
    let uses: [(Option<&String>, &[Kind]); 6] = [
        (Some(&gate.field), flag),
        (gate.number.as_ref(), &[Kind::Number]),
        (gate.status.as_ref(), &[Kind::Text]),
        (gate.cleared_at.as_ref(), &[Kind::Moment]),
        (gate.clearance_id.as_ref(), &[Kind::Text]),
        (gate.hold_reason.as_ref(), &[Kind::Text]),
    ];
    uses.into_iter().filter_map(|(name, kinds)| kind(mapping, name?, known, kinds)).collect()
}

fn choices(mapping: &Mapping, name: &str, values: &[&String], known: &Definitions) -> Vec<CheckFinding> {
    let Some(definition) = known.find(name) else { return Vec::new() };
    let place = format!("{}.{name}", mapping.object);
    if definition.kind_name != "enumeration" {
        return vec![wrong(place, "the property is not a list of choices", "Map a drop-down")];
    }
    let offered = |value: &&&String| !offers(definition, value);
    let gone = values.iter().filter(offered).map(|value| {
        wrong(
            place.clone(),
            format!("the drop-down does not offer '{value}'"),
            "Correct the mapping (internal values, not labels), or add the option",
        )
    });
    gone.collect()
}

fn offers(definition: &Definition, value: &str) -> bool {
    definition.options.iter().any(|option| option == value)
}

fn answers(mapping: &Mapping, known: &Definitions) -> Vec<CheckFinding> {
    let decision = &mapping.decision;
    let mut words = vec![&decision.accept, &decision.reject];
    words.extend([&decision.accept_with, &decision.confirm].into_iter().flatten());
    let mut findings = choices(mapping, &decision.field, &words, known);
    if let Some(submit) = &mapping.submit
        && known.find(&submit.field).is_some_and(|found| found.kind != Kind::Flag)
    {
        findings.extend(choices(mapping, &submit.field, &[&submit.value], known));
    }
    if decision.who == Who::LastModifiedBy {
        findings.push(wrong(
            format!("{}.{}", mapping.object, decision.field),
            "HubSpot does not tell who made the last change, so nobody's answer would count",
            "Write who = \"field_history\": HubSpot keeps the history of every property",
        ));
    }
    findings
}
