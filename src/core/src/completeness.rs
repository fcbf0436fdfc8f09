//! Which mandatory fields are filled, and what exactly is missing where they are not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{FieldKey, PartKey};

mod assess;
mod prepared;
pub(crate) mod rule;
#[cfg(test)]
mod tests;

pub(crate) use assess::shortfall;
pub use assess::{Situation, assess, required};
pub use prepared::Ready;
pub use rule::MAX_EXPRESSION;

/// One thing that is missing, in words a rep understands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The field.
    pub field: FieldKey,
    /// The part, unless the whole field is meant.
    pub part: Option<PartKey>,
    /// What is wrong.
    pub problem: Problem,
    /// The label of field and part, e.g. `Success criteria: target`; never a record's value.
    pub label: String,
}

/// What is wrong with a part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum Problem {
    /// Nothing there.
    Empty,
    /// A filler such as "n/a" or "tbd".
    Filler,
    /// Too short to inform.
    TooShort {
        /// Characters needed.
        needs: u32,
    },
    /// A target without a figure.
    NoNumber,
    /// Not of the kind the contract asks for.
    WrongKind,
    /// Not one of the choices.
    NotAChoice,
    /// A list row without a needed column.
    RowIncomplete {
        /// Row from 1.
        row: u32,
        /// Column.
        column: String,
    },
    /// "There are none" is ticked, and some are named: nobody can tell which holds.
    Contradiction,
    /// The receiver sent it back and it was not changed since.
    Rejected,
    /// A series, date or list whose newest date lay too long before the handoff's opening.
    Stale {
        /// Days allowed.
        days: u32,
    },
    /// Whether it is required could not be computed; it counts as required.
    RuleFailed,
    /// The value was erased on request.
    Erased,
    /// It says something that does not count.
    Disputed {
        /// Why.
        why: crate::beside::Trouble,
    },
}

/// The outcome for one package.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Completeness {
    /// Required fields that are filled.
    pub filled: BTreeSet<FieldKey>,
    /// Required fields.
    pub required: BTreeSet<FieldKey>,
    /// What is missing, in the contract's field order.
    pub missing: Vec<Finding>,
    /// Fields that are attested as "there are none".
    pub attested_none: BTreeSet<FieldKey>,
    /// Per required field: whether it is filled; kept for scores.
    pub fields: BTreeMap<FieldKey, bool>,
}

impl Completeness {
    /// Whether nothing is missing. An empty contract is never complete.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && !self.required.is_empty() && self.filled.len() == self.required.len()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::Filler => f.write_str("says nothing"),
            Self::TooShort { needs } => write!(f, "is too short (at least {needs})"),
            Self::NoNumber => f.write_str("needs a number"),
            Self::WrongKind => f.write_str("is not of the right kind"),
            Self::NotAChoice => f.write_str("is not one of the choices"),
            Self::RowIncomplete { row, column } if column.is_empty() => write!(f, "row {row} is empty"),
            Self::RowIncomplete { row, column } => write!(f, "row {row} has no {}", words(column)),
            Self::Contradiction => f.write_str("says \"there are none\" and names some"),
            Self::Rejected => f.write_str("was sent back and not changed since"),
            Self::Stale { days } => write!(f, "holds nothing of the {days} days before the handoff opened"),
            Self::RuleFailed => f.write_str("is required because its rule could not be computed"),
            Self::Erased => f.write_str("was erased"),
            Self::Disputed { why } => f.write_str(crate::beside::describe(*why)),
        }
    }
}

/// What a rep reads, e.g. `Success criteria: target needs a number`.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.label, self.problem)
    }
}

/// A key in words: `sticky_points` → `sticky points`.
fn words(key: &str) -> String {
    key.replace('_', " ")
}
