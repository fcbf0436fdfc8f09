//! What fixing the worst handoff would preserve, from the organisation's own figures; the sources' figures only as what they are.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Money, Row};
use crate::compare::rounded;
use crate::metric::churn::Estimate;

/// Annual revenue that a repair would preserve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Preserved {
    /// Revenue of all accounts that went through the handoff in the window.
    #[schema(value_type = String)]
    pub passed: Decimal,
    /// The part of it (percent) that leaked.
    #[schema(value_type = String)]
    pub leaking_percent: Decimal,
    /// The part of it (percent) that still leaks after the repair: an assumption.
    #[schema(value_type = String)]
    pub target_percent: Decimal,
    /// Excess churn of accounts that leaked, in percentage points, as measured here.
    pub excess: Estimate,
    /// By how many percentage points churn of these accounts falls.
    #[schema(value_type = String)]
    pub churn_points: Decimal,
    /// What that preserves, with the range that the excess' interval gives.
    pub amount: Money,
}

/// A figure of the sources, for comparison only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Reference {
    /// What it is about.
    pub about: &'static str,
    /// The figure.
    pub figure: &'static str,
}

/// The sources' figures. None of them enters any calculation.
pub fn references() -> [Reference; 4] {
    [
        Reference {
            about: "first-year churn where handoffs are broken, against overall churn",
            figure: "14 % vs 8 %",
        },
        Reference { about: "compliance with a template that no gate enforces", figure: "40 %" },
        Reference { about: "churned accounts whose handoff scored under 70 %", figure: "60 to 80 %" },
        Reference {
            about: "ARR kept a year when first-year churn falls by 3 to 4 points",
            figure: "$170K or more",
        },
    ]
}

/// What a repair of this handoff would preserve; `None` = excess churn was not measured, or nothing would change.
pub(super) fn preserved(row: &Row, target_percent: u8) -> Option<Preserved> {
    let leak = &row.leak;
    let (excess, _) = (leak.excess?, leak.leaked?);
    let passed = leak.passed.amount;
    if passed <= Decimal::ZERO {
        return None;
    }
    let leaking = leak.exposed.amount * Decimal::ONE_HUNDRED / passed;
    let target = Decimal::from(target_percent.min(100));
    let falls = (leaking - target).max(Decimal::ZERO) / Decimal::ONE_HUNDRED;
    let amount = super::leak::weighed(passed * falls, excess)?;
    (amount.value > Decimal::ZERO).then(|| Preserved {
        passed,
        leaking_percent: rounded(leaking, 2),
        target_percent: target,
        churn_points: rounded(excess.value.unwrap_or_default() * falls, 2),
        excess,
        amount,
    })
}
