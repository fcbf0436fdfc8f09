//! The sandbox's own clock: the machine's time, or a hand that a test moves.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// Where a sandbox takes its time from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock plus an offset in seconds.
    Real {
        /// Seconds added to the machine's time.
        offset: i64,
    },
    /// Stands still until it is set or advanced.
    Manual(Timestamp),
    /// One time for everybody who holds a clone of it.
    Shared(SharedTime),
}

/// A clock that several sandboxes hold; made by [`Clock::shared`].
#[derive(Debug, Clone)]
pub struct SharedTime(Arc<Mutex<Clock>>);

impl Clock {
    /// The machine's time, unshifted.
    pub const REAL: Self = Self::Real { offset: 0 };

    /// A clock that stands still at 2026-11-20T09:00:00Z, the date the fact sheets are written for.
    pub const fn manual() -> Self {
        Self::Manual(Timestamp::constant(1_795_165_200, 0))
    }

    /// The same clock, but its clones share their time: whoever moves one moves all.
    pub fn shared(self) -> Self {
        match self {
            Self::Shared(_) => self,
            Self::Real { .. } | Self::Manual(_) => Self::Shared(SharedTime(Arc::new(Mutex::new(self)))),
        }
    }

    /// The time now; saturates at the ends of the representable range.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::Manual(at) => *at,
            Self::Real { offset } => {
                let now = machine_now();
                now.checked_add(SignedDuration::from_secs(*offset)).unwrap_or(now)
            }
            Self::Shared(time) => time.with(|clock| clock.now()),
        }
    }

    /// Moves the clock to `at`; a real clock keeps running from there.
    pub fn set(&mut self, at: Timestamp) {
        match self {
            Self::Manual(time) => *time = at,
            Self::Real { offset } => *offset = at.as_second() - machine_now().as_second(),
            Self::Shared(time) => time.with(|clock| clock.set(at)),
        }
    }

    /// Moves the clock by `seconds`, which may be negative.
    pub fn advance(&mut self, seconds: i64) {
        match self {
            Self::Manual(at) => {
                let target = at.as_second().saturating_add(seconds);
                *at = Timestamp::new(target, at.subsec_nanosecond()).unwrap_or(*at);
            }
            Self::Real { offset } => *offset = offset.saturating_add(seconds),
            Self::Shared(time) => time.with(|clock| clock.advance(seconds)),
        }
    }
}

impl SharedTime {
    fn with<T>(&self, work: impl FnOnce(&mut Clock) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this module is the sandboxes' only reader of the machine's clock"
)]
fn machine_now() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let mut clock = Clock::manual();
        let before = clock.now();
        assert_eq!(before.to_string(), "2026-11-20T09:00:00Z");
        clock.advance(-60);
        assert_eq!(clock.now().as_second(), before.as_second() - 60);
        clock.set(before);
        assert_eq!(clock.now(), before);
    }

    #[test]
    fn clones_share_their_time_only_when_told_to() {
        let (mut own, mut shared) = (Clock::manual(), Clock::manual().shared());
        let (own_clone, shared_clone) = (own.clone(), shared.clone().shared());
        own.advance(5);
        shared.advance(5);
        assert_eq!(own.now(), shared_clone.now());
        assert_eq!(own_clone.now(), Clock::manual().now());
    }
}
