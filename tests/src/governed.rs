//! A company in its CRMs on loopback, a daemon in this process that governs it over real HTTP, and one clock for all.

use std::collections::BTreeMap;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use handoff_core::contract::{Mode, OnBypass};
use handoff_core::handoff::Phase;
use handoff_core::id::{ContractId, GateName, MotionId};
use handoff_core::registry::{Problem, Registry, shipped};
use handoff_sandbox_host::Clock;
use handoff_sandbox_hubspot::Portal;
use handoff_sandbox_salesforce::Org;
use handoff_store::tlog::verify_against_log;
use handoffd::api::Surface;
use handoffd::app::{App, Handle, Routes, StartError};
use handoffd::books::{Account, Channel};
use handoffd::config::{Audit, Commission, Config, Govern, Http, People, ScorecardSettings, SecretRef};
use handoffd::failpoint::Hook;
use handoffd::link::Connect;
use handoffd::metrics::Metrics;
use handoffd::view::{Detail, Entry, Filter, Summary};
use jiff::Timestamp;

use crate::clock::{Hand, Pace};
use crate::crm::{Company, Deal, Hubspot, Kind, Salesforce, Vendor};
use crate::story::{INGRID, LUIS};

/// What a world is made of; the default is the fiction's company in Salesforce, its own clock, and a daemon that runs only when it is told to.
pub struct Options {
    /// The CRMs, one motion each.
    pub crms: &'static [Kind],
    /// Whether the CRMs hold nobody and nothing at first.
    pub empty: bool,
    /// Where all clocks stand at the start; absent = where the sandboxes' stand.
    pub now: Option<Timestamp>,
    /// More contract and mapping files as (path under `mappings/`, text); a shipped path is replaced.
    pub files: Vec<(String, String)>,
    /// Whether the CRMs' deliveries go to the daemon.
    pub webhooks: bool,
    /// Whether HubSpot holds the daemon to its rate limits.
    pub metered: bool,
    /// Whether pollers, sweeps and timers run by themselves.
    pub autopilot: bool,
    /// Whether the daemon serves its API beside the webhooks; without a token.
    pub surface: bool,
    /// Called at every durable step.
    pub failpoint: Option<Hook>,
    /// Makes connectors and transports; absent = the real ones.
    pub connect: Option<Arc<dyn Connect>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            crms: &[Kind::Salesforce],
            empty: false,
            now: None,
            files: Vec::new(),
            webhooks: false,
            metered: false,
            autopilot: false,
            surface: false,
            failpoint: None,
            connect: None,
        }
    }
}

/// The running world.
pub struct Governed {
    company: Company,
    salesforce: Option<Arc<Salesforce>>,
    hubspot: Option<Arc<Hubspot>>,
    clock: Arc<Hand>,
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
        let mut time = Clock::manual().shared();
        if let Some(now) = options.now {
            time.set(now);
        }
        let registry = registry(&options.files).unwrap();
        let (mut vendors, mut salesforce, mut hubspot) = (Vec::<Arc<dyn Vendor>>::new(), None, None);
        for kind in options.crms {
            let mapping = registry.mapping(kind.mapping()).unwrap().clone();
            match kind {
                Kind::Salesforce => {
                    let crm = Arc::new(Salesforce::start(options.empty, time.clone(), mapping).await);
                    salesforce = Some(Arc::clone(&crm));
                    vendors.push(crm);
                }
                Kind::Hubspot => {
                    let crm =
                        Arc::new(Hubspot::start(options.empty, options.metered, time.clone(), mapping).await);
                    hubspot = Some(Arc::clone(&crm));
                    vendors.push(crm);
                }
            }
        }
        let company = Company(vendors);
        let pace = match (options.crms.contains(&Kind::Hubspot), options.metered) {
            (false, _) => Pace::Still,
            (true, false) => Pace::Alone,
            (true, true) => Pace::Along(time.clone()),
        };
        let clock = Arc::new(Hand::new(time.now(), pace));
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path(), &company, time.now());
        Self { company, salesforce, hubspot, clock, dir, config, options, app: None }
    }

    /// Starts the daemon, which must not run, once nothing of an earlier one holds the directory any more: what its last signature needed is let go
    /// on another thread.
    pub async fn begin(&mut self) -> Result<(), StartError> {
        assert!(self.app.is_none(), "the daemon runs already");
        for _ in 0..1_000 {
            let lock = std::fs::File::open(self.config.state_dir.join("lock"));
            if lock.is_err() || lock.is_ok_and(|lock| lock.try_lock().is_ok()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let registry = self.registry().unwrap();
        let options = handoffd::app::Options {
            autopilot: self.options.autopilot,
            failpoint: self.options.failpoint.clone(),
            connect: self.options.connect.clone(),
            routes: self.options.surface.then(|| routes(self.clock.clone())),
            ..handoffd::app::Options::default()
        };
        let app = App::start(self.config.clone(), registry, self.clock.clone(), options).await?;
        if self.options.webhooks {
            self.company.vendors().for_each(|vendor| vendor.deliver_to(Some(app.local_addr())));
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
        registry(&self.options.files)
    }

    /// The CRMs.
    pub fn company(&self) -> &Company {
        &self.company
    }

    /// Salesforce's own control, for what only Salesforce has.
    pub fn org(&self) -> &Org {
        self.salesforce.as_ref().unwrap().org()
    }

    /// HubSpot's own control, for what only HubSpot has.
    pub fn portal(&self) -> &Portal {
        self.hubspot.as_ref().unwrap().portal()
    }

    /// The running daemon.
    pub fn app(&self) -> &App {
        self.app.as_ref().unwrap()
    }

    /// Steers the running daemon.
    pub fn handle(&self) -> Handle {
        self.app().handle()
    }

    /// The daemon's clock; a CRM's is set apart by its own control.
    pub fn clock(&self) -> &Arc<Hand> {
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

    /// The CRMs' time.
    pub fn now(&self) -> Timestamp {
        self.company.first().crm().now()
    }

    /// Sets all clocks.
    pub fn set_time(&self, at: Timestamp) {
        self.set_crm_time(at);
        self.clock.set(at);
    }

    /// Time goes on in the CRMs; the daemon's stands still, so that none of its timers wakes until it is to look.
    pub fn set_crm_time(&self, at: Timestamp) {
        self.company.vendors().for_each(|vendor| vendor.set_time(at));
    }

    /// Moves all clocks.
    pub fn advance(&self, seconds: i64) {
        // The CRMs share one clock.
        self.company.first().crm().advance(seconds);
        self.clock.set(self.now());
    }

    /// Half a minute passes, then everything that can be done is done.
    pub async fn pass(&self) {
        self.advance(30);
        self.settle().await;
    }

    /// Everything that can be done now is done: deliveries, changes, writes.
    pub async fn settle(&self) {
        if self.options.webhooks {
            self.delivered().await;
        }
        self.idle().await;
        if self.options.webhooks {
            self.delivered().await;
            self.idle().await;
        }
    }

    /// What never ends is a test that fails, not one that runs for ever.
    async fn idle(&self) {
        let handle = self.handle();
        let idle = tokio::time::timeout(STUCK, handle.idle()).await;
        idle.unwrap_or_else(|_| panic!("nothing moves any more: {:?}", handle.view().connections())).unwrap();
    }

    /// Every delivery is made, lost or held.
    pub async fn delivered(&self) {
        for vendor in self.company.vendors() {
            vendor.delivered().await;
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

    /// A deal's handoff at a glance: its newest cycle.
    pub fn summary(&self, deal: Deal) -> Option<Summary> {
        let filter = Filter { record: Some(deal.record()), ..Filter::default() };
        self.handle().view().handoffs(&filter).into_iter().next()
    }

    /// Where a deal's handoff stands.
    pub fn phase(&self, deal: Deal) -> Option<Phase> {
        self.summary(deal).map(|summary| summary.phase)
    }

    /// A deal's handoff with its whole stream.
    pub async fn detail(&self, deal: Deal) -> Detail {
        let stream = self.summary(deal).unwrap().stream;
        self.handle().view().handoff(&stream).await.unwrap().unwrap()
    }

    /// Names of all events of a deal, oldest first; empty when there is no handoff.
    pub async fn events(&self, deal: Deal) -> Vec<&'static str> {
        if self.summary(deal).is_none() {
            return Vec::new();
        }
        event_names(&self.detail(deal).await)
    }

    /// The whole log.
    pub async fn log(&self) -> Vec<Entry> {
        let view = self.handle().view();
        let mut entries = Vec::new();
        loop {
            let from = u64::try_from(entries.len()).unwrap();
            let page = view.log(from, 10_000).await.unwrap();
            if page.is_empty() {
                return entries;
            }
            entries.extend(page);
        }
    }

    /// The accounts of what came in by deliveries, one per CRM.
    pub fn by_webhook(&self) -> Vec<Account> {
        let books = self.handle().view().books();
        books
            .into_iter()
            .filter(|(source, _)| source.channel == Channel::Webhook)
            .map(|(_, account)| account)
            .collect()
    }

    /// Notifications taken in so far.
    pub fn received(&self) -> u64 {
        self.by_webhook().iter().map(|account| account.received).sum()
    }

    /// Deliveries refused for a reason so far.
    pub fn refused(&self, why: &str) -> u64 {
        let refusals = self.handle().view().refusals();
        refusals.into_iter().filter(|((_, reason), _)| *reason == why).map(|(_, count)| count).sum()
    }

    /// Checks that everything that came in has exactly one outcome or is pending.
    pub fn assert_accounted(&self) {
        let books = self.handle().view().books();
        assert!(!books.is_empty());
        for (source, account) in books {
            assert!(account.balances(), "{source}: {account:?}");
        }
    }

    /// Checks that everything that came in has exactly one outcome, and that nothing is pending.
    pub fn assert_balanced(&self) {
        self.assert_accounted();
        for (source, account) in self.handle().view().books() {
            assert_eq!(account.pending, 0, "{source}: {account:?}");
        }
    }

    /// Verifies the audit log against the log it was made from; how many entries it covers. The daemon may run.
    pub fn verify_audit(&self) -> u64 {
        let vkey = self.handle().view().head().vkey;
        verify_state(&self.state_dir(), &vkey)
    }
}

fn routes(clock: Arc<Hand>) -> Routes {
    let metrics = Arc::new(Metrics::default());
    Box::new(move |handle: Handle| Surface::new(handle, metrics, clock, None).router())
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

fn registry(files: &[(String, String)]) -> Result<Registry, Vec<Problem>> {
    let mut all: BTreeMap<&str, &str> = shipped().collect();
    all.extend(files.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    Registry::load(all)
}

/// Handoff 03 over every CRM: the stage gate enforced beside pay and queue, Ingrid and Luis receive.
fn config(dir: &Path, company: &Company, since: Timestamp) -> Config {
    let gate = GateName::from("closed_won");
    let several = company.vendors().count() > 1;
    let govern = |vendor: &dyn Vendor| Govern {
        contract: ContractId::from("h03-ae-to-onboarding"),
        mapping: vendor.kind().mapping().to_owned(),
        connection: vendor.crm().connection().clone(),
        motion: several.then(|| MotionId::from(vendor.kind().connection())),
        governed_since: Some(since),
        mode: BTreeMap::from([(gate.clone(), Mode::Enforce)]),
        on_bypass: BTreeMap::from([(gate.clone(), OnBypass::Record)]),
        reunify: None,
        max_writes_per_hour: None,
    };
    let roles = BTreeMap::from([("onboarding_lead".to_owned(), [INGRID, LUIS].map(str::to_owned).to_vec())]);
    let connect = |vendor: &dyn Vendor| (vendor.crm().connection().clone(), vendor.login(dir));
    Config {
        state_dir: dir.join("state"),
        mappings_dir: None,
        http: Http { listen: "127.0.0.1:0".to_owned(), ..Http::default() },
        connection: company.vendors().map(connect).collect(),
        govern: company.vendors().map(govern).collect(),
        evidence: Vec::new(),
        calendar: BTreeMap::new(),
        tasks: None,
        rediscovery: None,
        facts: Vec::new(),
        tests: None,
        assessment: handoffd::config::Assessment::default(),
        rollout: handoffd::config::Rollout::default(),
        feed: BTreeMap::new(),
        people: People { roles, ..People::default() },
        audit: Audit { origin: "test.example/handoffd".to_owned() },
        commission: Commission::default(),
        scorecard: ScorecardSettings::default(),
    }
}

/// After which the daemon is taken to be stuck; the largest data set settles in a tenth of it.
const STUCK: Duration = Duration::from_mins(10);

/// Longest that a test waits for something that must happen.
pub const WAIT: Duration = Duration::from_mins(1);

/// Names of all events of a handoff, oldest first.
pub fn event_names(detail: &Detail) -> Vec<&'static str> {
    let entries = detail.entries.iter().filter_map(|entry| entry.entry.as_ref()?.handoff());
    entries.flat_map(|(_, events)| events.iter().map(handoff_core::event::Event::name)).collect()
}
