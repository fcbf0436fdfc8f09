//! Which gates are open, and what to tell people.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::completeness::{Finding, Situation, assess};
use crate::contract::{Condition, Contract, Gate};
use crate::handoff::{Handoff, Phase, Turn};
use crate::id::GateName;

/// What holds now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Gate → open.
    pub gates: BTreeMap<GateName, bool>,
    /// One line for people: where it stands and who has to act.
    pub status: String,
    /// What is missing.
    pub missing: Vec<Finding>,
    /// Who has to act.
    pub turn: Turn,
    /// When time alone will change something.
    pub look_again_at: Option<Timestamp>,
}

/// Says which gates are open. Nothing opens by time, by error or by emptiness: a gate is open only while its condition holds for
/// exactly the package as it stands, in a stage that the mapping knows.
pub fn evaluate(contract: &Contract, handoff: &Handoff, now: Timestamp) -> Verdict {
    let rejected = handoff.still_rejected();
    let situation =
        Situation { stage: handoff.stage.as_ref(), motion: &handoff.id.motion, still_rejected: &rejected };
    let completeness = assess(contract, &handoff.package, &situation);
    let complete = completeness.is_complete();
    let missing = if handoff.phase == Phase::Voided { Vec::new() } else { completeness.missing };
    let due = due(contract, handoff);
    Verdict {
        gates: contract
            .gates
            .iter()
            .map(|(name, gate)| (name.clone(), is_open(gate, handoff, complete)))
            .collect(),
        status: status(handoff, &missing, due, now),
        missing,
        turn: handoff.turn(),
        look_again_at: due.filter(|due| !handoff.sla_breached && *due > now),
    }
}

/// When the receiver's time is up, while it is the receiver's turn.
pub fn due(contract: &Contract, handoff: &Handoff) -> Option<Timestamp> {
    let hours = contract.sla.accept_within_hours?;
    let completed = handoff.completed.filter(|_| handoff.phase == Phase::Complete)?;
    completed.checked_add(SignedDuration::from_hours(i64::from(hours))).ok()
}

fn is_open(gate: &Gate, handoff: &Handoff, complete: bool) -> bool {
    let condition = match gate.opens_when {
        Condition::Complete => matches!(handoff.phase, Phase::Complete | Phase::Accepted),
        Condition::Accepted => {
            handoff.phase == Phase::Accepted
                && handoff
                    .accepted
                    .as_ref()
                    .is_some_and(|acceptance| acceptance.covers == handoff.package_digest())
        }
    };
    condition && complete && handoff.stage.is_some()
}

fn status(handoff: &Handoff, missing: &[Finding], due: Option<Timestamp>, now: Timestamp) -> String {
    if handoff.stage.is_none() && handoff.phase != Phase::Voided {
        return "Held: this stage is not known to the handoff mapping. An admin has to name it.".to_owned();
    }
    match handoff.phase {
        Phase::Draft => format!("With the sender: {} to fill", count(missing.len())),
        Phase::Rejected => format!("Sent back to the sender: {} to mend", count(missing.len())),
        Phase::Complete if due.is_some_and(|due| due <= now) => {
            "Waiting for the receiver: overdue".to_owned()
        }
        Phase::Complete => "Waiting for the receiver to accept or reject".to_owned(),
        Phase::Accepted => "Accepted by the receiver".to_owned(),
        Phase::Voided => "Not open: the deal is off or the record is gone".to_owned(),
    }
}

fn count(things: usize) -> String {
    match things {
        0 => "nothing".to_owned(),
        1 => "1 thing".to_owned(),
        many => format!("{many} things"),
    }
}
