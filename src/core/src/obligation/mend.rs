//! The return path: the sender mends exactly what the receiver sent back.

use super::returns::{is_handed_over, unknown_fields};
use super::{Case, Duty, ObligationKind};
use crate::contract::Field;
use crate::handoff::Phase;
use crate::id::FieldKey;

/// One per round that was sent back, naming the fields that are not mended yet; then what else is missing, then that it has to be handed
/// over again. It is done when the receiver has it again.
pub(super) fn mend(case: &Case<'_>) -> Vec<Duty> {
    let handoff = case.handoff;
    let Some(owner) = handoff.sender.clone().filter(|_| handoff.phase == Phase::Rejected) else {
        return Vec::new();
    };
    let rejected = handoff.still_rejected();
    let unknown = unknown_fields(case);
    let is_unknown = |field: &FieldKey| unknown.iter().any(|(key, _)| *key == field);
    let sent_back = |field: &&Field| rejected.contains(&field.key);
    let fields: Vec<&str> =
        case.contract.fields.iter().filter(sent_back).map(|field| field.label.as_str()).collect();
    let others: Vec<String> = case
        .verdict
        .missing
        .iter()
        .filter(|finding| !rejected.contains(&finding.field) && !is_unknown(&finding.field))
        .map(|finding| format!("- {finding}"))
        .collect();
    let mut text = Vec::new();
    if !fields.is_empty() {
        text.push(format!("Sent back by the receiving team:\n- {}", fields.join("\n- ")));
    }
    if !others.is_empty() {
        text.push(format!("Also missing:\n{}", others.join("\n")));
    }
    if text.is_empty() && !unknown.is_empty() && is_handed_over(case.contract, handoff) {
        // The receiver goes on.
        return Vec::new();
    }
    if text.is_empty() {
        let words = if handoff.is_unchanged_since_sent_back() {
            "The package as a whole was sent back. Change what the receiving team asks for and hand it over again."
        } else {
            "Everything that was sent back is mended. Hand it over again."
        };
        text.push(words.to_owned());
    }
    text.push(
        "The reason stands on the record. This task closes itself once the receiving team has it again."
            .to_owned(),
    );
    let title = format!("Mend the handoff, it was sent back: {}", case.contract.title);
    let key = handoff.round.to_string();
    vec![Duty {
        kind: ObligationKind::Mend,
        key,
        owner: owner.into(),
        due: None,
        title,
        text: text.join("\n\n"),
    }]
}
