//! Validation formulas: compiled against the object's field types, evaluated over new and prior values.

mod compiled;
mod error;
mod eval;
mod lexer;
mod parser;
#[cfg(test)]
pub(crate) mod tests;
mod tree;

pub use compiled::Formula;
pub use error::{EvalError, FormulaError};

use jiff::Timestamp;

use crate::schema::{FieldType, ObjectSchema};
use crate::value::Cell;

/// Knows the types of the fields a formula may refer to.
pub trait FieldTypes {
    /// The type of a field by API name, without regard to case; `None` when there is no such field.
    fn field_type(&self, name: &str) -> Option<FieldType>;
}

impl FieldTypes for ObjectSchema {
    fn field_type(&self, name: &str) -> Option<FieldType> {
        self.field(name).map(|f| f.field_type)
    }
}

/// The save that a formula judges. Field names arrive as the formula spells them: find them without regard to case.
pub trait Context {
    /// The field's value as it would be saved.
    fn value(&self, field: &str) -> Cell<'_>;
    /// The field's value before this save; `None` when the record is being created.
    fn prior(&self, field: &str) -> Option<Cell<'_>>;
    /// Whether the record is being created.
    fn is_new(&self) -> bool;
    /// 18-character id of the user who saves.
    fn user_id(&self) -> &str;
    /// Name of that user's profile.
    fn profile_name(&self) -> &str;
    /// Whether that user holds the custom permission of that API name.
    fn has_permission(&self, name: &str) -> bool;
    /// The time of the save; days are UTC days.
    fn now(&self) -> Timestamp;
}
