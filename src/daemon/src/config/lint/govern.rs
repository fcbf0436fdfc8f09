//! What is governed: names that exist, fields that one entry alone writes, gates that may be enforced.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::contract::{Contract, GateKind, Mode};
use handoff_core::id::{ConnectionId, ContractId, GateName};
use handoff_core::mapping::Mapping;
use handoff_core::registry::{Registry, quoted, suggestion};

use super::Found;
use crate::config::{Config, Govern};

pub(super) fn all(config: &Config, registry: &Registry, found: &mut Found) {
    if config.govern.is_empty() {
        found.wrong(
            &["govern"],
            "nothing is governed",
            "add [[govern]] with contract, mapping and connection",
        );
    }
    let mut taken: BTreeMap<(&ConnectionId, &str, &str), usize> = BTreeMap::new();
    for (index, entry) in config.govern.iter().enumerate() {
        let row = index.to_string();
        connection(config, entry, &row, found);
        let known: Vec<&str> = registry.contracts().map(|held| held.contract.contract.as_str()).collect();
        if !known.contains(&entry.contract.as_str()) {
            let message = format!("there is no contract {}", quoted(entry.contract.as_str()));
            found.wrong(&["govern", &row, "contract"], message, suggestion(entry.contract.as_str(), &known));
        }
        let Some(mapping) = mapping(config, registry, entry, &row, found) else { continue };
        if let Some(held) = registry.contract_of(mapping).filter(|_| mapping.contract == entry.contract) {
            gates(entry, &held.contract, &row, found);
        }
        twin(config, registry, entry, mapping, &row, found);
        carried(config, entry, mapping, &row, found);
        for field in written(mapping) {
            let place = (&entry.connection, mapping.object.as_str(), field);
            let Some(first) = taken.insert(place, index).filter(|first| *first != index) else { continue };
            let message = format!(
                "writes {}.{field} of connection {}, which [[govern]] {} writes too",
                mapping.object,
                entry.connection,
                first + 1
            );
            found.wrong(&["govern", &row, "mapping"], message, "let one entry alone write a field");
        }
    }
}

/// What is carried comes from handoffs of the same connection: without them it stays missing.
fn carried(config: &Config, entry: &Govern, mapping: &Mapping, row: &str, found: &mut Found) {
    let from: BTreeSet<&ContractId> =
        mapping.paths().filter_map(|path| path.carried.as_ref().map(|carried| &carried.contract)).collect();
    for contract in from {
        let governs = |other: &Govern| other.connection == entry.connection && other.contract == *contract;
        if !config.govern.iter().any(governs) {
            let message = format!(
                "it carries parts from {contract}, which does not govern connection {}: they stay missing",
                entry.connection
            );
            found.advise(&["govern", row, "mapping"], message, "add [[govern]] for that contract");
        }
    }
}

/// The other record is only known if its object is governed by the same contract.
fn twin(
    config: &Config,
    registry: &Registry,
    entry: &Govern,
    mapping: &Mapping,
    row: &str,
    found: &mut Found,
) {
    let Some(twin) = &mapping.twin else { return };
    let at = ["govern", row, "mapping"];
    if !config.connection.contains_key(&twin.connection) {
        let known: Vec<&str> = config.connection.keys().map(ConnectionId::as_str).collect();
        let message =
            format!("its [twin] names connection {}, which is not there", quoted(twin.connection.as_str()));
        found.wrong(&at, message, suggestion(twin.connection.as_str(), &known));
        return;
    }
    let governs = |other: &Govern| {
        other.connection == twin.connection
            && other.contract == entry.contract
            && registry.mapping(&other.mapping).is_some_and(|mapping| mapping.object == twin.object)
    };
    if !config.govern.iter().any(governs) {
        let message = format!(
            "its [twin] names {} of connection {}, which contract {} does not govern: nothing is compared",
            twin.object, twin.connection, entry.contract
        );
        found.advise(&at, message, "add [[govern]] for that connection, or remove [twin]");
    }
}

fn connection(config: &Config, entry: &Govern, row: &str, found: &mut Found) {
    if config.connection.contains_key(&entry.connection) {
        return;
    }
    let known: Vec<&str> = config.connection.keys().map(ConnectionId::as_str).collect();
    let message = format!("there is no connection {}", quoted(entry.connection.as_str()));
    found.wrong(&["govern", row, "connection"], message, suggestion(entry.connection.as_str(), &known));
}

fn mapping<'a>(
    config: &Config,
    registry: &'a Registry,
    entry: &Govern,
    row: &str,
    found: &mut Found,
) -> Option<&'a Mapping> {
    let at = ["govern", row, "mapping"];
    let Some(mapping) = registry.mapping(&entry.mapping) else {
        let known: Vec<&str> = registry.mappings().map(|mapping| mapping.mapping.as_str()).collect();
        let message = format!("there is no mapping {}", quoted(&entry.mapping));
        found.wrong(&at, message, suggestion(&entry.mapping, &known));
        return None;
    };
    if mapping.contract != entry.contract && registry.latest(&entry.contract).is_some() {
        let message = format!("this mapping serves contract {}, not {}", mapping.contract, entry.contract);
        found.wrong(&at, message, "name the mapping of that contract");
    }
    let connector = config.connection.get(&entry.connection).map(|connection| connection.connector.as_str());
    if let Some(connector) = connector.filter(|connector| *connector != mapping.connector) {
        let message = format!(
            "this mapping is for {}, but connection {} is {connector}",
            mapping.connector, entry.connection
        );
        found.wrong(&at, message, "name a mapping of that connector");
    }
    Some(mapping)
}

fn gates(entry: &Govern, contract: &Contract, row: &str, found: &mut Found) {
    let names: Vec<&str> = contract.gates.keys().map(GateName::as_str).collect();
    for (table, keys) in [
        ("mode", entry.mode.keys().collect::<Vec<_>>()),
        ("on_bypass", entry.on_bypass.keys().collect::<Vec<_>>()),
    ] {
        for gate in keys.into_iter().filter(|gate| !contract.gates.contains_key(*gate)) {
            let message = format!("contract {} has no gate {}", contract.contract, quoted(gate.as_str()));
            found.wrong(&["govern", row, table, gate.as_str()], message, suggestion(gate.as_str(), &names));
        }
    }
    for gate in entry.on_bypass.keys() {
        if contract.gates.get(gate).is_some_and(|gate| gate.kind != GateKind::Stage) {
            found.wrong(
                &["govern", row, "on_bypass", gate.as_str()],
                "only a stage gate can be passed by",
                "remove it",
            );
        }
    }
    for (name, gate) in &contract.gates {
        let mode = entry.mode.get(name).copied().unwrap_or(gate.mode);
        let clause = gate.plan_clause.as_deref().map_or("", str::trim);
        if gate.kind == GateKind::Commission && mode == Mode::Enforce && clause.is_empty() {
            found.wrong(
                &["govern", row, "mode", name.as_str()],
                format!("gate {name} holds pay, but contract {} does not name the clause", contract.contract),
                "write plan_clause into the contract, or set the gate to \"observe\"",
            );
        }
    }
    if entry.max_writes_per_hour == Some(0) {
        found.wrong(
            &["govern", row, "max_writes_per_hour"],
            "nothing could ever be written",
            "write at least 1, or set the gates to \"observe\"",
        );
    }
    if entry.governed_since.is_none() {
        found.advise(
            &["govern", row],
            format!("every deal in an opening stage is governed by {}, however old", entry.contract),
            "set governed_since to the day your team starts",
        );
    }
}

/// Every field that a mapping writes.
pub(in crate::config) fn written(mapping: &Mapping) -> Vec<&str> {
    let gates = mapping.write.gate.values().flat_map(|gate| {
        let others = [&gate.number, &gate.status, &gate.cleared_at, &gate.clearance_id, &gate.hold_reason];
        std::iter::once(gate.field.as_str()).chain(others.into_iter().filter_map(Option::as_deref))
    });
    let note = &mapping.write.note;
    let note = [&note.status, &note.missing, &note.changes, &note.evidence, &note.numbers];
    let state = mapping.write.state.iter().map(|state| state.field.as_str());
    let beside = mapping.beside.iter().flat_map(|beside| {
        let echo = beside.echo.iter().filter(|echo| echo.on.is_none()).map(|echo| echo.field.as_str());
        echo.chain(beside.brief.as_deref())
    });
    gates.chain(note.into_iter().filter_map(Option::as_deref)).chain(state).chain(beside).collect()
}

/// The contracts that entries govern, in entry order.
pub(super) fn governed<'a>(
    config: &'a Config,
    registry: &'a Registry,
) -> impl Iterator<Item = (&'a ContractId, &'a Contract)> {
    config.govern.iter().filter_map(|entry| {
        let mapping = registry.mapping(&entry.mapping)?;
        registry.contract_of(mapping).map(|held| (&entry.contract, &held.contract))
    })
}
