//! The sandbox's own clock: the machine's time, or a hand that a test moves.

use jiff::Timestamp;

/// Where the sandbox takes its time from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock plus an offset in seconds.
    Real {
        /// Seconds added to the machine's time.
        offset: i64,
    },
    /// Stands still until it is set or advanced.
    Manual(Timestamp),
}

impl Clock {
    /// The machine's time, unshifted.
    pub const REAL: Self = Self::Real { offset: 0 };

    /// A clock that stands still at 2026-11-20T09:00:00Z, the date the fact sheets are written for.
    pub const fn manual() -> Self {
        Self::Manual(Timestamp::constant(1_795_165_200, 0))
    }

    /// The time now; saturates at the ends of the representable range.
    pub fn now(self) -> Timestamp {
        match self {
            Self::Manual(at) => at,
            Self::Real { offset } => {
                let now = machine_now();
                Timestamp::from_second(now.as_second().saturating_add(offset)).unwrap_or(now)
            }
        }
    }

    /// Moves the clock to `at`; a real clock keeps running from there.
    pub fn set(&mut self, at: Timestamp) {
        *self = match self {
            Self::Manual(_) => Self::Manual(at),
            Self::Real { .. } => Self::Real { offset: at.as_second() - machine_now().as_second() },
        };
    }

    /// Moves the clock by `seconds`, which may be negative.
    pub fn advance(&mut self, seconds: i64) {
        match self {
            Self::Manual(at) => {
                let target = at.as_second().saturating_add(seconds);
                *at = Timestamp::from_second(target).unwrap_or(*at);
            }
            Self::Real { offset } => *offset = offset.saturating_add(seconds),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this module is the sandbox's only reader of the machine's clock"
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
}
