//! Tasks: hours, zone, and where a mapping says what a task stands for.

use std::collections::BTreeMap;

use handoff_core::id::ConnectionId;
use handoff_core::registry::Registry;
use handoff_core::task::{Quiet, covers_the_day};
use jiff::tz::TimeZone;

use super::Found;
use crate::config::Config;

pub(super) fn all(config: &Config, registry: &Registry, found: &mut Found) {
    let Some(tasks) = &config.tasks else { return };
    if TimeZone::get(&tasks.zone).is_err() {
        found.wrong(
            &["tasks", "zone"],
            "not a time zone that is known here",
            "write a name of the IANA database, e.g. \"Europe/Berlin\" or \"UTC\"",
        );
    }
    let mut quiet: Vec<Quiet> = Vec::new();
    for (row, text) in tasks.quiet.iter().enumerate() {
        match text.parse() {
            Ok(one) => quiet.push(one),
            Err(error) => {
                let error: handoff_core::task::QuietError = error;
                found.wrong(
                    &["tasks", "quiet", &row.to_string()],
                    error.to_string(),
                    "write e.g. \"18:00-08:00\"",
                );
            }
        }
    }
    if covers_the_day(&quiet) {
        found.wrong(
            &["tasks", "quiet"],
            "it is always quiet: no task could ever be written",
            "leave some hours",
        );
    }
    if tasks.max_per_person_and_day == 0 {
        found.wrong(
            &["tasks", "max_per_person_and_day"],
            "no task could ever be written",
            "write at least 1, or remove [tasks]",
        );
    }
    keys(config, registry, found);
}

/// Each connection has one field that tells what a task stands for.
fn keys(config: &Config, registry: &Registry, found: &mut Found) {
    let mut keys: BTreeMap<&ConnectionId, &str> = BTreeMap::new();
    for (row, entry) in config.govern.iter().enumerate() {
        let mapping = registry.mapping(&entry.mapping);
        let Some(task) = mapping.and_then(|mapping| mapping.write.task.as_ref()) else { continue };
        let first = keys.entry(&entry.connection).or_insert(&task.id);
        if *first != task.id {
            found.wrong(
                &["govern", &row.to_string(), "mapping"],
                format!("another mapping of the connection {} finds its tasks by {first}", entry.connection),
                "name the same field in write.task.id of all mappings of a connection",
            );
        }
    }
    if keys.is_empty() {
        found.advise(
            &["tasks"],
            "no governed mapping has write.task, so that no task is written",
            "add [write.task] to a mapping, or remove [tasks]",
        );
    }
}
