//! Feeds: schemas that hold together, secrets in one place.

use std::collections::BTreeSet;

use handoff_core::account::{AccountColumns, SurveyColumns};
use handoff_core::extract::feeds;
use handoff_core::registry::{Registry, quoted};

use super::{Found, secret};
use crate::config::{Config, Feed};

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

/// What rows tell of accounts.
fn about(config: &Config, name: &str, feed: &Feed, found: &mut Found) {
    let Some(about) = &feed.about else { return };
    let at = ["feed", name, "about"];
    if !config.connection.contains_key(&about.connection) {
        let message = format!("the connection {} is not configured", quoted(about.connection.as_str()));
        found.wrong(&at, message, "name one under [connection]");
    }
    if about.account.is_some() == about.survey.is_some() {
        let remedy = "name the columns of accounts or those of a survey, and use two feeds for both";
        found.wrong(&at, "a feed is about accounts or about answers to a survey", remedy);
    }
    let named = about.account.iter().flat_map(AccountColumns::columns);
    for column in named.chain(about.survey.iter().flat_map(SurveyColumns::columns)) {
        if !feed.columns.contains_key(column) {
            found.wrong(&at, format!("{} is no column of the feed", quoted(column)), "name it under columns");
        }
    }
    if about.account.is_some() && feed.identity != [feed.key.clone()] {
        found.wrong(
            &["feed", name, "identity"],
            "of an account only the newest row may count",
            "set identity to the key alone",
        );
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
        about(config, name, feed, found);
        for fault in feed.schema().faults() {
            found.wrong(&["feed", name], fault.to_string(), "mend the feed's key, identity or columns");
        }
    }
}
