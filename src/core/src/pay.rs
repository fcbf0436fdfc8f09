//! What a deal is worth for pay and to whom, as it was seen. Nothing is decided by it; it is logged so that the log alone makes the ledger.

use serde::{Deserialize, Serialize};

use crate::value::Sourced;

/// Amount and people as the record says. Values keep the record they came from, so that erasing it erases them here.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pay {
    /// `Value::Money`, or `Value::Text` when it is no number; `None` = not mapped, or empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Sourced>,
    /// `Value::Person` with the CRM's user id; `None` = not mapped, or empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payee: Option<Sourced>,
    /// Rows that share the amount, in record order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub splits: Vec<Split>,
    /// There are more rows than are read: the shares cannot be judged.
    #[serde(default, skip_serializing_if = "is_false")]
    pub too_many: bool,
}

/// One row that shares the amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// `Value::Person`; `None` = empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payee: Option<Sourced>,
    /// `Value::Number` in percent, or `Value::Text` when it is no number; `None` = empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Sourced>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(flag: &bool) -> bool {
    !flag
}
