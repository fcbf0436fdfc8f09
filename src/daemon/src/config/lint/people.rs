//! Who is who: roles that exist, logins that belong to one person.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::registry::{Registry, quoted, suggestion};

use super::Found;
use super::govern::governed;
use crate::config::Config;

pub(super) fn all(config: &Config, registry: &Registry, found: &mut Found) {
    roles(config, registry, found);
    persons(config, found);
}

fn roles(config: &Config, registry: &Registry, found: &mut Found) {
    let known: BTreeSet<&str> = registry
        .contracts()
        .flat_map(|held| [held.contract.roles.sender.as_str(), held.contract.roles.receiver.as_str()])
        .chain([handoff_core::break_glass::ROLE])
        .collect();
    let names: Vec<&str> = known.iter().copied().collect();
    for (role, holders) in &config.people.roles {
        let at = ["people", "roles", role.as_str()];
        if !known.contains(role.as_str()) {
            let message = format!("no contract knows the role {}", quoted(role));
            found.wrong(&at, message, suggestion(role, &names));
        }
        if role == handoff_core::break_glass::ROLE && holders.iter().any(|holder| holder == "*") {
            found.wrong(&at, "break-glass is not for everyone", "name at least two logins");
        }
        if holders.is_empty() {
            found.wrong(
                &at,
                "nobody holds this role, so nobody could act in it",
                "name logins, or write [\"*\"]",
            );
        }
        if holders.len() > 1 && holders.iter().any(|holder| holder == "*") {
            found.wrong(
                &at,
                "\"*\" already means every active human user",
                "write \"*\" alone, or logins alone",
            );
        }
    }
    let receivers: BTreeSet<&str> =
        governed(config, registry).map(|(_, contract)| contract.roles.receiver.as_str()).collect();
    for role in receivers {
        if !config.people.roles.contains_key(role) {
            found.advise(
                &["people"],
                format!(
                    "nobody is named for the receiving role {}: every active human user holds it",
                    quoted(role)
                ),
                format!("add [people.roles] {role} = [\"login\", …]"),
            );
        }
    }
}

fn persons(config: &Config, found: &mut Found) {
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    for (person, logins) in &config.people.same_person {
        for login in logins {
            let taken = owners.insert(login.trim().to_lowercase(), person);
            if let Some(other) = taken.filter(|other| other != person) {
                let message = format!("one of these logins also belongs to {}", quoted(other));
                found.wrong(
                    &["people", "same_person", person],
                    message,
                    "give each login to one person: the sender is told from the receiver by it",
                );
            }
        }
        if logins.is_empty() {
            found.wrong(
                &["people", "same_person", person],
                "has no logins",
                "name at least two, or remove it",
            );
        }
    }
}
