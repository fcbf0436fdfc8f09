//! A query that is parsed and resolved: what the sandbox keeps behind a locator.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value as Json};

use super::aggregate::aggregate;
use super::parser::parse;
use super::plan::{Output, Part, Plan};
use super::render::record;
use super::resolve::resolve;
use super::sort::select;
use super::{Catalog, Rows, ScanHint, SoqlError};
use crate::schema::FieldType;

/// A query resolved against one user's catalog. It owns everything it needs, so a locator can keep it.
#[derive(Debug, Clone)]
pub struct Prepared {
    plan: Plan,
}

/// What a query selects.
#[derive(Debug)]
pub enum Answer<'r, R> {
    /// `SELECT COUNT() …`: the body has `totalSize` and no records.
    Count(usize),
    /// The rows in their final order, OFFSET and LIMIT applied; print pages of them with [`Prepared::render`].
    Rows(Vec<&'r R>),
    /// Aggregate results, printed.
    Aggregates(Vec<Map<String, Json>>),
}

impl Prepared {
    /// Parses and resolves. `now` decides what `TODAY` and its kin mean (days are UTC days).
    pub fn new(text: &str, catalog: &dyn Catalog, now: Timestamp) -> Result<Self, SoqlError> {
        let select = parse(text, now.to_zoned(TimeZone::UTC).date())?;
        Ok(Self { plan: resolve(&select, text, catalog)? })
    }

    /// API name of the object in FROM, spelled as the catalog spells it.
    pub fn object(&self) -> &str {
        &self.plan.object
    }

    /// The index that would answer the query.
    pub fn hint(&self) -> &ScanHint {
        &self.plan.hint
    }

    /// Whether two or more long-text fields are selected (the vendor then caps a page at 200 rows).
    pub fn selects_long_text(&self) -> bool {
        let Output::Rows(node) = &self.plan.output else { return false };
        let long = |part: &&Part| matches!(part, Part::Field(f) if f.field_type == FieldType::TextArea);
        node.parts.iter().filter(long).count() >= 2
    }

    /// Finds the rows.
    pub fn run<'r, S: Rows>(&self, rows: &'r S) -> Answer<'r, S::Row> {
        match &self.plan.output {
            Output::Count => Answer::Count(select(&self.plan, rows, &self.plan.hint, None).len()),
            Output::Rows(_) => Answer::Rows(select(&self.plan, rows, &self.plan.hint, None)),
            Output::Aggregates(aggregates) => Answer::Aggregates(aggregate(&self.plan, aggregates, rows)),
        }
    }

    /// Prints one row: selected fields, parents as nested records or null, child subqueries as
    /// `{totalSize, done, records}` or null. `version` is the call's API version, e.g. `62.0`, for `attributes.url`.
    /// A row without an id, and any row of a query that does not select rows, prints as an empty map.
    pub fn render<S: Rows>(&self, rows: &S, row: &S::Row, version: &str) -> Map<String, Json> {
        match &self.plan.output {
            Output::Rows(node) => record(rows, row, &self.plan.object, node, version),
            Output::Count | Output::Aggregates(_) => Map::new(),
        }
    }
}
