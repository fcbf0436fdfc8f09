//! A company that is governed by other contracts than handoff 03 alone.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::id::{ConnectionId, ContractId};
use handoffd::config::Govern;
use handoffd::view::{Detail, Filter};
use handoffd_tests::crm::Kind;
use handoffd_tests::governed::{Governed, Options};
use jiff::Timestamp;

/// The folder of a vendor's mappings.
pub(crate) fn folder(kind: Kind) -> &'static str {
    kind.mapping().split('/').next().unwrap()
}

/// A CRM that holds nothing, its clock at `now`, governed by these contracts with the shipped mappings or `files` in their place; whoever is
/// active may receive.
pub(crate) async fn company(
    crms: &'static [Kind],
    now: Timestamp,
    files: Vec<(String, String)>,
    contracts: &[&str],
) -> Governed {
    let options = Options { crms, empty: true, now: Some(now), files, ..Options::default() };
    let mut world = Governed::prepare(options).await;
    let registry = world.registry().unwrap();
    let govern = |contract: &&str| Govern {
        contract: ContractId::from(*contract),
        mapping: format!("{}/{contract}", folder(crms[0])),
        connection: ConnectionId::from(crms[0].connection()),
        motion: None,
        governed_since: None,
        mode: BTreeMap::new(),
        on_bypass: BTreeMap::new(),
        reunify: None,
        max_writes_per_hour: None,
    };
    let receiver = |contract: &&str| {
        let contract = &registry.latest(&ContractId::from(*contract)).unwrap().contract;
        (contract.roles.receiver.clone(), vec!["*".to_owned()])
    };
    world.config(|config| {
        config.govern = contracts.iter().map(govern).collect();
        config.people.roles = contracts.iter().map(receiver).collect();
    });
    world
}

/// Every handoff of a contract, newest cycles, with its stream.
pub(crate) async fn details(world: &Governed, contract: &str) -> Vec<Detail> {
    let view = world.handle().view();
    let filter = Filter { contract: Some(ContractId::from(contract)), ..Filter::default() };
    let mut details = Vec::new();
    for summary in view.handoffs(&filter) {
        details.push(view.handoff(&summary.stream).await.unwrap().unwrap());
    }
    details
}

/// The keys of the contract's fields that are missing.
pub(crate) fn missing(detail: &Detail) -> BTreeSet<String> {
    let verdict = detail.verdict.as_ref().unwrap();
    verdict.missing.iter().map(|finding| finding.field.to_string()).collect()
}
