//! Finance's and the contracts' owners' routes.

use axum::Json;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use handoff_measure::ledger::Month;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::Surface;
use super::guard::problem;
use super::model::Problem;
use super::routes::failed;
use crate::finance::{Closed, Commission, ContractRow, NotClosed, NotDone, NotRepinned, Repinned, Request};

/// Longest body with a contract's text: as JSON a text may need twice its bytes.
const TEXT: usize = 2 * handoff_core::registry::MAX_FILE_BYTES + 8_192;

pub(super) fn router() -> axum::Router<Surface> {
    axum::Router::new()
        .route("/api/v1/commission/{period}", get(commission))
        .route("/api/v1/commission/{period}/close", post(close))
        .route("/api/v1/contracts", get(contracts).post(act).layer(DefaultBodyLimit::max(TEXT)))
        .route("/api/v1/repin/{*stream}", post(repin))
}

/// Who acts, and why.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Acting {
    /// Who.
    pub by: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

fn refused(detail: &str, remedy: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, detail, remedy)
}

fn acting(body: &[u8]) -> Result<Acting, Box<Response>> {
    let clean = |text: String| text.chars().filter(|each| !each.is_control()).take(500).collect::<String>();
    let wrong = || Box::new(refused("the body is not {\"by\": \"NAME\"}", "name who acts in by"));
    let asked: Acting = serde_json::from_slice(body).map_err(|_other_shape| wrong())?;
    let asked = Acting { by: clean(asked.by), reason: clean(asked.reason) };
    if asked.by.trim().is_empty() { Err(wrong()) } else { Ok(asked) }
}

fn month(text: &str) -> Result<Month, Box<Response>> {
    text.parse().map_err(|_not_a_month| Box::new(refused("not a month", "write it like 2026-10")))
}

/// The commission statement of a month: what pay depends on, by deal and payee.
#[utoipa::path(get, path = "/api/v1/commission/{period}", tag = "finance", security(("bearer" = [])),
    params(("period" = String, Path, description = "a month in UTC, like 2026-10")),
    responses((status = 200, body = Commission), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub(super) async fn commission(State(surface): State<Surface>, Path(period): Path<String>) -> Response {
    let period = match month(&period) {
        Ok(period) => period,
        Err(response) => return *response,
    };
    match surface.handle.commission(period).await {
        Ok(commission) => Json(commission).into_response(),
        Err(error) => failed(&error),
    }
}

/// Freezes a month: its files never change after it.
#[utoipa::path(post, path = "/api/v1/commission/{period}/close", tag = "finance", request_body = Acting, security(("bearer" = [])),
    params(("period" = String, Path, description = "a month in UTC, like 2026-10")),
    responses((status = 200, body = Closed), (status = 400, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn close(
    State(surface): State<Surface>,
    Path(period): Path<String>,
    body: bytes::Bytes,
) -> Response {
    let (period, acting) = match month(&period).and_then(|period| Ok((period, acting(&body)?))) {
        Ok(asked) => asked,
        Err(response) => return *response,
    };
    match surface.handle.close_period(period, &acting.by).await {
        Ok(closed) => Json(closed).into_response(),
        Err(NotClosed::Fatal(error)) => failed(&error),
        Err(error @ (NotClosed::NotOver { .. } | NotClosed::AlreadyClosed { .. })) => {
            problem(StatusCode::CONFLICT, &error.to_string(), "export it instead")
        }
        Err(error @ (NotClosed::Export(_) | NotClosed::Frozen(_))) => problem(
            StatusCode::SERVICE_UNAVAILABLE,
            &error.to_string(),
            "mend the state directory and close the period again",
        ),
    }
}

/// All contract texts that the log or the files know, and how each stands.
#[utoipa::path(get, path = "/api/v1/contracts", tag = "contracts", security(("bearer" = [])),
    responses((status = 200, body = Vec<ContractRow>), (status = 401, body = Problem)))]
pub(super) async fn contracts(State(surface): State<Surface>) -> Json<Vec<ContractRow>> {
    Json(surface.handle.contracts())
}

/// Proposes, comments, approves or publishes a contract's text; who may not is refused, and the log says so.
#[utoipa::path(post, path = "/api/v1/contracts", tag = "contracts", request_body = Request, security(("bearer" = [])),
    responses((status = 200, body = ContractRow), (status = 400, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn act(State(surface): State<Surface>, body: bytes::Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<Request>(&body) else {
        return refused("the body is not an act on a contract", "see Request in /api/v1/openapi.json");
    };
    match surface.handle.act_on_contract(request).await {
        Ok(row) => Json(row).into_response(),
        Err(NotDone::Fatal(error)) => failed(&error),
        Err(NotDone::Nobody) => refused("nobody is named", "write who acts into by"),
        Err(
            error @ (NotDone::TooLong
            | NotDone::Refused(_)
            | NotDone::NotNow(_)
            | NotDone::Unknown { .. }
            | NotDone::Invalid(_)),
        ) => problem(StatusCode::CONFLICT, &error.to_string(), "see /api/v1/contracts"),
    }
}

/// Puts an open handoff onto the version of its contract that is in force; logged.
#[utoipa::path(post, path = "/api/v1/repin/{stream}", tag = "contracts", request_body = Acting, security(("bearer" = [])),
    params(("stream" = String, Path, description = "contract/motion/connection/object/record")),
    responses((status = 200, body = Repinned), (status = 400, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn repin(
    State(surface): State<Surface>,
    Path(stream): Path<String>,
    body: bytes::Bytes,
) -> Response {
    let acting = match acting(&body) {
        Ok(acting) => acting,
        Err(response) => return *response,
    };
    match surface.handle.repin(&stream, &acting.by, &acting.reason).await {
        Ok(repinned) => Json(repinned).into_response(),
        Err(NotRepinned::Fatal(error)) => failed(&error),
        Err(
            error @ (NotRepinned::NoHandoff
            | NotRepinned::NotOpen
            | NotRepinned::Already
            | NotRepinned::Conflict
            | NotRepinned::Erased),
        ) => problem(StatusCode::CONFLICT, &error.to_string(), "see /api/v1/handoffs"),
    }
}
