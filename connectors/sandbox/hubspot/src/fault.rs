//! Faults on demand: what the next matching requests get instead of, or after, the truth.

use handoff_sandbox_host::{Effect, Planned, Reply};
use serde::{Deserialize, Serialize};

use crate::Refusal;

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
    /// 401 EXPIRED_AUTHENTICATION.
    TokenExpired,
    /// 401 INVALID_AUTHENTICATION.
    TokenUnknown,
    /// 403 MISSING_SCOPES.
    MissingScopes {
        /// Scopes of which one is required.
        scopes: Vec<String>,
    },
    /// 429 of the app's ten seconds.
    BurstLimit,
    /// 429 of the account's searches.
    SearchLimit,
    /// 429 of the account's day.
    DailyLimit,
    /// 423: the record is locked.
    Locked,
    /// 477: the portal is moving between data centres.
    Migrating {
        /// Retry-After in seconds.
        seconds: u64,
    },
    /// 414 with the edge's HTML.
    UriTooLong,
    /// 500 with the vendor's JSON.
    ServerError,
    /// A gateway's status (502, 503, 504, 52x) with its HTML page.
    Gateway {
        /// HTTP status.
        status: u16,
    },
    /// An HTML page with status 200.
    HtmlOk,
    /// Status 200 and no body. The request takes effect.
    EmptyOk,
    /// Status 204 and no body. The request takes effect.
    EmptyNoContent,
    /// The inputs of these ids fail, with 207; the others take effect.
    PartialFailure {
        /// Records whose input fails.
        ids: Vec<u64>,
    },
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
        let refuse = |refusal: Refusal| Effect::Instead(refusal.reply(0));
        match self {
            Self::Answer { status, body, content_type, retry_after, apply } => {
                let reply = Reply::planted(*status, body, content_type.as_deref(), retry_after.as_ref());
                if *apply { Effect::Afterwards(reply) } else { Effect::Instead(reply) }
            }
            Self::TokenExpired => refuse(Refusal::expired(7, "2026-11-20T08:59:53Z")),
            Self::TokenUnknown => refuse(Refusal::no_token()),
            Self::MissingScopes { scopes } => refuse(Refusal::scopes(scopes)),
            Self::BurstLimit => refuse(Refusal::limit("TEN_SECONDLY_ROLLING")),
            Self::SearchLimit => refuse(Refusal::limit("SECONDLY")),
            Self::DailyLimit => refuse(Refusal::limit("DAILY")),
            Self::Locked => refuse(Refusal::locked()),
            Self::Migrating { seconds } => {
                let refusal =
                    Refusal::new(477, "MIGRATION_IN_PROGRESS", "This hub is currently being migrated");
                Effect::Instead(refusal.reply(0).with("Retry-After", seconds.to_string()))
            }
            Self::UriTooLong => Effect::Instead(uri_too_long()),
            Self::ServerError => refuse(Refusal::new(500, "INTERNAL_ERROR", "internal error")),
            Self::Gateway { status } => Effect::Instead(Reply::html(
                *status,
                "<!DOCTYPE html><html><head><title>hubapi.com | Error</title></head><body><h1>Web server is \
                 returning an unknown error</h1><p>cloudflare</p></body></html>",
            )),
            Self::HtmlOk => Effect::Instead(Reply::html(
                200,
                "<html><head><title>Login</title></head><body>Loading</body></html>",
            )),
            Self::EmptyOk => Effect::Afterwards(Reply::empty(200)),
            Self::EmptyNoContent => Effect::Afterwards(Reply::empty(204)),
            Self::PartialFailure { .. } => Effect::Truth,
            Self::Hang => Effect::Hang,
            Self::Delay { millis } => Effect::Delay(*millis),
            Self::DropBefore => Effect::DropBefore,
            Self::DropAfter => Effect::DropAfter,
            Self::Truncate { bytes } => Effect::Truncate(*bytes),
        }
    }
}

/// The 414 of the vendor's edge.
pub(crate) fn uri_too_long() -> Reply {
    Reply::html(414, "<html><head><title>414 Request-URI Too Large</title></head><body></body></html>")
}
