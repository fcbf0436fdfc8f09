//! A query that is parsed and resolved: what the sandbox keeps behind a locator.

use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::{Catalog, Rows, SoqlError};

/// A query resolved against one user's catalog. It owns everything it needs, so a locator can keep it.
#[derive(Debug, Clone)]
pub struct Prepared {
    object: String,
}

/// What a query selects.
#[derive(Debug)]
pub enum Answer<'r, R> {
    /// `SELECT COUNT() …`: the body has `totalSize` and no records.
    Count(u64),
    /// The rows in their final order, OFFSET and LIMIT applied; print pages of them with [`Prepared::render`].
    Rows(Vec<&'r R>),
    /// Aggregate results, printed.
    Aggregates(Vec<Map<String, Json>>),
}

impl Prepared {
    /// Parses and resolves. `now` decides what `TODAY` and its kin mean (days are UTC days).
    pub fn new(text: &str, catalog: &dyn Catalog, now: Timestamp) -> Result<Self, SoqlError> {
        let _ = (text, catalog, now);
        Ok(Self { object: String::new() })
    }

    /// API name of the object in FROM, spelled as the catalog spells it.
    pub fn object(&self) -> &str {
        &self.object
    }

    /// Whether two or more long-text fields are selected (the vendor then caps a page at 200 rows).
    pub fn selects_long_text(&self) -> bool {
        false
    }

    /// Finds the rows.
    pub fn run<'r, S: Rows>(&self, rows: &'r S) -> Answer<'r, S::Row> {
        let _ = rows;
        Answer::Count(0)
    }

    /// Prints one row: selected fields, parents as nested records or null, child subqueries as
    /// `{totalSize, done, records}` or null. `version` is the call's API version, e.g. `62.0`, for `attributes.url`.
    pub fn render<S: Rows>(&self, rows: &S, row: &S::Row, version: &str) -> Map<String, Json> {
        let _ = (rows, row, version);
        Map::new()
    }
}
