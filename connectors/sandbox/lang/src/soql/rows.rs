//! What the executor asks of its caller: the objects a user can see, and the rows.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::Timestamp;

use crate::schema::{FieldSchema, ObjectSchema};
use crate::value::Cell;

/// The objects and fields one user can see.
pub trait Catalog {
    /// The object of that API name, without regard to case; `None` when unknown or invisible.
    fn object(&self, name: &str) -> Option<&ObjectSchema>;

    /// Whether the user may read the field; an invisible field is reported exactly like an unknown one.
    fn can_read(&self, object: &ObjectSchema, field: &FieldSchema) -> bool;
}

/// One record.
pub trait Row {
    /// The value of a field of this record's object; [`Cell::Null`] when it has none.
    fn cell(&self, field: &FieldSchema) -> Cell<'_>;
}

/// The records one call can see: the caller decides about sharing, deleted rows and uncommitted rows.
pub trait Rows {
    /// A record.
    type Row: Row;

    /// Rows of `object` that include every row the hint describes; others may be among them.
    fn scan<'a>(&'a self, object: &str, hint: &ScanHint) -> Scan<'a, Self::Row>;

    /// The row of that 18-character id, if it can be seen.
    fn get(&self, object: &str, id: &str) -> Option<&Self::Row>;
}

/// The answer to [`Rows::scan`].
pub struct Scan<'a, R> {
    /// The rows.
    pub rows: Box<dyn Iterator<Item = &'a R> + 'a>,
    /// Whether they come by the ascending stamp of an [`Access::Stamp`], then by ascending `Id`. When
    /// [`ScanHint::stamp_order`] asked for it the executor then sorts nothing and stops at LIMIT.
    pub in_stamp_order: bool,
}

/// Which rows a query can match, for the storage's indexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanHint {
    /// The best index.
    pub access: Access,
    /// Whether the query wants its rows by the stamp of an [`Access::Stamp`], then by `Id`, both ascending.
    pub stamp_order: bool,
}

/// The best index for a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// None: every row.
    All,
    /// These 18-character ids, sorted, without repeats.
    Ids(Vec<String>),
    /// Rows whose reference `field` holds one of these 18-character ids, sorted, without repeats.
    Lookup {
        /// The reference field.
        field: Arc<FieldSchema>,
        /// Ids of the records pointed to.
        ids: Vec<String>,
    },
    /// A range of `(stamp, Id)`; open on both sides when only the order is wanted.
    Stamp(StampRange),
}

/// A range of `(stamp, Id)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampRange {
    /// The stamp: `SystemModstamp`, `LastModifiedDate` or `CreatedDate`. A storage without an index on it may scan.
    pub field: Arc<FieldSchema>,
    /// Where it starts; `None` is the first row.
    pub from: Option<StampFrom>,
    /// The last stamp that belongs to it; `None` is the last row.
    pub until: Option<Timestamp>,
}

/// The start of a [`StampRange`]. A start is greater than another when it leaves out more rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StampFrom {
    /// Rows stamped at or after the instant.
    At(Timestamp),
    /// Rows stamped after the instant, and of those stamped at it the ones with a greater 18-character id.
    AfterId(Timestamp, String),
    /// Rows stamped after the instant.
    After(Timestamp),
}

impl StampFrom {
    /// Instant, then how much of that instant is left out.
    fn key(&self) -> (Timestamp, u8, &str) {
        match self {
            Self::At(at) => (*at, 0, ""),
            Self::AfterId(at, id) => (*at, 1, id),
            Self::After(at) => (*at, 2, ""),
        }
    }
}

impl Ord for StampFrom {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for StampFrom {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
