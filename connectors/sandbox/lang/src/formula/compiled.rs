//! The compiled formula.

use std::collections::BTreeSet;

use super::eval::evaluate;
use super::parser::Parser;
use super::tree::{Expr, Type};
use super::{Context, EvalError, FieldTypes, FormulaError};
use crate::value::Value;

/// A compiled formula.
#[derive(Debug, Clone)]
pub struct Formula {
    tree: Expr,
    boolean: bool,
    fields: BTreeSet<String>,
    permissions: BTreeSet<String>,
}

impl Formula {
    /// Compiles and type-checks; at most 3,900 characters.
    pub fn compile(text: &str, types: &dyn FieldTypes) -> Result<Self, FormulaError> {
        let mut parser = Parser::new(text, types)?;
        let (tree, kind) = parser.whole()?;
        Ok(Self { tree, boolean: kind == Type::Bool, fields: parser.fields, permissions: parser.permissions })
    }

    /// The result for one save.
    pub fn evaluate(&self, save: &dyn Context) -> Result<Value, EvalError> {
        evaluate(&self.tree, save)
    }

    /// Whether the result is true: for a validation rule, that the save is refused. Null is false.
    pub fn is_true(&self, save: &dyn Context) -> Result<bool, EvalError> {
        Ok(self.evaluate(save)? == Value::Bool(true))
    }

    /// Whether results are true or false, as a validation rule needs.
    pub fn is_boolean(&self) -> bool {
        self.boolean
    }

    /// API names of the fields it reads, as the formula spells them.
    pub fn referenced_fields(&self) -> &BTreeSet<String> {
        &self.fields
    }

    /// API names of the custom permissions it reads.
    pub fn referenced_permissions(&self) -> &BTreeSet<String> {
        &self.permissions
    }
}
