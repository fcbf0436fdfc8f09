//! What the ladder asks of people, as long as it does: open until the receiver answers or the package goes back.

use jiff::Timestamp;

use super::Clock;
use crate::contract::Contract;
use crate::handoff::{Handoff, Phase};
use crate::observation::Actor;

/// Something that the clock asks of somebody. Its key stays the same as long as it is the same thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `reminder` or `escalation`.
    pub kind: &'static str,
    /// Stable within handoff and cycle: round and step.
    pub key: String,
    /// The receiver, for a reminder; `None` = nobody is named, or it goes to a role.
    pub owner: Option<Actor>,
    /// The role, for an escalation.
    pub role: Option<String>,
    /// When the receiver's answer is due.
    pub due: Option<Timestamp>,
    /// One line.
    pub title: String,
    /// What to do.
    pub text: String,
}

/// What the clock of a handoff asks for now: at most the newest reminder and the escalation.
pub fn clock_obligations(contract: &Contract, handoff: &Handoff) -> Vec<Asked> {
    let Some(clock) = handoff.clock.as_ref().filter(|_| handoff.phase == Phase::Complete) else {
        return Vec::new();
    };
    reminder(contract, handoff, clock).into_iter().chain(escalation(contract, handoff, clock)).collect()
}

fn reminder(contract: &Contract, handoff: &Handoff, clock: &Clock) -> Option<Asked> {
    let step = (clock.reminded > 0).then_some(clock.reminded)?;
    Some(Asked {
        kind: "reminder",
        key: format!("round-{}-step-{step}", handoff.round),
        owner: handoff.receiver.clone(),
        role: None,
        due: clock.set.due,
        title: format!("Accept or reject: {}", contract.title),
        text: format!(
            "The package has waited since {}. Accept it, or send it back with a reason.",
            minute(clock.set.started)
        ),
    })
}

fn escalation(contract: &Contract, handoff: &Handoff, clock: &Clock) -> Option<Asked> {
    let (since, role) = clock.escalated.as_ref()?;
    Some(Asked {
        kind: "escalation",
        key: format!("round-{}-escalation", handoff.round),
        owner: None,
        role: Some(role.clone()),
        due: clock.set.due,
        title: format!("Overdue: {}", contract.title),
        text: format!(
            "Nobody has answered since {}. Have the receiver answer, or name another.",
            minute(*since)
        ),
    })
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%MZ").to_string()
}
