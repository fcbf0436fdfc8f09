//! Feeds: schemas that hold together, secrets in one place.

use std::collections::BTreeSet;

use handoff_core::extract::feeds;
use handoff_core::registry::{Registry, quoted};

use super::{Found, secret};
use crate::config::Config;

/// What a mapping reads from a feed that nobody declares stays missing.
fn read(config: &Config, registry: &Registry, found: &mut Found) {
    for (row, entry) in config.govern.iter().enumerate() {
        let Some(mapping) = registry.mapping(&entry.mapping) else { continue };
        let named: BTreeSet<String> = feeds(mapping).map(|(feed, _)| feed).collect();
        for feed in named.iter().filter(|feed| !config.feed.contains_key(*feed)) {
            let message =
                format!("it reads the feed {}, which is not declared: its parts stay missing", quoted(feed));
            let remedy = format!("add [feed.{feed}] with secrets, key and columns");
            found.advise(&["govern", &row.to_string(), "mapping"], message, remedy);
        }
    }
}

pub(super) fn all(config: &Config, registry: &Registry, found: &mut Found) {
    read(config, registry, found);
    for (name, feed) in &config.feed {
        let plain = name
            .chars()
            .all(|each| each.is_ascii_lowercase() || each.is_ascii_digit() || "-_".contains(each));
        if name.is_empty() || name.len() > 64 || !plain {
            found.wrong(
                &["feed", name],
                "a feed's name is part of its address: 1 to 64 lower-case letters, digits, - and _",
                "write a name like usage",
            );
        }
        if feed.secrets.is_empty() {
            found.wrong(
                &["feed", name, "secrets"],
                "without a secret nothing could be proven, so nothing would be taken",
                "add a secret: whsec_ and base64 of 24 to 64 random bytes",
            );
        }
        for each in &feed.secrets {
            secret(each, &["feed", name, "secrets"], found);
        }
        for fault in feed.schema().faults() {
            found.wrong(&["feed", name], fault.to_string(), "mend the feed's key, identity or columns");
        }
    }
}
