//! Faults on demand: what the next matching requests get instead of, or after, the truth.

use serde::{Deserialize, Serialize};

use crate::wire::{ApiError, Call, Reply};

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

/// Which requests a fault hits; absent parts match everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matching {
    /// HTTP method.
    #[serde(default)]
    pub method: Option<String>,
    /// Text the path and query contain (percent-decoded path, or the raw target).
    #[serde(default)]
    pub path: Option<String>,
    /// Kind of endpoint, as the call counters name it (`query`, `composite`, `collections_update`, `token`, …).
    #[serde(default)]
    pub kind: Option<String>,
    /// Text the body contains.
    #[serde(default)]
    pub body: Option<String>,
}

/// A fault to plant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which requests it hits.
    #[serde(default)]
    pub on: Matching,
    /// Matching requests to let pass first.
    #[serde(default)]
    pub skip: u32,
    /// How many matching requests it hits.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens to them.
    #[serde(flatten)]
    pub action: Action,
}

const fn once() -> u32 {
    1
}

impl Fault {
    /// The fault for the next request whatever it is.
    pub fn next(action: Action) -> Self {
        Self { on: Matching::default(), skip: 0, times: 1, action }
    }

    /// The fault for the next requests of one endpoint kind.
    pub fn on_kind(kind: &str, action: Action) -> Self {
        Self {
            on: Matching { kind: Some(kind.to_owned()), ..Matching::default() },
            skip: 0,
            times: 1,
            action,
        }
    }

    /// The same fault, hitting `times` requests.
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// The same fault, after `skip` matching requests.
    pub fn skip(mut self, skip: u32) -> Self {
        self.skip = skip;
        self
    }
}

/// Planted faults, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    planted: Vec<(u64, Fault)>,
    made: u64,
    /// Grows when hanging requests are let go.
    pub(crate) releases: u64,
}

impl Faults {
    pub(crate) fn plant(&mut self, fault: Fault) -> u64 {
        self.made += 1;
        self.planted.push((self.made, fault));
        self.made
    }

    pub(crate) fn clear(&mut self) {
        self.planted.clear();
    }

    pub(crate) fn list(&self) -> &[(u64, Fault)] {
        &self.planted
    }

    /// What happens to this call; spends one of the fault's times.
    pub(crate) fn strike(&mut self, call: &Call, kind: &str) -> Option<Action> {
        let mut struck = None;
        for (_, fault) in &mut self.planted {
            if fault.times == 0 || !fault.on.fits(call, kind) {
                continue;
            }
            if fault.skip > 0 {
                fault.skip -= 1;
                continue;
            }
            fault.times -= 1;
            struck = Some(fault.action.clone());
            break;
        }
        self.planted.retain(|(_, fault)| fault.times > 0);
        struck
    }
}

impl Matching {
    fn fits(&self, call: &Call, kind: &str) -> bool {
        let holds = |wanted: &Option<String>, test: &dyn Fn(&str) -> bool| wanted.as_deref().is_none_or(test);
        holds(&self.method, &|method| call.method.as_str().eq_ignore_ascii_case(method))
            && holds(&self.kind, &|wanted| wanted == kind)
            && holds(&self.path, &|part| {
                call.path.contains(part)
                    || call.segments.join("/").contains(part.trim_matches('/'))
                    || call.params.iter().any(|(_, value)| value.contains(part))
            })
            && holds(&self.body, &|part| String::from_utf8_lossy(&call.body).contains(part))
    }
}

impl Action {
    /// The answer of an action that never lets the request through; `None` for the others.
    pub(crate) fn instead(&self) -> Option<Reply> {
        Some(match self {
            Self::Answer { apply: false, .. } => self.answer()?,
            Self::SessionExpired => ApiError::session().reply(),
            Self::DailyLimit => total_limit().reply(),
            Self::ConcurrentLimit => ApiError::new(
                403,
                "REQUEST_LIMIT_EXCEEDED",
                "ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
            )
            .reply(),
            Self::ServerError => ApiError::new(
                500,
                "UNKNOWN_EXCEPTION",
                "An unexpected error occurred. Please include this ErrorId if you contact support: 1-1 (1)",
            )
            .reply(),
            Self::Maintenance => Reply::maintenance(),
            Self::UriTooLong => Reply::uri_too_long(),
            Self::HtmlOk => {
                Reply::html(200, "<html><head><title>Login</title></head><body>Loading</body></html>")
            }
            Self::Answer { .. }
            | Self::EmptyOk
            | Self::RowLock
            | Self::Hang
            | Self::Delay { .. }
            | Self::DropBefore
            | Self::DropAfter
            | Self::Truncate { .. } => return None,
        })
    }

    /// The answer given after the request took effect, when it is not the truth.
    pub(crate) fn afterwards(&self) -> Option<Reply> {
        match self {
            Self::Answer { apply: true, .. } => self.answer(),
            Self::EmptyOk => Some(Reply::empty(200)),
            Self::Answer { .. }
            | Self::SessionExpired
            | Self::DailyLimit
            | Self::ConcurrentLimit
            | Self::ServerError
            | Self::Maintenance
            | Self::UriTooLong
            | Self::HtmlOk
            | Self::RowLock
            | Self::Hang
            | Self::Delay { .. }
            | Self::DropBefore
            | Self::DropAfter
            | Self::Truncate { .. } => None,
        }
    }

    fn answer(&self) -> Option<Reply> {
        let Self::Answer { status, body, content_type, retry_after, .. } = self else { return None };
        let html = content_type.as_deref().is_some_and(|kind| kind.contains("html"));
        let kind = if html { "text/html;charset=UTF-8" } else { "application/json;charset=UTF-8" };
        let reply = Reply::text(*status, kind, body.clone());
        Some(match retry_after {
            Some(wait) => reply.with("Retry-After", wait.clone()),
            None => reply,
        })
    }
}

/// The refusal of an org whose daily allocation is used up.
pub(crate) fn total_limit() -> ApiError {
    ApiError::new(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
}
