//! Why a formula does not compile, or cannot be evaluated.

/// A formula that does not compile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("formula, character {position}: {message}")]
pub struct FormulaError {
    /// Where: characters from the start, the first is 0.
    pub position: usize,
    /// What is wrong and what is expected there.
    pub message: String,
}

/// A formula that compiled but has no result for this record. The vendor refuses the save: treat it as a failed rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// Division by zero.
    #[error("formula divides by zero")]
    DivisionByZero,
    /// A number outside what 28 decimal digits hold.
    #[error("formula result is out of range")]
    OutOfRange,
    /// `VALUE` of text that is no number, or `DATEVALUE` of text that is no date.
    #[error("formula converts text that is no number or date")]
    BadConversion,
    /// The context gave a field a value of another type than the one it compiled with.
    #[error("field value is not of its declared type")]
    WrongType,
}

impl FormulaError {
    pub(super) fn new(position: usize, message: impl Into<String>) -> Self {
        Self { position, message: message.into() }
    }
}
