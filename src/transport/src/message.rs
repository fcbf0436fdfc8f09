//! From a connector's request to what goes over the line.

use std::time::Duration;

use bytes::Bytes;
use handoff_connector::{Body, Fault, Request};
use http::{HeaderValue, header};
use url::{Url, form_urlencoded};

use crate::auth::Token;
use crate::wire::WireRequest;

/// Adds address and authentication. A path that leaves the instance, or an `Authorization` header of the connector's own, is refused.
pub(crate) fn wire_request(
    request: &Request,
    token: &Token,
    timeout: Duration,
) -> Result<WireRequest, Fault> {
    let wrong = |detail: &str| Fault::Protocol { detail: format!("request {}: {detail}", request.name) };
    if !request.path.starts_with('/') {
        return Err(wrong("the path does not start with /"));
    }
    if request.headers.contains_key(header::AUTHORIZATION) || request.headers.contains_key(header::HOST) {
        return Err(wrong("the connector set a header that is the transport's"));
    }
    let origin = token.base.origin();
    let url = Url::parse(&format!("{}{}", origin.ascii_serialization(), request.path))
        .map_err(|_not_a_url| wrong("the path is not part of a URL"))?;
    if url.origin() != origin {
        return Err(wrong("the path leaves the instance"));
    }
    let mut headers = request.headers.clone();
    let mut bearer = HeaderValue::try_from(format!("{} {}", token.scheme.word(), token.secret.expose()))
        .map_err(|_not_a_header| wrong("the token cannot be sent in a header"))?;
    bearer.set_sensitive(true);
    headers.insert(header::AUTHORIZATION, bearer);
    headers.entry(header::ACCEPT).or_insert(HeaderValue::from_static("application/json"));
    let (body, kind) = match &request.body {
        Body::Empty => (Bytes::new(), None),
        Body::Json(value) => (value.to_string().into(), Some("application/json")),
        Body::Form(pairs) => {
            let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            (form.into(), Some("application/x-www-form-urlencoded"))
        }
    };
    if let Some(kind) = kind {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    Ok(WireRequest { method: request.method.clone(), url, headers, body, timeout })
}
