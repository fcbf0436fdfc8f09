//! Whose calls are evidence: names that exist and fit together.

use std::collections::BTreeSet;

use handoff_core::id::ConnectionId;
use handoff_core::registry::{Registry, quoted, suggestion};

use super::Found;
use crate::config::Config;

pub(super) fn all(config: &Config, registry: &Registry, found: &mut Found) {
    let mut taken = BTreeSet::new();
    for (index, entry) in config.evidence.iter().enumerate() {
        let row = index.to_string();
        let at = ["evidence", &row, "mapping"];
        let connection = config.connection.get(&entry.connection);
        if connection.is_none() {
            let known: Vec<&str> = config.connection.keys().map(ConnectionId::as_str).collect();
            let message = format!("there is no connection {}", quoted(entry.connection.as_str()));
            let remedy = suggestion(entry.connection.as_str(), &known);
            found.wrong(&["evidence", &row, "connection"], message, remedy);
        }
        if !taken.insert((&entry.connection, &entry.mapping)) {
            found.wrong(&["evidence", &row], "this entry stands there twice", "remove one");
        }
        let Some(mapping) = registry.evidence(&entry.mapping) else {
            let known: Vec<&str> = registry.evidence_mappings().map(|each| each.evidence.as_str()).collect();
            let message = format!("there is no evidence mapping {}", quoted(&entry.mapping));
            found.wrong(&at, message, suggestion(&entry.mapping, &known));
            continue;
        };
        if let Some(connection) = connection.filter(|each| each.connector != mapping.connector) {
            let message = format!(
                "this mapping is for calls of {}, but connection {} is {}",
                mapping.connector, entry.connection, connection.connector
            );
            found.wrong(&at, message, "name a connection with recorded calls");
        }
        if !config.govern.iter().any(|govern| govern.contract == mapping.contract) {
            let message =
                format!("no [[govern]] governs {}, so nothing would be suggested", mapping.contract);
            found.wrong(&at, message, "govern the contract, or remove this entry");
        }
        for govern in config.govern.iter().filter(|govern| govern.contract == mapping.contract) {
            let Some(crm) = registry.mapping(&govern.mapping) else { continue };
            if crm.account.is_none() {
                found.advise(
                    &at,
                    format!(
                        "{} names no account: calls that are linked to an account alone are not found",
                        govern.mapping
                    ),
                    "add account = { field = \"…\" } to it",
                );
            }
            if crm.write.note.evidence.is_none() {
                found.advise(
                    &at,
                    format!(
                        "{} names no field for evidence: people see it here, but not on the record",
                        govern.mapping
                    ),
                    "add evidence = \"…\" to its [write.note]",
                );
            }
        }
    }
}
