//! Starting a sandbox, and what the shared server asks of it.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use handoff_sandbox_host::{Face, Server, Traffic, outbound_client};
use handoff_sandbox_lang::metadata::Package;

use crate::{
    Clock, Error,
    auth::{self, App},
    control,
    fault::Action,
    org::{Org, Shared},
    rest, seed,
    state::State,
    value::http_date,
    wire::{Call, Reply, uri_too_long},
};

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
    server: Server,
    deliverer: tokio::task::JoinHandle<()>,
}

impl Sandbox {
    /// Binds, seeds and serves; must be called inside a tokio runtime.
    pub async fn start(options: SandboxOptions) -> Result<Self, Error> {
        let bound = Server::bind(options.address, options.port).await?;
        let address = bound.address();
        let package = match &options.package {
            PackageSource::Shipped => Package::shipped()?,
            PackageSource::Folder(path) => Package::from_dir(path)?,
            PackageSource::None => Package::default(),
        };
        let fresh = Box::new(move || {
            let mut state = State::new(options.clock.clone(), &package)?;
            state.base_url = format!("http://{address}");
            seed::plant(&mut state, options.seed)?;
            for app in &options.apps {
                state.sessions.apps.insert(app.client_id.clone(), app.clone());
            }
            Ok(state)
        });
        let shared = Arc::new(Shared::new(fresh)?);
        let client = outbound_client(Duration::from_mins(1));
        let deliverer = tokio::spawn(crate::outbound::deliver(Arc::downgrade(&shared), client));
        let org = Org { shared };
        let server = bound.serve(org.clone());
        Ok(Self { org, server, deliverer })
    }

    /// `http://127.0.0.1:PORT`, without a trailing slash.
    pub fn base_url(&self) -> String {
        self.server.base_url()
    }

    /// The handle on the org.
    pub fn org(&self) -> &Org {
        &self.org
    }

    /// Closes the port and every connection.
    pub async fn stop(self) {
        self.deliverer.abort();
        self.server.stop().await;
    }
}

impl Face for Org {
    type Action = Action;

    const URI_LIMIT: usize = 16_384;

    fn traffic(&self) -> &Traffic {
        &self.shared.traffic
    }

    fn kind_of(&self, call: &Call) -> &'static str {
        kind_of(call)
    }

    fn strike(&self, call: &Call, kind: &str) -> Option<Action> {
        self.lock().faults.strike(call, kind)
    }

    fn truth(&self, call: &Call, kind: &'static str, action: Option<&Action>) -> Reply {
        truth(self, call, kind, action == Some(&Action::RowLock))
    }

    fn planted(&self, kind: &'static str, reply: Reply) -> Reply {
        self.lock().count(kind);
        with_limit(self, kind, reply)
    }

    fn took_effect(&self) {
        self.shared.outbound_wake.notify_one();
    }

    fn headers(&self, number: u64) -> Vec<(&'static str, String)> {
        vec![("date", http_date(self.now())), ("x-sfdc-request-id", format!("{number:032x}"))]
    }

    fn too_long(&self) -> Reply {
        uri_too_long()
    }

    async fn control(&self, call: &Call) -> Reply {
        control::answer(self, call).await
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
