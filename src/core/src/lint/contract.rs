//! Checks of a contract.

use std::collections::BTreeSet;

use crate::completeness::rule::Rule;
use crate::contract::{Condition, Contract, Field, GateKind, Kind, Mode, Part};
use crate::lint::Complaint;
use crate::registry::quoted;

type Found = Vec<Complaint>;

pub(super) fn nothing_is_empty(contract: &Contract, found: &mut Found) {
    if contract.title.trim().is_empty() {
        found.push(Complaint::new(&["title"], "the title is empty", "write one line for people"));
    }
    if contract.opens.when_stage_becomes.is_empty() {
        let remedy = "name the stages that open this handoff";
        found.push(Complaint::new(&["opens", "when_stage_becomes"], "no stage opens this handoff", remedy));
    }
    if contract.gates.is_empty() {
        let message = "the contract has no gates";
        found.push(Complaint::new(
            &["gates"],
            message,
            "name what waits for this handoff; else it governs nothing",
        ));
    }
    if contract.fields.is_empty() {
        let message = "the contract has no fields";
        found.push(Complaint::new(&["field"], message, "add [[field]]; an empty contract is never complete"));
    }
    for (row, field) in contract.fields.iter().enumerate() {
        let row = row.to_string();
        if field.parts.is_empty() {
            let message = format!("field {} has no parts", quoted(field.key.as_str()));
            found.push(Complaint::new(&["field", &row, "parts"], message, "name at least one typed part"));
        }
        for (name, text) in [("label", &field.label), ("ask", &field.ask)] {
            if text.trim().is_empty() || text.len() > 255 || text.chars().any(char::is_control) {
                let message = format!(
                    "the {name} of field {} must be one line of 1 to 255 bytes",
                    quoted(field.key.as_str())
                );
                found.push(Complaint::new(&["field", &row, name], message, "write it in plain words"));
            }
        }
    }
}

pub(super) fn receiver_decides(contract: &Contract, found: &mut Found) {
    let roles = &contract.roles;
    if roles.sender_may_accept {
        let message = "the sender may not accept his own handoff";
        found.push(Complaint::new(
            &["roles", "sender_may_accept"],
            message,
            "write false, or remove the line",
        ));
    }
    if roles.sender == roles.receiver {
        let message = format!("sender and receiver are the same role {}", quoted(&roles.sender));
        found.push(Complaint::new(&["roles", "receiver"], message, "name the receiving team's role"));
    }
}

pub(super) fn pay_waits(contract: &Contract, found: &mut Found) {
    for (name, gate) in &contract.gates {
        let pays = matches!(gate.kind, GateKind::Commission | GateKind::Credit);
        if pays && gate.opens_when == Condition::Complete {
            let message =
                format!("gate {} pays the sender, so it must wait for the receiver", quoted(name.as_str()));
            found.push(Complaint::new(
                &["gates", name.as_str(), "opens_when"],
                message,
                "write opens_when = \"accepted\"",
            ));
        }
    }
}

pub(super) fn plan_clause(contract: &Contract, found: &mut Found) {
    for (name, gate) in &contract.gates {
        let clause = gate.plan_clause.as_deref().map(str::trim);
        let at = ["gates", name.as_str(), "plan_clause"];
        if gate.kind == GateKind::Commission && gate.mode == Mode::Enforce && clause.is_none_or(str::is_empty)
        {
            let message = format!("gate {} holds pay but names no plan_clause", quoted(name.as_str()));
            let remedy =
                "quote the clause of the compensation plan that makes pay wait, or write mode = \"observe\"";
            found.push(Complaint::new(&at, message, remedy));
        }
        if gate.kind != GateKind::Commission && gate.plan_clause.is_some() {
            let message =
                format!("gate {} has a plan_clause but does not hold commission", quoted(name.as_str()));
            found.push(Complaint::new(&at, message, "remove it, or write kind = \"commission\""));
        }
    }
}

pub(super) fn stage_gates(contract: &Contract, found: &mut Found) {
    let opens: BTreeSet<_> = contract.opens.when_stage_becomes.iter().collect();
    for (name, gate) in &contract.gates {
        let at = ["gates", name.as_str(), "stages"];
        if gate.kind != GateKind::Stage {
            if !gate.stages.is_empty() {
                let message = format!("gate {} lists stages but is not of kind stage", quoted(name.as_str()));
                found.push(Complaint::new(&at, message, "remove them, or write kind = \"stage\""));
            }
            continue;
        }
        if gate.stages.is_empty() {
            let message = format!("stage gate {} guards no stage", quoted(name.as_str()));
            found.push(Complaint::new(
                &at,
                message,
                "list the stages that may not be entered while it is shut",
            ));
        }
        let guarded: BTreeSet<_> = gate.stages.iter().collect();
        if gate.mode == Mode::Enforce && !guarded.is_empty() && !opens.is_empty() && opens.is_subset(&guarded)
        {
            let message = format!(
                "stage gate {} can never open: the handoff opens only in the stages that it guards",
                quoted(name.as_str())
            );
            found.push(Complaint::new(&at, message, "add an earlier stage to opens.when_stage_becomes"));
        }
        for stage in gate.stages.iter().filter(|stage| contract.opens.void_when_stage_becomes.contains(stage))
        {
            let message = format!(
                "stage gate {} guards {}, which voids",
                quoted(name.as_str()),
                quoted(stage.as_str())
            );
            found.push(Complaint::new(&at, message, "a lost deal must stay possible; guard another stage"));
        }
    }
}

pub(super) fn voids(contract: &Contract, found: &mut Found) {
    let opens = &contract.opens;
    for stage in opens.void_when_stage_becomes.iter().filter(|stage| opens.when_stage_becomes.contains(stage))
    {
        let message = format!("stage {} both opens and voids", quoted(stage.as_str()));
        found.push(Complaint::new(
            &["opens", "void_when_stage_becomes"],
            message,
            "list it in one of the two",
        ));
    }
}

pub(super) fn unique_fields(contract: &Contract, found: &mut Found) {
    let mut seen = BTreeSet::new();
    for (row, field) in contract.fields.iter().enumerate() {
        if !seen.insert(&field.key) {
            let message = format!("field {} is there twice", quoted(field.key.as_str()));
            found.push(Complaint::new(
                &["field", &row.to_string(), "key"],
                message,
                "give each field its own key",
            ));
        }
    }
}

fn parts(contract: &Contract) -> impl Iterator<Item = ([String; 4], &Field, &str, &Part)> {
    contract.fields.iter().enumerate().flat_map(|(row, field)| {
        field.parts.iter().map(move |(name, part)| {
            let at = ["field".to_owned(), row.to_string(), "parts".to_owned(), name.as_str().to_owned()];
            (at, field, name.as_str(), part)
        })
    })
}

pub(super) fn rules_fit(contract: &Contract, found: &mut Found) {
    for (at, field, name, part) in parts(contract) {
        let at: Vec<&str> = at.iter().map(String::as_str).collect();
        let mut tell = |message: String, remedy: &str| found.push(Complaint::new(&at, message, remedy));
        let part_name = quoted(&format!("{}.{name}", field.key));
        if name == "none" {
            tell(
                format!("part {part_name} has a reserved name"),
                "\"none\" is the check-box that the mapping adds when none_is_an_answer = true",
            );
        }
        for (rule, is_set, kind, word) in [
            ("needs_number", part.needs_number, Kind::Text, "text"),
            ("min_chars", part.min_chars.is_some(), Kind::Text, "text"),
            ("choices", !part.choices.is_empty(), Kind::Choice, "choice"),
            ("columns", !part.columns.is_empty(), Kind::List, "list"),
        ] {
            if is_set && part.kind != kind {
                tell(
                    format!("part {part_name} has {rule}, which only kind {word} has"),
                    "remove it, or change the kind",
                );
            }
        }
        let dated = |kind: &Kind| matches!(kind, Kind::Series | Kind::Date);
        if part.max_age_days.is_some() && !dated(&part.kind) && !part.columns.values().any(dated) {
            tell(
                format!("part {part_name} has max_age_days, but nothing in it is dated"),
                "remove it; kinds series and date have dates, and lists with such columns",
            );
        }
        if part.kind == Kind::List && part.columns.is_empty() {
            tell(format!("list {part_name} has no columns"), "name the columns that each row needs");
        }
        if part.columns.values().any(|kind| *kind == Kind::List) {
            tell(format!("list {part_name} has a list inside"), "columns hold single values, or a series");
        }
        let unique: BTreeSet<_> = part.choices.iter().map(|choice| choice.trim().to_lowercase()).collect();
        if unique.len() != part.choices.len() || unique.contains("") {
            tell(format!("part {part_name} has an empty or double choice"), "list each choice once");
        }
    }
}

pub(super) fn numbers(contract: &Contract, found: &mut Found) {
    let mut tell = |at: &[&str], bad: bool, message: &str, remedy: &str| {
        if bad {
            found.push(Complaint::new(at, message, remedy));
        }
    };
    tell(&["version"], contract.version == 0, "versions count from 1", "write version = 1");
    tell(
        &["field"],
        contract.fields.len() > 100,
        "more than 100 fields",
        "nobody fills that; split the contract",
    );
    tell(&["gates"], contract.gates.len() > 20, "more than 20 gates", "keep what really waits");
    tell(
        &["quality", "filler"],
        contract.quality.filler.len() > 500,
        "more than 500 filler words",
        "shorten the list",
    );
    tell(
        &["quality", "min_chars"],
        contract.quality.min_chars > 1000,
        "min_chars is over 1000",
        "ask for less",
    );
    let hours = contract.sla.accept_within_hours;
    let bad = hours.is_some_and(|hours| hours == 0 || hours > 8760);
    tell(
        &["sla", "accept_within_hours"],
        bad,
        "accept_within_hours must be 1 to 8760",
        "leave it out for no clock",
    );
    for (row, field) in contract.fields.iter().enumerate() {
        let at = ["field", &row.to_string(), "parts"];
        tell(&at, field.parts.len() > 20, "more than 20 parts in one field", "split the field");
    }
    for (at, _, _, part) in parts(contract) {
        let at: Vec<&str> = at.iter().map(String::as_str).collect();
        tell(&at, part.min_chars.is_some_and(|min| min > 1000), "min_chars is over 1000", "ask for less");
        let bad = part.max_age_days.is_some_and(|days| !(1..=3_660).contains(&days));
        tell(&at, bad, "max_age_days must be 1 to 3660", "leave it out for any age");
        tell(&at, part.choices.len() > 500, "more than 500 choices", "shorten the list");
        tell(&at, part.columns.len() > 20, "more than 20 columns", "keep what each row needs");
    }
}

pub(super) fn conditions(contract: &Contract, found: &mut Found) {
    for (row, field) in contract.fields.iter().enumerate() {
        let Some(text) = &field.required_when else { continue };
        if let Err(error) = Rule::compile(text).and_then(|rule| rule.check(contract)) {
            let message = format!("required_when of field {}: {error}", quoted(field.key.as_str()));
            let remedy =
                "write a yes/no expression over stage, motion and fields, e.g. motion == \"enterprise\"";
            found.push(Complaint::new(&["field", &row.to_string(), "required_when"], message, remedy));
        }
    }
}
