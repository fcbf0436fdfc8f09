//! The HTTP surface beside the webhooks: health, metrics, the read-only API, pause and resume, one page.

mod concrete;
mod finance;
pub(crate) mod front;
mod guard;
mod leaks;
mod log;
pub mod model;
mod numbers;
mod overriding;
mod page;
pub mod rediscovery;
mod routes;
pub mod serve;
mod tasks;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use handoff_transport::{Clock, Secret};
use utoipa::OpenApi;

pub(crate) use numbers::shown;
pub(crate) use routes::{plan_row, record_named};

use crate::app::Handle;
use crate::metrics::Metrics;
pub use crate::numbers::Standing;

/// What the routes share.
#[derive(Clone)]
pub struct Surface {
    /// The running daemon.
    pub(crate) handle: Handle,
    /// What the transports told, and how everything is counted.
    pub(crate) metrics: Arc<Metrics>,
    /// The clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// Bearer token; `None` only on loopback.
    pub(crate) token: Option<Arc<Secret<String>>>,
}

impl Surface {
    /// A surface over a running daemon. Without a token only loopback callers with a loopback `Host` are answered.
    pub fn new(
        handle: Handle,
        metrics: Arc<Metrics>,
        clock: Arc<dyn Clock>,
        token: Option<Secret<String>>,
    ) -> Self {
        Self { handle, metrics, clock, token: token.map(Arc::new) }
    }

    /// All routes, with their guards.
    pub fn router(self) -> Router {
        routes::router(self)
    }
}

/// The API as OpenAPI 3.1, generated from the code that serves it.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "handoffd",
        description = "Read-only view of governed handoffs, and the switch that stops writing. \
                       Everything but health needs the bearer token when one is configured; one is required off loopback.",
    ),
    paths(
        routes::status,
        routes::handoffs,
        routes::handoff,
        routes::evidence,
        rediscovery::rediscovery,
        rediscovery::answer,
        overriding::overriding,
        routes::plan,
        leaks::leak_audit,
        leaks::dossier,
        numbers::scorecard,
        numbers::records,
        numbers::people,
        numbers::live,
        numbers::decay,
        routes::parked,
        routes::bypasses,
        log::log,
        finance::commission,
        finance::close,
        finance::contracts,
        finance::act,
        finance::repin,
        concrete::all,
        concrete::automatic,
        concrete::mark,
        concrete::self_assessment,
        concrete::progress,
        concrete::board,
        routes::pause,
        routes::resume,
        routes::healthz,
        routes::readyz,
        routes::metrics,
    ),
    modifiers(&Bearer)
)]
struct Document;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// The OpenAPI document as indented JSON with a newline at the end.
pub fn openapi() -> String {
    let text = Document::openapi().to_pretty_json().unwrap_or_default();
    format!("{text}\n")
}
