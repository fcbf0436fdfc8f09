//! Which gates are open, and what to tell people.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::completeness::{Finding, Situation, shortfall};
use crate::contract::{Condition, Contract, Gate, GateKind};
use crate::handoff::{Handoff, Phase, Turn};
use crate::id::GateName;
use crate::{escalation, first_touch, motion, words};

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
        disputed: &handoff.beside.disputed,
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
            .map(|(name, gate)| {
                (
                    name.clone(),
                    is_pinned && is_open(gate, handoff, complete) && !is_shut_beside(contract, handoff),
                )
            })
            .collect(),
        status: words::standing(contract, handoff, &missing, due.is_some_and(|due| due <= now)),
        missing,
        turn: handoff.turn(),
        look_again_at: due
            .filter(|due| !handoff.sla_breached && *due > now)
            .into_iter()
            .chain(beside_timer(contract, handoff, now))
            .min(),
    }
}

/// When the receiver's time is up, while it is the receiver's turn.
pub fn due(contract: &Contract, handoff: &Handoff) -> Option<Timestamp> {
    let hours = contract.sla.accept_within_hours?;
    let completed = handoff.completed.filter(|_| handoff.phase == Phase::Complete)?;
    completed.checked_add(SignedDuration::from_hours(i64::from(hours))).ok()
}

/// When time alone will change something beside the package.
fn beside_timer(contract: &Contract, handoff: &Handoff, now: Timestamp) -> Option<Timestamp> {
    let path = contract.return_path.as_ref().and_then(|path| escalation::look_again(path, handoff, now));
    let cross = contract.cross_motion.as_ref().and_then(|cross| motion::look_again(cross, handoff, now));
    let touch = contract.first_touch.as_ref().and_then(|touch| first_touch::look_again(touch, handoff, now));
    [path, cross, touch].into_iter().flatten().min()
}

/// Nothing is open while nobody can tell the motion, or while motion A is too ill for the cross-sell.
fn is_shut_beside(contract: &Contract, handoff: &Handoff) -> bool {
    handoff.beside.motion_unknown || motion::shuts(contract, handoff)
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
