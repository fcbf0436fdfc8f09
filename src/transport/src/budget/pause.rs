//! A budget that the vendor says is used up.

use std::time::Duration;

use handoff_connector::Lane;
use jiff::Timestamp;

use crate::clock::later;

/// The longest pause of a day's calls, whatever a vendor asks for.
const LONGEST_DAY: Duration = Duration::from_hours(24);

/// Nobody is served until it ends, but for those who find out whether it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pause {
    pub(super) since: Timestamp,
    pub(super) until: Timestamp,
    /// Of a day's calls: when somebody may find out whether it is over.
    pub(super) ask_from: Timestamp,
    /// How long the vendor asks to wait.
    pub(super) asked: Option<Duration>,
}

impl Pause {
    /// Of a short window or of calls at once; the longer one holds.
    pub(super) fn new(before: Option<Self>, now: Timestamp, wait: Duration, asked: Option<Duration>) -> Self {
        let until = later(now, wait);
        match before {
            Some(before) if before.until >= until => before,
            Some(_) | None => Self { since: now, until, ask_from: until, asked },
        }
    }

    /// Of a day's calls: as long as the vendor asks, up to a day; where it does not say, until midnight in UTC.
    pub(super) fn of_day(
        before: Option<Self>,
        now: Timestamp,
        wait: Duration,
        asked: Option<Duration>,
    ) -> Self {
        let soon = later(now, wait);
        let told = asked.map(|asked| later(now, asked.min(LONGEST_DAY)).max(soon));
        // what the vendor said a moment ago is better than our guess
        let before = before.filter(|before| now < before.until && before.asked.is_some());
        let asked = asked.or(before.and_then(|before| before.asked));
        let until = told.max(before.map(|before| before.until)).unwrap_or_else(|| midnight(now).max(soon));
        Self { since: now, until, ask_from: soon, asked }
    }

    /// Whether a lane has to wait for a day's calls: gates, and readers who were not told for how long, find out from time to time.
    pub(super) fn covers_day(self, lane: Lane, now: Timestamp) -> bool {
        let told = self.asked.is_some();
        match lane {
            Lane::Read | Lane::Backfill if told => now < self.until,
            Lane::Read | Lane::Backfill | Lane::GateOpen | Lane::GateClose => {
                now < self.ask_from.min(self.until)
            }
        }
    }
}

/// The next midnight in UTC.
fn midnight(now: Timestamp) -> Timestamp {
    const DAY: i64 = 24 * 60 * 60;
    let next = now.as_second().div_euclid(DAY).saturating_add(1).saturating_mul(DAY);
    Timestamp::from_second(next).unwrap_or(Timestamp::MAX)
}
