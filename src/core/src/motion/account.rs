//! A whole account: a deal of one motion on an account that lives in another, without a cross-motion handoff.

use std::collections::BTreeSet;

use crate::handoff::Phase;
use crate::id::{ContractId, MotionId, RecordRef};

/// One known handoff of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountHandoff {
    /// Its record.
    pub record: RecordRef,
    /// Its contract.
    pub contract: ContractId,
    /// Its motion.
    pub motion: MotionId,
    /// Where it stands.
    pub phase: Phase,
}

impl AccountHandoff {
    fn is_on(&self) -> bool {
        self.phase != Phase::Voided
    }
}

/// Records of open deals whose motion is not the one in which the account lives, while no handoff under a `cross` contract is on for the
/// account. An account lives in the motions of its accepted handoffs. A deal in one of those motions is no cross-sell; a record of unknown
/// motion is told as that and not as this.
pub fn unguarded(known: &[AccountHandoff], cross: &BTreeSet<ContractId>) -> BTreeSet<RecordRef> {
    let is_cross = |handoff: &&AccountHandoff| cross.contains(&handoff.contract);
    if known.iter().any(|handoff| is_cross(&handoff) && handoff.is_on()) {
        return BTreeSet::new();
    }
    let unknown = super::unknown();
    let deals: Vec<&AccountHandoff> = known
        .iter()
        .filter(|handoff| !is_cross(handoff) && handoff.is_on() && handoff.motion != unknown)
        .collect();
    let lives: BTreeSet<&MotionId> =
        deals.iter().filter(|deal| deal.phase == Phase::Accepted).map(|deal| &deal.motion).collect();
    if lives.is_empty() {
        return BTreeSet::new();
    }
    deals
        .into_iter()
        .filter(|deal| deal.phase != Phase::Accepted && !lives.contains(&deal.motion))
        .map(|deal| deal.record.clone())
        .collect()
}
