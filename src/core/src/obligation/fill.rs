//! The sender fills what is missing, and hands over what is filled.

use super::returns::{is_handed_over, unknown_fields};
use super::{Case, Duty, ObligationKind};
use crate::handoff::Phase;
use crate::id::FieldKey;

/// One per round: what is missing, or that it only has to be handed over.
pub(super) fn fill(case: &Case<'_>) -> Vec<Duty> {
    let handoff = case.handoff;
    let Some(owner) = handoff.sender.clone().filter(|_| handoff.phase == Phase::Draft) else {
        return Vec::new();
    };
    // What cannot be known yet has a task and a day of its own.
    let unknown = unknown_fields(case);
    let is_unknown = |field: &FieldKey| unknown.iter().any(|(key, _)| *key == field);
    let missing: Vec<_> = case.verdict.missing.iter().filter(|one| !is_unknown(&one.field)).collect();
    let contract = &case.contract.title;
    let (title, text) = if missing.is_empty() {
        if is_handed_over(case.contract, handoff) {
            // Nothing is left to do: the next look finds it handed over, or the receiver goes on.
            return Vec::new();
        }
        let text = "Everything is filled. Hand it over, so that the receiving team can answer.".to_owned();
        (format!("Hand over: {contract}"), text)
    } else {
        let lines: Vec<String> = missing.iter().map(|finding| format!("- {finding}")).collect();
        let text = format!(
            "Still missing:\n{}\n\nFill these on the record. This task closes itself.",
            lines.join("\n")
        );
        (format!("Fill the handoff: {contract}"), text)
    };
    vec![Duty {
        kind: ObligationKind::Fill,
        key: handoff.round.to_string(),
        owner: owner.into(),
        due: None,
        title,
        text,
    }]
}
