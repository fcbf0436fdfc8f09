//! The route of break-glass.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use handoff_core::id::GateName;
use http::StatusCode;

use super::Surface;
use super::guard::problem;
use super::model::{HandoffDetail, OverrideAnswer, Problem};
use super::routes::{detail_of, failed, refused};
use crate::overrides::{NotSaid, Said, Word};

/// Asks to open a gate for a while without what it waits for, or agrees as the second person; answers with the handoff as it stands then.
#[utoipa::path(post, path = "/api/v1/override/{stream}", tag = "handoffs", request_body = OverrideAnswer, security(("bearer" = [])),
    params(("stream" = String, Path, description = "contract/motion/connection/object/record")),
    responses((status = 200, body = HandoffDetail), (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn overriding(
    State(surface): State<Surface>,
    Path(stream): Path<String>,
    body: bytes::Bytes,
) -> Response {
    let Ok(OverrideAnswer { gate, by, reason, expires }) = serde_json::from_slice(&body) else {
        return refused(
            "the body does not name gate and person",
            "see OverrideAnswer in /api/v1/openapi.json",
        );
    };
    let word = match (reason, expires) {
        (Some(reason), Some(expires)) => Word::Ask { reason, expires },
        (None, None) => Word::Confirm,
        (Some(_), None) | (None, Some(_)) => {
            return refused("reason and expires belong together", "send both to ask, neither to agree");
        }
    };
    let by: String = by.chars().filter(|each| !each.is_control()).take(100).collect();
    let said = Said { stream: stream.clone(), gate: GateName(gate), by, word };
    let none = || problem(StatusCode::NOT_FOUND, "there is no such handoff", "list them at /api/v1/handoffs");
    match surface.handle.say_override(said).await {
        Ok(()) => {}
        Err(NotSaid::Fatal(error)) => return failed(&error),
        Err(NotSaid::NoHandoff | NotSaid::Erased) => return none(),
        Err(error @ NotSaid::Denied(_)) => {
            return problem(
                StatusCode::UNPROCESSABLE_ENTITY,
                &error.to_string(),
                "see the handoff and [people.roles]",
            );
        }
        Err(error @ NotSaid::Conflict) => {
            return problem(StatusCode::CONFLICT, &error.to_string(), "say it again");
        }
    }
    match surface.handle.view().handoff(&stream).await {
        Ok(Some(detail)) => Json(detail_of(&detail)).into_response(),
        Ok(None) => none(),
        Err(error) => failed(&error),
    }
}
