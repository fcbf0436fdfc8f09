//! Which contracts a daemon governs.

use std::collections::BTreeMap;

use handoff_core::contract::Mode;
use handoff_core::id::{ConnectionId, ContractId};
use handoffd::config::Govern;

use super::face::Face;
use super::table::Scene;
use crate::governed::Governed;

/// Governs the scenes' contracts and nothing else, all gates enforced.
pub fn govern(face: &dyn Face, world: &mut Governed, scenes: &[&Scene]) {
    let registry = world.registry().unwrap();
    let since = world.now();
    let one = |scene: &&Scene| {
        let contract = ContractId::from(scene.contract);
        let gates = registry.latest(&contract).unwrap().contract.gates.keys();
        Govern {
            mapping: scene.mapping.to_owned(),
            connection: ConnectionId::from(face.kind().connection()),
            motion: None,
            governed_since: Some(since),
            mode: gates.map(|gate| (gate.clone(), Mode::Enforce)).collect(),
            on_bypass: BTreeMap::new(),
            reunify: None,
            max_writes_per_hour: None,
            contract,
        }
    };
    let govern = scenes.iter().map(one).collect();
    let mut roles: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (role, login) in scenes.iter().flat_map(|scene| &scene.roles) {
        roles.entry((*role).to_owned()).or_default().push((*login).to_owned());
    }
    world.config(|config| {
        config.govern = govern;
        config.people.roles = roles;
    });
}
