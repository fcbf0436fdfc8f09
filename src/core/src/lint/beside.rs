//! Checks of what contracts and mappings say about conduct beside the package.

use std::collections::BTreeMap;

use super::Complaint;
use crate::beside::PartRef;
use crate::contract::Contract;
use crate::id::StageName;
use crate::mapping::Mapping;
use crate::motion::UNKNOWN;
use crate::registry::{quoted, suggestion};

type Found = Vec<Complaint>;

/// Every part that conduct speaks of is a part of the contract, and no time is nothing.
pub(super) fn contract(contract: &Contract, found: &mut Found) {
    let parts: Vec<String> = contract
        .fields
        .iter()
        .flat_map(|field| field.parts.keys().map(move |part| format!("{}.{part}", field.key)))
        .collect();
    let known: Vec<&str> = parts.iter().map(String::as_str).collect();
    let mut is_part = |table: &str, key: &str, part: &PartRef| {
        if !known.contains(&part.0.as_str()) {
            let message = format!("the contract has no part {}", quoted(&part.0));
            found.push(Complaint::new(&[table, key], message, suggestion(&part.0, &known)));
        }
    };
    if let Some(path) = &contract.return_path {
        for (key, part) in [
            ("eta", &path.eta),
            ("cadence", &path.cadence),
            ("communication_owner", &path.communication_owner),
            ("close_within_hours", &path.close_within_hours),
        ] {
            is_part("return_path", key, part);
        }
    }
    if let Some(cross) = &contract.cross_motion {
        for (key, part) in [
            ("owner", &cross.owner),
            ("mode", &cross.mode),
            ("trigger", &cross.trigger),
            ("owner_after", &cross.owner_after),
            ("latest", &cross.latest),
            ("stop_below", &cross.stop_below),
            ("paperwork", &cross.paperwork),
        ] {
            is_part("cross_motion", key, part);
        }
    }
    if let Some(touch) = &contract.first_touch {
        is_part("first_touch", "within_hours", &touch.within_hours);
        is_part("first_touch", "context", &touch.context);
        if let Some(tier) = &touch.tier {
            is_part("first_touch", "tier", tier);
        }
    }
    let Some(path) = &contract.return_path else { return };
    if path.acknowledge_within_hours == 0 {
        let message = "an acknowledgement within no time can only be missed";
        found.push(Complaint::new(
            &["return_path", "acknowledge_within_hours"],
            message,
            "allow an hour or more",
        ));
    }
    if path.every_hours.is_empty() || path.every_hours.values().any(|hours| *hours == 0) {
        let message = "a cadence needs hours, at least one";
        found.push(Complaint::new(
            &["return_path", "every_hours"],
            message,
            "write { Daily = 24, Weekly = 168 }",
        ));
    }
}

/// A motion is told by `always` or by a field, never by both, and never by default.
pub(super) fn motion(mapping: &Mapping, _: &Contract, found: &mut Found) {
    let motion = &mapping.motion;
    match (&motion.always, &motion.field) {
        (Some(_), None) if motion.names.is_empty() && motion.reason.is_none() => {}
        (Some(_), _) => {
            let message = "the motion is told in two ways";
            found.push(Complaint::new(&["motion"], message, "keep always, or field with names"));
        }
        (None, Some(_)) if motion.names.is_empty() => {
            let message = "no value of the motion field is named: every record would be of unknown motion";
            found.push(Complaint::new(
                &["motion", "field"],
                message,
                "add names = { a = [\"…\"], b = [\"…\"] }",
            ));
        }
        (None, Some(_)) => {}
        (None, None) => {
            let message = "nothing tells the motion";
            found.push(Complaint::new(&["motion"], message, "write always = \"main\", or field and names"));
        }
    }
    for name in motion.always.iter().chain(motion.names.keys()).filter(|name| name.as_str() == UNKNOWN) {
        let message = format!(
            "{} is no motion: it stands for records whose motion nobody knows",
            quoted(name.as_str())
        );
        found.push(Complaint::new(&["motion"], message, "choose another name"));
    }
    let mut owners = BTreeMap::new();
    for (name, values) in &motion.names {
        if values.is_empty() || values.iter().any(|value| value.trim().is_empty()) {
            let message = format!("motion {} has no values, or an empty one", quoted(name.as_str()));
            found.push(Complaint::new(&["motion", "names", name.as_str()], message, "list the CRM's values"));
        }
        for value in values {
            if let Some(other) = owners.insert(value.as_str(), name) {
                let message = format!("motion value {} is listed under {other} and {name}", quoted(value));
                found.push(Complaint::new(
                    &["motion", "names", name.as_str()],
                    message,
                    "list each value once",
                ));
            }
        }
    }
}

/// What is looked for beside the package can be found.
pub(super) fn mapping(mapping: &Mapping, contract: &Contract, found: &mut Found) {
    let Some(beside) = &mapping.beside else { return };
    for (name, moment) in &beside.moments {
        let at = ["beside", "moments", name.as_str()];
        match (&moment.field, &moment.stage) {
            (Some(_), None) => {}
            (None, Some(stage)) if mapping.stage.names.contains_key(stage) => {}
            (None, Some(stage)) => {
                let message = format!("no stage is named {}", quoted(stage.as_str()));
                let known: Vec<&str> = mapping.stage.names.keys().map(StageName::as_str).collect();
                found.push(Complaint::new(&at, message, suggestion(stage.as_str(), &known)));
            }
            (Some(_), Some(_)) | (None, None) => {
                let message = format!("moment {} needs either a field or a stage", quoted(name));
                found.push(Complaint::new(&at, message, "write { field = \"…\" } or { stage = \"…\" }"));
            }
        }
    }
    if let Some(cross) = &contract.cross_motion
        && !beside.measures.contains_key(&cross.health)
    {
        let message = format!("the contract guards {}, which no measure tells", quoted(&cross.health));
        found.push(Complaint::new(&["beside", "measures"], message, format!("add {} = \"…\"", cross.health)));
    }
    for (name, _) in beside.signals.iter().filter(|(_, signal)| signal.is.is_empty()) {
        let message = format!("signal {} can never fire: it names no value", quoted(name));
        found.push(Complaint::new(&["beside", "signals", name.as_str()], message, "add is = [\"…\"]"));
    }
}
