//! Every check has a name of its own, and the corpus in the registry's tests makes each one speak.

use std::collections::BTreeSet;

use super::{CONTRACT_CHECKS, EVIDENCE_CHECKS, MAPPING_CHECKS, contract};
use crate::contract::{Mode, OnBypass};
use crate::registry::{Registry, shipped};

#[test]
fn checks_have_distinct_names() {
    let contracts: BTreeSet<&str> = CONTRACT_CHECKS.iter().map(|check| check.name).collect();
    let mappings: BTreeSet<&str> = MAPPING_CHECKS.iter().map(|check| check.name).collect();
    assert_eq!((contracts.len(), mappings.len()), (CONTRACT_CHECKS.len(), MAPPING_CHECKS.len()));
    let evidence: BTreeSet<&str> = EVIDENCE_CHECKS.iter().map(|check| check.name).collect();
    assert_eq!(evidence.len(), EVIDENCE_CHECKS.len());
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

#[test]
fn h03_only_plain_identifiers_reach_a_query() {
    let registry = Registry::load(shipped()).unwrap();
    let good = registry.mapping("salesforce/h03-ae-to-onboarding").unwrap();
    let contract = &registry.contract_of(good).unwrap().contract;
    assert_eq!(super::mapping(good, contract), []);
    let long = "A".repeat(81);
    for name in [
        "",
        "Id,Name",
        "Id FROM User",
        "O'Brien",
        "A\\",
        "A\n",
        "A..B",
        "A.",
        ".A",
        "A.B.C.D.E.F.G",
        "_A",
        "9A",
        "Ä__c",
        "A__c ",
        "A\u{200B}",
        long.as_str(),
    ] {
        let mut places: Vec<crate::mapping::Mapping> = vec![good.clone(); 6];
        let [object, stage, sender, decision, read, written] = places.as_mut_slice() else {
            panic!("six places")
        };
        object.object = name.into();
        name.clone_into(&mut stage.stage.field);
        name.clone_into(&mut sender.people.sender.field);
        name.clone_into(&mut decision.decision.field);
        let paths = read.read.get_mut(&"go_live".into()).unwrap();
        paths.get_mut(&"anchor".into()).unwrap().field = Some(name.to_owned());
        name.clone_into(&mut written.write.gate.get_mut(&"commission".into()).unwrap().field);
        for bad in &places {
            let found = super::mapping(bad, contract);
            assert!(
                found.iter().any(|each| each.message.ends_with("is not an API name")),
                "{name:?}: {found:?}"
            );
        }
    }
}
