//! Starting a sandbox, and what the shared server asks of it.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    sync::Arc,
};

use handoff_sandbox_host::{Call, Face, Reply, Server, Traffic, http_date, outbound_client};

use crate::{
    Clock, Error, api, control,
    deliver::{ANSWER, deliver},
    fault::{Action, uri_too_long},
    limits::{LimitOptions, Limits},
    portal::{Portal, Shared},
    refusal::correlation,
    seed,
    state::State,
};

/// What the portal holds when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Seed {
    /// A believable company: people, customers, and deals in every stage.
    #[default]
    Company,
    /// Only what every portal has, the people, the tokens and the app.
    Empty,
}

/// What is installed beside the vendor's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum PropertySource {
    /// Everything that ships in `deploy/hubspot`: properties, custom objects, pipelines, association labels.
    #[default]
    Shipped,
    /// What ships, and over it the deal properties of a file like `deploy/hubspot/properties/deals.json`.
    File(PathBuf),
    /// None: standard properties only.
    None,
}

/// How to start a sandbox.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// What the portal holds.
    pub seed: Seed,
    /// Its clock; see [`Clock::shared`] for one time in several sandboxes.
    pub clock: Clock,
    /// Address to listen on; must be loopback.
    pub address: IpAddr,
    /// Port; 0 for any.
    pub port: u16,
    /// Properties to install.
    pub properties: PropertySource,
    /// Rate limits.
    pub limits: LimitOptions,
    /// Milliseconds by which search sees changes late.
    pub search_lag: i64,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            seed: Seed::Company,
            clock: Clock::REAL,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: 0,
            properties: PropertySource::Shipped,
            limits: LimitOptions::default(),
            search_lag: 0,
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
    portal: Portal,
    server: Server,
    deliverer: tokio::task::JoinHandle<()>,
}

impl Sandbox {
    /// Binds, seeds and serves; must be called inside a tokio runtime.
    pub async fn start(options: SandboxOptions) -> Result<Self, Error> {
        let bound = Server::bind(options.address, options.port).await?;
        let address = bound.address();
        let given = match &options.properties {
            PropertySource::File(path) => Some(
                std::fs::read_to_string(path)
                    .map_err(|source| Error::Read { path: path.display().to_string(), source })?,
            ),
            PropertySource::Shipped | PropertySource::None => None,
        };
        let fresh = Box::new(move || {
            let mut state = State::new(options.clock.clone(), Limits::new(options.limits));
            state.base_url = format!("http://{address}");
            state.switches.search_lag = options.search_lag;
            match &options.properties {
                PropertySource::None => {}
                PropertySource::Shipped => seed::install_shipped(&mut state)?,
                PropertySource::File(_) => {
                    seed::install_shipped(&mut state)?;
                    seed::install(&mut state, "deals", given.as_deref().unwrap_or_default())?;
                }
            }
            seed::plant(&mut state, options.seed)?;
            Ok(state)
        });
        let shared = Arc::new(Shared::new(fresh)?);
        let deliverer = tokio::spawn(deliver(Arc::downgrade(&shared), outbound_client(ANSWER)));
        let portal = Portal { shared };
        let server = bound.serve(portal.clone());
        Ok(Self { portal, server, deliverer })
    }

    /// `http://127.0.0.1:PORT`, without a trailing slash.
    pub fn base_url(&self) -> String {
        self.server.base_url()
    }

    /// The handle on the portal.
    pub fn portal(&self) -> &Portal {
        &self.portal
    }

    /// Closes the port and every connection.
    pub async fn stop(self) {
        self.deliverer.abort();
        self.server.stop().await;
    }
}

impl Face for Portal {
    type Action = Action;

    const URI_LIMIT: usize = 16_384;

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
        self.shared.outbound_wake.notify_one();
    }

    fn headers(&self, number: u64) -> Vec<(&'static str, String)> {
        vec![("date", http_date(self.now())), ("x-hubspot-correlation-id", correlation(number))]
    }

    fn too_long(&self) -> Reply {
        uri_too_long()
    }

    async fn control(&self, call: &Call) -> Reply {
        control::answer(self, call).await
    }
}
