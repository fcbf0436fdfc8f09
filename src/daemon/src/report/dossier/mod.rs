//! The dossier of one account: every handoff of it replayed in order, with what it pays, when it left and what its people answered. For reviews
//! after a customer left.

mod assemble;
mod page;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;

use handoff_measure::account::AccountKey;
use handoff_measure::drill::Score;
use handoff_measure::hold::Shares;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use assemble::{Assembly, Question, stream};
pub use page::html;
pub use text::text;

/// Everything that the log tells of one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dossier {
    /// The account.
    pub account: AccountKey,
    /// Up to when.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: Timestamp,
    /// What it pays a year, e.g. `EUR 12,000`; absent = nobody knows.
    pub arr: Option<String>,
    /// Whether that is the amount of its largest deal, because nobody tells its ARR.
    pub arr_from_deal: bool,
    /// The day from which it is a customer.
    #[schema(value_type = Option<String>)]
    pub customer_since: Option<Date>,
    /// The day from which it is none any more.
    #[schema(value_type = Option<String>)]
    pub churned_at: Option<Date>,
    /// Answers to surveys, oldest first.
    pub answers: Vec<Answer>,
    /// What stands out, a sentence each.
    pub findings: Vec<String>,
    /// Its handoffs, in the order in which they began.
    pub handoffs: Vec<Story>,
}

/// One answer to a survey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// From 0 to 10.
    pub score: u8,
}

/// One handoff with all its cycles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Story {
    /// `contract/motion/connection/object/record`.
    pub stream: String,
    /// The contract's title.
    pub title: String,
    /// Its cycles, oldest first.
    pub chapters: Vec<Chapter>,
}

/// One cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Chapter {
    /// The cycle, from 1.
    pub cycle: u32,
    /// Filled and mandatory fields at its transition; absent = it did not move on.
    pub score: Option<Score>,
    /// Whether less than 70 % of them were filled.
    pub leaked: bool,
    /// Whether it moved on without an acceptance.
    pub bypassed: bool,
    /// Mandatory fields of which the CRM does not tell what stood in them when it moved on: the score is a guess about them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub untold: usize,
    /// Whether it leaked hangs on those fields.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leak_unknown: bool,
    /// Whether any of it was worked out afterwards from what the CRM tells of its past.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reconstructed: bool,
    /// Whether the receiver accepted it at some time.
    #[serde(default)]
    pub accepted: bool,
    /// Rejections.
    pub rejections: u32,
    /// Who held it and how long.
    pub held: Option<Shares>,
    /// What stood in the package when it moved on: field and part, value. Only where asked for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub package: BTreeMap<String, String>,
    /// What happened, in the log's order.
    pub days: Vec<Day>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Day {
    /// The log's time.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Position in the log.
    pub position: u64,
    /// In words.
    pub words: String,
    /// How it weighs.
    pub weight: Weight,
}

/// How something weighs in a story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// It belongs to the course of things.
    Course,
    /// It turned the handoff.
    Turn,
    /// It went wrong.
    Bad,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}
