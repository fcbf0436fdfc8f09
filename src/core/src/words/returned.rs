//! Words about the return loop: reasons per field, versions, confirmations, exceptions, break-glass.

use jiff::Timestamp;

use super::{instant, shorten};
use crate::contract::Contract;
use crate::exception::claims;
use crate::gate::{Opening, Verdict};
use crate::handoff::{Handoff, Phase};
use crate::id::{FieldKey, GateName};

/// Most characters of one receiver's reason.
const REASON: usize = 300;

fn label<'a>(contract: &'a Contract, key: &'a FieldKey) -> &'a str {
    contract.field(key).map_or(key.as_str(), |field| field.label.as_str())
}

/// The day before this moment, for a moment at which a day has passed; else the moment.
fn day(due: Timestamp) -> String {
    let text = instant(due);
    match (text.strip_suffix("T00:00:00Z"), due.checked_sub(jiff::SignedDuration::from_secs(1))) {
        (Some(_), Ok(before)) => before.strftime("%Y-%m-%d").to_string(),
        (Some(_) | None, _) => text,
    }
}

/// The receiver's reason per field that was not changed since, a line each.
pub(super) fn reasons(contract: &Contract, handoff: &Handoff) -> Vec<String> {
    let open = handoff.still_rejected();
    let reasons = handoff.returns.reasons.iter().filter(|(key, _)| open.contains(*key));
    reasons.map(|(key, why)| format!("{}: {}", label(contract, key), shorten(why, REASON))).collect()
}

/// What changed since the receiver last answered, for him to read; labels only. Empty until he has answered once.
pub(super) fn changed_since(contract: &Contract, handoff: &Handoff) -> Vec<String> {
    let waits = handoff.phase == Phase::Complete || handoff.awaits_confirmation();
    let version = handoff.returns.version.as_ref().filter(|_| waits);
    let Some((version, (answered, diff))) =
        version.and_then(|version| Some((version, handoff.returns.changed(&handoff.package)?)))
    else {
        return Vec::new();
    };
    let head = if answered == 0 || answered == version.number {
        "Changed since the receiver last answered:".to_owned()
    } else {
        format!("Version {}, changed since version {answered}:", version.number)
    };
    let lines = diff.lines(contract);
    if lines.is_empty() {
        return vec![format!("{head} no value")];
    }
    [head].into_iter().chain(lines).collect()
}

/// What the sender says he cannot know yet, a line each.
pub(super) fn unknowns(contract: &Contract, handoff: &Handoff, verdict: &Verdict) -> Vec<String> {
    let is_missing = |key: &FieldKey| verdict.missing.iter().any(|finding| finding.field == *key);
    let claims = claims(&handoff.package).into_iter().filter(|(key, _)| is_missing(key));
    claims
        .map(|(key, claim)| {
            let (label, why) = (label(contract, &key), shorten(&claim.reason, REASON));
            format!("{label}: the sender says unknown until {}: {why}", day(claim.due))
        })
        .collect()
}

/// Exceptions in force, a line each.
pub(super) fn exceptions(contract: &Contract, handoff: &Handoff) -> Vec<String> {
    let exceptions = handoff.returns.exceptions.iter().filter(|_| handoff.phase == Phase::Accepted);
    exceptions
        .map(|(key, granted)| {
            let overdue = if granted.lapsed { "OVERDUE, due" } else { "accepted as missing until" };
            let (label, why) = (label(contract, key), shorten(&granted.exception.reason, REASON));
            format!("{label}: {overdue} {}: {why}", day(granted.exception.due))
        })
        .collect()
}

/// How an acceptance stands that is not simply an acceptance; `None` = it is one.
pub(super) fn accepted(contract: &Contract, handoff: &Handoff) -> Option<String> {
    if handoff.awaits_confirmation() {
        let fields: Vec<&str> = handoff.returns.unconfirmed.keys().map(|key| label(contract, key)).collect();
        return Some(format!(
            "Accepted, but edited since: the receiver has to confirm {}",
            fields.join("; ")
        ));
    }
    let exceptions = &handoff.returns.exceptions;
    if exceptions.is_empty() || !handoff.acceptance_holds() {
        return None;
    }
    let overdue = exceptions.values().filter(|granted| granted.lapsed).count();
    let count = if exceptions.len() == 1 {
        "1 exception".to_owned()
    } else {
        format!("{} exceptions", exceptions.len())
    };
    Some(if overdue == 0 {
        format!("Accepted by the receiver with {count}")
    } else {
        format!("Accepted by the receiver with {count}, {overdue} overdue")
    })
}

/// Which gates stand open by break-glass, said aloud; empty = none.
pub(super) fn overridden(handoff: &Handoff, verdict: &Verdict) -> String {
    let open: Vec<&GateName> = verdict
        .because
        .iter()
        .filter(|(_, why)| **why == Opening::Overridden)
        .map(|(gate, _)| gate)
        .collect();
    let until = open.iter().filter_map(|gate| handoff.overrides.get(*gate)).map(|each| each.expires).min();
    let Some(until) = until else { return String::new() };
    let names: Vec<&str> = open.iter().map(|gate| gate.as_str()).collect();
    format!("BREAK-GLASS: {} open until {}, not accepted. ", names.join(", "), instant(until))
}

/// Who opened a gate by break-glass, why and until when; at most 255 characters.
pub fn override_reason(handoff: &Handoff, gate: &GateName) -> Option<String> {
    let known = handoff.overrides.get(gate)?;
    let granted = known.granted.as_ref()?;
    let text = format!(
        "Break-glass until {} by {} and {}, not accepted: {}",
        instant(known.expires),
        known.asked_by.person,
        granted.by.person,
        known.reason
    );
    Some(shorten(&text, super::SHORT))
}
