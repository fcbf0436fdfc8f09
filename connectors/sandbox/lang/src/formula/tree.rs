//! The compiled tree. Chains of one precedence are flat, so depth is bounded by the nesting of the text.

use crate::schema::FieldType;
use crate::value::Value;

/// A type as formulas know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Bool,
    Number,
    Text,
    Date,
    DateTime,
    Picklist,
    MultiPicklist,
    /// The literal NULL: fits every type.
    Null,
}

impl Type {
    pub(super) fn of(field: FieldType) -> Self {
        match field {
            FieldType::Boolean => Self::Bool,
            FieldType::Int | FieldType::Double | FieldType::Currency | FieldType::Percent => Self::Number,
            FieldType::Date => Self::Date,
            FieldType::DateTime => Self::DateTime,
            FieldType::Picklist => Self::Picklist,
            FieldType::MultiPicklist => Self::MultiPicklist,
            FieldType::Id
            | FieldType::Reference
            | FieldType::String
            | FieldType::TextArea
            | FieldType::Email
            | FieldType::Phone
            | FieldType::Url => Self::Text,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bool => "Boolean",
            Self::Number => "Number",
            Self::Text => "Text",
            Self::Date => "Date",
            Self::DateTime => "DateTime",
            Self::Picklist => "Picklist",
            Self::MultiPicklist => "Multi-Select Picklist",
            Self::Null => "Null",
        }
    }
}

#[derive(Debug, Clone)]
pub(super) enum Expr {
    Constant(Value),
    Field(String, Type),
    Prior(String, Type),
    Changed(String, Type),
    IsNew,
    UserId,
    ProfileName,
    Permission(String),
    Now,
    Today,
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    If(Box<[Expr; 3]>),
    /// Subject, (value, result) pairs, otherwise.
    Case(Box<Expr>, Vec<(Expr, Expr)>, Box<Expr>),
    Compare(Comparison, Box<[Expr; 2]>),
    Chain(Box<Expr>, Vec<(Step, Expr)>),
    Negative(Box<Expr>),
    IsBlank(Box<Expr>),
    BlankValue(Box<[Expr; 2]>),
    Unary(Unary, Box<Expr>),
    Search(Search, Box<[Expr; 2]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Concat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unary {
    Text,
    Len,
    Trim,
    Upper,
    Lower,
    Value,
    DateValue,
}

/// Text (or a multi-select value) searched for text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Search {
    Contains,
    Begins,
    Includes,
    IsPickVal,
}
