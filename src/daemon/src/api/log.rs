//! The log itself, page by page, for exports.

use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router, routing};
use handoff_core::journal::LogEntry;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Surface;
use super::model::Problem;
use super::routes::{failed, refused};

/// Entries of one page.
const PAGE: usize = 250;

pub(super) fn router() -> Router<Surface> {
    Router::new().route("/api/v1/log", routing::get(log))
}

/// Entries of the log.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LogPage {
    /// Durable entries in all.
    pub head: u64,
    /// Some of them, oldest first.
    pub entries: Vec<LogRow>,
}

/// One of them.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct LogRow {
    /// Its position.
    pub position: u64,
    /// The entry; null = its record was erased.
    #[schema(value_type = Option<Object>)]
    pub entry: Option<LogEntry>,
}

/// From where on.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Place {
    /// The first position.
    #[serde(default)]
    from: u64,
}

/// Log entries from a position on, decoded, some at a time; an empty page is the log's end. Entries whose records were erased are null.
#[utoipa::path(get, path = "/api/v1/log", tag = "numbers", params(Place), security(("bearer" = [])),
    responses((status = 200, body = LogPage), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub(super) async fn log(
    State(surface): State<Surface>,
    from: Result<Query<Place>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let Ok(Query(Place { from })) = from else {
        return refused("a parameter is unknown or malformed", "use from=POSITION");
    };
    let view = surface.handle.view();
    let head = view.head().entries;
    match view.log(from, PAGE).await {
        Ok(entries) => {
            let row = |each: crate::view::Entry| LogRow { position: each.position, entry: each.entry };
            Json(LogPage { head, entries: entries.into_iter().map(row).collect() }).into_response()
        }
        Err(error) => failed(&error),
    }
}
