//! Re-discovery: connections with calls, a lexicon that can be read, records on which people can answer.

use handoff_core::id::ConnectionId;
use handoff_core::registry::{Registry, quoted, suggestion};

use super::Found;
use crate::config::{Config, vendor};

pub(super) fn all(config: &Config, registry: &Registry, found: &mut Found) {
    if let Err(error) = crate::lexicon::of(config) {
        let at: &[&str] =
            if config.rediscovery.is_some() { &["rediscovery", "lexicon"] } else { &["mappings_dir"] };
        found.wrong(
            at,
            format!("the lexicon of re-discovery: {error}"),
            "mend the file, or name another folder",
        );
    }
    let Some(settings) = &config.rediscovery else { return };
    for (index, name) in settings.calls.iter().enumerate() {
        let row = index.to_string();
        let at = ["rediscovery", "calls", &row];
        let Some(connection) = config.connection.get(name) else {
            let known: Vec<&str> = config.connection.keys().map(ConnectionId::as_str).collect();
            let message = format!("there is no connection {}", quoted(name.as_str()));
            found.wrong(&at, message, suggestion(name.as_str(), &known));
            continue;
        };
        if !vendor::has_calls(&connection.connector) {
            let message = format!("connection {} has no recorded calls", quoted(name.as_str()));
            found.wrong(&at, message, "name a connection of connector gong");
        }
    }
    if settings.calls.is_empty() {
        found.advise(
            &["rediscovery"],
            "no connection is named, so that no call is scored",
            "add calls = [\"…\"]",
        );
    }
    for (key, percent) in [
        ("sensitivity_percent", settings.sensitivity_percent),
        ("specificity_percent", settings.specificity_percent),
    ] {
        if !(51..=100).contains(&percent) {
            found.wrong(
                &["rediscovery", key],
                "a detector that is right half of the time or less tells nothing",
                "write 51 to 100",
            );
        }
    }
    for domain in settings.our_domains.iter().filter(|domain| domain.contains('@') || !domain.contains('.')) {
        let message = format!("{} is no e-mail domain", quoted(domain));
        found.wrong(
            &["rediscovery", "our_domains"],
            message,
            "write what stands behind the @, like \"acme.example\"",
        );
    }
    let crms = config.govern.iter().filter_map(|govern| registry.mapping(&govern.mapping));
    for crm in crms.filter(|crm| crm.reask.is_none() || crm.write.note.reask.is_none()) {
        found.advise(
            &["rediscovery"],
            format!(
                "{} names no field to answer in or none for the suggestions: people answer here, but not on the record",
                crm.mapping
            ),
            "add [reask], and reask = \"…\" to its [write.note]",
        );
    }
}
