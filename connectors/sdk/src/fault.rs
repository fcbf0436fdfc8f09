//! What can go wrong with a vendor, classified once.

use std::time::Duration;

use thiserror::Error;

/// A failed exchange or a failed row. One function in the transport maps each kind to a policy.
///
/// `detail` is text for an admin: the vendor's own words about structure (codes, field names), never a record's values.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// May work when tried again: network, 5xx, a locked row.
    #[error("temporary failure: {detail}")]
    Transient {
        /// What was seen.
        detail: String,
    },
    /// Too many calls; wait as told, or by the budget's own pace.
    #[error("throttled by the vendor ({budget})")]
    Throttled {
        /// How long the vendor asks to wait.
        retry_after: Option<Duration>,
        /// The named budget that ran out.
        budget: &'static str,
    },
    /// The session is no longer valid: one refresh, one replay.
    #[error("session expired")]
    Expired,
    /// We may not do this: credentials, scopes, field access. A person has to act.
    #[error("denied: {detail}. {remedy}")]
    Denied {
        /// What was refused.
        detail: String,
        /// What the admin should do.
        remedy: String,
    },
    /// The record changed since it was read: read again and decide again.
    #[error("the record changed since it was read")]
    Stale,
    /// The record no longer exists or is no longer visible.
    #[error("the record is gone")]
    Gone,
    /// The vendor refuses this payload (validation rule, required field …): parked until the record or the mapping changes.
    #[error("refused by the CRM: {detail}")]
    Refused {
        /// Vendor's code and message.
        detail: String,
    },
    /// The answer is not what the vendor documents: parked, alert.
    #[error("unexpected answer: {detail}")]
    Protocol {
        /// Shape of the answer, without values.
        detail: String,
    },
}

impl Fault {
    /// Stable short name for metrics and JSON output.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Transient { .. } => "transient",
            Self::Throttled { .. } => "throttled",
            Self::Expired => "expired",
            Self::Denied { .. } => "denied",
            Self::Stale => "stale",
            Self::Gone => "gone",
            Self::Refused { .. } => "refused",
            Self::Protocol { .. } => "protocol",
        }
    }
}
