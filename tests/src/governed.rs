//! A company in the sandbox, a daemon in this process that governs it over real HTTP, and one clock for both.

use std::collections::BTreeMap;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use handoff_core::contract::{Mode, OnBypass};
use handoff_core::handoff::Phase;
use handoff_core::id::{ConnectionId, ContractId, GateName, ObjectName, RecordId, RecordRef};
use handoff_core::registry::{Problem, Registry, shipped};
use handoff_sandbox_salesforce::{Id, Org, Sandbox, SandboxOptions, Seed, seed};
use handoff_store::tlog::verify_against_log;
use handoffd::app::{App, Handle, StartError};
use handoffd::clock::ManualClock;
use handoffd::config::{Audit, Auth, Config, Connection, Govern, Http, People, SecretRef};
use handoffd::failpoint::Hook;
use handoffd::link::Connect;
use handoffd::view::{Detail, Filter, Summary};
use jiff::Timestamp;

/// The secret that webhook deliveries carry.
pub const HOOK_SECRET: &str = "hook-secret";

/// What a world is made of; the default is the seeded company, its own clock, and a daemon that runs only when it is told to.
#[derive(Default)]
pub struct Options {
    /// What the org holds.
    pub seed: Seed,
    /// Where both clocks stand at the start; absent = where the sandbox's stands.
    pub now: Option<Timestamp>,
    /// More contract and mapping files as (path under `mappings/`, text); a shipped path is replaced.
    pub files: Vec<(String, String)>,
    /// Whether the org's outbound messages go to the daemon.
    pub webhooks: bool,
    /// Whether pollers, sweeps and timers run by themselves.
    pub autopilot: bool,
    /// Called at every durable step.
    pub failpoint: Option<Hook>,
    /// Makes connectors and transports; absent = the real ones.
    pub connect: Option<Arc<dyn Connect>>,
}

/// The running world.
pub struct Governed {
    sandbox: Sandbox,
    clock: Arc<ManualClock>,
    dir: tempfile::TempDir,
    config: Config,
    options: Options,
    app: Option<App>,
}

impl Governed {
    /// Starts org and daemon.
    pub async fn start(options: Options) -> Self {
        let mut world = Self::prepare(options).await;
        world.begin().await.unwrap();
        world
    }

    /// Everything but the daemon: change [`Self::config`], then [`Self::begin`].
    pub async fn prepare(options: Options) -> Self {
        // Off unless RUST_LOG asks for it; a test that runs second finds it set.
        drop(
            tracing_subscriber::fmt()
                .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
                .with_test_writer()
                .try_init(),
        );
        let sandbox =
            Sandbox::start(SandboxOptions { seed: options.seed, ..SandboxOptions::manual() }).await.unwrap();
        if let Some(now) = options.now {
            sandbox.org().set_time(now);
        }
        let clock = Arc::new(ManualClock::new(sandbox.org().now()));
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path(), &sandbox);
        Self { sandbox, clock, dir, config, options, app: None }
    }

    /// Starts the daemon, which must not run.
    pub async fn begin(&mut self) -> Result<(), StartError> {
        assert!(self.app.is_none(), "the daemon runs already");
        let registry = self.registry().unwrap();
        let options = handoffd::app::Options {
            autopilot: self.options.autopilot,
            failpoint: self.options.failpoint.clone(),
            connect: self.options.connect.clone(),
            ..handoffd::app::Options::default()
        };
        let app = App::start(self.config.clone(), registry, self.clock.clone(), options).await?;
        if self.options.webhooks {
            self.org().set_outbound(
                vec![format!("http://{}/webhooks/sf/{HOOK_SECRET}", app.local_addr())],
                Vec::new(),
            );
        }
        self.app = Some(app);
        Ok(())
    }

    /// Stops the daemon as SIGTERM does.
    pub async fn stop(&mut self) {
        if let Some(app) = self.app.take() {
            app.stop().await.unwrap();
        }
    }

    /// Stops and starts the daemon on the same state directory.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.begin().await.unwrap();
    }

    /// Changes the configuration for the next start.
    pub fn config(&mut self, change: impl FnOnce(&mut Config)) {
        change(&mut self.config);
    }

    /// The configuration of the next start.
    pub fn configured(&self) -> &Config {
        &self.config
    }

    /// The only `[[govern]]` of the configuration.
    pub fn govern(&mut self) -> &mut Govern {
        self.config.govern.first_mut().unwrap()
    }

    /// Adds or replaces a contract or mapping file for the next start; the path is the one under `mappings/`.
    pub fn file(&mut self, path: &str, text: &str) {
        self.options.files.push((path.to_owned(), text.to_owned()));
    }

    /// The registry of the next start.
    pub fn registry(&self) -> Result<Registry, Vec<Problem>> {
        let mut files: BTreeMap<&str, &str> = shipped().collect();
        files.extend(self.options.files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
        Registry::load(files)
    }

    /// The org.
    pub fn org(&self) -> &Org {
        self.sandbox.org()
    }

    /// The sandbox that serves the org.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The running daemon.
    pub fn app(&self) -> &App {
        self.app.as_ref().unwrap()
    }

    /// Steers the running daemon.
    pub fn handle(&self) -> Handle {
        self.app().handle()
    }

    /// The daemon's clock; the org's is set apart by [`Org::set_time`].
    pub fn clock(&self) -> &Arc<ManualClock> {
        &self.clock
    }

    /// Where secrets and state lie.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The state directory.
    pub fn state_dir(&self) -> PathBuf {
        self.config.state_dir.clone()
    }

    /// Sets both clocks.
    pub fn set_time(&self, at: Timestamp) {
        self.org().set_time(at);
        self.clock.set(at);
    }

    /// Moves both clocks.
    pub fn advance(&self, seconds: i64) {
        self.org().advance(seconds);
        self.clock.set(self.org().now());
    }

    /// Half a minute passes, then everything that can be done is done.
    pub async fn pass(&self) {
        self.advance(30);
        self.settle().await;
    }

    /// Everything that can be done now is done: deliveries, changes, writes.
    pub async fn settle(&self) {
        if self.options.webhooks {
            self.org().outbound_settled().await;
        }
        self.handle().idle().await.unwrap();
        if self.options.webhooks {
            self.org().outbound_settled().await;
            self.handle().idle().await.unwrap();
        }
    }

    /// As [`Self::settle`], while time goes on by `step` seconds again and again: what waits inside a call (a retry, a vendor's "later") waits
    /// on the clock. How many steps it took.
    pub async fn ride(&self, step: i64) -> u32 {
        let mut settled = std::pin::pin!(self.settle());
        for steps in 0..2_000 {
            // How long the daemon is given before the clock moves is a matter of pace only.
            if tokio::time::timeout(Duration::from_millis(15), &mut settled).await.is_ok() {
                return steps;
            }
            self.advance(step);
        }
        panic!("it never settles");
    }

    /// How the daemon names a deal.
    pub fn record(id: Id) -> RecordRef {
        RecordRef {
            connection: ConnectionId::from("sf"),
            object: ObjectName::from("Opportunity"),
            record: RecordId(id.to_string()),
        }
    }

    /// A deal's handoff at a glance: its newest cycle.
    pub fn summary(&self, id: Id) -> Option<Summary> {
        let filter = Filter { record: Some(Self::record(id)), ..Filter::default() };
        self.handle().view().handoffs(&filter).into_iter().next()
    }

    /// Where a deal's handoff stands.
    pub fn phase(&self, id: Id) -> Option<Phase> {
        self.summary(id).map(|summary| summary.phase)
    }

    /// A deal's handoff with its whole stream.
    pub async fn detail(&self, id: Id) -> Detail {
        let stream = self.summary(id).unwrap().stream;
        self.handle().view().handoff(&stream).await.unwrap().unwrap()
    }

    /// Names of all events of a deal, oldest first; empty when there is no handoff.
    pub async fn events(&self, id: Id) -> Vec<&'static str> {
        if self.summary(id).is_none() {
            return Vec::new();
        }
        let detail = self.detail(id).await;
        let entries = detail.entries.iter().filter_map(|entry| entry.entry.as_ref()?.handoff());
        entries.flat_map(|(_, events)| events.iter().map(handoff_core::event::Event::name)).collect()
    }

    /// Checks that everything that came in has exactly one outcome, and that nothing is pending.
    pub fn assert_balanced(&self) {
        for (source, account) in self.handle().view().books() {
            assert!(account.balances(), "{source}: {account:?}");
            assert_eq!(account.pending, 0, "{source}: {account:?}");
        }
    }

    /// Verifies the audit log against the log it was made from; how many entries it covers. The daemon may run.
    pub fn verify_audit(&self) -> u64 {
        let vkey = self.handle().view().head().vkey;
        verify_state(&self.state_dir(), &vkey)
    }
}

/// Verifies a state directory's audit log; how many entries its checkpoint covers.
pub fn verify_state(state_dir: &Path, vkey: &str) -> u64 {
    let report = verify_against_log(&state_dir.join("audit"), vkey, None, &state_dir.join("log")).unwrap();
    report.checkpoint.size
}

/// A secret file that only its owner may read.
pub fn secret(dir: &Path, name: &str, text: &str) -> SecretRef {
    let path = dir.join(name);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    SecretRef { env: None, file: Some(path) }
}

/// Handoff 03 over one sandbox: the stage gate enforced beside pay and queue, Ingrid and Luis receive.
fn config(dir: &Path, sandbox: &Sandbox) -> Config {
    let gate = GateName::from("closed_won");
    let auth = Auth::ClientCredentials {
        client_id: secret(dir, "id", seed::CLIENT_ID),
        client_secret: secret(dir, "secret", seed::CLIENT_SECRET),
    };
    let connection = Connection {
        org_id: Some(sandbox.org().id().to_string()),
        webhook_secrets: vec![secret(dir, "webhook", HOOK_SECRET)],
        poll_seconds: Some(60),
        daily_share_percent: Some(100),
        ..Connection::new("salesforce", &sandbox.base_url(), auth)
    };
    let govern = Govern {
        contract: ContractId::from("h03-ae-to-onboarding"),
        mapping: "salesforce/h03-ae-to-onboarding".to_owned(),
        connection: ConnectionId::from("sf"),
        motion: None,
        governed_since: Some(sandbox.org().now()),
        mode: BTreeMap::from([(gate.clone(), Mode::Enforce)]),
        on_bypass: BTreeMap::from([(gate, OnBypass::Record)]),
        max_writes_per_hour: None,
    };
    let receivers = [crate::story::INGRID, crate::story::LUIS].map(str::to_owned);
    let roles = BTreeMap::from([("onboarding_lead".to_owned(), receivers.to_vec())]);
    Config {
        state_dir: dir.join("state"),
        mappings_dir: None,
        http: Http { listen: "127.0.0.1:0".to_owned(), ..Http::default() },
        connection: BTreeMap::from([(ConnectionId::from("sf"), connection)]),
        govern: vec![govern],
        evidence: Vec::new(),
        people: People { roles, same_person: BTreeMap::new() },
        audit: Audit { origin: "test.example/handoffd".to_owned() },
    }
}

/// Longest that a test waits for something that must happen.
pub const WAIT: Duration = Duration::from_mins(1);
