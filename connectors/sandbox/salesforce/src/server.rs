//! The HTTP server: loopback only, one task per connection, faults applied around the truth.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use axum::body::Body;
use bytes::Bytes;
use handoff_sandbox_lang::metadata::Package;
use http::{HeaderValue, Request, Response};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    Clock, Error,
    auth::{self, App},
    control,
    fault::Action,
    org::{Org, Shared},
    rest, seed,
    state::State,
    value::http_date,
    wire::{Call, Reply},
};

const BODY_LIMIT: usize = 100 << 20;
const URI_LIMIT: usize = 16_384;

/// What the org holds when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Seed {
    /// A believable company: people, accounts, and deals in every stage.
    #[default]
    Company,
    /// Only what every org has, the connected app, the system administrator and the integration user.
    Empty,
}

/// The metadata that is deployed to the org.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PackageSource {
    /// The package that ships in `deploy/salesforce`.
    #[default]
    Shipped,
    /// An sfdx source folder.
    Folder(PathBuf),
    /// None: standard fields only.
    None,
}

/// How to start a sandbox.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// What the org holds.
    pub seed: Seed,
    /// Its clock.
    pub clock: Clock,
    /// Address to listen on; must be loopback.
    pub address: IpAddr,
    /// Port; 0 for any.
    pub port: u16,
    /// Metadata to deploy.
    pub package: PackageSource,
    /// Connected apps besides the default one.
    pub apps: Vec<App>,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            seed: Seed::Company,
            clock: Clock::REAL,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            package: PackageSource::Shipped,
            apps: Vec::new(),
        }
    }
}

impl SandboxOptions {
    /// The company on a manual clock and any port: what tests want.
    pub fn manual() -> Self {
        Self { clock: Clock::manual(), ..Self::default() }
    }
}

/// A running sandbox. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Sandbox {
    org: Org,
    address: SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    server: tokio::task::JoinHandle<()>,
    deliverer: tokio::task::JoinHandle<()>,
}

impl Sandbox {
    /// Binds, seeds and serves; must be called inside a tokio runtime.
    pub async fn start(options: SandboxOptions) -> Result<Self, Error> {
        if !options.address.is_loopback() {
            return Err(Error::NotLoopback { address: options.address });
        }
        let wanted = SocketAddr::new(options.address, options.port);
        let bind = |source| Error::Bind { address: wanted, source };
        let listener = TcpListener::bind(wanted).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let package = match &options.package {
            PackageSource::Shipped => Package::shipped()?,
            PackageSource::Folder(path) => Package::from_dir(path)?,
            PackageSource::None => Package::default(),
        };
        let fresh = Box::new(move || {
            let mut state = State::new(options.clock, &package)?;
            state.base_url = format!("http://{address}");
            seed::plant(&mut state, options.seed)?;
            for app in &options.apps {
                state.sessions.apps.insert(app.client_id.clone(), app.clone());
            }
            Ok(state)
        });
        let shared = Arc::new(Shared::new(fresh)?);
        let client = outbound_client();
        let deliverer = tokio::spawn(crate::outbound::deliver(Arc::downgrade(&shared), client));
        let org = Org { shared };
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let server = tokio::spawn(serve(listener, org.clone(), stopped));
        Ok(Self { org, address, stop: Some(stop), server, deliverer })
    }

    /// `http://127.0.0.1:PORT`, without a trailing slash.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The handle on the org.
    pub fn org(&self) -> &Org {
        &self.org
    }

    /// Closes the port and every connection.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        self.deliverer.abort();
        let _ = (&mut self.server).await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.deliverer.abort();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the sandbox plays the vendor: it must not share the daemon's transport"
)]
fn outbound_client() -> reqwest::Client {
    // Already installed is fine: the process then has a provider.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let built = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_mins(1))
        .redirect(reqwest::redirect::Policy::none())
        .build();
    built.unwrap_or_else(|_| reqwest::Client::new())
}

async fn serve(listener: TcpListener, org: Org, mut stopped: tokio::sync::oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let _ = stream.set_nodelay(true);
                let org = org.clone();
                connections.spawn(async move {
                    let service = service_fn(move |request| answer(org.clone(), request));
                    let _ = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        }
    }
    connections.shutdown().await;
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("connection dropped on demand")]
struct Dropped;

async fn answer(org: Org, request: Request<Incoming>) -> Result<Response<Body>, Dropped> {
    let number = org.shared.requests.fetch_add(1, Ordering::Relaxed) + 1;
    let (head, body) = request.into_parts();
    let target = head.uri.path_and_query().map_or_else(|| head.uri.path().to_owned(), ToString::to_string);
    if target.len() > URI_LIMIT {
        return Ok(response(&org, &Reply::uri_too_long(), number));
    }
    let Ok(body) = axum::body::to_bytes(Body::new(body), BODY_LIMIT).await else {
        return Ok(response(&org, &Reply::html(413, "<h1>Bad Message 413</h1>"), number));
    };
    let call = Call::new(number, head.method, &target, head.headers, body);
    if call.segments.first().is_some_and(|first| first == "_sandbox") {
        let reply = control::answer(&org, &call).await;
        return Ok(response(&org, &reply, number));
    }
    let kind = kind_of(&call);
    let action = org.lock().faults.strike(&call, kind);
    if let Some(reply) = action.as_ref().and_then(Action::instead) {
        org.lock().count(kind);
        return Ok(response(&org, &with_limit(&org, kind, reply), number));
    }
    match &action {
        Some(Action::DropBefore) => return Err(Dropped),
        Some(Action::Hang) => hang(&org).await,
        Some(Action::Delay { millis }) => tokio::time::sleep(Duration::from_millis(*millis)).await,
        _ => {}
    }
    let began = Instant::now();
    let reply = truth(&org, &call, kind, action == Some(Action::RowLock));
    let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    org.shared.handled.fetch_add(took, Ordering::Relaxed);
    org.shared.outbound_wake.notify_one();
    match action {
        Some(Action::DropAfter) => Err(Dropped),
        Some(Action::Truncate { bytes }) => Ok(truncated(&org, &reply, bytes, number)),
        Some(other) => Ok(response(&org, &other.afterwards().unwrap_or(reply), number)),
        None => Ok(response(&org, &reply, number)),
    }
}

async fn hang(org: &Org) {
    let before = org.lock().faults.releases;
    loop {
        let released = org.shared.unhang.notified();
        if org.lock().faults.releases > before {
            return;
        }
        released.await;
    }
}

/// What the org really answers.
fn truth(org: &Org, call: &Call, kind: &str, lock_rows: bool) -> Reply {
    let mut state = org.lock();
    state.count(kind);
    state.lock_everything = lock_rows;
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let reply = match segments.as_slice() {
        ["services", "oauth2", "token"] if call.method == http::Method::POST => auth::token(&mut state, call),
        ["services", "oauth2", "revoke"] => auth::revoke(&mut state, call),
        ["services", "oauth2", "introspect"] => auth::introspect(&state, call),
        ["services", "oauth2", "userinfo"] => auth::userinfo(&state, call),
        ["services", "Soap", "u", _version, ..] => auth::soap_login(&mut state, call),
        ["id", _, _] => auth::identity(&state, call),
        ["services", "data", ..] => rest::answer(&mut state, call, kind),
        _ => Reply::html(404, "<html><head><title>URL No Longer Exists</title></head></html>"),
    };
    state.lock_everything = false;
    reply
}

fn with_limit(org: &Org, kind: &str, reply: Reply) -> Reply {
    let oauth =
        matches!(kind, "token" | "revoke" | "introspect" | "userinfo" | "soap_login" | "identity" | "other");
    if oauth || reply.status == 414 || reply.status == 503 {
        return reply;
    }
    let limit = org.lock().limits.header();
    reply.with("Sforce-Limit-Info", limit)
}

/// The endpoint kind of a call, as counters and faults name it.
fn kind_of(call: &Call) -> &'static str {
    let parts: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let method = call.method.as_str();
    match parts.as_slice() {
        ["services", "oauth2", "token"] => "token",
        ["services", "oauth2", "revoke"] => "revoke",
        ["services", "oauth2", "introspect"] => "introspect",
        ["services", "oauth2", "userinfo"] => "userinfo",
        ["services", "Soap", ..] => "soap_login",
        ["id", ..] => "identity",
        ["services", "data"] => "versions",
        ["services", "data", _version, rest @ ..] => match (method, rest) {
            (_, []) => "resources",
            (_, ["query"]) => "query",
            (_, ["queryAll" | "queryall"]) => "query_all",
            (_, ["query" | "queryAll" | "queryall", _]) => "query_more",
            (_, ["tooling", ..]) => "tooling",
            (_, ["limits"]) => "limits",
            (_, ["sobjects"]) => "describe_global",
            ("GET", ["sobjects", _]) => "describe_basic",
            (_, ["sobjects", _, "describe"]) => "describe",
            (_, ["sobjects", _, "updated"]) => "updated",
            (_, ["sobjects", _, "deleted"]) => "deleted",
            ("GET", ["sobjects", ..]) => "row_get",
            ("POST", ["sobjects", ..]) => "row_create",
            ("PATCH", ["sobjects", _, _]) => "row_update",
            ("PATCH", ["sobjects", ..]) => "row_upsert",
            ("DELETE", ["sobjects", ..]) => "row_delete",
            (_, ["composite"]) => "composite",
            (_, ["composite", "batch"]) => "composite_batch",
            ("POST", ["composite", "sobjects"]) => "collections_create",
            ("PATCH", ["composite", "sobjects"]) => "collections_update",
            ("DELETE", ["composite", "sobjects"]) => "collections_delete",
            ("POST" | "GET", ["composite", "sobjects", _]) => "collections_retrieve",
            ("PATCH", ["composite", "sobjects", ..]) => "collections_upsert",
            (_, ["composite", "tree", _]) => "tree",
            (_, ["jobs", "query", ..]) => "bulk_query",
            (_, ["jobs", "ingest", ..]) => "bulk_ingest",
            _ => "other",
        },
        _ => "other",
    }
}

fn response(org: &Org, reply: &Reply, number: u64) -> Response<Body> {
    let body = Body::from(reply.body.clone());
    dressed(org, reply, number, body)
}

/// Headers of the whole body, then only its start, then a broken connection.
fn truncated(org: &Org, reply: &Reply, bytes: usize, number: u64) -> Response<Body> {
    let start = reply.body.slice(..bytes.min(reply.body.len()));
    let parts = futures::stream::unfold(Some(start), |part| async move {
        if let Some(start) = part {
            return Some((Ok::<Bytes, std::io::Error>(start), None));
        }
        // Going round once lets the connection flush what it has before it breaks.
        tokio::task::yield_now().await;
        Some((Err(std::io::ErrorKind::ConnectionReset.into()), None))
    });
    let mut response = dressed(org, reply, number, Body::from_stream(parts));
    response.headers_mut().insert(http::header::CONTENT_LENGTH, HeaderValue::from(reply.body.len()));
    response
}

fn dressed(org: &Org, reply: &Reply, number: u64, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() =
        http::StatusCode::from_u16(reply.status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(http::HeaderName::from_static(name), value);
        }
    };
    put("date", &http_date(org.now()));
    put("x-sfdc-request-id", &format!("{number:032x}"));
    if !reply.content_type.is_empty() {
        put("content-type", reply.content_type);
    }
    for (name, value) in &reply.headers {
        let pair = (http::HeaderName::try_from(*name), HeaderValue::from_str(value));
        if let (Ok(name), Ok(value)) = pair {
            headers.insert(name, value);
        }
    }
    response
}
