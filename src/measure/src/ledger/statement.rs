//! What a period's statement says.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The statement of one period: everything that pay depends on, as the log stood when the period ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Statement {
    /// The month, e.g. `2026-10`, in UTC.
    pub period: String,
    /// Whether it is frozen.
    pub standing: Standing,
    /// Log entries that it is made of: those before this position.
    pub entries: u64,
    /// The quality weight in percent that the factors are made with, 5 to 10.
    #[schema(value_type = String, example = "5")]
    pub weight_percent: Decimal,
    /// Sums per currency.
    pub totals: Vec<Total>,
    /// The quality of those who hand over, over the period and the two months before.
    pub senders: Vec<Sender>,
    /// By deal and payee.
    pub rows: Vec<Row>,
}

/// Whether a statement can still change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Not closed yet.
    Provisional,
    /// Closed: its files never change; what changes later is an adjustment in a later period.
    Closed,
}

/// Sums of one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Total {
    /// ISO 4217 code; absent = the CRM told none.
    pub currency: Option<String>,
    /// Cleared in this period.
    #[schema(value_type = String)]
    pub cleared: Decimal,
    /// Released in this period without an acceptance in force.
    #[schema(value_type = String)]
    pub overridden: Decimal,
    /// Adjustments of what earlier periods stated; negative = held again.
    #[schema(value_type = String)]
    pub adjusted: Decimal,
    /// What waits for its gate; not in the other sums.
    #[schema(value_type = String)]
    pub held: Decimal,
}

/// The quality of one who hands over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Sender {
    /// The person, over all logins.
    pub person: String,
    /// Mean share of mandatory fields that were filled at the first hand-over; absent = none.
    #[schema(value_type = Option<String>)]
    pub completeness: Option<Decimal>,
    /// Share of decided handoffs whose first answer was an acceptance; absent = none.
    #[schema(value_type = Option<String>)]
    pub first_pass: Option<Decimal>,
    /// Share of accepted handoffs without a confirmed re-asked question; absent = fewer than five were listened to, and no part of `q`.
    #[schema(value_type = Option<String>)]
    pub re_discovery: Option<Decimal>,
    /// Mean of what is measured, 0 to 1; absent = nothing is.
    #[schema(value_type = Option<String>)]
    pub q: Option<Decimal>,
    /// `q` shrunk towards the mean of all senders: `(n * q + 10 * mean) / (n + 10)`; absent in months that were closed before it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub q_shrunk: Option<Decimal>,
    /// Decided handoffs behind it.
    pub n: usize,
    /// `1 - w + w * q`, with `q_shrunk` where there is one; exactly 1 while `n` is under 5.
    #[schema(value_type = String)]
    pub factor: Decimal,
}

/// One deal and payee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Row {
    /// `connection/object/record`.
    pub deal: String,
    /// The contract.
    pub contract: String,
    /// The motion.
    pub motion: String,
    /// The handoff's cycle.
    pub cycle: u32,
    /// Our stage name, if known.
    pub stage: Option<String>,
    /// The CRM's user id of the one who is paid; empty = nobody is named.
    pub payee: String,
    /// The payee's share; absent where there is none to tell.
    #[schema(value_type = Option<String>)]
    pub percent: Option<Decimal>,
    /// The payee's exact share of the amount: in `held` what waits, in `adjusted` the difference. Absent = no amount is mapped or known.
    #[schema(value_type = Option<String>)]
    pub amount: Option<Decimal>,
    /// ISO 4217 code, if the CRM or the mapping tells it.
    pub currency: Option<String>,
    /// What it is.
    pub state: State,
    /// `adjusted`: number of the adjustment on this deal, from 1.
    pub adjustment: Option<u32>,
    /// Why it is held, adjusted or refused.
    pub hold_reason: Option<String>,
    /// Role and CRM user id of the one who must act.
    pub who_must_act: Option<String>,
    /// When pay was released.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub cleared_at: Option<Timestamp>,
    /// The payee's quality factor as a sender; absent = the payee never handed over.
    #[schema(value_type = Option<String>)]
    pub quality_factor: Option<Decimal>,
    /// Decided handoffs behind the factor.
    pub quality_n: usize,
    /// The clearance id that stands on the record, or the log position that proves it, like `log:17`.
    pub receipt: String,
    /// Whether the gate is written (`enforce`) or only watched (`observe`).
    pub mode: String,
}

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Pay was released, and no earlier period said so.
    Cleared,
    /// Pay was released without an acceptance in force: break-glass. It counts, and it is never a handoff done.
    Overridden,
    /// Pay waits.
    Held,
    /// It differs from what earlier periods stated.
    Adjusted,
    /// The shares or the amount cannot be used; the reason says what to correct. Nothing is stated until then.
    Refused,
}

impl State {
    /// As it is written in exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cleared => "cleared",
            Self::Overridden => "overridden",
            Self::Held => "held",
            Self::Adjusted => "adjusted",
            Self::Refused => "refused",
        }
    }
}

impl Statement {
    /// Rows that pay follows: cleared, overridden and adjusted.
    pub fn payable(&self) -> impl Iterator<Item = &Row> {
        self.rows
            .iter()
            .filter(|row| matches!(row.state, State::Cleared | State::Overridden | State::Adjusted))
    }
}
