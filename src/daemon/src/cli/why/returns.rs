//! The return loop and break-glass, for a person to read.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use handoff_core::break_glass::OverrideEnd;
use handoff_core::contract::Contract;
use handoff_core::event::Event;
use handoff_core::id::FieldKey;
use handoff_core::package_diff::PackageDiff;

use super::{Told, actor, moment};
use crate::cli::output::plain;

/// Versions with what changed between them, reasons per field, exceptions, overrides.
pub(super) fn returns(text: &mut String, told: &Told, contract: Option<&Contract>) {
    let Some(state) = &told.state else { return };
    // Writing to a String cannot fail.
    if !told.versions.is_empty() {
        let _ = writeln!(text, "\n  versions");
    }
    for version in &told.versions {
        let digest: String = version.digest.chars().take(12).collect();
        let at = moment(version.at);
        let _ = writeln!(
            text,
            "    {:<3} {at}  cycle {}, round {}, sha256 {digest}…",
            version.number, version.cycle, version.round
        );
        for line in if version.number == 1 { Vec::new() } else { lines(&version.changes, contract) } {
            let _ = writeln!(text, "        {}", plain(&line));
        }
    }
    let memory = &state.returns;
    let mut rows: Vec<String> = Vec::new();
    rows.extend(memory.reasons.iter().map(|(key, why)| format!("{key} sent back: {why}")));
    let waiting =
        memory.unconfirmed.keys().map(|key| format!("{key} was edited: the receiver has to confirm it"));
    rows.extend(waiting);
    rows.extend(memory.exceptions.iter().map(|(key, granted)| {
        let until = moment(granted.exception.due);
        let state = if granted.lapsed { "was due" } else { "may be missing until" };
        format!("{key} {state} {until}: {}", granted.exception.reason)
    }));
    if memory.late > 0 {
        rows.push(format!("{} things were added only after acceptance", memory.late));
    }
    rows.extend(state.overrides.iter().filter(|(_, each)| each.ended.is_none()).map(|(gate, each)| {
        let until = moment(each.expires);
        match &each.granted {
            Some(granted) => format!(
                "BREAK-GLASS {gate} open until {until} by {} and {}, not accepted: {}",
                actor(Some(&each.asked_by)),
                actor(Some(&granted.by)),
                each.reason
            ),
            None => format!(
                "break-glass asked for {gate} until {until} by {}: {}",
                actor(Some(&each.asked_by)),
                each.reason
            ),
        }
    }));
    if !rows.is_empty() {
        let _ = writeln!(text, "\n  returns");
    }
    for row in rows {
        let _ = writeln!(text, "    {}", plain(&row));
    }
}

fn lines(changes: &PackageDiff, contract: Option<&Contract>) -> Vec<String> {
    match contract {
        Some(contract) => changes.lines(contract),
        None => changes.fields.keys().map(|key| format!("{key} changed")).collect(),
    }
}

fn named<'a>(keys: impl IntoIterator<Item = &'a FieldKey>) -> String {
    let names: BTreeSet<String> = keys.into_iter().map(|key| plain(key.as_str())).collect();
    let names: Vec<String> = names.into_iter().collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

/// One event of the return loop or of break-glass in words; empty for any other.
pub(super) fn words(event: &Event) -> String {
    if let Event::ExceptionsGranted { by, at, exceptions, .. } = event {
        format!("{} may be missing, as {} says at {}", named(exceptions.keys()), actor(Some(by)), moment(*at))
    } else if let Event::ExceptionsMet { fields } = event {
        format!("filled what might be missing: {}", named(fields))
    } else if let Event::ExceptionsLapsed { fields, due } = event {
        format!("still missing after {}: {}", moment(*due), named(fields))
    } else if let Event::ConfirmationNeeded { fields } = event {
        format!("to be confirmed by the receiver: {}", named(fields.keys()))
    } else if let Event::Confirmed { by, at, fields, .. } = event {
        format!("edits confirmed by {} at {}: {}", actor(Some(by)), moment(*at), named(fields))
    } else if let Event::OverrideAsked { gate, reason, expires, by, .. } = event {
        let (gate, reason) = (plain(gate.as_str()), plain(reason));
        format!("break-glass asked for {gate} until {} by {}: {reason}", moment(*expires), actor(Some(by)))
    } else if let Event::Overridden { gate, reason, asked_by, confirmed_by, expires, .. } = event {
        let (gate, reason, until) = (plain(gate.as_str()), plain(reason), moment(*expires));
        let (first, second) = (actor(Some(asked_by)), actor(Some(confirmed_by)));
        format!("BREAK-GLASS: {gate} open until {until} by {first} and {second}, not accepted: {reason}")
    } else if let Event::OverrideEnded { gate, because, .. } = event {
        let why = match because {
            OverrideEnd::Expired => "its time is over",
            OverrideEnd::Superseded => "the gate is open by what it waits for",
            OverrideEnd::Voided => "the handoff is off",
        };
        format!("break-glass of {} ended: {why}", plain(gate.as_str()))
    } else if let Event::Absorbed { records } = event {
        format!("{} records were merged into this one", records.len())
    } else {
        String::new()
    }
}
