//! Findings: what is wrong, where, and what to do.

use std::collections::{BTreeMap, BTreeSet};

use handoff_connector::{CheckFinding, Guard};
use handoff_core::extract::ReadPlan;
use handoff_core::id::ObjectName;
use handoff_core::mapping::{EnforcementKind, GateWrite, Mapping, Who};
use serde_json::Value;

use super::Case;
use super::describe::{Describe, Field};
use crate::{Api, row, soql};

const TEXTS: &[&str] = &["string", "textarea", "picklist", "combobox"];
const NUMBERS: &[&str] = &["double", "int", "long", "currency", "percent"];

fn wrong(place: String, problem: impl Into<String>, remedy: impl Into<String>) -> CheckFinding {
    CheckFinding { error: true, place, problem: problem.into(), remedy: remedy.into() }
}

fn advice(place: String, problem: impl Into<String>, remedy: impl Into<String>) -> CheckFinding {
    CheckFinding { error: false, place, problem: problem.into(), remedy: remedy.into() }
}

/// Names that cannot be API names are never sent to the org.
pub(super) fn names(
    mappings: &[Mapping],
    plans: &[ReadPlan],
    writes: &[(ObjectName, Vec<String>)],
) -> Vec<CheckFinding> {
    let objects = plans.iter().map(|plan| &plan.object).chain(mappings.iter().map(|mapping| &mapping.object));
    let objects = objects.chain(writes.iter().map(|(object, _)| object)).map(|object| object.0.as_str());
    let read = plans.iter().flat_map(|plan| {
        plan.fields.iter().chain(plan.related.values().flatten()).chain(&plan.history).map(String::as_str)
    });
    let written = writes.iter().flat_map(|(_, fields)| fields).map(String::as_str);
    let bad: BTreeSet<&str> = objects
        .filter(|name| !soql::is_name(name))
        .chain(read.filter(|name| !soql::is_path(name)))
        .chain(written.filter(|name| !soql::is_name(name)))
        .collect();
    let one = |name: &str| {
        wrong(
            name.chars().filter(|c| !c.is_control()).take(80).collect(),
            "this is not an API name",
            "Correct the mapping: API names have letters, digits and underscores, e.g. Success_Metric__c",
        )
    };
    bad.into_iter().map(one).collect()
}

/// Everything that describes can tell.
pub(super) fn described(api: &Api, case: &Case) -> Vec<CheckFinding> {
    let mut findings = Vec::new();
    for object in case.objects() {
        let Some(describe) = case.described.get(&object).and_then(Option::as_ref) else {
            findings.push(wrong(
                object,
                "the object is not there, or our user may not see it",
                format!("Correct its name, or give the permission set {} read access", api.permission_set),
            ));
            continue;
        };
        for plan in case.plans.iter().filter(|plan| plan.object.0 == object) {
            findings.extend(reads(api, case, plan, describe));
        }
        for field in case.writes.get(&object).into_iter().flatten() {
            findings.extend(written(api, &object, field, describe));
        }
        for mapping in case.mappings.iter().filter(|mapping| mapping.object.0 == object) {
            findings.extend(mapped(mapping, describe));
        }
    }
    findings
}

fn unreadable(api: &Api, object: &str, field: &str) -> CheckFinding {
    wrong(
        format!("{object}.{field}"),
        "the field is not there, or our user may not read it: it counts as empty, and gates that wait for it stay shut",
        format!("Correct its name, or give the permission set {} read access to it", api.permission_set),
    )
}

fn reads(api: &Api, case: &Case, plan: &ReadPlan, describe: &Describe) -> Vec<CheckFinding> {
    let object = plan.object.as_str();
    let mut findings = Vec::new();
    for path in plan.fields.iter().filter(|path| soql::is_path(path)) {
        let place = format!("{object}.{path}");
        if !describe.knows(path) {
            findings.push(unreadable(api, object, path));
        } else if path.contains('.') || describe.field(path).is_some_and(|field| field.calculated) {
            findings.push(advice(
                place,
                "its value is computed from elsewhere: when it changes the record is not stamped, so only the \
                 sweep finds it",
                "Prefer the field that it is computed from",
            ));
        }
    }
    for (relationship, fields) in &plan.related {
        let Some((_, child)) = api.relations.planned(object, relationship) else {
            findings.push(wrong(
                format!("{object}.{relationship}"),
                "there is no such child relationship, or our user may not see it",
                "Correct `related` (and `of`, the lookup to whose record it belongs) in the mapping: it is the child \
                 relationship's name, e.g. OpportunityContactRoles",
            ));
            continue;
        };
        match case.described.get(&child.object).and_then(Option::as_ref) {
            None => findings.push(wrong(
                child.object.clone(),
                "the object is not there, or our user may not see it",
                format!("Give the permission set {} read access to it", api.permission_set),
            )),
            Some(rows) => {
                let hidden = fields.iter().filter(|path| soql::is_path(path) && !rows.knows(path));
                findings.extend(hidden.map(|path| unreadable(api, &child.object, path)));
            }
        }
    }
    findings
}

fn written(api: &Api, object: &str, field: &str, describe: &Describe) -> Option<CheckFinding> {
    if !soql::is_name(field) {
        return None;
    }
    let place = format!("{object}.{field}");
    match describe.field(field) {
        None => Some(wrong(
            place,
            "the field that we write is not there, or our user may not see it",
            format!("Deploy deploy/salesforce and assign the permission set {}", api.permission_set),
        )),
        Some(found) if found.calculated => {
            Some(wrong(place, "the field that we write is a formula", "Map a field that can be written"))
        }
        Some(found) if !found.updateable => Some(wrong(
            place,
            "our user may not write the field",
            format!("Give the permission set {} edit access to it", api.permission_set),
        )),
        // Without it the same task could be created twice.
        Some(found) if object == crate::tasks::TASK && field.ends_with("__c") && !found.external_id => {
            Some(wrong(
                place,
                "tasks are found by this field, but it is no external id",
                "Deploy deploy/salesforce, or make it a unique external id",
            ))
        }
        Some(_) => None,
    }
}

fn mapped(mapping: &Mapping, describe: &Describe) -> Vec<CheckFinding> {
    let mut findings = stages(mapping, describe);
    findings.extend(answers(mapping, describe));
    for gate in mapping.write.gate.values() {
        findings.extend(gate_fields(mapping, gate, describe));
    }
    let notes = [&mapping.write.note.status, &mapping.write.note.missing, &mapping.write.note.changes];
    let notes = notes.into_iter().flatten().filter_map(|name| kind(mapping, name, describe, TEXTS));
    findings.extend(notes);
    for person in [&mapping.people.sender.field, &mapping.people.receiver.field] {
        let other = describe.field(person).filter(|field| !field.reference_to.iter().any(|to| to == "User"));
        findings.extend(other.map(|_| {
            wrong(
                format!("{}.{person}", mapping.object),
                "the field does not name a user",
                "Map a lookup to User; a queue cannot answer for a handoff",
            )
        }));
    }
    findings
}

/// A field of another type than it is used for; a missing one is found elsewhere.
fn kind(mapping: &Mapping, name: &str, describe: &Describe, kinds: &[&str]) -> Option<CheckFinding> {
    let field = describe.field(name).filter(|field| !kinds.contains(&field.kind.as_str()))?;
    Some(wrong(
        format!("{}.{name}", mapping.object),
        format!("the field has the type {}, not one of: {}", field.kind, kinds.join(", ")),
        "Map a field of the right type",
    ))
}

fn gate_fields(mapping: &Mapping, gate: &GateWrite, describe: &Describe) -> Vec<CheckFinding> {
    let flag = match (&gate.open, &gate.closed) {
        (Value::Bool(_), _) | (_, Value::Bool(_)) => &["boolean"],
        (Value::Number(_), _) => NUMBERS,
        _ => TEXTS,
    };
    let uses = [
        (Some(&gate.field), flag),
        (gate.number.as_ref(), NUMBERS),
        (gate.status.as_ref(), TEXTS),
        (gate.cleared_at.as_ref(), &["datetime"]),
        (gate.clearance_id.as_ref(), &["string"]),
        (gate.hold_reason.as_ref(), TEXTS),
    ];
    let mut findings: Vec<CheckFinding> =
        uses.into_iter().filter_map(|(name, kinds)| kind(mapping, name?, describe, kinds)).collect();
    let open_by_default = |field: &&Field| !field.default_value.is_null() && field.default_value == gate.open;
    if let Some(field) = describe.field(&gate.field).filter(open_by_default) {
        findings.push(wrong(
            format!("{}.{}", mapping.object, field.name),
            "the gate stands open on every new record",
            "Set the field's default value to the closed one",
        ));
    }
    findings
}

fn stages(mapping: &Mapping, describe: &Describe) -> Vec<CheckFinding> {
    let Some(field) = describe.field(&mapping.stage.field) else { return Vec::new() };
    let place = format!("{}.{}", mapping.object, field.name);
    if !field.is_picklist() {
        return vec![wrong(place, "the stage field is not a pick-list", "Map the object's stage pick-list")];
    }
    let ours: BTreeSet<&str> = mapping.stage.names.values().flatten().map(String::as_str).collect();
    let theirs: BTreeSet<&str> = field.choices().collect();
    let gone = ours.difference(&theirs).map(|name| {
        wrong(
            place.clone(),
            format!("the mapping names the stage '{name}', which the org does not have"),
            "Correct [stage.names]: the values are API names, not labels",
        )
    });
    let unknown = theirs.difference(&ours).map(|name| {
        advice(
            place.clone(),
            format!("the org has the stage '{name}', which the mapping does not name: gates stay shut there"),
            "Add it to [stage.names]",
        )
    });
    gone.chain(unknown).collect()
}

fn answers(mapping: &Mapping, describe: &Describe) -> Vec<CheckFinding> {
    let decision = &mapping.decision;
    let mut words = vec![&decision.accept, &decision.reject];
    words.extend([&decision.accept_with, &decision.confirm].into_iter().flatten());
    let mut asked = vec![(&decision.field, words)];
    asked.extend(mapping.submit.as_ref().map(|submit| (&submit.field, vec![&submit.value])));
    let mut findings = Vec::new();
    for (name, values) in asked {
        let Some(field) = describe.field(name).filter(|field| field.is_picklist()) else { continue };
        let missing =
            values.into_iter().filter(|value| !field.choices().any(|choice| choice == value.as_str()));
        findings.extend(missing.map(|value| {
            wrong(
                format!("{}.{name}", mapping.object),
                format!("the pick-list does not offer '{value}'"),
                "Correct the mapping, or add the value to the pick-list",
            )
        }));
    }
    findings.extend(kind(mapping, &decision.field, describe, &["picklist", "combobox"]));
    if decision.who == Who::LastModifiedBy {
        findings.push(advice(
            format!("{}.{}", mapping.object, decision.field),
            "who answered is taken from the record's last editor, which is weaker than field history",
            "Turn field history on for the field and set who = \"field_history\"",
        ));
    }
    findings
}

/// Everybody but our permission set who may edit a gate field.
pub(super) fn writers(api: &Api, rows: &[Value]) -> Vec<CheckFinding> {
    let one = |found: &Value| {
        let field = row::text(found, "Field")?;
        let set = row::text(found, "Parent.Name").unwrap_or_default();
        if set == api.permission_set {
            return None;
        }
        let who = match row::text(found, "Parent.Profile.Name") {
            Some(profile) => format!("the profile '{profile}'"),
            None => format!("the permission set '{set}'"),
        };
        Some(wrong(
            field,
            format!("{who} may edit the gate field"),
            format!("Take edit access away from it; only {} may have it", api.permission_set),
        ))
    };
    rows.iter().filter_map(one).collect()
}

/// How the rules that the mappings of an object name stand, by mapping.
pub(super) fn rules(case: &Case, object: &str, rows: &[Value]) -> BTreeMap<String, Guard> {
    let of = case.mappings.iter().filter(|mapping| mapping.object.as_str() == object);
    let one = |mapping: &Mapping| {
        let enforcement = mapping.enforcement.as_ref()?;
        let name = match enforcement.kind {
            EnforcementKind::ValidationRule => &enforcement.name,
            // Means of another vendor: there is nothing of that kind to find here.
            EnforcementKind::ApprovalRule | EnforcementKind::RequiredProperty => {
                return Some((mapping.mapping.clone(), Guard::Missing));
            }
        };
        let found = rows.iter().find(|rule| row::text(rule, "ValidationName").as_deref() == Some(name));
        let guard = match found {
            None => Guard::Missing,
            Some(rule) if row::flag(rule, "Active") => Guard::Active,
            Some(_) => Guard::Inactive,
        };
        Some((mapping.mapping.clone(), guard))
    };
    of.filter_map(one).collect()
}

/// Fields whose history is needed and not kept.
pub(super) fn tracking(case: &Case, object: &str, fields: &[String], rows: &[Value]) -> Vec<CheckFinding> {
    let decides = |field: &str| {
        case.mappings.iter().filter(|mapping| mapping.object.as_str() == object).any(|mapping| {
            let submit = mapping.submit.as_ref().is_some_and(|submit| submit.field == field);
            let excepts = mapping.decision.exceptions.as_deref() == Some(field);
            let decides = mapping.decision.field == field || excepts || submit;
            mapping.decision.who == Who::FieldHistory && decides
        })
    };
    let tracked = |field: &String| {
        rows.iter().any(|found| {
            row::text(found, "QualifiedApiName").is_some_and(|name| name.eq_ignore_ascii_case(field))
                && row::flag(found, "IsFieldHistoryTracked")
        })
    };
    let one = |field: &String| CheckFinding {
        error: decides(field),
        place: format!("{object}.{field}"),
        problem: "field history is off, so the CRM does not tell who changed it and when".to_owned(),
        remedy: format!("Turn field history on for it (Setup, {object}, Set History Tracking)"),
    };
    fields.iter().filter(|field| !tracked(field)).map(one).collect()
}
