//! Faults on demand, in the vendor's shapes.

use handoff_sandbox_host::{Effect, Planned, Reply};
use serde::{Deserialize, Serialize};
use serde_json::json;

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
    /// 401, as for a wrong key.
    Unauthorized,
    /// 403, as for an address that is not trusted.
    Forbidden,
    /// 404 with the text of an empty window.
    NoCalls,
    /// 429 with this Retry-After; a day's allowance spent means hours.
    RateLimited {
        /// Seconds.
        retry_after: u32,
    },
    /// 500 with an error text.
    ServerError,
    /// An HTML page with status 200.
    HtmlOk,
    /// Status 200 and no body.
    EmptyOk,
    /// Valid JSON whose fields are of other types than described.
    Malformed,
    /// The truth, with unknown fields in every object.
    UnknownFields,
    /// No answer until the faults are released; then the truth.
    Hang,
    /// The truth, this many milliseconds later.
    Delay {
        /// Milliseconds.
        millis: u64,
    },
    /// The connection closes before the request takes effect.
    DropBefore,
    /// The connection closes after the request took effect: a refreshed token is spent, its successor never seen.
    DropAfter,
    /// The request takes effect; its answer breaks off after this many bytes.
    Truncate {
        /// Bytes of the body that are sent.
        bytes: usize,
    },
}

impl Planned for Action {
    fn effect(&self) -> Effect {
        let refused =
            |status: u16, text: &str| Reply::json(status, &json!({"requestId": "planted", "errors": [text]}));
        Effect::Instead(match self {
            Self::Answer { status, body, content_type, retry_after, apply } => {
                let reply = Reply::planted(*status, body, content_type.as_deref(), retry_after.as_ref());
                if *apply {
                    return Effect::Afterwards(reply);
                }
                reply
            }
            Self::Unauthorized => refused(401, "Failed to verify credentials"),
            Self::Forbidden => refused(403, "IP address is not trusted"),
            Self::NoCalls => refused(404, "No calls found corresponding to the provided filters"),
            Self::RateLimited { retry_after } => refused(429, "API call limit per second exceeded")
                .with("Retry-After", retry_after.to_string()),
            Self::ServerError => refused(500, "An internal server error has occurred"),
            Self::HtmlOk => {
                Reply::html(200, "<html><head><title>Gong</title></head><body>Loading</body></html>")
            }
            Self::EmptyOk => Reply::empty(200),
            Self::Malformed => Reply::json(
                200,
                &json!({
                    "requestId": 7, "records": "many", "calls": {"0": null}, "call": [], "callTranscripts": 3,
                    "users": false, "associations": {"callId": 1},
                }),
            ),
            Self::UnknownFields => return Effect::Truth,
            Self::Hang => return Effect::Hang,
            Self::Delay { millis } => return Effect::Delay(*millis),
            Self::DropBefore => return Effect::DropBefore,
            Self::DropAfter => return Effect::DropAfter,
            Self::Truncate { bytes } => return Effect::Truncate(*bytes),
        })
    }
}
