//! The daemon's clock in tests: it stands still until it is moved, except for whom a vendor's pace makes wait a moment.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use handoff_sandbox_host::Clock as SandboxClock;
use handoffd::clock::{Clock, ManualClock, until};
use jiff::Timestamp;

/// The longest wait that is a matter of pace: HubSpot counts calls by ten seconds and searches by one.
const PACE: Duration = Duration::from_secs(10);

/// A clock that stands still until it is moved.
pub struct Hand {
    clock: Arc<ManualClock>,
    paced: Pace,
}

/// What happens when somebody waits for at most ten seconds.
pub enum Pace {
    /// He waits, as everybody does.
    Still,
    /// The daemon's clock is put forward by itself; whoever moves all clocks takes that back.
    Alone,
    /// This clock goes along, so that the vendor sees the same pace.
    Along(SandboxClock),
}

impl Hand {
    /// A clock that stands at `start`.
    pub fn new(start: Timestamp, paced: Pace) -> Self {
        Self { clock: Arc::new(ManualClock::new(start)), paced }
    }

    /// Sets it, forward or back.
    pub fn set(&self, to: Timestamp) {
        self.clock.set(to);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let left = until(self.clock.now(), at);
        let along = match &self.paced {
            Pace::Alone if left <= PACE => None,
            Pace::Along(time) if left <= PACE => Some(time.clone()),
            Pace::Still | Pace::Alone | Pace::Along(_) => return self.clock.sleep_until(at),
        };
        let clock = Arc::clone(&self.clock);
        async move {
            // Whoever has something to do does it first.
            tokio::task::yield_now().await;
            if clock.now() < at {
                clock.set(at);
            }
            if let Some(mut time) = along
                && time.now() < at
            {
                time.set(at);
            }
        }
        .boxed()
    }
}
