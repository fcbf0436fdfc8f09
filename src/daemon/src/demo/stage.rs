//! The stage: sandbox and daemon, wired to each other over loopback.

use std::collections::BTreeMap;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use handoff_core::contract::Mode;
use handoff_core::id::{ConnectionId, ContractId, GateName};
use handoff_core::registry::{Registry, shipped};
use handoff_sandbox_salesforce::{Clock as SandboxClock, Org, Sandbox, SandboxOptions, Seed, seed};
use jiff::Timestamp;

use super::DemoError;
use super::crm::{Crm, SalesforceFace};
use crate::api::Surface;
use crate::app::{App, Handle, Options};
use crate::clock::Clock;
use crate::config::{Audit, Auth, Config, Connection, Govern, Http, People, SecretRef};
use crate::metrics::Metrics;

/// Secret in the address of webhooks; it protects nothing, for both ends are on loopback.
const HOOK: &str = "demo-webhook-secret";

/// The mapping of the story in Salesforce.
const SALESFORCE: &str = "salesforce/h03-ae-to-onboarding";

/// Everything that runs during the demo.
pub struct Stage {
    /// The CRM.
    pub sandbox: Sandbox,
    /// The daemon.
    pub app: App,
    /// What the daemon was started with.
    pub config: Config,
    /// The folder that holds the daemon's state; removed with the stage.
    pub folder: tempfile::TempDir,
    crms: Vec<Box<dyn Crm>>,
}

/// How the stage is set.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// The daemon's port; 0 for any.
    pub daemon: u16,
    /// The sandbox's port; 0 for any.
    pub sandbox: u16,
    /// What the sandbox holds at first.
    pub seed: Seed,
}

impl Default for Setting {
    fn default() -> Self {
        Self { daemon: 0, sandbox: 0, seed: Seed::Company }
    }
}

/// The daemon's clock follows the sandbox's, so that the story may skip the minutes between its steps.
struct Following(Org);

impl Clock for Following {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

impl Stage {
    /// Starts the sandbox, then the daemon against it, webhooks on.
    pub async fn start(setting: Setting) -> Result<Self, DemoError> {
        let options = SandboxOptions {
            clock: SandboxClock::REAL,
            port: setting.sandbox,
            seed: setting.seed,
            ..SandboxOptions::default()
        };
        let sandbox = Sandbox::start(options).await?;
        let folder = tempfile::Builder::new().prefix("handoffd-demo-").tempdir()?;
        let config = config(&sandbox, folder.path(), setting.daemon)?;
        let registry = Registry::load(shipped()).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            DemoError::Contracts(lines.join("; "))
        })?;
        let clock: Arc<dyn Clock> = Arc::new(Following(sandbox.org().clone()));
        let metrics = Arc::new(Metrics::default());
        let (routed, ticking) = (Arc::clone(&metrics), Arc::clone(&clock));
        let routes = Box::new(move |handle: Handle| Surface::new(handle, routed, ticking, None).router());
        let mapping = registry.mapping(SALESFORCE).cloned();
        let mapping =
            mapping.ok_or_else(|| DemoError::Contracts(format!("there is no mapping {SALESFORCE}")))?;
        let options = Options { routes: Some(routes), observer: metrics, ..Options::default() };
        let app = App::start(config.clone(), registry, clock, options).await?;
        let hook = format!("http://{}/webhooks/sf?key={HOOK}", app.local_addr());
        sandbox.org().set_outbound(vec![hook], Vec::new());
        let org = sandbox.org().clone();
        let crms: Vec<Box<dyn Crm>> =
            vec![Box::new(SalesforceFace { org, connection: ConnectionId::from("sf"), mapping })];
        Ok(Self { sandbox, app, config, folder, crms })
    }

    /// The sandbox's control.
    pub fn org(&self) -> &Org {
        self.sandbox.org()
    }

    /// The CRMs, in the order of the story.
    pub(super) fn crms(&self) -> impl Iterator<Item = &dyn Crm> {
        self.crms.iter().map(AsRef::as_ref)
    }

    /// The state directory.
    pub fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Stops daemon and sandbox; what the daemon was started with, and the folder of its state.
    pub async fn stop(self) -> Result<(Config, tempfile::TempDir), DemoError> {
        self.app.stop().await?;
        self.sandbox.stop().await;
        Ok((self.config, self.folder))
    }

    /// Waits until every webhook is delivered, every change is found and nothing is due; then a minute passes in both clocks.
    pub async fn settle(&self) -> Result<(), DemoError> {
        for crm in self.crms() {
            crm.settled().await;
        }
        self.app.handle().idle().await?;
        // They share one clock.
        for crm in self.crms().take(1) {
            crm.advance(60);
        }
        Ok(())
    }
}

fn config(sandbox: &Sandbox, folder: &Path, port: u16) -> Result<Config, DemoError> {
    let secret = |name: &str, value: &str| -> Result<SecretRef, DemoError> {
        use std::io::Write as _;
        let path = folder.join(name);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(value.as_bytes())?;
        Ok(SecretRef { env: None, file: Some(path) })
    };
    let sf = ConnectionId::from("sf");
    let auth = Auth::ClientCredentials {
        client_id: secret("client_id", seed::CLIENT_ID)?,
        client_secret: secret("client_secret", seed::CLIENT_SECRET)?,
    };
    let connection = Connection {
        org_id: Some(sandbox.org().id().to_string()),
        webhook_secrets: vec![secret("webhook", HOOK)?],
        poll_seconds: Some(5),
        daily_share_percent: Some(50),
        ..Connection::new("salesforce", &sandbox.base_url(), auth)
    };
    let receivers = seed::PEOPLE.iter().filter(|person| person.team == seed::Team::Onboarding);
    let roles = receivers.map(|person| person.username.to_owned()).collect();
    let govern = Govern {
        contract: ContractId::from("h03-ae-to-onboarding"),
        mapping: SALESFORCE.to_owned(),
        connection: sf.clone(),
        motion: None,
        governed_since: None,
        // The shipped contract observes the stage; here the CRM itself shall stop a rep.
        mode: BTreeMap::from([(GateName::from("closed_won"), Mode::Enforce)]),
        on_bypass: BTreeMap::new(),
        max_writes_per_hour: None,
    };
    Ok(Config {
        state_dir: folder.join("state"),
        mappings_dir: None,
        http: Http { listen: format!("127.0.0.1:{port}"), ..Http::default() },
        connection: BTreeMap::from([(sf, connection)]),
        govern: vec![govern],
        evidence: Vec::new(),
        people: People {
            roles: BTreeMap::from([("onboarding_lead".to_owned(), roles)]),
            same_person: BTreeMap::new(),
        },
        audit: Audit { origin: "demo.example/handoffd".to_owned() },
    })
}
