//! Salesforce's query language (SOQL), formula language and metadata source format as pure interpreters.
//!
//! * [`soql`]: parse a query, resolve it against a per-user [`soql::Catalog`], run it over borrowed rows.
//! * [`formula`]: compile and evaluate the formulas of validation rules.
//! * [`metadata`]: read and lint an sfdx source folder, and the package that ships in `deploy/salesforce`.
//!
//! Nothing here reads a clock or the network; the only I/O is [`metadata::Package::from_dir`].

pub mod formula;
pub mod id;
pub mod metadata;
pub mod schema;
pub mod soql;
pub mod value;
