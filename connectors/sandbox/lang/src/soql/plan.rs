//! The resolved query.

use std::sync::Arc;

use super::filter::Filter;
use super::rows::{Row, Rows, ScanHint};
use super::syntax::Aggregate;
use crate::schema::{FieldSchema, FieldType};
use crate::value::Cell;

#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) object: String,
    pub(super) id: Option<Arc<FieldSchema>>,
    pub(super) filter: Option<Filter>,
    pub(super) hint: ScanHint,
    pub(super) order: Vec<OrderKey>,
    pub(super) limit: Option<usize>,
    pub(super) offset: usize,
    pub(super) output: Output,
}

#[derive(Debug, Clone)]
pub(super) struct OrderKey {
    pub(super) path: Path,
    pub(super) descending: bool,
    pub(super) nulls_last: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Output {
    Count,
    Rows(Node),
    Aggregates(AggregatePlan),
}

/// What to print of one record.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    pub(super) id: Option<Arc<FieldSchema>>,
    pub(super) parts: Vec<Part>,
}

#[derive(Debug, Clone)]
pub(super) enum Part {
    Field(Arc<FieldSchema>),
    /// The object a polymorphic reference points to, printed as `Type`.
    TypeName,
    Parent {
        name: String,
        reference: Arc<FieldSchema>,
        targets: Vec<(String, Node)>,
    },
    Child {
        name: String,
        lookup: Arc<FieldSchema>,
        plan: Box<Plan>,
    },
}

#[derive(Debug, Clone)]
pub(super) struct AggregatePlan {
    pub(super) groups: Vec<Path>,
    pub(super) columns: Vec<(String, Column)>,
    /// Column number, descending, nulls last.
    pub(super) order: Vec<(usize, bool, bool)>,
}

#[derive(Debug, Clone)]
pub(super) enum Column {
    /// Position in `groups`.
    Group(usize, FieldType),
    Aggregate(Aggregate, Path),
}

/// A field, reached over at most five parents.
#[derive(Debug, Clone)]
pub(super) enum Path {
    Field(Arc<FieldSchema>),
    TypeName,
    Parent { reference: Arc<FieldSchema>, targets: Vec<(String, Path)> },
}

impl Path {
    pub(super) fn direct(&self) -> Option<&Arc<FieldSchema>> {
        match self {
            Self::Field(field) => Some(field),
            Self::TypeName | Self::Parent { .. } => None,
        }
    }

    pub(super) fn field_type(&self) -> FieldType {
        match self {
            Self::Field(field) => field.field_type,
            Self::TypeName => FieldType::String,
            Self::Parent { targets, .. } => {
                targets.first().map_or(FieldType::String, |(_, path)| path.field_type())
            }
        }
    }

    /// The field the path ends in, for messages and checks.
    pub(super) fn leaf(&self) -> Option<&Arc<FieldSchema>> {
        match self {
            Self::Field(field) => Some(field),
            Self::TypeName => None,
            Self::Parent { targets, .. } => targets.first().and_then(|(_, path)| path.leaf()),
        }
    }

    pub(super) fn cell<'r, S: Rows>(&'r self, rows: &'r S, row: &'r S::Row) -> Cell<'r> {
        match self {
            Self::Field(field) => row.cell(field),
            Self::TypeName => Cell::Null,
            Self::Parent { reference, targets } => {
                let Cell::Text(id) = row.cell(reference) else { return Cell::Null };
                for (object, path) in targets {
                    if let Some(parent) = rows.get(object, id) {
                        return match path {
                            Self::TypeName => Cell::Text(object),
                            Self::Field(_) | Self::Parent { .. } => path.cell(rows, parent),
                        };
                    }
                }
                Cell::Null
            }
        }
    }
}
