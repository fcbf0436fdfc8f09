//! Questions that the customer had answered before: what scoring a call found, what people say about it, and what they report themselves.
//!
//! A *re-ask* is a question of the receiving side for the content of a field that was filled in the accepted package. What a call suggests counts once
//! a person confirmed it. No words of a call are kept.

mod mapping;
mod owed;
mod said;
mod state;
#[cfg(test)]
mod tests;
mod words;

use serde::{Deserialize, Serialize};

pub use mapping::{ReaskMapping, TagField};
pub use owed::obligations;
pub use said::{Said, is_no_answer, is_taken, said};
pub use state::{Open, Reasks, Reported, ScoredCall, Suggested};
pub use words::note;

use crate::id::FieldKey;

/// How long after an acceptance a question counts, in days: as long as the numbers of the acceptance are provisional.
pub const DAYS: i32 = 30;
/// Most re-asks of one call that are kept.
pub const MOST: usize = 60;
/// Most bytes of an explanation.
pub const LONGEST_WHY: usize = 500;

/// A question that asks again for a field, as scoring found it; no words of the call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reask {
    /// The contract's field.
    pub field: FieldKey,
    /// Milliseconds from the start of the call.
    pub from_ms: u64,
    /// Milliseconds from the start of the call.
    pub to_ms: u64,
    /// The answer repeated what was recorded, or the customer complained: clear enough for the automatic estimate. No figure of a person depends on it.
    pub automatic: bool,
    /// It is of the handoff that the call follows; else of an earlier one.
    pub strict: bool,
    /// The customer said that this was said before.
    pub complaint: bool,
    /// How clearly the question asks for the field, 0 to 1,000.
    pub question: u32,
    /// How much of the record the answer repeats, in thousandths of a nat.
    pub answer: u32,
    /// Why, in words of the lexicon and the contract; never words of the call or the record.
    pub why: String,
}

/// Who reports a re-ask without a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportedBy {
    /// Somebody of ours ticked the mark on the record.
    Receiver,
    /// The customer complained, and the record is tagged so.
    Customer,
}

impl ReportedBy {
    /// Its name on the command line and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Receiver => "receiver",
            Self::Customer => "customer",
        }
    }
}
