//! A whole account: a deal of one motion on an account that lives in another, without a cross-motion handoff.

use std::collections::{BTreeMap, BTreeSet};

use crate::handoff::Phase;
use crate::id::{ContractId, MotionId};

/// How many handoffs of an account stand where: an account may have thousands, and every look at one of them asks. Those that are off are
/// not counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing(BTreeMap<(ContractId, MotionId, Phase), usize>);

impl Standing {
    /// Counts a handoff.
    pub fn add(&mut self, contract: &ContractId, motion: &MotionId, phase: Phase) {
        if phase != Phase::Voided {
            *self.0.entry((contract.clone(), motion.clone(), phase)).or_default() += 1;
        }
    }

    /// Counts a handoff no more that was counted with the same contract, motion and phase.
    pub fn remove(&mut self, contract: &ContractId, motion: &MotionId, phase: Phase) {
        let key = (contract.clone(), motion.clone(), phase);
        if let Some(count) = self.0.get_mut(&key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.0.remove(&key);
            }
        }
    }

    /// Where the account lives; `cross` = the contracts of handoffs between motions.
    pub fn residence(&self, cross: &BTreeSet<ContractId>) -> Residence {
        let deals = self.0.keys().filter(|(contract, ..)| !cross.contains(contract));
        let lives =
            deals.filter(|(_, motion, phase)| *phase == Phase::Accepted && *motion != super::unknown());
        Residence {
            motions: lives.map(|(_, motion, _)| motion.clone()).collect(),
            is_crossing: self.0.keys().any(|(contract, ..)| cross.contains(contract)),
        }
    }
}

/// Where an account lives: what its deals are judged by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Residence {
    /// The motions of its accepted handoffs.
    motions: BTreeSet<MotionId>,
    /// Whether a handoff between motions is on for it.
    is_crossing: bool,
}

impl Residence {
    /// Whether a deal of this motion needs a handoff between motions and has none. A record of unknown motion is told as that and not as this.
    pub fn is_unguarded(&self, motion: &MotionId) -> bool {
        let is_foreign = !self.motions.is_empty() && !self.motions.contains(motion);
        is_foreign && !self.is_crossing && *motion != super::unknown()
    }
}
