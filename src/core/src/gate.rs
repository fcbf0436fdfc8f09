//! Which gates are open, and what to tell people.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::completeness::{Finding, Situation, shortfall};
use crate::contract::{Condition, Contract, GateKind};
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
    /// Why each open gate is open.
    #[serde(default)]
    pub because: BTreeMap<GateName, Opening>,
    /// What is missing.
    pub missing: Vec<Finding>,
    /// Who has to act.
    pub turn: Turn,
    /// When time alone will change something.
    pub look_again_at: Option<Timestamp>,
}

/// Why a gate is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opening {
    /// The package is complete.
    Complete,
    /// The receiver in force accepted exactly this package.
    Accepted,
    /// Two people opened it by break-glass, until a moment. Nobody accepted anything by it.
    Overridden,
}

/// Says which gates are open. Nothing opens by time, by error or by emptiness: a gate is open only while its condition holds for
/// exactly the package as it stands, in a stage that the mapping knows, or while an override is in force.
pub fn evaluate(contract: &Contract, handoff: &Handoff, now: Timestamp) -> Verdict {
    let (missing, complete) = lacking(contract, handoff, now);
    let missing = if handoff.phase == Phase::Voided { Vec::new() } else { missing };
    let due = due(contract, handoff);
    let because: BTreeMap<GateName, Opening> = contract
        .gates
        .keys()
        .filter_map(|gate| {
            let own = opened(contract, handoff, gate, complete);
            let opening = own.or_else(|| overridden(contract, handoff, gate, now))?;
            Some((gate.clone(), opening))
        })
        .collect();
    Verdict {
        gates: contract.gates.keys().map(|gate| (gate.clone(), because.contains_key(gate))).collect(),
        because,
        status: words::standing(contract, handoff, &missing, due.is_some_and(|due| due <= now)),
        missing,
        turn: handoff.turn(),
        look_again_at: [
            next_step(handoff, due, now),
            handoff.exception_due().filter(|due| *due > now),
            handoff.override_ends(now),
            beside_timer(contract, handoff, now),
        ]
        .into_iter()
        .flatten()
        .min(),
    }
}

/// What is missing, and whether the package is complete with the exceptions in force.
fn lacking(contract: &Contract, handoff: &Handoff, now: Timestamp) -> (Vec<Finding>, bool) {
    let rejected = handoff.still_rejected();
    let situation = Situation {
        stage: handoff.stage.as_ref(),
        motion: &handoff.id.motion,
        still_rejected: &rejected,
        disputed: &handoff.beside.disputed,
        as_of: handoff.as_of(),
    };
    let (mut missing, complete) = shortfall(contract, &handoff.package, &situation);
    // Exceptions are the receiver's word: they hold while his acceptance does.
    let holds = handoff.acceptance_holds();
    let excepted = if holds { handoff.excepted(contract, now) } else { BTreeSet::new() };
    let lacked = !missing.is_empty();
    missing.retain(|finding| !excepted.contains(&finding.field));
    let complete = complete || (lacked && missing.is_empty());
    (missing, complete)
}

/// Why this gate is open by what it waits for; `None` = it is not. Overrides do not count.
pub(crate) fn opening(
    contract: &Contract,
    handoff: &Handoff,
    gate: &GateName,
    now: Timestamp,
) -> Option<Opening> {
    opened(contract, handoff, gate, lacking(contract, handoff, now).1)
}

/// When the receiver's time is up, while it is the receiver's turn.
pub fn due(contract: &Contract, handoff: &Handoff) -> Option<Timestamp> {
    let completed = handoff.completed.filter(|_| handoff.phase == Phase::Complete)?;
    if let Some(clock) = &handoff.clock {
        return clock.set.due;
    }
    let hours = contract.sla.accept_within_hours?;
    completed.checked_add(SignedDuration::from_hours(i64::from(hours))).ok()
}

/// When the receiver's time is up, the next step of his ladder comes, or a grace is over.
fn next_step(handoff: &Handoff, due: Option<Timestamp>, now: Timestamp) -> Option<Timestamp> {
    let due = due.filter(|due| !handoff.sla_breached && *due > now);
    let clock = handoff.clock.as_ref().filter(|_| handoff.phase == Phase::Complete);
    let grace = handoff.grace.as_ref().map(|grace| grace.until).filter(|until| *until > now);
    due.into_iter().chain(clock.and_then(|clock| clock.next(now))).chain(grace).min()
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

fn opened(contract: &Contract, handoff: &Handoff, gate: &GateName, complete: bool) -> Option<Opening> {
    let rule = contract.gates.get(gate)?;
    let opening = match rule.opens_when {
        Condition::Complete => {
            matches!(handoff.phase, Phase::Complete | Phase::Accepted).then_some(Opening::Complete)
        }
        Condition::Accepted => handoff.acceptance_holds().then_some(Opening::Accepted),
    };
    opening.filter(|_| complete && may_open(contract, handoff, rule.kind))
}

/// An override opens its gate without what it waits for, and nothing else: not by another contract, not in an unknown stage, not on a deal that is
/// off, and no pay that another authority holds.
fn overridden(contract: &Contract, handoff: &Handoff, gate: &GateName, now: Timestamp) -> Option<Opening> {
    let rule = contract.gates.get(gate)?;
    handoff.override_in_force(gate, now)?;
    let open = handoff.phase != Phase::Voided && may_open(contract, handoff, rule.kind);
    open.then_some(Opening::Overridden)
}

/// Judged by another contract than the pinned one nothing is open, nor in a stage that the mapping does not know. Pay waits until every authority
/// over the same deal says the same: shut wins.
fn may_open(contract: &Contract, handoff: &Handoff, kind: GateKind) -> bool {
    let agreed = match kind {
        GateKind::Commission | GateKind::Credit => handoff.disagreeing_twin().is_none(),
        GateKind::Stage | GateKind::Routing | GateKind::Queue => true,
    };
    agreed && handoff.is_pinned_to(contract) && handoff.stage.is_some() && !is_shut_beside(contract, handoff)
}
