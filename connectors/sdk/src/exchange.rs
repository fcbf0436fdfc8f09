//! One conversation with a vendor: requests out, replies in, no I/O.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

use crate::Fault;

/// What a request may overtake when calls are scarce: lower lanes wait first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Reading the past.
    Backfill,
    /// Polling and reading due records.
    Read,
    /// Opening gates.
    GateOpen,
    /// Shutting gates; never starved.
    GateClose,
}

/// A request body.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// No body.
    Empty,
    /// `application/json`.
    Json(serde_json::Value),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
}

/// One HTTP request relative to the connection's instance URL; the transport adds host, authentication and limits.
#[derive(Debug, Clone)]
pub struct Request {
    /// HTTP method.
    pub method: Method,
    /// Path and query, starting with `/`, already percent-encoded.
    pub path: String,
    /// Extra headers (never `Authorization`).
    pub headers: HeaderMap,
    /// Body.
    pub body: Body,
    /// Priority.
    pub lane: Lane,
    /// Calls charged per named [`crate::Budget`] of the [`crate::Spec`].
    pub cost: &'static [(&'static str, u32)],
    /// Whether sending it twice equals sending it once. A request that is not is never re-sent after an unclear outcome:
    /// the conversation is told [`Fault::Transient`] and the caller reads back.
    pub idempotent: bool,
    /// Short stable name for metrics and logs, e.g. `query`; never a value.
    pub name: &'static str,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: StatusCode,
    /// Response headers.
    pub headers: HeaderMap,
    /// Body, capped by the transport.
    pub body: Bytes,
}

/// Where a conversation stands after a reply.
#[derive(Debug)]
pub enum Step<T> {
    /// Another request follows; ask [`Exchange::request`].
    Continue,
    /// Finished.
    Done(T),
}

/// A conversation: ask for the [`Request`], hand in the [`Reply`], until [`Step::Done`] or a [`Fault`].
pub trait Exchange: Send {
    /// What the conversation yields.
    type Output: Send;

    /// The request to send now. Called again (unchanged state) when the transport re-sends after a transient fault.
    fn request(&mut self) -> Request;

    /// Reads the reply to the last request. A [`Fault`] ends the attempt; the transport's one policy decides what follows,
    /// and may re-send [`Exchange::request`].
    fn reply(&mut self, reply: &Reply) -> Result<Step<Self::Output>, Fault>;
}

impl<T: Send> Exchange for Box<dyn Exchange<Output = T> + '_> {
    type Output = T;

    fn request(&mut self) -> Request {
        (**self).request()
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<T>, Fault> {
        (**self).reply(reply)
    }
}
