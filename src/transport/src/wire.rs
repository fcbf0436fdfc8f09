//! The line to the vendor: one request, one reply or the reason why not.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use handoff_connector::{Fault, Reply};
use http::{HeaderMap, Method};
use thiserror::Error;
use url::Url;

use crate::allow::Forbidden;
use crate::redact;

/// A request ready to be sent. `Debug` shows method and origin only.
#[derive(Clone)]
pub struct WireRequest {
    /// HTTP method.
    pub method: Method,
    /// Full address.
    pub url: Url,
    /// All headers, `Authorization` marked sensitive.
    pub headers: HeaderMap,
    /// Body bytes.
    pub body: Bytes,
    /// Time for the whole call, from connecting to the last byte of the answer.
    pub timeout: Duration,
}

impl fmt::Debug for WireRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireRequest")
            .field("method", &self.method)
            .field("origin", &redact::origin(&self.url))
            .finish_non_exhaustive()
    }
}

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum WireFault {
    /// The vendor cannot have seen the request.
    #[error("not sent: {0}")]
    NotSent(&'static str),
    /// The vendor may or may not have acted.
    #[error("no usable answer: {0}")]
    Unclear(&'static str),
    /// The answer is longer than this many bytes; reading stopped.
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
    /// The address may not be spoken to.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The other side does not prove that it is the vendor.
    #[error("the server's certificate is not accepted: {0}")]
    Untrusted(&'static str),
}

impl WireFault {
    /// Whether the vendor may have acted on the request.
    pub fn outcome_unclear(&self) -> bool {
        match self {
            Self::Unclear(_) | Self::TooLarge(_) => true,
            Self::NotSent(_) | Self::Forbidden(_) | Self::Untrusted(_) => false,
        }
    }

    /// The fault that a caller sees. An oversized answer to a request that may not be repeated is `Transient`, because what the
    /// request did has to be read back.
    pub fn into_fault(self, idempotent: bool) -> Fault {
        match self {
            Self::TooLarge(_) if idempotent => Fault::Protocol { detail: self.to_string() },
            Self::NotSent(_) | Self::Unclear(_) | Self::TooLarge(_) => {
                Fault::Transient { detail: self.to_string() }
            }
            Self::Forbidden(_) => Fault::Denied {
                detail: self.to_string(),
                remedy: "Check base_url and the allowed hosts of this connection".to_owned(),
            },
            Self::Untrusted(_) => Fault::Denied {
                detail: self.to_string(),
                remedy: "Check the host name, the system's root certificates and its date".to_owned(),
            },
        }
    }
}

/// Sends one request. Implemented by [`crate::HttpWire`] and by any plain closure.
pub trait Wire: Send + Sync {
    /// Sends and reads the whole answer; never follows a redirect, never repeats.
    fn send(&self, request: WireRequest) -> BoxFuture<'_, Result<Reply, WireFault>>;
}

impl<F, Fut> Wire for F
where
    F: Fn(WireRequest) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Reply, WireFault>> + Send + 'static,
{
    fn send(&self, request: WireRequest) -> BoxFuture<'_, Result<Reply, WireFault>> {
        self(request).boxed()
    }
}
