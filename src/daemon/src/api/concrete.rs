//! Concrete tests, self-assessment, rollout and scoreboard.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use handoff_measure::assessment::{Assessment, assess};
use handoff_measure::concrete::audit::{Audit, AuditKind, audit};
use handoff_measure::incentive::{Scoreboard, scoreboard};
use handoff_measure::ledger::Month;
use handoff_measure::rollout::{Rollout, rollout};
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::Surface;
use super::guard::problem;
use super::model::Problem;
use super::routes::{failed, refused};
use crate::practice::{Said, TestsView, tests};

/// Most records that a test looks back at.
const MOST: usize = 10_000;

pub(super) fn router() -> axum::Router<Surface> {
    axum::Router::new()
        .route("/api/v1/tests", get(all))
        .route("/api/v1/tests/{test}", get(automatic))
        .route("/api/v1/tests/{test}/mark", post(mark))
        .route("/api/v1/self-assessment", get(self_assessment))
        .route("/api/v1/rollout", get(progress))
        .route("/api/v1/scoreboard/{period}", get(board))
}

/// Every concrete test: what the log answers, and what people were asked and answered; never their words.
#[utoipa::path(get, path = "/api/v1/tests", tag = "tests", security(("bearer" = [])),
    responses((status = 200, body = TestsView), (status = 401, body = Problem)))]
pub(super) async fn all(State(surface): State<Surface>) -> Response {
    let view = surface.handle.view();
    match view.standing(move |standing| tests(&standing.practice)).await {
        Ok(told) => Json(told).into_response(),
        Err(error) => failed(&error),
    }
}

/// How far to look back.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Back {
    /// How many records, 1 to 10000; absent = as many as the sources say.
    last: Option<usize>,
}

/// The test that the log answers: `h03` by the last deals that were won, `h05` by the last escalations that were resolved.
#[utoipa::path(get, path = "/api/v1/tests/{test}", tag = "tests", security(("bearer" = [])),
    params(("test" = String, Path, description = "h03 or h05"), Back),
    responses((status = 200, body = Audit), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn automatic(
    State(surface): State<Surface>,
    Path(test): Path<String>,
    back: Result<Query<Back>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Ok(Query(back)) = back else { return refused("a parameter is unknown or malformed", "use last=3") };
    let Some(kind) = AuditKind::named(&test) else {
        return problem(StatusCode::NOT_FOUND, "the log answers no such test", "use h03 or h05");
    };
    let last = back.last.unwrap_or_else(|| kind.last()).clamp(1, MOST);
    let view = surface.handle.view();
    match view.standing(move |standing| audit(&standing.practice, kind, last)).await {
        Ok(told) => Json(told).into_response(),
        Err(error) => failed(&error),
    }
}

/// What a person says of a test that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TestMark {
    /// Who.
    pub by: String,
    /// Whether the answers match after all.
    pub passed: bool,
}

/// Overrules how the answers of a test were scored; logged with who says so.
#[utoipa::path(post, path = "/api/v1/tests/{test}/mark", tag = "tests", request_body = TestMark, security(("bearer" = [])),
    params(("test" = String, Path, description = "the id of a test")),
    responses((status = 200, body = TestsView), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn mark(
    State(surface): State<Surface>,
    Path(test): Path<String>,
    body: bytes::Bytes,
) -> Response {
    let Ok(said) = serde_json::from_slice::<TestMark>(&body) else {
        return refused("the body is not {\"by\": \"NAME\", \"passed\": true}", "name who says so in by");
    };
    let by: String = said.by.chars().filter(|each| !each.is_control()).take(100).collect();
    if by.trim().is_empty() {
        return refused("nobody is named", "write who says so into by");
    }
    match surface.handle.mark_test(&test, said.passed, &by).await {
        Ok(true) => all(State(surface)).await,
        Ok(false) => problem(
            StatusCode::NOT_FOUND,
            "there is no such test, or nobody answered it",
            "list them at /api/v1/tests",
        ),
        Err(error) => failed(&error),
    }
}

/// The twelve questions, answered from evidence: measured, declared or unknown; and what to rebuild first.
#[utoipa::path(get, path = "/api/v1/self-assessment", tag = "tests", security(("bearer" = [])),
    responses((status = 200, body = Assessment), (status = 401, body = Problem)))]
pub(super) async fn self_assessment(State(surface): State<Surface>) -> Response {
    let head = surface.handle.view().head();
    let said = Said::by(&surface.handle);
    let now = surface.clock.now();
    let view = surface.handle.view();
    let told = view.standing(move |standing| {
        let inputs = said.inputs(standing, (head.entries, head.signed), now);
        assess(&standing.practice, &inputs, now)
    });
    match told.await {
        Ok(told) => Json(told).into_response(),
        Err(error) => failed(&error),
    }
}

/// The ninety days: where each handoff stands, what its next step waits for, and what to do this week.
#[utoipa::path(get, path = "/api/v1/rollout", tag = "tests", security(("bearer" = [])),
    responses((status = 200, body = Rollout), (status = 401, body = Problem)))]
pub(super) async fn progress(State(surface): State<Surface>) -> Response {
    let said = Said::by(&surface.handle);
    let now = surface.clock.now();
    let view = surface.handle.view();
    let told = view.standing(move |standing| rollout(&standing.practice, &said.plan(standing, now), now));
    match told.await {
        Ok(told) => Json(told).into_response(),
        Err(error) => failed(&error),
    }
}

/// The senders' quality beside their throughput, and the factor that finance gets.
#[utoipa::path(get, path = "/api/v1/scoreboard/{period}", tag = "finance", security(("bearer" = [])),
    params(("period" = String, Path, description = "a month in UTC, like 2026-10")),
    responses((status = 200, body = Scoreboard), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub(super) async fn board(State(surface): State<Surface>, Path(period): Path<String>) -> Response {
    let Ok(period) = period.parse::<Month>() else {
        return refused("not a month", "write it like 2026-10");
    };
    match surface.handle.commission(period).await {
        Ok(commission) => Json(scoreboard(&commission.statement)).into_response(),
        Err(error) => failed(&error),
    }
}
