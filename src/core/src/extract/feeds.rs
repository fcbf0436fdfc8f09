//! Rows of a feed stand in a record like its children.

use crate::mapping::Mapping;

/// The name under which the rows of a feed stand in a record: those whose key the record's field holds.
pub fn feed_relation(feed: &str, field: &str) -> String {
    format!("feed:{feed}:{field}")
}

/// The feeds that a mapping reads, each with the record's field by which the feed knows it.
pub fn feeds(mapping: &Mapping) -> impl Iterator<Item = (String, String)> {
    let paths = mapping.read.values().flat_map(std::collections::BTreeMap::values);
    paths.filter_map(|path| {
        let way = path.way().ok()?;
        let rows = way.child_rows()?;
        Some((rows.related.to_owned(), rows.fed_by?.to_owned()))
    })
}
