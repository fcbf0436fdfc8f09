//! Connections whose waits for the vendor's limits can be skipped, so that a time shows what this machine does rather than how long a
//! limiter slept. What is counted, queued and charged stays the same: only the connection's clock jumps over the rest.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use handoff_core::id::ConnectionId;
use jiff::{SignedDuration, Timestamp};

use crate::clock::{Clock, until};
use crate::config::Connection;
use crate::connect::{ConnectError, Real};
use crate::link::{Connect, Connected, Equipment};

/// Makes real connections whose waits are skipped; see the module.
#[derive(Debug, Default)]
pub(super) struct Lifted {
    waiting: RwLock<BTreeMap<ConnectionId, Arc<AtomicBool>>>,
}

impl Lifted {
    /// Whether this connection waits as it does outside of here.
    pub(super) fn wait(&self, connection: &str, on: bool) {
        let known = self.waiting.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(waits) = known.get(&ConnectionId::from(connection)) {
            waits.store(on, Ordering::SeqCst);
        }
    }
}

impl Connect for Lifted {
    fn connect(
        &self,
        id: &ConnectionId,
        config: &Connection,
        equipment: Equipment,
    ) -> Result<Connected, ConnectError> {
        let waits = Arc::new(AtomicBool::new(false));
        self.waiting.write().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), Arc::clone(&waits));
        let clock = Jumping { inner: Arc::clone(&equipment.clock), waits, ahead: Arc::default() };
        Real.connect(id, config, Equipment { clock: Arc::new(clock), ..equipment })
    }
}

/// A clock that jumps ahead instead of sleeping.
struct Jumping {
    inner: Arc<dyn Clock>,
    waits: Arc<AtomicBool>,
    /// Milliseconds jumped over so far.
    ahead: Arc<AtomicI64>,
}

impl Clock for Jumping {
    fn now(&self) -> Timestamp {
        let now = self.inner.now();
        now.checked_add(SignedDuration::from_millis(self.ahead.load(Ordering::SeqCst))).unwrap_or(now)
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let left = until(self.now(), at);
        if self.waits.load(Ordering::SeqCst) {
            return self.inner.sleep(left);
        }
        // Rounded up: a sleeper that wakes early would only sleep again.
        let millis = i64::try_from(left.as_millis()).unwrap_or(i64::MAX).saturating_add(1);
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
    use std::time::Duration;

    use super::*;
    use crate::clock::ManualClock;

    #[tokio::test]
    async fn a_wait_is_skipped_until_waits_are_asked_for() {
        let waits = Arc::new(AtomicBool::new(false));
        let inner = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let clock = Jumping { inner, waits: Arc::clone(&waits), ahead: Arc::default() };
        clock.sleep(Duration::from_secs(10)).await;
        let ten = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(10);
        assert!(clock.now() >= ten && clock.now() < ten + SignedDuration::from_secs(1));
        waits.store(true, Ordering::SeqCst);
        assert!(clock.sleep(Duration::from_secs(10)).now_or_never().is_none());
    }
}
