//! The receiver answers; where nobody can, somebody who can is to be named.

use super::{Case, Duty, ObligationKind, Owner};
use crate::gate::due;
use crate::handoff::Phase;
use crate::seat::falls_to;
use crate::words::nobody_can_accept;

/// One per round while it is the receiver's turn.
pub(super) fn answer(case: &Case<'_>) -> Vec<Duty> {
    let handoff = case.handoff;
    if handoff.phase != Phase::Complete {
        return Vec::new();
    }
    let (contract, key) = (&case.contract.title, handoff.round.to_string());
    let due = due(case.contract, handoff);
    if let Some(why) = nobody_can_accept(case.contract, handoff) {
        // The one who hands over is the one who waits for it.
        let Some(owner) = handoff.sender.clone() else { return Vec::new() };
        let title = format!("Name a receiver: {contract}");
        let text = format!("Nobody can accept this handoff: {why}\n\nThis task closes itself.");
        return vec![Duty { kind: ObligationKind::Name, key, owner: owner.into(), due, title, text }];
    }
    let receiver = handoff.receiver.as_ref();
    let owner = match (falls_to(case.contract, handoff.sender.as_ref(), receiver), receiver) {
        (Some(role), _) => Owner::ByRole(role.to_owned()),
        (None, Some(receiver)) => Owner::By(receiver.clone()),
        (None, None) => return Vec::new(),
    };
    let title = format!("Accept or reject: {contract}");
    vec![Duty { kind: ObligationKind::Answer, key, text: text(case), owner, due, title }]
}

fn text(case: &Case<'_>) -> String {
    let labels: Vec<&str> = case.contract.fields.iter().map(|field| field.label.as_str()).collect();
    let fields = labels.join("\n- ");
    format!(
        "The package is complete and waits for your word. Read it on the record, then accept it, or reject it with the fields that you need \
         mended.\n\nWhat it holds:\n- {fields}\n\nThis task closes itself with your answer."
    )
}
