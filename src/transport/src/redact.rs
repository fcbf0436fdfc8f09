//! What may be written down: secrets hide themselves, headers and URLs lose what could carry one.

use std::fmt;

use http::HeaderMap;
use url::Url;
use zeroize::{Zeroize, Zeroizing};

/// A value that never shows in `Debug` and is wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret<T: Zeroize>(Zeroizing<T>);

impl<T: Zeroize> Secret<T> {
    /// Takes the value into custody.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value itself, for the one place that sends or stores it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl From<&str> for Secret<String> {
    fn from(value: &str) -> Self {
        Self::new(value.to_owned())
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// A URL for logs: scheme, host and port; path and query can carry record values and tokens.
pub fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Headers that name a vendor's own id of a call.
const REQUEST_IDS: [&str; 4] =
    ["x-request-id", "sforce-request-id", "x-sfdc-request-id", "x-hubspot-correlation-id"];

/// The vendor's id of a call, for support tickets; at most 64 of `A-Z a-z 0-9 - _ .`, else nothing.
pub fn vendor_request_id(headers: &HeaderMap) -> Option<&str> {
    REQUEST_IDS.iter().find_map(|name| headers.get(*name)).and_then(|value| value.to_str().ok()).filter(
        |text| {
            !text.is_empty()
                && text.len() <= 64
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        },
    )
}

/// A machine-readable code of a vendor for messages: at most 64 of `A-Z a-z 0-9 _ - .`, else `unreadable code`, so that a
/// hostile body cannot smuggle text or an echoed secret into a log.
pub fn code(text: &str) -> &str {
    let readable = !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    if readable { text } else { "unreadable code" }
}
