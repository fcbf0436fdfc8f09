//! The moments at which anything about a record changed.

use jiff::{SignedDuration, Timestamp};

use super::{PastRecord, Span};

/// One save may spread over this much: what lies closer together is seen together, as a look at the CRM would have seen it.
const ONE_SAVE: SignedDuration = SignedDuration::from_secs(2);

/// When to look at the record, oldest first: at the beginning of the span or of the record, and after every change within it.
pub fn moments(past: &PastRecord, span: Span) -> Vec<Timestamp> {
    let from = [past.now.created_at, span.since].into_iter().flatten().max();
    let rows = past.now.history.iter().flatten().map(|row| row.at);
    let rows = rows.chain(past.born.values().copied()).chain(past.ended);
    let mut all: Vec<Timestamp> = rows
        .filter(|at| from.is_none_or(|from| *at >= from))
        .chain(from)
        .filter(|at| *at <= span.until)
        .collect();
    all.sort_unstable();
    all.dedup();
    let mut moments: Vec<Timestamp> = Vec::new();
    let mut first = None;
    for at in all {
        let together = first.is_some_and(|first: Timestamp| at.duration_since(first) <= ONE_SAVE);
        if let Some(last) = moments.last_mut().filter(|_| together) {
            *last = at;
        } else {
            first = Some(at);
            moments.push(at);
        }
    }
    moments
}
