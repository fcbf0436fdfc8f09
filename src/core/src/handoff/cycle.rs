//! How a cycle begins: what starts anew, and what must never be forgotten.

use std::collections::{BTreeMap, BTreeSet};

use super::{Consumed, GateState, Handoff, Phase, Returns, Stamp, package_digest};
use crate::contract::ContractRef;
use crate::event::VoidCause;
use crate::id::{HandoffId, StageName};
use crate::value::Package;

impl Handoff {
    /// Whether the record belongs to another motion, whose handoff writes its fields now, and nothing that this one opened stands open any more.
    pub fn has_left_its_motion(&self) -> bool {
        let left = matches!(self.voided, Some(VoidCause::OtherMotion { .. }));
        let shut = |gate: &GateState| gate.ordered.is_none() && gate.confirmed != Some(true);
        left && self.phase == Phase::Voided && self.gates.values().all(shut)
    }

    pub(super) fn opened(
        before: Option<Self>,
        stamp: Stamp,
        id: &HandoffId,
        contract: &ContractRef,
        stage: &StageName,
    ) -> Self {
        let fresh = Self {
            id: id.clone(),
            contract: contract.clone(),
            phase: Phase::Draft,
            round: 1,
            opened: stamp,
            opened_at: None,
            stage: Some(stage.clone()),
            stage_raw: String::new(),
            digest: Some(package_digest(&Package::new())),
            package: Package::new(),
            edits: BTreeMap::new(),
            sender: None,
            receiver: None,
            falls_to: None,
            submitted: None,
            handed_over_by: None,
            fell_incomplete: false,
            completed: None,
            sla_breached: false,
            clock: None,
            accepted: None,
            ever_accepted: false,
            sent_back: None,
            rejected: BTreeMap::new(),
            reason: None,
            consumed: Consumed::default(),
            stage_entry: String::new(),
            concerns: BTreeSet::new(),
            bypasses: 0,
            bypass: None,
            grace: None,
            reverts: Vec::new(),
            put_back: None,
            link: None,
            twins: Vec::new(),
            carried: Vec::new(),
            carried_when_accepted: Vec::new(),
            gates: BTreeMap::new(),
            pay: None,
            released: false,
            adjustments: 0,
            beside: crate::beside::Beside::default(),
            voided: None,
            returns: Returns::default(),
            overrides: BTreeMap::new(),
            absorbed: BTreeSet::new(),
            version: 0,
        };
        // A stream that opens again keeps what must never be forgotten: consumed acts, by-passes, flags, adjustments.
        match before {
            None => fresh,
            Some(old) => Self {
                digest: Some(package_digest(&old.package)),
                package: old.package,
                edits: old.edits,
                sender: old.sender,
                receiver: old.receiver,
                stage_raw: old.stage_raw,
                stage_entry: old.stage_entry,
                ever_accepted: old.ever_accepted,
                consumed: old.consumed,
                bypasses: old.bypasses,
                bypass: old.bypass,
                reverts: old.reverts,
                link: old.link,
                twins: old.twins,
                carried: old.carried,
                carried_when_accepted: old.carried_when_accepted,
                gates: old.gates,
                pay: old.pay,
                adjustments: old.adjustments,
                returns: old.returns.carried(),
                overrides: old.overrides,
                absorbed: old.absorbed,
                version: old.version,
                ..fresh
            },
        }
    }

    pub(super) fn reopen(&mut self, stamp: Stamp, cycle: u32) {
        self.returns = std::mem::take(&mut self.returns).carried();
        self.id.cycle = cycle;
        self.round = 1;
        self.opened = stamp;
        self.phase = Phase::Draft;
        self.accepted = None;
        self.completed = None;
        self.submitted = None;
        self.handed_over_by = None;
        self.fell_incomplete = false;
        self.sla_breached = false;
        self.clock = None;
        self.sent_back = None;
        self.rejected.clear();
        self.reason = None;
    }
}
