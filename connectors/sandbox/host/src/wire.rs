//! Requests taken apart and answers put together.

use bytes::Bytes;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::Value as Json;

/// One request, its path split and decoded.
#[derive(Debug, Clone)]
pub struct Call {
    /// Number of the request in order of arrival, from 1.
    pub number: u64,
    /// HTTP method.
    pub method: Method,
    /// Path as it was sent, percent-encoded, without the query.
    pub path: String,
    /// Percent-decoded parts of the path; empty ones (trailing slashes) are left out.
    pub segments: Vec<String>,
    /// Query parameters in order, decoded; a name may repeat.
    pub params: Vec<(String, String)>,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, as it was sent.
    pub body: Bytes,
}

impl Call {
    /// Splits `target` (`/path?query`) into its parts; empty segments (trailing slashes) vanish.
    pub fn new(number: u64, method: Method, target: &str, headers: HeaderMap, body: Bytes) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let segments = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        let params = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Self { number, method, path: path.to_owned(), segments, params, headers, body }
    }

    /// The path's parts, to match on.
    pub fn parts(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// A header's text; `None` when absent or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The first query parameter of that name.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The body as an HTML form.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }
}

/// What goes back.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers besides the content type and those of [`crate::Face::headers`].
    pub headers: Vec<(&'static str, String)>,
    /// Content type; no header when empty.
    pub content_type: &'static str,
    /// Body.
    pub body: Bytes,
}

const JSON: &str = "application/json;charset=UTF-8";
const HTML: &str = "text/html;charset=UTF-8";

impl Reply {
    /// A JSON document.
    pub fn json(status: u16, body: &Json) -> Self {
        Self::text(status, JSON, body.to_string())
    }

    /// A body of any type.
    pub fn text(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status, headers: Vec::new(), content_type, body: body.into() }
    }

    /// A status without a body.
    pub fn empty(status: u16) -> Self {
        Self::text(status, "", Bytes::new())
    }

    /// An HTML page.
    pub fn html(status: u16, body: &'static str) -> Self {
        Self::text(status, HTML, body)
    }

    /// A planted answer: JSON unless `content_type` says HTML, with a Retry-After header when one is given.
    pub fn planted(
        status: u16,
        body: &str,
        content_type: Option<&str>,
        retry_after: Option<&String>,
    ) -> Self {
        let html = content_type.is_some_and(|kind| kind.contains("html"));
        let reply = Self::text(status, if html { HTML } else { JSON }, body.to_owned());
        match retry_after {
            Some(wait) => reply.with("Retry-After", wait.clone()),
            None => reply,
        }
    }

    /// The same answer with one more header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The body as JSON; null when it is none.
    pub fn body_json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or(Json::Null)
    }
}

/// The time as the `date` header has it.
pub fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
