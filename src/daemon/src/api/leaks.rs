//! Routes of the leak audit and of an account's dossier.

use std::collections::BTreeSet;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use handoff_core::journal::LogEntry;
use handoff_measure::audit::{Audit, audit};
use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Surface;
use super::guard::problem;
use super::model::Problem;
use super::routes::failed;
use crate::fatal::Fatal;
use crate::report::dossier::{Assembly, Dossier, Question, stream};

/// Entries read at once.
const PAGE: usize = 1_000;

pub(super) fn router() -> axum::Router<Surface> {
    axum::Router::new()
        .route("/api/v1/leak-audit", get(leak_audit))
        .route("/api/v1/dossier/{*account}", get(dossier))
}

/// What an audit is asked.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Handoffs from this moment on; all history by default.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Fewest accounts in each of two groups that are compared; 20 by default.
    minimum: Option<usize>,
    /// The share of ARR (percent) that still leaks after a repair; 10 by default.
    target: Option<u8>,
}

/// Where revenue leaks between teams, ranked, and which handoff to fix first.
#[utoipa::path(get, path = "/api/v1/leak-audit", tag = "numbers", params(Asked), security(("bearer" = [])),
    responses((status = 200, body = Audit), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub(super) async fn leak_audit(
    State(surface): State<Surface>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Ok(Query(asked)) = asked else {
        let remedy = "use since=2026-01-01T00:00:00Z, minimum=20, target=10";
        return problem(StatusCode::BAD_REQUEST, "a parameter is unknown or malformed", remedy);
    };
    let mut question = handoff_measure::audit::Question::new(surface.clock.now());
    question.since = asked.since;
    question.minimum = asked.minimum.unwrap_or(question.minimum);
    question.target_percent = asked.target.unwrap_or(question.target_percent);
    let view = surface.handle.view();
    let asked =
        view.standing(move |standing| audit(&standing.scorecard, standing.scorecard.accounts(), &question));
    match asked.await {
        Ok(audit) => Json::<Audit>(audit).into_response(),
        Err(error) => failed(&error),
    }
}

/// What a dossier shows.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Shown {
    /// Whether values of packages are shown.
    #[serde(default)]
    values: bool,
}

/// Every handoff of one account, replayed.
#[utoipa::path(get, path = "/api/v1/dossier/{account}", tag = "numbers", security(("bearer" = [])),
    params(("account" = String, Path, description = "the account's id, or connection/id"), Shown),
    responses((status = 200, body = Dossier), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(super) async fn dossier(
    State(surface): State<Surface>,
    Path(account): Path<String>,
    shown: Result<Query<Shown>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Ok(Query(Shown { values })) = shown else {
        return problem(StatusCode::BAD_REQUEST, "a parameter is unknown or malformed", "use values=true");
    };
    let question = Question { account, as_of: surface.clock.now(), values };
    match assembled(&surface, question).await {
        Ok(Ok(dossier)) => Json::<Dossier>(dossier).into_response(),
        Ok(Err(none)) => not_one(none),
        Err(error) => failed(&error),
    }
}

/// The dossier; `Err(true)` = no such account is known, `Err(false)` = several are.
async fn assembled(surface: &Surface, question: Question) -> Result<Result<Dossier, bool>, Fatal> {
    let view = surface.handle.view();
    let asked = question.clone();
    let found = view.standing(move |standing| {
        let mut meant = asked.meant(standing.scorecard.accounts());
        let Some(key) = meant.pop().filter(|_| meant.is_empty()) else { return Err(meant.is_empty()) };
        let streams: BTreeSet<String> =
            standing.scorecard.accounts().streams(&key).into_iter().map(str::to_owned).collect();
        Ok((key, streams))
    });
    let (key, streams) = match found.await? {
        Ok(found) => found,
        Err(none) => return Ok(Err(none)),
    };
    let mut entries = Vec::new();
    let mut next = 0;
    loop {
        let page = view.log(next, PAGE).await?;
        if page.is_empty() {
            break;
        }
        for each in page {
            next = each.position.saturating_add(1);
            let own = |entry: &LogEntry| stream(entry).is_some_and(|stream| streams.contains(&stream));
            entries.extend(each.entry.filter(own).map(|entry| (each.position, entry)));
        }
    }
    let told = view.standing(move |standing| {
        let mut assembly = Assembly::new(key, &question, standing.scorecard.accounts(), &standing.scorecard);
        for (position, entry) in &entries {
            assembly.apply(*position, entry);
        }
        assembly.finish()
    });
    told.await.map(Ok)
}

fn not_one(none: bool) -> Response {
    if none {
        let remedy =
            "give its id as the CRM knows it; it has to be named by a governed record, a feed or a survey";
        problem(StatusCode::NOT_FOUND, "no such account is known", remedy)
    } else {
        problem(StatusCode::CONFLICT, "several connections know this account", "give connection/id")
    }
}
