//! Feeds: schemas that hold together, secrets in one place.

use super::{Found, secret};
use crate::config::Config;

pub(super) fn all(config: &Config, found: &mut Found) {
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
