//! The one function that says what follows from a fault, and the only use of `backoff`.

use std::time::{Duration, Instant};

use backoff::backoff::Backoff;
use backoff::exponential::ExponentialBackoff;
use handoff_connector::Fault;

use crate::clock::Chance;

/// The longest wait inside one conversation, whatever a vendor asks for.
pub const LONGEST_WAIT: Duration = Duration::from_mins(15);
/// The shortest wait after a vendor asked to slow down.
pub const SHORTEST_WAIT: Duration = Duration::from_secs(1);
const FIRST_INTERVAL: Duration = Duration::from_millis(500);
const LONGEST_INTERVAL: Duration = Duration::from_mins(1);

/// What to do about a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// Try again after this long.
    RetryAfter(Duration),
    /// One new token, one replay.
    RefreshAndReplay,
    /// Stop calling until a person acted or a probe succeeds.
    OpenCircuit {
        /// What the person should do.
        remedy: String,
    },
    /// Read the record again and decide again, now.
    ReadAgain,
    /// The handoff has lost its record.
    Void,
    /// Wait until the record or the mapping changes.
    Park,
    /// Park, and tell a person: the vendor answered something undocumented.
    ParkAndAlert,
}

/// What follows from `fault` when it is seen for the `attempt`-th time in a row (the first is 1). `pace` is how long a budget
/// rests when the vendor throttles without saying for how long.
pub fn policy(fault: &Fault, attempt: u32, pace: Duration, chance: &dyn Chance) -> Policy {
    match fault {
        Fault::Transient { .. } => Policy::RetryAfter(interval(attempt, chance)),
        Fault::Throttled { retry_after, .. } => {
            Policy::RetryAfter(retry_after.unwrap_or(pace).clamp(SHORTEST_WAIT, LONGEST_WAIT))
        }
        Fault::Expired => Policy::RefreshAndReplay,
        Fault::Denied { remedy, .. } => Policy::OpenCircuit { remedy: remedy.clone() },
        Fault::Stale => Policy::ReadAgain,
        Fault::Gone => Policy::Void,
        Fault::Refused { .. } => Policy::Park,
        Fault::Protocol { .. } => Policy::ParkAndAlert,
    }
}

/// Capped exponential interval, between half and all of it by chance.
fn interval(attempt: u32, chance: &dyn Chance) -> Duration {
    let mut steps = exponential();
    let whole =
        (0..attempt.clamp(1, 32)).filter_map(|_| steps.next_backoff()).last().unwrap_or(FIRST_INTERVAL);
    let unit = chance.unit();
    let unit = if unit.is_finite() { unit.clamp(0.0, 1.0) } else { 1.0 };
    whole.min(LONGEST_INTERVAL).mul_f64(0.5 + unit / 2.0)
}

/// `backoff`'s arithmetic with its own clock standing still and its own jitter off; it never gives up by itself.
fn exponential() -> ExponentialBackoff<Standing> {
    let start = Instant::now();
    ExponentialBackoff {
        current_interval: FIRST_INTERVAL,
        initial_interval: FIRST_INTERVAL,
        randomization_factor: 0.0,
        multiplier: 2.0,
        max_interval: LONGEST_INTERVAL,
        start_time: start,
        max_elapsed_time: None,
        clock: Standing(start),
    }
}

/// A clock that stands still: elapsed time plays no part.
struct Standing(Instant);

impl backoff::Clock for Standing {
    fn now(&self) -> Instant {
        self.0
    }
}
