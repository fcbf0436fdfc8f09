//! What calls suggest is a question to a person: the receiver knows what his team asked.

use jiff::{SignedDuration, Timestamp};

use super::Reasks;
use super::words::line;
use crate::contract::Contract;
use crate::handoff::{Handoff, Phase};
use crate::obligation::{Duty, Obligation, ObligationKind, Owner, Posts, one};

/// Within which a suggestion waits for its answer.
const WAITS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// One per call with suggestions that nobody answered; its text names fields and minutes.
pub fn obligations(
    contract: &Contract,
    handoff: &Handoff,
    reasks: &Reasks,
    posts: Posts<'_>,
    now: Timestamp,
) -> Vec<Obligation> {
    if handoff.phase == Phase::Voided {
        return Vec::new();
    }
    let owner = match &handoff.receiver {
        Some(receiver) => Owner::By(receiver.clone()),
        None => Owner::ByRole(contract.roles.receiver.clone()),
    };
    let mut owed = Vec::new();
    for scored in reasks.calls.values().filter(|scored| scored.withdrawn.is_none()) {
        let open: Vec<_> = reasks.open().into_iter().filter(|open| open.call.call == scored.call).collect();
        let Some(since) = open.iter().map(|open| open.suggested.since).min() else { continue };
        let lines: Vec<String> = open.into_iter().map(|open| line(contract, open)).collect();
        let text = format!(
            "A call seems to ask the customer for what your accepted package holds. Listen, then say on the record whether it was asked \
             again.\n\n- {}\n\nThis task closes itself with your answer.",
            lines.join("\n- ")
        );
        let duty = Duty {
            kind: ObligationKind::Reask,
            key: scored.call.to_string(),
            owner: owner.clone(),
            due: since.checked_add(WAITS).ok(),
            title: format!("Was it asked again? {}", contract.title),
            text,
        };
        owed.push(one(contract, handoff, posts, now, duty));
    }
    owed
}
