//! Time: the system's, or one that a test or the demo moves by hand.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
pub use handoff_transport::{Clock, until};
use jiff::Timestamp;
use tokio::sync::watch;

/// How often a sleeper looks at the system's clock: it may be set, and what he sleeps stands still while the machine is suspended.
const LOOK: Duration = Duration::from_mins(1);

/// The system's clock, cut to microseconds: what the log holds is then exactly what a warehouse can hold.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the wall clock; everything else is told the time"
    )]
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        shown(|| Self.now(), at, LOOK).boxed()
    }

    /// Whatever the clock is set to meanwhile.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

/// Completes when a clock that goes on by itself, and may jump, shows `at` or later; looks at it again after `look` at the latest.
pub(crate) async fn shown(now: impl Fn() -> Timestamp, at: Timestamp, look: Duration) {
    loop {
        let left = until(now(), at);
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(look)).await;
    }
}

/// A clock that stands still until it is moved. Sleepers wake when it passes their time.
#[derive(Debug)]
pub struct ManualClock {
    now: watch::Sender<Timestamp>,
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self { now: watch::Sender::new(start) }
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now = now.checked_add(by).unwrap_or(Timestamp::MAX));
    }

    /// Sets the clock, forward or back: a following clock is set to whatever it follows.
    pub fn set(&self, to: Timestamp) {
        self.now.send_replace(to);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let mut now = self.now.subscribe();
        async move {
            // A dropped clock never moves again, so nobody wakes.
            if now.wait_for(|now| *now >= at).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_clock_tells_nothing_below_microseconds() {
        assert_eq!(SystemClock.now().subsec_nanosecond() % 1_000, 0);
    }

    #[tokio::test]
    async fn who_sleeps_until_a_moment_that_has_come_meanwhile_wakes_at_once() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let at = Timestamp::from_second(10).unwrap();
        assert!(clock.sleep_until(at).now_or_never().is_none());
        clock.set(Timestamp::from_second(11).unwrap());
        assert!(clock.sleep_until(at).now_or_never().is_some());
        assert!(SystemClock.sleep_until(at).now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_clock_that_jumps_ahead_is_seen_at_the_next_look() {
        let looks = std::cell::Cell::new(0);
        let at = Timestamp::from_second(1_000_000).unwrap();
        let now = || {
            looks.set(looks.get() + 1);
            if looks.get() < 3 { Timestamp::UNIX_EPOCH } else { at }
        };
        shown(now, at, Duration::from_millis(1)).await;
        assert_eq!(looks.get(), 3);
    }

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_hand_passes_its_time() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let mut sleeper = clock.sleep(Duration::from_secs(10));
        clock.advance(Duration::from_secs(9));
        assert!((&mut sleeper).now_or_never().is_none());
        clock.advance(Duration::from_secs(1));
        assert!((&mut sleeper).now_or_never().is_some());
    }
}
