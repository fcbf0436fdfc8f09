//! Deliveries: verified on raw bytes, on disk before they are acknowledged, and only ever hints.

mod store;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{OriginalUri, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use handoff_connector::{Delivery, Rejected};
use handoff_core::id::ConnectionId;
use http::{HeaderMap, StatusCode, header};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::engine::Engine;
pub(crate) use store::{Seen, forget_old_deliveries, held, recover};

/// Longest time from the first to the last byte of a delivery.
const DEADLINE: Duration = Duration::from_secs(10);
/// Deliveries in progress at once; more are asked to come again.
const AT_ONCE: usize = 256;
/// Deliveries with the same id wait for each other; these are the places where they do.
const STRIPES: usize = 256;
/// Longest id of a delivery in bytes.
const LONGEST_ID: usize = 256;

/// Deliveries that were turned away or had no effect, by connection and reason: `unauthenticated`, `outside_tolerance`, `malformed`,
/// `too_large`, `too_slow`, `encoded`, `busy`, `duplicate`, `conflicting`.
pub type Refusals = BTreeMap<(ConnectionId, &'static str), u64>;

/// What all deliveries share.
pub(crate) struct Ingress {
    places: Semaphore,
    stripes: Vec<tokio::sync::Mutex<()>>,
    refusals: Mutex<Refusals>,
}

impl Ingress {
    pub(crate) fn new() -> Self {
        Self {
            places: Semaphore::new(AT_ONCE),
            stripes: (0..STRIPES).map(|_| tokio::sync::Mutex::new(())).collect(),
            refusals: Mutex::new(Refusals::new()),
        }
    }

    /// A place for one delivery; `None` = all are taken.
    pub(crate) fn enter(&self) -> Option<SemaphorePermit<'_>> {
        self.places.try_acquire().ok()
    }

    pub(crate) fn refusals(&self) -> Refusals {
        self.refusals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn count(&self, connection: &ConnectionId, why: &'static str) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        *refusals.entry((connection.clone(), why)).or_default() += 1;
    }
}

/// The route `POST /webhooks/{connection}`.
pub(crate) fn router(engine: Arc<Engine>) -> Router {
    Router::new()
        .route("/webhooks/{connection}", post(receive))
        // Vendors that cannot sign carry their secret as the last part of the address.
        .route("/webhooks/{connection}/{secret}", post(receive_with_secret))
        .with_state(engine)
}

async fn receive_with_secret(
    state: State<Arc<Engine>>,
    Path((connection, _secret)): Path<(String, String)>,
    uri: OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    receive(state, Path(connection), uri, headers, body).await
}

async fn receive(
    State(engine): State<Arc<Engine>>,
    Path(connection): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let connection = ConnectionId(connection);
    if !engine.links.contains_key(&connection) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let path_and_query = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    match deliver(&engine, &connection, path_and_query, &headers, body).await {
        Ok(answer) => answer,
        Err((status, why)) => {
            engine.ingress.count(&connection, why);
            tracing::info!(%connection, why, "delivery turned away");
            turn_away(status)
        }
    }
}

fn turn_away(status: StatusCode) -> Response {
    if status == StatusCode::SERVICE_UNAVAILABLE {
        return (status, [(header::RETRY_AFTER, "5")]).into_response();
    }
    status.into_response()
}

/// Status and reason under which a delivery is turned away.
pub(crate) type Away = (StatusCode, &'static str);

/// The whole body of a delivery, capped in size and time.
pub(crate) async fn body(headers: &HeaderMap, body: Body, most: usize) -> Result<Bytes, Away> {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoded"));
    }
    tokio::time::timeout(DEADLINE, whole(body, most))
        .await
        .map_err(|_late| (StatusCode::REQUEST_TIMEOUT, "too_slow"))?
}

async fn deliver(
    engine: &Arc<Engine>,
    connection: &ConnectionId,
    path_and_query: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Away> {
    const BUSY: Away = (StatusCode::SERVICE_UNAVAILABLE, "busy");
    const UNAUTHENTICATED: Away = (StatusCode::UNAUTHORIZED, "unauthenticated");
    let _place = engine.ingress.enter().ok_or(BUSY)?;
    if engine.is_stopping() {
        return Err(BUSY);
    }
    let link = engine.links.get(connection).ok_or(UNAUTHENTICATED)?;
    let inbound = link.inbound.as_ref().filter(|_| !link.secrets.is_empty()).ok_or(UNAUTHENTICATED)?;
    let body = self::body(headers, body, engine.max_body).await?;
    let delivery = Delivery { path_and_query, headers, body: &body };
    let secrets: Vec<&[u8]> = link.secrets.iter().map(|secret| secret.expose().as_bytes()).collect();
    let id = inbound.verify(delivery, &secrets, engine.clock.now()).map_err(rejected)?;
    if id.0.is_empty() || id.0.len() > LONGEST_ID {
        return Err((StatusCode::BAD_REQUEST, "malformed"));
    }
    let hints = inbound.hints(delivery).map_err(rejected)?;
    match store::store(engine, connection, &id, hints).await {
        Ok(store::Stored::New | store::Stored::Duplicate) => {}
        Ok(store::Stored::Full) => return Err(BUSY),
        Err(fatal) => {
            engine.fail(fatal);
            return Err(BUSY);
        }
    }
    let reply = inbound.acknowledgement();
    Ok(([(header::CONTENT_TYPE, reply.content_type)], reply.body).into_response())
}

fn rejected(why: Rejected) -> Away {
    match why {
        Rejected::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
        Rejected::OutsideTolerance => (StatusCode::UNAUTHORIZED, "outside_tolerance"),
        Rejected::Malformed => (StatusCode::BAD_REQUEST, "malformed"),
    }
}

/// The whole body, unless it is longer than `most` bytes.
async fn whole(body: Body, most: usize) -> Result<Bytes, Away> {
    let mut stream = body.into_data_stream();
    let mut whole = BytesMut::new();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|_broken| (StatusCode::BAD_REQUEST, "malformed"))?;
        if whole.len().saturating_add(piece.len()) > most {
            return Err((StatusCode::PAYLOAD_TOO_LARGE, "too_large"));
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}
