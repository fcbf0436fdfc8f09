//! What the control interfaces under `/_sandbox` have in common.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::{Call, Clock};

/// Whether the call is for the control interface.
pub fn is_control(call: &Call) -> bool {
    call.segments.first().is_some_and(|first| first == "_sandbox")
}

/// The JSON body, an absent one read as `{}`; the error is a sentence for the operator.
pub fn body<'a, T: Deserialize<'a>>(call: &'a Call) -> Result<T, String> {
    let bytes: &[u8] = if call.body.is_empty() { b"{}" } else { &call.body };
    serde_json::from_slice(bytes).map_err(|error| format!("request body: {error}"))
}

/// The sequence number after which entries are wanted (`?since=`); 0 when not given.
pub fn since(call: &Call) -> u64 {
    call.param("since").and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// What `POST clock` asks for.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockWish {
    /// The time to set, before advancing.
    #[serde(default)]
    pub set: Option<Timestamp>,
    /// Seconds to advance by, negative to go back.
    #[serde(default)]
    pub advance_seconds: Option<i64>,
}

impl ClockWish {
    /// Does it; the answer names the time then.
    pub fn grant(self, clock: &mut Clock) -> Json {
        if let Some(at) = self.set {
            clock.set(at);
        }
        if let Some(seconds) = self.advance_seconds {
            clock.advance(seconds);
        }
        json!({"now": clock.now()})
    }
}
