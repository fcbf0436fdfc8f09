//! The routes and what they answer.

use std::collections::BTreeMap;

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use handoff_connector::Fault;
use handoff_core::evidence::CallRef;
use handoff_core::id::{ConnectionId, ContractId, FieldKey, ObjectName, RecordId, RecordRef};
use handoff_core::package_versions::package_versions;
use handoff_measure::hold::Hold;
use http::{StatusCode, header};
use serde::Deserialize;
use utoipa::IntoParams;

use super::guard::{self, problem};
use super::model::{
    self, Bypass, EvidenceAnswer, EvidenceRow, HandoffDetail, HandoffPage, HandoffRow, OwedRow, ParkedRow,
    PlanRow, Problem, Status, Switch, VersionRow, Writing,
};
use super::rediscovery::ReaskRow;
use super::{Surface, page};
use crate::calls::{Answered, NotAnswered};
use crate::fatal::Fatal;
use crate::reconcile::RecordPlan;
use crate::view::{Detail, Filter};

/// Most handoffs of one page.
const MOST: usize = 1_000;

pub(super) fn router(surface: Surface) -> Router {
    let guarded = Router::new()
        .route("/", get(home))
        .route("/metrics", get(metrics))
        .route("/api/v1/openapi.json", get(openapi))
        .route("/api/v1/status", get(status))
        .route("/api/v1/handoffs", get(handoffs))
        .route("/api/v1/handoffs/{*stream}", get(handoff))
        .route("/api/v1/evidence/{*stream}", post(evidence))
        .route("/api/v1/rediscovery", get(super::rediscovery::rediscovery))
        .route("/api/v1/rediscovery/{*stream}", post(super::rediscovery::answer))
        .route("/api/v1/override/{*stream}", post(super::overriding::overriding))
        .route("/api/v1/plan/{*record}", get(plan))
        .route("/api/v1/parked", get(parked))
        .route("/api/v1/bypasses", get(bypasses))
        .route("/api/v1/pause", post(pause))
        .route("/api/v1/resume", post(resume))
        .merge(super::finance::router())
        .merge(super::leaks::router())
        .merge(super::numbers::router())
        .merge(super::log::router())
        .merge(super::concrete::router())
        .layer(DefaultBodyLimit::max(guard::BODY))
        .layer(middleware::from_fn_with_state(surface.clone(), guard::guard));
    let health = Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz));
    guarded.merge(health).with_state(surface)
}

pub(super) fn failed(error: &Fatal) -> Response {
    tracing::error!(%error, "a question could not be answered");
    problem(
        StatusCode::SERVICE_UNAVAILABLE,
        "the store failed",
        "see the log of handoffd; it ends and has to be started again",
    )
}

pub(super) fn refused(detail: &str, remedy: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, detail, remedy)
}

/// Whether the process works. Needs no token.
#[utoipa::path(get, path = "/healthz", tag = "health", security(()),
    responses((status = 200, description = "it works"), (status = 503, description = "the store failed; the process is about to end")))]
pub(super) async fn healthz(State(surface): State<Surface>) -> Response {
    answer(surface.handle.view().healthy(), "ok", "the store failed")
}

/// Whether a first pass over all changes has ended. Needs no token.
#[utoipa::path(get, path = "/readyz", tag = "health", security(()),
    responses((status = 200, description = "ready"), (status = 503, description = "not yet")))]
pub(super) async fn readyz(State(surface): State<Surface>) -> Response {
    let view = surface.handle.view();
    answer(view.healthy() && view.ready(), "ready", "the first pass over all changes has not ended")
}

fn answer(good: bool, yes: &'static str, no: &'static str) -> Response {
    let (status, text) = if good { (StatusCode::OK, yes) } else { (StatusCode::SERVICE_UNAVAILABLE, no) };
    (
        status,
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")],
        format!("{text}\n"),
    )
        .into_response()
}

/// Metrics in OpenMetrics text.
#[utoipa::path(get, path = "/metrics", tag = "health", security(("bearer" = [])),
    responses((status = 200, content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8", body = String)))]
pub(super) async fn metrics(State(surface): State<Surface>) -> Response {
    let view = surface.handle.view();
    let now = surface.clock.now();
    let numbers = view.standing(move |standing| standing.numbers(now)).await;
    let (report, live) = match numbers {
        Ok(numbers) => numbers,
        Err(error) => return failed(&error),
    };
    match surface.metrics.text(&view, &report, &live, now) {
        Ok(text) => ([(header::CONTENT_TYPE, crate::metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be written");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "metrics cannot be written", "report this")
        }
    }
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], super::openapi()).into_response()
}

/// The daemon now: health, switch, log head, books, connections.
#[utoipa::path(get, path = "/api/v1/status", tag = "daemon", security(("bearer" = [])),
    responses((status = 200, body = Status), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn status(State(surface): State<Surface>) -> Json<Status> {
    Json(status_of(&surface.handle.view()))
}

/// The daemon now.
pub(crate) fn status_of(view: &crate::view::View) -> Status {
    let mut handoffs: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for ((contract, phase), count) in view.counts() {
        handoffs.entry(contract.0).or_default().insert(model::phase(phase).to_owned(), count);
    }
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        healthy: view.healthy(),
        ready: view.ready(),
        writing: view.switch().into(),
        handoffs,
        overridden: view.overridden(),
        parked: view.parked().len(),
        log: view.head().into(),
        books: view.books().into_iter().map(|(source, account)| (source.to_string(), account)).collect(),
        connections: view.connections().iter().map(model::connection).collect(),
        calls: view.calls().into_iter().map(model::CallsRow::from).collect(),
        tasks: view.tasks().into_iter().map(model::TasksRow::from).collect(),
        contracts: view.contracts_to_look_at(),
    }
}

/// Which handoffs.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only in this phase: `draft`, `complete`, `accepted`, `rejected`, `voided`.
    phase: Option<String>,
    /// Only of this contract.
    contract: Option<String>,
    /// Only on this connection.
    connection: Option<String>,
    /// Only this record: `connection/object/record`.
    record: Option<String>,
    /// At most this many, 1 to 1000; 100 by default.
    limit: Option<usize>,
    /// Only after this stream, as `next` of the page before said.
    after: Option<String>,
}

/// Handoffs at a glance, by stream; no values of records.
#[utoipa::path(get, path = "/api/v1/handoffs", tag = "handoffs", params(Which), security(("bearer" = [])),
    responses((status = 200, body = HandoffPage), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub(super) async fn handoffs(
    State(surface): State<Surface>,
    which: Result<Query<Which>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Ok(Query(which)) = which else {
        return refused("a parameter is unknown or malformed", "see /api/v1/openapi.json");
    };
    let phase = match which.phase.as_deref().map(model::phase_named) {
        Some(None) => {
            return refused("there is no such phase", "use draft, complete, accepted, rejected or voided");
        }
        Some(found) => found,
        None => None,
    };
    let record = match which.record.as_deref().map(record_named) {
        Some(None) => return refused("not a record", "write it like sf/Opportunity/006000000000001AAA"),
        Some(found) => found,
        None => None,
    };
    let filter = Filter {
        phase,
        contract: which.contract.map(ContractId),
        connection: which.connection.map(ConnectionId),
        record,
    };
    let limit = which.limit.unwrap_or(100).clamp(1, MOST);
    let found = surface.handle.view().handoffs(&filter);
    let mut rows: Vec<HandoffRow> = found
        .iter()
        .filter(|summary| which.after.as_ref().is_none_or(|after| summary.stream > *after))
        .take(limit.saturating_add(1))
        .map(HandoffRow::from)
        .collect();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.stream.clone());
    Json(HandoffPage { handoffs: rows, next }).into_response()
}

/// One handoff with everything, values included.
#[utoipa::path(get, path = "/api/v1/handoffs/{stream}", tag = "handoffs", security(("bearer" = [])),
    params(("stream" = String, Path, description = "contract/motion/connection/object/record")),
    responses((status = 200, body = HandoffDetail), (status = 404, body = Problem), (status = 401, body = Problem)))]
pub(super) async fn handoff(State(surface): State<Surface>, Path(stream): Path<String>) -> Response {
    match surface.handle.view().handoff(&stream).await {
        Ok(Some(detail)) => match holds(&surface, &stream).await {
            Ok(holds) => Json(HandoffDetail { holds, ..detail_of(&detail) }).into_response(),
            Err(error) => failed(&error),
        },
        Ok(None) => {
            problem(StatusCode::NOT_FOUND, "there is no such handoff", "list them at /api/v1/handoffs")
        }
        Err(error) => failed(&error),
    }
}

/// A handoff in the API's shape.
pub(crate) fn detail_of(detail: &Detail) -> HandoffDetail {
    let entries = detail.entries.iter().filter_map(|each| Some((each.position, each.entry.as_ref()?)));
    HandoffDetail {
        handoff: HandoffRow::from(&detail.summary),
        state: detail.state.as_ref().and_then(|state| serde_json::to_value(state).ok()),
        verdict: detail.verdict.as_ref().and_then(|verdict| serde_json::to_value(verdict).ok()),
        entries: detail.entries.iter().filter_map(|entry| serde_json::to_value(entry).ok()).collect(),
        evidence: detail.evidence.iter().map(EvidenceRow::from).collect(),
        reasks: detail.reasks.iter().map(ReaskRow::from).collect(),
        versions: package_versions(entries).into_iter().map(VersionRow::from).collect(),
        holds: Vec::new(),
        owed: detail.owed.iter().cloned().map(OwedRow::from).collect(),
    }
}

/// Who held each cycle of a handoff.
async fn holds(surface: &Surface, stream: &str) -> Result<Vec<Hold>, Fatal> {
    let (stream, now) = (stream.to_owned(), surface.clock.now());
    surface.handle.view().standing(move |standing| standing.scorecard.holds(&stream, now)).await
}

/// Records whether a place of a call speaks of a field, as a person says; answers with all places as they stand then.
#[utoipa::path(post, path = "/api/v1/evidence/{stream}", tag = "handoffs", request_body = EvidenceAnswer, security(("bearer" = [])),
    params(("stream" = String, Path, description = "contract/motion/connection/object/record")),
    responses((status = 200, body = Vec<EvidenceRow>), (status = 400, body = Problem), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn evidence(
    State(surface): State<Surface>,
    Path(stream): Path<String>,
    body: bytes::Bytes,
) -> Response {
    let Ok(said) = serde_json::from_slice::<EvidenceAnswer>(&body) else {
        return refused(
            "the body is not an answer about a place",
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
        problem(StatusCode::NOT_FOUND, &error.to_string(), "list the places at /api/v1/handoffs/{stream}")
    };
    match surface.handle.answer_evidence(answered).await {
        Ok(()) => {}
        Err(NotAnswered::Fatal(error)) => return failed(&error),
        Err(error @ (NotAnswered::NoHandoff | NotAnswered::NoPlace | NotAnswered::Erased)) => {
            return none(&error);
        }
    }
    match surface.handle.view().handoff(&stream).await {
        Ok(Some(detail)) => Json(detail_of(&detail).evidence).into_response(),
        Ok(None) => none(&NotAnswered::NoHandoff),
        Err(error) => failed(&error),
    }
}

/// Reads one record in its CRM and says what would be logged and written; logs and writes nothing.
#[utoipa::path(get, path = "/api/v1/plan/{record}", tag = "handoffs", security(("bearer" = [])),
    params(("record" = String, Path, description = "connection/object/record")),
    responses((status = 200, body = Vec<PlanRow>), (status = 400, body = Problem), (status = 502, body = Problem)))]
pub(super) async fn plan(State(surface): State<Surface>, Path(record): Path<String>) -> Response {
    let Some(record) = record_named(&record) else {
        return refused("not a record", "write it like sf/Opportunity/006000000000001AAA");
    };
    match surface.handle.plan_record(&record).await {
        Ok(Ok(plans)) => Json(plans.iter().map(plan_row).collect::<Vec<_>>()).into_response(),
        Ok(Err(fault)) => crm(&fault),
        Err(error) => failed(&error),
    }
}

/// A plan in the API's shape.
pub(crate) fn plan_row(plan: &RecordPlan) -> PlanRow {
    PlanRow {
        contract: plan.contract.0.clone(),
        mapping: plan.mapping.clone(),
        stream: plan.stream.clone(),
        phase: plan.phase.map(|phase| model::phase(phase).to_owned()),
        status: plan.verdict.as_ref().map(|verdict| verdict.status.clone()),
        events: plan.events.iter().filter_map(|event| serde_json::to_value(event).ok()).collect(),
        writes: plan.plan.as_ref().map(ToString::to_string),
        plan: plan.plan.as_ref().and_then(|plan| serde_json::to_value(plan).ok()),
        problem: plan.problem.clone(),
    }
}

fn crm(fault: &Fault) -> Response {
    problem(
        StatusCode::BAD_GATEWAY,
        &format!("the CRM did not answer as it should: {fault}"),
        "see /api/v1/status for the connection",
    )
}

/// Records that wait for a person, or for themselves or their mapping to change.
#[utoipa::path(get, path = "/api/v1/parked", tag = "daemon", security(("bearer" = [])),
    responses((status = 200, body = Vec<ParkedRow>), (status = 401, body = Problem)))]
pub(super) async fn parked(State(surface): State<Surface>) -> Json<Vec<ParkedRow>> {
    Json(parked_of(&surface.handle.view()))
}

fn parked_of(view: &crate::view::View) -> Vec<ParkedRow> {
    let row = |parked: &crate::parked::Parked| ParkedRow {
        record: parked.record.to_string(),
        mapping: parked.mapping.clone(),
        kind: parked.kind.clone(),
        why: parked.why.clone(),
        since: parked.since,
        tries: parked.tries,
    };
    view.parked().iter().map(row).collect()
}

/// Every guarded stage that was entered while its gate was shut, oldest first.
#[utoipa::path(get, path = "/api/v1/bypasses", tag = "numbers", security(("bearer" = [])),
    responses((status = 200, body = Vec<Bypass>), (status = 401, body = Problem)))]
pub(super) async fn bypasses(State(surface): State<Surface>) -> Response {
    match surface.handle.view().standing(|standing| standing.bypasses.clone()).await {
        Ok(bypasses) => Json(bypasses).into_response(),
        Err(error) => failed(&error),
    }
}

/// Stops writing, at once and logged. Deciding and recording go on.
#[utoipa::path(post, path = "/api/v1/pause", tag = "daemon", request_body = Option<Switch>, security(("bearer" = [])),
    responses((status = 200, body = Writing), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn pause(State(surface): State<Surface>, body: bytes::Bytes) -> Response {
    switch(&surface, &body, false).await
}

/// Writes again, and looks at every open handoff; logged.
#[utoipa::path(post, path = "/api/v1/resume", tag = "daemon", request_body = Option<Switch>, security(("bearer" = [])),
    responses((status = 200, body = Writing), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn resume(State(surface): State<Surface>, body: bytes::Bytes) -> Response {
    switch(&surface, &body, true).await
}

async fn switch(surface: &Surface, body: &[u8], on: bool) -> Response {
    let asked: Switch = if body.is_empty() {
        Switch::default()
    } else {
        match serde_json::from_slice(body) {
            Ok(asked) => asked,
            Err(_) => return refused("the body is not {\"by\": \"NAME\"}", "send that, or no body"),
        }
    };
    let by: String = asked
        .by
        .unwrap_or_else(|| "api".to_owned())
        .chars()
        .filter(|each| !each.is_control())
        .take(100)
        .collect();
    let done = if on { surface.handle.resume(&by).await } else { surface.handle.pause(&by).await };
    match done {
        Ok(()) => Json(Writing::from(surface.handle.view().switch())).into_response(),
        Err(error) => failed(&error),
    }
}

async fn home(State(surface): State<Surface>) -> Response {
    let view = surface.handle.view();
    let now = surface.clock.now();
    let asked = view.standing(move |standing| {
        let tests = crate::practice::tests(&standing.practice);
        (standing.bypasses.clone(), standing.scorecard.live(now), tests)
    });
    match asked.await {
        Ok((bypasses, live, tests)) => {
            let rows: Vec<HandoffRow> =
                view.handoffs(&Filter::default()).iter().take(MOST).map(HandoffRow::from).collect();
            let owed: Vec<OwedRow> = view.owed(page::MOST_OWED).into_iter().map(OwedRow::from).collect();
            Html(page::render(&status_of(&view), &live, &rows, &owed, &bypasses, &tests)).into_response()
        }
        Err(error) => failed(&error),
    }
}

/// A record by `connection/object/record`.
pub(crate) fn record_named(text: &str) -> Option<RecordRef> {
    let mut parts = text.splitn(3, '/');
    let (connection, object, record) = (parts.next()?, parts.next()?, parts.next()?);
    let plain = |part: &str| {
        !part.is_empty()
            && part.len() <= 128
            && part.chars().all(|each| each.is_ascii_alphanumeric() || "-_.".contains(each))
    };
    [connection, object, record].into_iter().all(plain).then(|| RecordRef {
        connection: ConnectionId(connection.to_owned()),
        object: ObjectName(object.to_owned()),
        record: RecordId(record.to_owned()),
    })
}
