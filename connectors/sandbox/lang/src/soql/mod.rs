//! SOQL: text → [`Prepared`] (checked against a user's [`Catalog`]) → borrowed rows → JSON records.
//!
//! Storage stays with the caller, behind [`Rows`]. A [`ScanHint`] says which index would answer the query; the
//! storage may ignore it and return a superset, because every row is filtered again here.

mod error;
mod prepared;
mod rows;

pub use error::{SoqlError, SoqlErrorCode};
pub use prepared::{Answer, Prepared};
pub use rows::{Access, Catalog, Row, Rows, Scan, ScanHint, StampFrom, StampRange};
