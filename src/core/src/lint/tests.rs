//! Every check has a name of its own, and the corpus in the registry's tests makes each one speak.

use std::collections::BTreeSet;

use super::{CONTRACT_CHECKS, MAPPING_CHECKS, contract};
use crate::contract::{Mode, OnBypass};
use crate::registry::{Registry, shipped};

#[test]
fn checks_have_distinct_names() {
    let contracts: BTreeSet<&str> = CONTRACT_CHECKS.iter().map(|check| check.name).collect();
    let mappings: BTreeSet<&str> = MAPPING_CHECKS.iter().map(|check| check.name).collect();
    assert_eq!((contracts.len(), mappings.len()), (CONTRACT_CHECKS.len(), MAPPING_CHECKS.len()));
}

#[test]
fn n1_stage_gate_of_handoff_03_may_be_enforced_by_the_admin() {
    let registry = Registry::load(shipped()).unwrap();
    let mut h03 = registry.latest(&"h03-ae-to-onboarding".into()).unwrap().contract.clone();
    let gate = h03.gates.get_mut(&"closed_won".into()).unwrap();
    assert_eq!((gate.mode, gate.on_bypass), (Mode::Observe, OnBypass::Record));
    gate.mode = Mode::Enforce;
    assert_eq!(contract(&h03), []);
    h03.opens.when_stage_becomes = vec!["closed_won".into()];
    assert_eq!(contract(&h03).len(), 1, "an enforced stage gate that opens only at the win deadlocks");
}
