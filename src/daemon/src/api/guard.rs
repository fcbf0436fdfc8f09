//! Who may ask: a bearer token compared in constant time, or nobody but this machine.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri, header};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::Surface;
use super::model::Problem;

/// Longest time for an answer.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);
/// Longest request body in bytes.
pub(super) const BODY: usize = 4_096;

/// Lets a request pass, or says why not.
pub(super) async fn guard(State(surface): State<Surface>, request: Request, next: Next) -> Response {
    if let Err(refusal) =
        admit(surface.token.as_deref().map(|token| token.expose().as_str()), request.uri(), request.headers())
    {
        return refusal.into_response();
    }
    let Ok(answer) = tokio::time::timeout(DEADLINE, next.run(request)).await else {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "no answer in time", "ask again later");
    };
    dressed(answer)
}

/// Why a request is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No token, or not ours.
    Unauthenticated,
    /// A token in the address, where logs would keep it.
    TokenInAddress,
    /// Not from this machine, or sent by a page of somebody else's.
    Foreign,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Unauthenticated => {
                let mut answer = problem(
                    StatusCode::UNAUTHORIZED,
                    "the bearer token is missing or wrong",
                    "send the header Authorization: Bearer TOKEN",
                );
                answer
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
                answer
            }
            Self::TokenInAddress => problem(
                StatusCode::BAD_REQUEST,
                "a token must not stand in the address",
                "send the header Authorization: Bearer TOKEN, and change the token: addresses are logged",
            ),
            Self::Foreign => problem(
                StatusCode::FORBIDDEN,
                "only this machine is answered while no token is configured",
                "ask by a loopback address, or configure http.token",
            ),
        }
    }
}

/// Decides over a request by its head alone.
pub(super) fn admit(token: Option<&str>, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    let query = uri.query().unwrap_or_default();
    let names = query.split('&').filter_map(|pair| pair.split('=').next());
    if names
        .map(str::to_ascii_lowercase)
        .any(|name| matches!(name.as_str(), "token" | "access_token" | "bearer" | "authorization"))
    {
        return Err(Refusal::TokenInAddress);
    }
    match token {
        Some(token) => {
            if is_token(headers, token) {
                Ok(())
            } else {
                Err(Refusal::Unauthenticated)
            }
        }
        // A browser sends Origin with whatever page asks, and Host with whatever name led it here.
        None if headers.contains_key(header::ORIGIN) || !is_local(headers) => Err(Refusal::Foreign),
        None => Ok(()),
    }
}

/// Compares digests, so that neither length nor content shows in the time it takes.
fn is_token(headers: &HeaderMap, token: &str) -> bool {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Some((scheme, given)) = value.as_bytes().split_at_checked(7) else { return false };
    let same = Sha256::digest(given).ct_eq(&Sha256::digest(token.as_bytes()));
    scheme.eq_ignore_ascii_case(b"bearer ") && !token.is_empty() && bool::from(same)
}

/// Whether `Host` names this machine: a name that an attacker points at us does not.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|host| host.to_str().ok()) else { return false };
    let Ok(authority) = host.parse::<http::uri::Authority>() else { return false };
    let name = authority.host().trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Headers of every answer.
fn dressed(mut answer: Response) -> Response {
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
    ] {
        headers.insert(name, header::HeaderValue::from_static(value));
    }
    answer
}

/// An error as JSON.
pub(super) fn problem(status: StatusCode, error: &str, remedy: &str) -> Response {
    let body = Problem { error: error.to_owned(), remedy: remedy.to_owned() };
    dressed((status, Json(body)).into_response())
}
