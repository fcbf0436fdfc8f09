//! What is told of accounts: what they pay, since when, whether they left, and what their people answered.

use handoff_core::account::Amount;
use handoff_core::id::RecordRef;
use handoff_core::journal::LogEntry;
use rust_decimal::Decimal;

use super::table::{Cell, Row, SCALE, Table};
use crate::account::MOST;
use crate::compare::rounded;

/// The row of such an entry; `None` = it is about something else.
pub(super) fn row(position: u64, entry: &LogEntry) -> Option<Row> {
    let begun = |account: &RecordRef| {
        vec![
            Cell::count(position),
            Cell::moment(Some(entry.at())),
            Cell::text(&account.connection.0),
            Cell::text(&account.object.0),
            Cell::text(&account.record.0),
        ]
    };
    if let LogEntry::AccountSeen { account, source, facts, .. } = entry {
        let mut cells = begun(account);
        let arr = facts.arr.as_ref();
        cells.extend([
            Cell::text(source),
            Cell::number(arr.and_then(told)),
            Cell::maybe(arr.and_then(|arr| arr.currency.as_ref())),
            Cell::day(facts.customer_since),
            Cell::day(facts.churned_at),
        ]);
        Some(Row { table: Table::Accounts, cells })
    } else if let LogEntry::SurveyAnswered { account, answer, .. } = entry {
        let mut cells = begun(account);
        cells.extend([
            Cell::text(answer.id.to_string()),
            Cell::count(answer.score),
            Cell::moment(Some(answer.answered_at)),
        ]);
        Some(Row { table: Table::Surveys, cells })
    } else {
        None
    }
}

/// An amount that a column holds; what is larger than anybody believes is a slip of somebody's.
fn told(arr: &Amount) -> Option<Decimal> {
    Some(arr.amount).filter(|amount| amount.abs() <= Decimal::from(MOST)).map(|amount| rounded(amount, SCALE))
}
