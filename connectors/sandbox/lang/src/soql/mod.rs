//! SOQL: text → [`Prepared`] (checked against a user's [`Catalog`]) → borrowed rows → JSON records.
//!
//! Storage stays with the caller, behind [`Rows`]. A [`ScanHint`] says which index would answer the query; the
//! storage may ignore it and return a superset, because every row is filtered again here.

mod aggregate;
mod days;
mod error;
mod filter;
mod hint;
mod lexer;
mod parser;
mod plan;
mod prepared;
#[cfg(test)]
mod properties;
mod render;
mod resolve;
mod rows;
mod sort;
mod syntax;
#[cfg(test)]
mod tests;

pub use error::{SoqlError, SoqlErrorCode};
pub use prepared::{Answer, Prepared};
pub use rows::{Access, Catalog, Row, Rows, Scan, ScanHint, StampFrom, StampRange};
