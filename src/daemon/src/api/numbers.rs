//! The numbers' routes.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use handoff_measure::decay::Decay;
use handoff_measure::drill::{Drill, Question};
use handoff_measure::live::Live;
use handoff_measure::metric::{Metric, Slice};
use handoff_measure::people::People;
use handoff_measure::period::Period;
use handoff_measure::report::{Report, Shown};
use serde::Deserialize;
use utoipa::IntoParams;

use super::Surface;
use super::model::Problem;
use super::routes::{failed, refused};
use crate::numbers::Standing;

/// Most records of one page.
const MOST: usize = 1_000;

pub(super) fn router() -> axum::Router<Surface> {
    axum::Router::new()
        .route("/api/v1/scorecard", get(scorecard))
        .route("/api/v1/scorecard/records", get(records))
        .route("/api/v1/scorecard/people", get(people))
        .route("/api/v1/scorecard/live", get(live))
        .route("/api/v1/scorecard/decay", get(decay))
}

fn unknown() -> Response {
    refused("a parameter is unknown or malformed", "see /api/v1/openapi.json")
}

fn no_slice() -> Response {
    refused("not a period", "write it like 2026-10, 2026-W07 or all")
}

async fn told<T: serde::Serialize + Send + 'static>(
    surface: &Surface,
    ask: impl FnOnce(&Standing) -> T + Send + 'static,
) -> Response {
    match surface.handle.view().standing(ask).await {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => failed(&error),
    }
}

/// Which periods.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Cut {
    /// `week` or `month`; `month` by default.
    by: Option<Period>,
    /// Of frozen months: a version's number, or `live` for what the log amounts to now; the newest version by default.
    version: Option<String>,
}

/// The six metrics by contract, motion and period; a row of a frozen month names the version that it shows.
#[utoipa::path(get, path = "/api/v1/scorecard", tag = "numbers", params(Cut), security(("bearer" = [])),
    responses((status = 200, body = Report), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub(super) async fn scorecard(
    State(surface): State<Surface>,
    cut: Result<Query<Cut>, QueryRejection>,
) -> Response {
    let Ok(Query(cut)) = cut else {
        return refused("a parameter is unknown or malformed", "use by=week or by=month");
    };
    let Some(shown) = shown(cut.version.as_deref()) else {
        return refused("not a version", "write its number, or live");
    };
    let (by, now) = (cut.by.unwrap_or_default(), surface.clock.now());
    told::<Report>(&surface, move |standing| standing.report(by, now, shown)).await
}

/// The version that a word names.
pub(crate) fn shown(version: Option<&str>) -> Option<Shown> {
    match version {
        None => Some(Shown::Newest),
        Some("live") => Some(Shown::Live),
        Some(number) => number.parse().ok().map(Shown::Version),
    }
}

/// Which figure.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Behind {
    /// Its contract.
    contract: String,
    /// Its motion; all by default.
    motion: Option<String>,
    /// Its period, e.g. `2026-10` or `2026-W07`; all time by default.
    period: Option<String>,
    /// `completion`, `acceptance` or `time_to_acceptance`; whatever is behind any of them by default.
    metric: Option<Metric>,
    /// At most this many, 1 to 1000; 100 by default.
    limit: Option<usize>,
    /// Only after this record: its stream, `@` and its cycle.
    after: Option<String>,
}

/// The handoff cycles that a figure is made of as the log stands now, with their log positions.
#[utoipa::path(get, path = "/api/v1/scorecard/records", tag = "numbers", params(Behind), security(("bearer" = [])),
    responses((status = 200, body = Drill), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub(super) async fn records(
    State(surface): State<Surface>,
    behind: Result<Query<Behind>, QueryRejection>,
) -> Response {
    let Ok(Query(behind)) = behind else { return unknown() };
    let Some(slice) = Slice::named(behind.period.as_deref().unwrap_or("all")) else { return no_slice() };
    let after = match behind.after.as_deref().map(place) {
        Some(None) => return refused("not a record of a page", "write its stream, @ and its cycle"),
        Some(found) => found,
        None => None,
    };
    let question = Question {
        contract: behind.contract,
        motion: behind.motion,
        slice,
        metric: behind.metric,
        after,
        limit: behind.limit.unwrap_or(100).clamp(1, MOST),
    };
    told::<Drill>(&surface, move |standing| standing.scorecard.drill(&question)).await
}

fn place(text: &str) -> Option<(String, u32)> {
    let (stream, cycle) = text.rsplit_once('@')?;
    Some((stream.to_owned(), cycle.parse().ok()?))
}

/// When.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Within {
    /// A month, e.g. `2026-10`; all time by default.
    period: Option<String>,
}

/// Senders, receivers and teams; never a number that is made of fewer handoffs than `[scorecard] minimum_n`.
#[utoipa::path(get, path = "/api/v1/scorecard/people", tag = "numbers", params(Within), security(("bearer" = [])),
    responses((status = 200, body = People), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub(super) async fn people(
    State(surface): State<Surface>,
    within: Result<Query<Within>, QueryRejection>,
) -> Response {
    let Ok(Query(within)) = within else { return unknown() };
    let Some(slice) = Slice::named(within.period.as_deref().unwrap_or("all")) else { return no_slice() };
    if matches!(slice, Slice::Week(_)) {
        return refused("people have no weeks", "a week is too few handoffs of one person: ask for a month");
    }
    let (teams, now) = (surface.handle.view().teams().clone(), surface.clock.now());
    told::<People>(&surface, move |standing| standing.scorecard.people(slice, &teams, now)).await
}

/// Completion, acceptance and time to acceptance in the running month, as the page, the metrics and the records show them.
#[utoipa::path(get, path = "/api/v1/scorecard/live", tag = "numbers", security(("bearer" = [])),
    responses((status = 200, body = Vec<Live>), (status = 401, body = Problem)))]
pub(super) async fn live(State(surface): State<Surface>) -> Response {
    let now = surface.clock.now();
    told::<Vec<Live>>(&surface, move |standing| standing.scorecard.live(now)).await
}

/// Which handoffs.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Observed {
    /// Also those with an enforced gate.
    all: Option<bool>,
}

/// The two last whole quarters of handoffs that nothing enforces, and whether their completion and acceptance decay.
#[utoipa::path(get, path = "/api/v1/scorecard/decay", tag = "numbers", params(Observed), security(("bearer" = [])),
    responses((status = 200, body = Vec<Decay>), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub(super) async fn decay(
    State(surface): State<Surface>,
    observed: Result<Query<Observed>, QueryRejection>,
) -> Response {
    let Ok(Query(observed)) = observed else { return unknown() };
    let (all, now) = (observed.all.unwrap_or(false), surface.clock.now());
    told::<Vec<Decay>>(&surface, move |standing| standing.scorecard.decay(now, !all)).await
}
