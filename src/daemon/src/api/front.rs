//! What is served from the first moment on: "come again" while the daemon catches up, then everything.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use tower::ServiceExt as _;

/// Seconds after which a sender may come again.
const LATER: &str = "5";

/// The door of a daemon that may not be ready yet: a sender is told so at once instead of waiting for the end of the start.
#[derive(Clone, Default)]
pub(crate) struct Front(Arc<OnceLock<Router>>);

impl Front {
    /// What is served meanwhile and from then on.
    pub(crate) fn router(&self) -> Router {
        let front = self.clone();
        Router::new().fallback(move |request: Request| {
            let front = front.clone();
            async move { front.answer(request).await }
        })
    }

    /// From now on these routes are served.
    pub(crate) fn open(&self, routes: Router) {
        self.0.get_or_init(|| routes);
    }

    async fn answer(&self, request: Request) -> Response {
        let Some(routes) = self.0.get() else {
            return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, LATER)]).into_response();
        };
        match routes.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::{OriginalUri, Path};
    use axum::routing::post;

    use super::*;

    async fn ask(front: &Front) -> Response {
        let request = http::Request::post("/webhooks/sf?x=1").body(Body::from("hint")).unwrap();
        front.router().oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn c22_a_delivery_during_the_start_is_asked_to_come_again() {
        let front = Front::default();
        let answer = ask(&front).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers()[header::RETRY_AFTER], LATER);
        let seen = |Path(connection): Path<String>, OriginalUri(uri): OriginalUri, body: String| async move {
            format!("{connection} {uri} {body}")
        };
        front.open(Router::new().route("/webhooks/{connection}", post(seen)));
        let answer = ask(&front).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let body = axum::body::to_bytes(answer.into_body(), 100).await.unwrap();
        assert_eq!(body, "sf /webhooks/sf?x=1 hint");
    }
}
