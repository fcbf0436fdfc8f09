//! Short windows: `governor` with burst = a fifth of the limit and the rest as rate, in two pools so that the reserve stays.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Reference;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use handoff_connector::Lane;

type Limiter = RateLimiter<NotKeyed, InMemoryState, Ticks, NoOpMiddleware<Duration>>;

/// Time since the transport began, moved forward at each admission; never backward.
#[derive(Debug, Clone, Default)]
pub(super) struct Ticks(Arc<AtomicU64>);

impl Ticks {
    /// Moves on to `elapsed`.
    pub(super) fn advance_to(&self, elapsed: Duration) {
        self.0.fetch_max(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX), Ordering::AcqRel);
    }
}

impl governor::clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Acquire))
    }
}

/// Why a pool gives nothing now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Short {
    /// After this long it will.
    After(Duration),
    /// It never gives that many at once.
    Never,
}

/// Calls allowed per short window. The pools are disjoint, so together they stay within the limit in every window.
pub(super) struct ShortPool {
    common: Option<Pool>,
    reserve: Option<Pool>,
    ticks: Ticks,
}

struct Pool {
    limiter: Limiter,
    burst: u32,
}

impl ShortPool {
    pub(super) fn new(limit: u32, window: Duration, reserve_percent: u8, ticks: &Ticks) -> Self {
        let reserve = super::percent_of(u64::from(limit), reserve_percent);
        let reserve = u32::try_from(reserve).unwrap_or(0).min(limit);
        Self {
            common: Pool::new(limit - reserve, window, ticks),
            reserve: Pool::new(reserve, window, ticks),
            ticks: ticks.clone(),
        }
    }

    /// Takes `calls` from the pool that the lane may use: gates from the reserve first, then as everybody.
    pub(super) fn take(&self, lane: Lane, calls: NonZeroU32) -> Result<(), Short> {
        let reserve = match lane {
            Lane::GateOpen | Lane::GateClose => self.reserve.as_ref(),
            Lane::Backfill | Lane::Read => None,
        };
        let now = governor::clock::Clock::now(&self.ticks);
        let mut best = Short::Never;
        for pool in [reserve, self.common.as_ref()].into_iter().flatten() {
            match pool.take(calls, now) {
                Ok(()) => return Ok(()),
                Err(Short::Never) => {}
                Err(Short::After(wait)) => {
                    best = match best {
                        Short::After(other) => Short::After(other.min(wait)),
                        Short::Never => Short::After(wait),
                    };
                }
            }
        }
        Err(best)
    }
}

impl Pool {
    /// A pool of `limit` calls per window; none when the limit is zero.
    fn new(limit: u32, window: Duration, ticks: &Ticks) -> Option<Self> {
        let burst = NonZeroU32::new((limit / 5).max(1).min(limit))?;
        let rate = (limit - burst.get()).max(1);
        // rounded up: a period a nanosecond too short would let one call too many through
        let period = (window / rate).max(Duration::from_nanos(1)) + Duration::from_nanos(1);
        let quota = Quota::with_period(period)?.allow_burst(burst);
        Some(Self { limiter: RateLimiter::direct_with_clock(quota, ticks.clone()), burst: burst.get() })
    }

    fn take(&self, calls: NonZeroU32, now: Duration) -> Result<(), Short> {
        if calls.get() > self.burst {
            return Err(Short::Never);
        }
        match self.limiter.check_n(calls) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(later)) => {
                let wait: Duration = later.earliest_possible().duration_since(now).into();
                Err(Short::After(wait.max(Duration::from_millis(1))))
            }
            Err(_too_many_at_once) => Err(Short::Never),
        }
    }
}
