//! The parsed query, names not yet resolved.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::lexer::Op;

#[derive(Debug, Clone)]
pub(super) struct Select<'t> {
    pub(super) items: Vec<Item<'t>>,
    pub(super) from: &'t str,
    pub(super) from_at: usize,
    pub(super) alias: Option<&'t str>,
    pub(super) filter: Option<Condition<'t>>,
    pub(super) group_by: Vec<FieldRef<'t>>,
    pub(super) order: Vec<OrderItem<'t>>,
    pub(super) limit: Option<usize>,
    pub(super) offset: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Item<'t> {
    Field(FieldRef<'t>, Option<&'t str>),
    Fields(FieldSet, usize),
    CountAll,
    Aggregate(Aggregate, FieldRef<'t>, Option<&'t str>),
    Child(Box<Select<'t>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldSet {
    All,
    Standard,
    Custom,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aggregate {
    Count,
    CountDistinct,
    Sum,
    Avg,
    Min,
    Max,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldRef<'t> {
    pub(super) parts: Vec<&'t str>,
    pub(super) at: usize,
}

#[derive(Debug, Clone)]
pub(super) struct OrderItem<'t> {
    pub(super) aggregate: Option<Aggregate>,
    pub(super) field: FieldRef<'t>,
    pub(super) descending: bool,
    pub(super) nulls_last: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Condition<'t> {
    And(Vec<Condition<'t>>),
    Or(Vec<Condition<'t>>),
    Not(Box<Condition<'t>>),
    Compare(FieldRef<'t>, Op, Literal<'t>),
    Like(FieldRef<'t>, &'t str),
    In { field: FieldRef<'t>, negated: bool, values: Vec<Literal<'t>> },
    Includes { field: FieldRef<'t>, negated: bool, values: Vec<&'t str> },
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Literal<'t> {
    Null,
    Bool(bool),
    Number(Decimal),
    Quoted(&'t str),
    Date(Date),
    DateTime(Timestamp),
    /// First and last day.
    Days(Date, Date),
}
