//! The routes of questions that the customer had answered before: how often, and what a person says about one.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use handoff_core::evidence::{CallRef, Standing};
use handoff_core::id::{ConnectionId, FieldKey};
use handoff_measure::reask::{RateRow, rates};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Surface;
use super::guard::problem;
use super::model::{EvidenceAnswer, Problem};
use super::routes::{failed, refused};
use crate::calls::{Answered, NotAnswered, ReaskView};
use crate::numbers::Standing as Numbers;

/// A question of a call that seems to ask again for what the accepted package held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReaskRow {
    /// The connection that knows the call.
    pub connection: String,
    /// The vendor's id of the call.
    pub call: String,
    /// Where a person can listen to it.
    pub url: Option<String>,
    /// When the call began.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// The cycle of the handoff whose package was in force then.
    pub cycle: u32,
    /// The contract's field.
    pub field: String,
    /// Milliseconds from the start of the call.
    pub from_ms: u64,
    /// Milliseconds from the start of the call.
    pub to_ms: u64,
    /// Whether the answer repeated what was recorded clearly enough for the automatic estimate.
    pub automatic: bool,
    /// Whether the customer said that this was said before.
    pub complaint: bool,
    /// Why it was suggested; never words of the call or the record.
    pub why: String,
    /// `suggested`, `confirmed` or `dismissed`.
    pub standing: String,
    /// Who answered.
    pub by: Option<String>,
    /// When he answered.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub answered_at: Option<Timestamp>,
}

impl From<&ReaskView> for ReaskRow {
    fn from(view: &ReaskView) -> Self {
        let standing = match view.standing {
            Standing::Confirmed => "confirmed",
            Standing::Suggested => "suggested",
            Standing::Dismissed => "dismissed",
        };
        Self {
            connection: view.call.connection.0.clone(),
            call: view.call.id.clone(),
            url: view.url.clone(),
            started_at: view.started,
            cycle: view.cycle,
            field: view.reask.field.0.clone(),
            from_ms: view.reask.from_ms,
            to_ms: view.reask.to_ms,
            automatic: view.reask.automatic,
            complaint: view.reask.complaint,
            why: view.reask.why.clone(),
            standing: standing.to_owned(),
            by: view.by.clone(),
            answered_at: view.at,
        }
    }
}

/// How often accounts were asked again: everything first, then by contract and motion.
#[utoipa::path(get, path = "/api/v1/rediscovery", tag = "numbers", security(("bearer" = [])),
    responses((status = 200, body = Vec<RateRow>), (status = 401, body = Problem)))]
pub(super) async fn rediscovery(State(surface): State<Surface>) -> Response {
    let accuracy = surface.handle.1.accuracy;
    let now = surface.clock.now();
    let rows = move |standing: &Numbers| rates(&standing.scorecard, now, accuracy);
    match surface.handle.view().standing(rows).await {
        Ok(rows) => Json(rows).into_response(),
        Err(error) => failed(&error),
    }
}

/// Records whether a suggested question was asked again, as a person says; answers with all of them as they stand then.
#[utoipa::path(post, path = "/api/v1/rediscovery/{stream}", tag = "handoffs", request_body = EvidenceAnswer, security(("bearer" = [])),
    params(("stream" = String, Path, description = "contract/motion/connection/object/record")),
    responses((status = 200, body = Vec<ReaskRow>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn answer(
    State(surface): State<Surface>,
    Path(stream): Path<String>,
    body: bytes::Bytes,
) -> Response {
    let Ok(said) = serde_json::from_slice::<EvidenceAnswer>(&body) else {
        return refused(
            "the body is not an answer about a question",
            "see EvidenceAnswer in /api/v1/openapi.json",
        );
    };
    let by: String = said.by.chars().filter(|each| !each.is_control()).take(100).collect();
    if by.trim().is_empty() {
        return refused("nobody is named", "write who answers into by");
    }
    let answered = Answered {
        stream: stream.clone(),
        call: CallRef { connection: ConnectionId(said.connection), id: said.call },
        field: FieldKey(said.field),
        from_ms: said.from_ms,
        confirmed: said.confirmed,
        by,
    };
    let none = |error: &NotAnswered| {
        problem(StatusCode::NOT_FOUND, &error.to_string(), "list them at /api/v1/handoffs/{stream}")
    };
    match surface.handle.answer_reask(answered).await {
        Ok(()) => {}
        Err(NotAnswered::Fatal(error)) => return failed(&error),
        Err(error @ (NotAnswered::NoHandoff | NotAnswered::NoPlace | NotAnswered::Erased)) => {
            return none(&error);
        }
    }
    match surface.handle.view().handoff(&stream).await {
        Ok(Some(detail)) => {
            Json(detail.reasks.iter().map(ReaskRow::from).collect::<Vec<_>>()).into_response()
        }
        Ok(None) => none(&NotAnswered::NoHandoff),
        Err(error) => failed(&error),
    }
}
