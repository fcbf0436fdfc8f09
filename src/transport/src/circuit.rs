//! One circuit per connection: after a denial, or when the vendor is down, at most one probe at a time goes out.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use handoff_connector::Fault;
use jiff::Timestamp;
use serde::Serialize;

use crate::clock::{later, until};

/// How often a probe may try after a denial.
const PROBE_DENIED: Duration = Duration::from_mins(1);
/// How often a probe may try while the vendor is down.
const PROBE_DOWN: Duration = Duration::from_secs(30);
/// Conversations in a row that failed for good before the vendor counts as down.
const DOWN_AFTER: u32 = 3;

/// Why nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum CircuitStatus {
    /// Calls go out.
    Closed,
    /// The vendor denies us; a person has to act.
    Denied {
        /// Since when.
        since: Timestamp,
        /// What was refused.
        detail: String,
        /// What to do.
        remedy: String,
        /// When the next probe may go out.
        next_probe: Timestamp,
    },
    /// The vendor does not answer properly.
    Down {
        /// Since when.
        since: Timestamp,
        /// What was seen last.
        detail: String,
        /// When the next probe may go out.
        next_probe: Timestamp,
    },
}

/// Leave to run a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pass {
    probe: bool,
    epoch: u64,
}

pub(crate) struct Circuit {
    inner: Mutex<Inner>,
}

struct Inner {
    status: CircuitStatus,
    failures: u32,
    epoch: u64,
}

impl Circuit {
    pub(crate) fn new() -> Self {
        Self { inner: Mutex::new(Inner { status: CircuitStatus::Closed, failures: 0, epoch: 0 }) }
    }

    /// A pass, or the fault that opened the circuit.
    pub(crate) fn enter(&self, now: Timestamp) -> Result<Pass, Fault> {
        let mut inner = self.lock();
        let epoch = inner.epoch;
        match &mut inner.status {
            CircuitStatus::Closed => Ok(Pass { probe: false, epoch }),
            CircuitStatus::Denied { next_probe, .. } if *next_probe <= now => {
                *next_probe = later(now, PROBE_DENIED);
                Ok(Pass { probe: true, epoch })
            }
            CircuitStatus::Down { next_probe, .. } if *next_probe <= now => {
                *next_probe = later(now, PROBE_DOWN);
                Ok(Pass { probe: true, epoch })
            }
            CircuitStatus::Denied { detail, remedy, .. } => {
                Err(Fault::Denied { detail: detail.clone(), remedy: remedy.clone() })
            }
            CircuitStatus::Down { detail, next_probe, .. } => Err(Fault::Transient {
                detail: format!("{detail}; next try in {} s", until(now, *next_probe).as_secs()),
            }),
        }
    }

    /// A conversation ended; `down` = its fault says that the vendor is down. Returns whether the circuit is open now, if that changed.
    pub(crate) fn leave(
        &self,
        pass: Pass,
        outcome: Option<&Fault>,
        down: bool,
        now: Timestamp,
    ) -> Option<bool> {
        let mut inner = self.lock();
        let was_open = inner.status != CircuitStatus::Closed;
        match outcome {
            Some(Fault::Denied { detail, remedy }) => {
                let since = match &inner.status {
                    CircuitStatus::Denied { since, .. } => *since,
                    CircuitStatus::Closed | CircuitStatus::Down { .. } => now,
                };
                inner.status = CircuitStatus::Denied {
                    since,
                    detail: detail.clone(),
                    remedy: remedy.clone(),
                    next_probe: later(now, PROBE_DENIED),
                };
                inner.epoch = inner.epoch.wrapping_add(1);
            }
            Some(Fault::Transient { detail }) if down => {
                inner.failures = inner.failures.saturating_add(1);
                let still_denied = matches!(inner.status, CircuitStatus::Denied { .. });
                if inner.failures >= DOWN_AFTER && !still_denied {
                    let since = match &inner.status {
                        CircuitStatus::Down { since, .. } => *since,
                        CircuitStatus::Closed | CircuitStatus::Denied { .. } => now,
                    };
                    let next_probe = later(now, PROBE_DOWN);
                    inner.status = CircuitStatus::Down { since, detail: detail.clone(), next_probe };
                    inner.epoch = inner.epoch.wrapping_add(1);
                }
            }
            Some(Fault::Transient { .. } | Fault::Throttled { .. } | Fault::Expired) => {}
            None | Some(Fault::Stale | Fault::Gone | Fault::Refused { .. } | Fault::Protocol { .. }) => {
                // a conversation that began before the circuit opened proves nothing about now
                if !was_open || (pass.probe && pass.epoch == inner.epoch) {
                    inner.status = CircuitStatus::Closed;
                    inner.failures = 0;
                }
            }
        }
        let is_open = inner.status != CircuitStatus::Closed;
        (is_open != was_open).then_some(is_open)
    }

    /// Closes the circuit because a person says that the cause is gone.
    pub(crate) fn reset(&self) {
        let mut inner = self.lock();
        inner.status = CircuitStatus::Closed;
        inner.failures = 0;
        inner.epoch = inner.epoch.wrapping_add(1);
    }

    pub(crate) fn status(&self) -> CircuitStatus {
        self.lock().status.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
