//! Faults on demand: what the next matching requests get instead of, or after, the truth.

use handoff_sandbox_host::{Effect, Planned};
use serde::{Deserialize, Serialize};

use crate::wire::{ApiError, Reply, maintenance, uri_too_long};

/// What a planted fault does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Answer with this status and body. With `apply`, the request takes effect first.
    Answer {
        /// HTTP status.
        status: u16,
        /// Body, as it is.
        #[serde(default)]
        body: String,
        /// Content type; JSON when absent.
        #[serde(default)]
        content_type: Option<String>,
        /// Retry-After header.
        #[serde(default)]
        retry_after: Option<String>,
        /// Let the request take effect before answering.
        #[serde(default)]
        apply: bool,
    },
    /// 401 INVALID_SESSION_ID.
    SessionExpired,
    /// 403 REQUEST_LIMIT_EXCEEDED, TotalRequests: the daily allocation.
    DailyLimit,
    /// 403 REQUEST_LIMIT_EXCEEDED, ConcurrentRequests: too many long-running calls.
    ConcurrentLimit,
    /// 500 UNKNOWN_EXCEPTION.
    ServerError,
    /// 503 with the HTML maintenance page.
    Maintenance,
    /// 414 with the edge's HTML.
    UriTooLong,
    /// An HTML page with status 200.
    HtmlOk,
    /// Status 200 and no body. The request takes effect.
    EmptyOk,
    /// Every row of a collection, or the single row, fails with UNABLE_TO_LOCK_ROW.
    RowLock,
    /// No answer until the faults are released; then the truth.
    Hang,
    /// The truth, this many milliseconds later.
    Delay {
        /// Milliseconds.
        millis: u64,
    },
    /// The connection closes before the request takes effect.
    DropBefore,
    /// The connection closes after the request took effect.
    DropAfter,
    /// The request takes effect; its answer breaks off after this many bytes.
    Truncate {
        /// Bytes of the body that are sent.
        bytes: usize,
    },
}

/// A fault to plant.
pub type Fault = handoff_sandbox_host::Fault<Action>;

impl Planned for Action {
    fn effect(&self) -> Effect {
        match self {
            Self::Answer { status, body, content_type, retry_after, apply } => {
                let reply = Reply::planted(*status, body, content_type.as_deref(), retry_after.as_ref());
                if *apply { Effect::Afterwards(reply) } else { Effect::Instead(reply) }
            }
            Self::SessionExpired => Effect::Instead(ApiError::session().reply()),
            Self::DailyLimit => Effect::Instead(total_limit().reply()),
            Self::ConcurrentLimit => Effect::Instead(
                ApiError::new(
                    403,
                    "REQUEST_LIMIT_EXCEEDED",
                    "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
                )
                .reply(),
            ),
            Self::ServerError => Effect::Instead(
                ApiError::new(
                    500,
                    "UNKNOWN_EXCEPTION",
                    "An unexpected error occurred. Please include this ErrorId if you contact support: 1-1 (1)",
                )
                .reply(),
            ),
            Self::Maintenance => Effect::Instead(maintenance()),
            Self::UriTooLong => Effect::Instead(uri_too_long()),
            Self::HtmlOk => Effect::Instead(Reply::html(
                200,
                "<html><head><title>Login</title></head><body>Loading</body></html>",
            )),
            Self::EmptyOk => Effect::Afterwards(Reply::empty(200)),
            Self::RowLock => Effect::Truth,
            Self::Hang => Effect::Hang,
            Self::Delay { millis } => Effect::Delay(*millis),
            Self::DropBefore => Effect::DropBefore,
            Self::DropAfter => Effect::DropAfter,
            Self::Truncate { bytes } => Effect::Truncate(*bytes),
        }
    }
}

/// The refusal of an org whose daily allocation is used up.
pub(crate) fn total_limit() -> ApiError {
    ApiError::new(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
}
