//! Starting and stopping a sandbox, and the company's face to the server.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use handoff_sandbox_host::{Call, Clock, Face, Reply, Server, Traffic, http_date, outbound_client};

use crate::{
    Action, Error, Pace,
    access::Access,
    api, control,
    limits::Limits,
    outbound, seed,
    state::State,
    workspace::{Shared, Workspace},
};

/// What the company holds when it starts. Every one has the key and the app of [`crate::seed`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Seed {
    /// People, trackers, and calls about the deals of the Salesforce sandbox.
    #[default]
    Company,
    /// People and trackers, no calls.
    People,
    /// A workspace and nothing in it.
    Empty,
}

/// How to start a sandbox.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// What the company holds.
    pub seed: Seed,
    /// Its clock; a shared one is moved together with other sandboxes.
    pub clock: Clock,
    /// Address to listen on; must be loopback.
    pub address: IpAddr,
    /// Port; 0 for any.
    pub port: u16,
    /// How the allowance of three calls a second is measured.
    pub pace: Pace,
    /// Calls a day.
    pub per_day: u64,
    /// The only host, without port, that OAuth tokens are good on, e.g. `localhost`; any when `None`.
    pub customer_host: Option<String>,
    /// Users and workspaces refuse bad credentials with 403, as the vendor's own description says, rather than with 401.
    pub declared_403: bool,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            seed: Seed::Company,
            clock: Clock::REAL,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            pace: Pace::Off,
            per_day: 10_000,
            customer_host: None,
            declared_403: false,
        }
    }
}

impl SandboxOptions {
    /// The company on a manual clock and any port: what tests want.
    pub fn manual() -> Self {
        Self { clock: Clock::manual(), ..Self::default() }
    }

    fn state(&self, base_url: &str) -> Result<State, Error> {
        let mut access = Access::default();
        access.customer_host.clone_from(&self.customer_host);
        access.declared_403 = self.declared_403;
        let mut state = State::new(self.clock.clone(), Limits::new(self.pace, self.per_day), access);
        base_url.clone_into(&mut state.base_url);
        seed::plant(&mut state, self.seed)?;
        Ok(state)
    }
}

/// A running sandbox. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Sandbox {
    workspace: Workspace,
    server: Server,
    _deliverer: Stopped,
}

/// A task that ends with its owner.
#[derive(Debug)]
struct Stopped(tokio::task::JoinHandle<()>);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Sandbox {
    /// Binds, seeds and serves; must be called inside a tokio runtime.
    pub async fn start(options: SandboxOptions) -> Result<Self, Error> {
        let bound = Server::bind(options.address, options.port).await?;
        let base_url = format!("http://{}", bound.address());
        let shared = Arc::new(Shared::new(Box::new(move || options.state(&base_url)))?);
        let client = outbound_client(Duration::from_mins(1));
        let deliverer = Stopped(tokio::spawn(outbound::deliver(Arc::downgrade(&shared), client)));
        let workspace = Workspace { shared };
        let server = bound.serve(workspace.clone());
        Ok(Self { workspace, server, _deliverer: deliverer })
    }

    /// `http://127.0.0.1:PORT`, without a trailing slash.
    pub fn base_url(&self) -> String {
        self.server.base_url()
    }

    /// The handle on the company.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Closes the port and every connection.
    pub async fn stop(self) {
        self.server.stop().await;
    }
}

impl Face for Workspace {
    type Action = Action;

    const URI_LIMIT: usize = 8_192;

    fn traffic(&self) -> &Traffic {
        &self.shared.traffic
    }

    fn kind_of(&self, call: &Call) -> &'static str {
        api::kind_of(call)
    }

    fn strike(&self, call: &Call, kind: &str) -> Option<Action> {
        self.lock().faults.strike(call, kind)
    }

    fn truth(&self, call: &Call, kind: &'static str, action: Option<&Action>) -> Reply {
        api::answer(&mut self.lock(), call, kind, action)
    }

    fn planted(&self, kind: &'static str, reply: Reply) -> Reply {
        self.lock().count(kind);
        reply
    }

    fn took_effect(&self) {
        self.shared.wake.notify_one();
    }

    fn headers(&self, _number: u64) -> Vec<(&'static str, String)> {
        vec![("date", http_date(self.now()))]
    }

    fn too_long(&self) -> Reply {
        Reply::html(414, "<html><head><title>414 Request-URI Too Large</title></head></html>")
    }

    async fn control(&self, call: &Call) -> Reply {
        control::answer(self, call).await
    }
}
