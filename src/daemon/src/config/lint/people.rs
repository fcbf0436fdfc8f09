//! Who is who: roles that exist, logins that belong to one person.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::obligation::{ADMIN, roles as owing};
use handoff_core::registry::{Registry, quoted, suggestion};

use super::Found;
use super::govern::governed;
use crate::config::Config;
use crate::seats::person_of;

pub(super) fn all(config: &Config, registry: &Registry, found: &mut Found) {
    roles(config, registry, found);
    persons(config, found);
    seats(config, found);
}

fn roles(config: &Config, registry: &Registry, found: &mut Found) {
    let all: BTreeSet<String> = registry
        .contracts()
        .flat_map(|held| {
            let roles = &held.contract.roles;
            let others = owing(&held.contract, registry.signals());
            [roles.sender.clone(), roles.receiver.clone()].into_iter().chain(others)
        })
        .chain([handoff_core::break_glass::ROLE, ADMIN].map(str::to_owned))
        .collect();
    let known: BTreeSet<&str> = all.iter().map(String::as_str).collect();
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
    vacant(config, registry, found);
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

/// Roles that would owe something and that no task could go to.
fn vacant(config: &Config, registry: &Registry, found: &mut Found) {
    if config.tasks.is_none() {
        return;
    }
    let roles = governed(config, registry).flat_map(|(_, contract)| owing(contract, registry.signals()));
    for role in roles.collect::<BTreeSet<_>>() {
        let named = config.people.roles.get(&role);
        if named.is_none_or(|holders| holders.iter().all(|holder| holder == "*")) {
            let message = format!(
                "nobody in particular holds the role {}, so that its tasks go to nobody",
                quoted(&role)
            );
            found.advise(&["people"], message, format!("add [people.roles] {role} = [\"login\", …]"));
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

fn seats(config: &Config, found: &mut Found) {
    let people = &config.people;
    for (row, delegation) in people.delegate.iter().enumerate() {
        let row = row.to_string();
        if person_of(people, &delegation.of) == person_of(people, &delegation.to) {
            found.wrong(
                &["people", "delegate", &row, "to"],
                "nobody is his own delegate",
                "name another person",
            );
        }
        if let (Some(from), Some(until)) = (delegation.from, delegation.until)
            && from >= until
        {
            found.wrong(
                &["people", "delegate", &row, "until"],
                "it is over before it begins",
                "write a later moment",
            );
        }
        if delegation.until.is_none() {
            found.advise(
                &["people", "delegate", &row],
                "it holds until further notice",
                "write until, so that nobody answers for another by mistake",
            );
        }
    }
    let mut ids: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, queue) in &people.queue {
        let at = ["people", "queue", name.as_str(), "id"];
        if queue.id.trim().is_empty() || queue.id.len() > 64 {
            found.wrong(&at, "this is no id of a queue", "write it as the CRM's API tells it");
        }
        if let Some(other) = ids.insert(&queue.id, name) {
            found.wrong(&at, format!("{} has the same id", quoted(other)), "list each queue once");
        }
        if queue.members.as_ref().is_some_and(Vec::is_empty) {
            let at = ["people", "queue", name.as_str(), "members"];
            let remedy = "name logins, or leave it out: then everybody with the receiving role answers";
            found.wrong(&at, "the queue has no members, so nobody could answer", remedy);
        }
    }
}
