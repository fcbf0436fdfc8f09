//! The return loop beyond yes and no: what may still be missing and until when, and what the receiver has to confirm.

use jiff::Timestamp;

use super::{Case, Duty, ObligationKind};
use crate::contract::{Contract, Submit};
use crate::exception::claims;
use crate::handoff::{Handoff, Phase};
use crate::id::FieldKey;

/// Exceptions and unknowns of the sender, each for itself with its day; the receiver's word on edits, or on a package of which only the
/// unknown is missing.
pub(super) fn returns(case: &Case<'_>) -> Vec<Duty> {
    let mut duties: Vec<Duty> = exceptions(case).collect();
    duties.extend(unknowns(case));
    duties.extend(confirm(case));
    duties.extend(answer(case));
    duties
}

/// Missing fields that the sender says he cannot know yet, with the day on which he will.
pub(super) fn unknown_fields<'a>(case: &Case<'a>) -> Vec<(&'a FieldKey, Timestamp)> {
    match case.handoff.phase {
        Phase::Draft | Phase::Rejected => {}
        Phase::Complete | Phase::Accepted | Phase::Voided => return Vec::new(),
    }
    let claims = claims(&case.handoff.package);
    let rejected = case.handoff.still_rejected();
    let missing = case.verdict.missing.iter().filter_map(|finding| {
        let claim = claims.get(&finding.field).filter(|_| !rejected.contains(&finding.field))?;
        Some((&finding.field, claim.due))
    });
    let mut found: Vec<(&FieldKey, Timestamp)> = missing.collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn label<'a>(contract: &'a Contract, key: &'a FieldKey) -> &'a str {
    contract.field(key).map_or(key.as_str(), |field| field.label.as_str())
}

fn exceptions<'a>(case: &'a Case<'a>) -> impl Iterator<Item = Duty> + 'a {
    let handoff = case.handoff;
    let owner = handoff.sender.as_ref().filter(|_| handoff.phase == Phase::Accepted);
    let exceptions =
        owner.into_iter().flat_map(|owner| handoff.returns.exceptions.iter().map(move |one| (owner, one)));
    exceptions.map(|(owner, (key, granted))| Duty {
        kind: ObligationKind::Exception,
        key: format!("{}-{key}", handoff.round),
        owner: owner.clone().into(),
        due: Some(granted.exception.due),
        title: format!("Fill what was accepted as missing: {}", label(case.contract, key)),
        text: "The receiving team took the handoff without it, until this day. The reason stands on the record. This task closes \
               itself."
            .to_owned(),
    })
}

fn unknowns(case: &Case<'_>) -> Vec<Duty> {
    let handoff = case.handoff;
    let Some(owner) = &handoff.sender else { return Vec::new() };
    let duty = |(key, due): (&FieldKey, Timestamp)| {
        Duty {
        kind: ObligationKind::Unknown,
        key: format!("{}-{key}", handoff.round),
        owner: owner.clone().into(),
        due: Some(due),
        title: format!("Find out: {}", label(case.contract, key)),
        text: "You said that it is not known yet, and until when. Fill it on the record, or say why it takes longer. This task closes \
               itself."
            .to_owned(),
    }
    };
    unknown_fields(case).into_iter().map(duty).collect()
}

fn confirm(case: &Case<'_>) -> Option<Duty> {
    let handoff = case.handoff;
    let owner = handoff.receiver.clone().filter(|_| handoff.awaits_confirmation())?;
    let fields: Vec<&str> = handoff.returns.unconfirmed.keys().map(|key| label(case.contract, key)).collect();
    let number = handoff.returns.version.as_ref().map_or(0, |version| version.number);
    Some(Duty {
        kind: ObligationKind::Confirm,
        key: format!("{}-version-{number}", handoff.round),
        owner: owner.into(),
        due: None,
        title: format!("Confirm what was edited after you accepted: {}", case.contract.title),
        text: format!(
            "Edited since your acceptance:\n- {}\n\nRead them on the record and confirm them, or send them back. This task closes itself \
             with your answer.",
            fields.join("\n- ")
        ),
    })
}

/// Nothing but the unknown is missing, so that only the receiver can go on.
fn answer(case: &Case<'_>) -> Option<Duty> {
    let handoff = case.handoff;
    let unknown = unknown_fields(case);
    let all = case.verdict.missing.iter().all(|one| unknown.iter().any(|(key, _)| **key == one.field));
    let receiver = handoff.receiver.clone().filter(|_| !unknown.is_empty() && all)?;
    if !is_handed_over(case.contract, handoff) {
        return None;
    }
    let fields: Vec<&str> = unknown.iter().map(|(key, _)| label(case.contract, key)).collect();
    Some(Duty {
        kind: ObligationKind::Answer,
        key: format!("{}-unknown", handoff.round),
        owner: receiver.into(),
        due: None,
        title: format!("Accept with exceptions: {}", case.contract.title),
        text: format!(
            "All is filled but what the sender cannot know yet:\n- {}\n\nWhy and until when stands on the record. Accept with these as \
             exceptions, or say what you need. This task closes itself with your answer.",
            fields.join("\n- ")
        ),
    })
}

pub(super) fn is_handed_over(contract: &Contract, handoff: &Handoff) -> bool {
    match contract.submit {
        Submit::Auto => !handoff.is_unchanged_since_sent_back(),
        Submit::Explicit => handoff.submitted.is_some(),
    }
}
