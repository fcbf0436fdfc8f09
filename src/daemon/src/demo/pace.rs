//! Connections that wait for a vendor's limits on the stage's clock: a wait of half a second passes at once, for everybody. So the limits hold,
//! and nobody who watches has to wait for them.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use handoff_core::id::ConnectionId;
use handoff_sandbox_salesforce::Org;
use jiff::Timestamp;

use crate::clock::{Clock, until};
use crate::config::Connection;
use crate::connect::{ConnectError, Real};
use crate::link::{Connect, Connected, Equipment};

/// Makes real connections; see the module.
pub(super) struct Paced(pub(super) Org);

impl Connect for Paced {
    fn connect(
        &self,
        id: &ConnectionId,
        config: &Connection,
        equipment: Equipment,
    ) -> Result<Connected, ConnectError> {
        let clock = Arc::new(Passing(self.0.clone()));
        Real.connect(id, config, Equipment { clock, ..equipment })
    }
}

/// The stage's clock, which a sleeper moves on.
struct Passing(Org);

impl Clock for Passing {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let org = self.0.clone();
        async move {
            // A sleep that is dropped before it is awaited, as one that loses a race is, moves nothing. Rounded up: a sleeper that wakes early
            // would only sleep again.
            let seconds = until(org.now(), at).as_millis().div_ceil(1_000);
            org.advance(i64::try_from(seconds).unwrap_or(1));
            tokio::task::yield_now().await;
        }
        .boxed()
    }
}
