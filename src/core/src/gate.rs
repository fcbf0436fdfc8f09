//! Which gates are open, and what to tell people.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::completeness::{Finding, Situation, shortfall};
use crate::contract::{Condition, Contract, Gate, GateKind};
use crate::handoff::{Handoff, Phase, Turn};
use crate::id::GateName;
use crate::words;

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
    let situation = Situation {
        stage: handoff.stage.as_ref(),
        motion: &handoff.id.motion,
        still_rejected: &rejected,
        as_of: handoff.as_of(),
    };
    let (missing, complete) = shortfall(contract, &handoff.package, &situation);
    let missing = if handoff.phase == Phase::Voided { Vec::new() } else { missing };
    let due = due(contract, handoff);
    // Judged by another contract than the pinned one nothing is open.
    let pin = &handoff.contract;
    let is_pinned = pin.id == contract.contract && pin.version == contract.version;
    Verdict {
        gates: contract
            .gates
            .iter()
            .map(|(name, gate)| (name.clone(), is_pinned && is_open(gate, handoff, complete)))
            .collect(),
        status: words::standing(contract, handoff, &missing, due.is_some_and(|due| due <= now)),
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
        Condition::Accepted => handoff.acceptance_holds(),
    };
    // Pay waits until every authority over the same deal says the same: shut wins.
    let agreed = match gate.kind {
        GateKind::Commission | GateKind::Credit => handoff.disagreeing_twin().is_none(),
        GateKind::Stage | GateKind::Routing | GateKind::Queue => true,
    };
    condition && complete && agreed && handoff.stage.is_some()
}
