//! What the ladder asks of people, as long as it does: open until the receiver answers or the package goes back.

use jiff::Timestamp;

use super::Clock;
use crate::contract::Contract;
use crate::handoff::{Handoff, Phase};
use crate::obligation::{Duty, ObligationKind, Owner};
use crate::seat::falls_to;

/// What the clock of a handoff asks for now: at most the newest reminder and the escalation.
pub fn clock_obligations(contract: &Contract, handoff: &Handoff) -> Vec<Duty> {
    let Some(clock) = handoff.clock.as_ref().filter(|_| handoff.phase == Phase::Complete) else {
        return Vec::new();
    };
    reminder(contract, handoff, clock).into_iter().chain(escalation(contract, handoff, clock)).collect()
}

fn reminder(contract: &Contract, handoff: &Handoff, clock: &Clock) -> Option<Duty> {
    let receiver = handoff.receiver.as_ref();
    let owner = match falls_to(contract, handoff.sender.as_ref(), receiver) {
        Some(role) => Owner::ByRole(role.to_owned()),
        None => Owner::By(receiver.cloned()?),
    };
    let step = (clock.reminded > 0).then_some(clock.reminded)?;
    Some(Duty {
        kind: ObligationKind::Reminder,
        key: format!("round-{}-step-{step}", handoff.round),
        owner,
        due: clock.set.due,
        title: format!("Reminder: accept or reject: {}", contract.title),
        text: format!(
            "The package has waited since {}. Accept it, or send it back with a reason. This task closes itself with your answer.",
            minute(clock.set.started)
        ),
    })
}

fn escalation(contract: &Contract, handoff: &Handoff, clock: &Clock) -> Option<Duty> {
    let (since, role) = clock.escalated.as_ref()?;
    Some(Duty {
        kind: ObligationKind::Escalation,
        key: format!("round-{}-escalation", handoff.round),
        owner: Owner::ByRole(role.clone()),
        due: clock.set.due,
        title: format!("Overdue: {}", contract.title),
        text: format!(
            "Nobody has answered since {}. Have the receiver answer, or name another. This task closes itself with the answer.",
            minute(*since)
        ),
    })
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%MZ").to_string()
}
