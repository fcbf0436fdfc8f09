//! Which handoff leaks most, and why it is the one to fix first.

use std::cmp::Reverse;

use handoff_core::id::ContractId;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Row, words};

/// The handoff to fix first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pick {
    /// The contract.
    #[schema(value_type = String)]
    pub contract: ContractId,
    /// Its title.
    pub title: String,
    /// Why, a sentence each, strongest first.
    pub reasons: Vec<String>,
    /// Whether its range lies above the second one's: then the choice does not depend on chance.
    pub clear: bool,
}

/// What a row is ranked by, most first: leaked revenue, exposed revenue, accounts that leaked; equals by name.
fn weight(row: &Row) -> (Decimal, Decimal, usize) {
    let leaked = row.leak.leaked.map_or(Decimal::ZERO, |leaked| leaked.value);
    (leaked, row.leak.exposed.amount, row.leak.accounts.share.met)
}

/// Contracts in the order in which they leak, worst first, without those that nothing went through.
pub fn ranking(rows: &[Row]) -> Vec<&ContractId> {
    rows.iter().filter(|row| row.rank.is_some()).map(|row| &row.contract).collect()
}

pub(super) fn rank(rows: &mut [Row]) {
    rows.sort_by_key(|row| (row.shape.transitions == 0, Reverse(weight(row)), row.contract.clone()));
    for (index, row) in rows.iter_mut().enumerate() {
        row.rank = (row.shape.transitions > 0 || row.leak.accounts.share.n > 0).then_some(index + 1);
    }
}

pub(super) fn pick(rows: &[Row], currency: Option<&str>) -> Option<Pick> {
    let first = rows.first().filter(|row| row.leak.accounts.share.met > 0)?;
    let second = rows.get(1).filter(|row| row.rank.is_some());
    let clear = match (first.leak.leaked, second.map(|second| second.leak.leaked)) {
        (Some(first), Some(Some(second))) => first.low > second.high,
        (Some(first), None) => first.low > Decimal::ZERO,
        (None, _) | (Some(_), Some(None)) => false,
    };
    let reasons = words::reasons(first, second, clear, currency);
    Some(Pick { contract: first.contract.clone(), title: first.title.clone(), reasons, clear })
}
