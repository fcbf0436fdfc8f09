//! Connections whose waits for the vendor's limits can be skipped, so that a time shows what this machine does rather than how long a
//! limiter slept. What is counted, queued and charged stays the same: only the connection's clock jumps over the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use handoff_core::id::ConnectionId;
use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::config::Connection;
use crate::connect::{ConnectError, Real};
use crate::link::{Connect, Connected, Equipment};

/// Makes real connections; see the module.
#[derive(Debug, Default)]
pub(super) struct Liftable {
    lifted: Arc<AtomicBool>,
}

impl Liftable {
    /// Skips waits from now on, or no longer.
    pub(super) fn lift(&self, on: bool) {
        self.lifted.store(on, Ordering::SeqCst);
    }
}

impl Connect for Liftable {
    fn connect(
        &self,
        id: &ConnectionId,
        config: &Connection,
        equipment: Equipment,
    ) -> Result<Connected, ConnectError> {
        let clock = Jumping {
            inner: Arc::clone(&equipment.clock),
            lifted: Arc::clone(&self.lifted),
            ahead: Arc::default(),
        };
        Real.connect(id, config, Equipment { clock: Arc::new(clock), ..equipment })
    }
}

/// A clock that jumps ahead instead of sleeping.
struct Jumping {
    inner: Arc<dyn Clock>,
    lifted: Arc<AtomicBool>,
    /// Milliseconds jumped over so far.
    ahead: Arc<AtomicI64>,
}

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        let now = self.inner.now();
        now.checked_add(SignedDuration::from_millis(self.ahead.load(Ordering::SeqCst))).unwrap_or(now)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        if !self.lifted.load(Ordering::SeqCst) {
            return self.inner.sleep(duration);
        }
        // Rounded up: a sleeper that wakes early would only sleep again.
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX).saturating_add(1);
        let ahead = Arc::clone(&self.ahead);
        async move {
            // A sleep that is dropped before it is awaited, as one that loses a race is, jumps nowhere.
            ahead.fetch_add(millis, Ordering::SeqCst);
            tokio::task::yield_now().await;
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[tokio::test]
    async fn a_wait_is_skipped_only_while_limits_are_lifted() {
        let lifted = Arc::new(AtomicBool::new(true));
        let inner = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let clock = Jumping { inner, lifted: Arc::clone(&lifted), ahead: Arc::default() };
        clock.sleep(Duration::from_secs(10)).await;
        let ten = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(10);
        assert!(clock.now() >= ten && clock.now() < ten + SignedDuration::from_secs(1));
        lifted.store(false, Ordering::SeqCst);
        assert!(clock.sleep(Duration::from_secs(10)).now_or_never().is_none());
    }
}
