//! What people read on the record: what is missing and who has to act.

use jiff::Timestamp;

use crate::completeness::Finding;
use crate::contract::{Contract, OnBypass};
use crate::gate::Verdict;
use crate::handoff::{Handoff, Phase};
use crate::plan::Inputs;

/// Longest text of a short CRM field (Salesforce Text).
const SHORT: usize = 255;
/// Longest text of the "what is missing" field.
const LONG: usize = 4_000;

/// An instant as ISO 8601 in UTC with seconds, which every CRM reads.
pub fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Why a gate is shut and who has to act; at most 255 characters.
pub fn hold_reason(contract: &Contract, handoff: &Handoff, verdict: &Verdict) -> String {
    let receiver = contract.roles.receiver.replace('_', " ");
    let sender = contract.roles.sender.replace('_', " ");
    let text = match handoff.phase {
        Phase::Draft | Phase::Rejected if verdict.missing.is_empty() => {
            format!("Waiting for the {sender} to hand over")
        }
        Phase::Draft | Phase::Rejected => format!("Waiting for the {sender}: {}", labels(&verdict.missing)),
        Phase::Complete => format!("Waiting for the {receiver} to accept"),
        Phase::Accepted if handoff.stage.is_none() => {
            "The stage is not known to the handoff mapping".to_owned()
        }
        Phase::Accepted => format!("Accepted, but no longer complete: {}", labels(&verdict.missing)),
        Phase::Voided => "The deal is off or its record is gone".to_owned(),
    };
    shorten(&text, SHORT)
}

/// Where the handoff stands, with a by-pass said aloud where the policy is to notify; at most 255 characters.
pub fn status(inputs: Inputs<'_>) -> String {
    let passed = inputs
        .handoff
        .bypass
        .as_ref()
        .is_some_and(|bypass| inputs.terms.on_bypass(inputs.contract, &bypass.gate) == OnBypass::Notify);
    let prefix = if passed { "Moved past its gate. " } else { "" };
    shorten(&format!("{prefix}{}", inputs.verdict.status), SHORT)
}

/// What is missing, a line each, with the receiver's words on top when the package was sent back; at most 4,000 characters.
pub fn missing(handoff: &Handoff, verdict: &Verdict) -> String {
    let mut lines: Vec<String> = Vec::new();
    if let Some(reason) = handoff.reason.as_ref().filter(|_| handoff.phase == Phase::Rejected) {
        lines.push(format!("Sent back: {reason}"));
    }
    lines.extend(verdict.missing.iter().map(ToString::to_string));
    shorten(&lines.join("\n"), LONG)
}

fn labels(findings: &[Finding]) -> String {
    let labels: Vec<&str> = findings.iter().map(|finding| finding.label.as_str()).collect();
    labels.join("; ")
}

/// Cuts at a character border and says so with an ellipsis.
fn shorten(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(limit.saturating_sub(1)).collect();
    cut.push('…');
    cut
}
