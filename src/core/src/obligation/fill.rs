//! The sender fills what is missing, and hands over what is filled.

use super::{Case, Duty, ObligationKind};
use crate::contract::Submit;
use crate::handoff::Phase;

/// One per round: what is missing, or that it only has to be handed over.
pub(super) fn fill(case: &Case<'_>) -> Vec<Duty> {
    let handoff = case.handoff;
    let Some(owner) = handoff.sender.clone().filter(|_| handoff.phase == Phase::Draft) else {
        return Vec::new();
    };
    let missing = &case.verdict.missing;
    let contract = &case.contract.title;
    let (title, text) = if missing.is_empty() {
        if case.contract.submit == Submit::Auto && !handoff.is_unchanged_since_sent_back() {
            // Nothing is left to do: the next look finds it handed over.
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
    vec![Duty { kind: ObligationKind::Fill, key: handoff.round.to_string(), owner, due: None, title, text }]
}
