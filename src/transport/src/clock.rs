//! Time and chance, handed in so that tests decide both.

use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;

/// The only source of time here.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Completes when this clock shows `at` or later: at once if it already does, so that whoever worked out `at` from an earlier [`Self::now`]
    /// misses nothing that happened to the clock in between.
    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()>;

    /// Completes when `duration` has passed on this clock.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.sleep_until(later(self.now(), duration))
    }
}

/// The only source of chance here (jitter).
pub trait Chance: Send + Sync {
    /// A number from 0 (inclusive) to 1 (exclusive); anything outside is clamped by the reader.
    fn unit(&self) -> f64;
}

impl<F: Fn() -> f64 + Send + Sync> Chance for F {
    fn unit(&self) -> f64 {
        self()
    }
}

/// `now + wait`, at most the last representable instant.
pub(crate) fn later(now: Timestamp, wait: Duration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// How long from `now` until `then`; zero when it has passed.
pub fn until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO)
}
