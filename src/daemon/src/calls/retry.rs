//! What the vendor does not have yet is asked for again, six times, later each time.

use std::time::Duration;

use jiff::Timestamp;

use super::Listener;
use super::known::{Known, Missing, What};
use crate::due::Item;

/// Waits before each further question: a call's details and words appear minutes to a day after it ended.
const WAITS: [Duration; 6] = [
    Duration::from_mins(2),
    Duration::from_mins(10),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(8),
    Duration::from_hours(24),
];

/// Notes that something is not there (yet), and when it is asked for again; `fresh` = whatever was tried before does not count.
pub(super) fn missing(known: &mut Known, what: What, now: Timestamp, fresh: bool) -> Option<Timestamp> {
    let before = known.missing.take().filter(|before| before.what == what && !fresh);
    let (since, tries) = before.map_or((now, 0), |before| (before.since, before.tries));
    let wait = usize::try_from(tries).ok().and_then(|tries| WAITS.get(tries));
    let next = wait.and_then(|wait| now.checked_add(*wait).ok());
    known.missing = Some(Missing { what, since, tries: tries.saturating_add(1), next });
    next
}

/// Marks a call due at a later time.
pub(super) fn later(listener: &Listener, id: &str, at: Timestamp) {
    let item = Item { record: listener.record(id), tickets: Vec::new(), attempt: 0, force: false };
    if listener.due.put(item, at).is_err() {
        tracing::error!(connection = %listener.connection, "the queue of calls is full; the daily look finds the call");
    }
}
