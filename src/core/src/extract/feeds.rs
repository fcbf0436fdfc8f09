//! Rows of a feed stand in a record like its children.

use crate::mapping::Mapping;

/// The name under which the rows of a feed stand in a record: those whose key the record's field holds.
pub fn feed_relation(feed: &str, field: &str) -> String {
    format!("feed:{feed}:{field}")
}

/// The feeds that a mapping reads, each with the record's field by which the feed knows it.
pub fn feeds(mapping: &Mapping) -> impl Iterator<Item = (String, String)> {
    let _ = mapping;
    std::iter::empty()
}
