//! The stage: two CRMs and the recorded calls of one company, and one daemon, wired to each other over loopback.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use handoff_core::id::ConnectionId;
use handoff_core::mapping::Mapping;
use handoff_core::motion::SignalTable;
use handoff_core::registry::{Registry, shipped};
use handoff_sandbox_gong as gong;
use handoff_sandbox_hubspot as hubspot;
use handoff_sandbox_salesforce as salesforce;
use jiff::Timestamp;

use super::DemoError;
use super::crm::{Crm, HubSpotFace, SalesforceFace};
use super::pace::Paced;
use super::story::{MONA, SUNIL};
use super::wiring::{self, HUBSPOT, SALESFORCE};
use crate::api::Surface;
use crate::app::{App, Handle, Options};
use crate::clock::{Clock, shown};
use crate::config::Config;
use crate::link::Connect;
use crate::metrics::Metrics;

/// Everything that runs during the demo.
pub struct Stage {
    /// Salesforce.
    pub salesforce: salesforce::Sandbox,
    /// HubSpot.
    pub hubspot: hubspot::Sandbox,
    /// Gong.
    pub gong: gong::Sandbox,
    /// The daemon.
    pub app: App,
    /// What the daemon was started with.
    pub config: Config,
    /// The folder that holds the daemon's state; removed with the stage.
    pub folder: tempfile::TempDir,
    crms: Vec<Box<dyn Crm>>,
    mappings: Vec<Mapping>,
    signals: Option<SignalTable>,
    whole: bool,
}

/// How the stage is set; a port of 0 is any.
#[derive(Debug, Clone, Copy, Default)]
pub struct Setting {
    /// The daemon's port.
    pub daemon: u16,
    /// Salesforce's port.
    pub salesforce: u16,
    /// HubSpot's port.
    pub hubspot: u16,
    /// Gong's port.
    pub gong: u16,
    /// Whether the CRMs hold nothing but people at first.
    pub empty: bool,
    /// Whether all six handoffs are governed; else handoff 03 alone.
    pub whole: bool,
}

/// How often a sleeper looks where the story is.
const LOOK: Duration = Duration::from_millis(10);

/// The daemon's clock follows the sandboxes', so that the story may skip the minutes between its steps.
struct Following(salesforce::Org);

impl Clock for Following {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let org = self.0.clone();
        // The story may skip to it at any moment.
        shown(move || org.now(), at, LOOK).boxed()
    }

    /// As long as it takes whoever watches.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration).boxed()
    }
}

impl Stage {
    /// Starts the sandboxes, then the daemon against them, webhooks on.
    pub async fn start(setting: Setting) -> Result<Self, DemoError> {
        Self::start_with(setting, None).await
    }

    /// The same with connections of another make.
    pub(crate) async fn start_with(
        setting: Setting,
        connect: Option<Arc<dyn Connect>>,
    ) -> Result<Self, DemoError> {
        let clock = salesforce::Clock::REAL.shared();
        let salesforce = salesforce::Sandbox::start(salesforce::SandboxOptions {
            clock: clock.clone(),
            port: setting.salesforce,
            seed: if setting.empty { salesforce::Seed::Empty } else { salesforce::Seed::Company },
            ..salesforce::SandboxOptions::default()
        })
        .await?;
        let hubspot = hubspot::Sandbox::start(hubspot::SandboxOptions {
            clock: clock.clone(),
            port: setting.hubspot,
            seed: if setting.empty { hubspot::Seed::Empty } else { hubspot::Seed::Company },
            ..hubspot::SandboxOptions::default()
        })
        .await?;
        let gong = gong::Sandbox::start(gong::SandboxOptions {
            clock,
            port: setting.gong,
            seed: gong::Seed::People,
            ..gong::SandboxOptions::default()
        })
        .await?;
        if setting.whole {
            hire(&salesforce, &hubspot)?;
        }
        let folder = tempfile::Builder::new().prefix("handoffd-demo-").tempdir()?;
        let rule = gong.workspace().add_rule(gong::Rule::signed(wiring::GONG_HOOK))?;
        let registry = Registry::load(shipped()).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            DemoError::Contracts(lines.join("; "))
        })?;
        let signals = registry.signals().cloned();
        let mappings = wiring::mappings(&registry, setting.whole)?;
        let config = wiring::Wiring {
            salesforce: &salesforce,
            hubspot: &hubspot,
            gong: &gong,
            gong_key: gong.workspace().public_key(rule)?,
            folder: folder.path(),
            mappings: &mappings,
            whole: setting.whole,
        }
        .config(setting.daemon)?;
        let crms = faces(&registry, &salesforce, &hubspot)?;
        let clock: Arc<dyn Clock> = Arc::new(Following(salesforce.org().clone()));
        let metrics = Arc::new(Metrics::default());
        let (routed, ticking) = (Arc::clone(&metrics), Arc::clone(&clock));
        let routes = Box::new(move |handle: Handle| Surface::new(handle, routed, ticking, None).router());
        let paced = || -> Arc<dyn Connect> { Arc::new(Paced(salesforce.org().clone())) };
        let connect = connect.or_else(|| setting.whole.then(paced));
        let options = Options { routes: Some(routes), observer: metrics, connect, ..Options::default() };
        let app = App::start(config.clone(), registry, clock, options).await?;
        wiring::deliver(&salesforce, &hubspot, (&gong, rule), app.local_addr())?;
        let whole = setting.whole;
        Ok(Self { salesforce, hubspot, gong, app, config, folder, crms, mappings, signals, whole })
    }

    /// The CRMs, in the order of the story.
    pub(super) fn crms(&self) -> impl Iterator<Item = &dyn Crm> {
        self.crms.iter().map(AsRef::as_ref)
    }

    /// Whether all six handoffs are governed.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// What signals ask for in each motion.
    pub(super) fn signals(&self) -> Option<&SignalTable> {
        self.signals.as_ref()
    }

    /// Where a handoff lives in a CRM.
    pub(super) fn mapping(&self, crm: &dyn Crm, contract: &str) -> Result<&Mapping, DemoError> {
        let connector = &crm.mapping().connector;
        let of_it =
            |mapping: &&Mapping| mapping.contract.as_str() == contract && mapping.connector == *connector;
        let found = self.mappings.iter().find(of_it);
        found.ok_or_else(|| DemoError::Contracts(format!("{contract} has no mapping for {connector}")))
    }

    /// The time on the stage.
    pub fn now(&self) -> Timestamp {
        self.salesforce.org().now()
    }

    /// The state directory.
    pub fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Stops daemon and sandboxes; what the daemon was started with, and the folder of its state.
    pub async fn stop(self) -> Result<(Config, tempfile::TempDir), DemoError> {
        self.app.stop().await?;
        self.salesforce.stop().await;
        self.hubspot.stop().await;
        self.gong.stop().await;
        Ok((self.config, self.folder))
    }

    /// Waits until every webhook is delivered, every change is found and nothing is due; then a minute passes on the stage.
    pub async fn settle(&self) -> Result<(), DemoError> {
        for crm in self.crms() {
            crm.settled().await;
        }
        self.gong.workspace().outbound_settled().await;
        self.app.handle().idle().await?;
        self.advance(60);
        Ok(())
    }

    /// Waits until webhooks are delivered and has one record looked at, as the regular sweep does: what changed beside it, and what time alone
    /// changed, is seen then. A minute passes.
    pub(super) async fn look(&self, record: &handoff_core::id::RecordRef) -> Result<(), DemoError> {
        for crm in self.crms() {
            crm.settled().await;
        }
        let handle = self.app.handle();
        // Nothing tells of a change beside a record: the regular sweep finds it.
        handle.sweep_now().await?;
        // What is read is written in the first look; the second sees what became of it.
        for _ in 0..2 {
            handle.reconcile_now(record).await?;
            handle.drained().await;
        }
        self.advance(60);
        Ok(())
    }

    /// Time passes: all share one clock.
    pub(crate) fn advance(&self, seconds: i64) {
        self.salesforce.org().advance(seconds);
    }
}

/// Marketing and the support lead, with what their teams may.
fn hire(salesforce: &salesforce::Sandbox, hubspot: &hubspot::Sandbox) -> Result<(), DemoError> {
    let people = [(MONA, "Mona", "Keller", "Handoff_Marketing"), (SUNIL, "Sunil", "Rao", "Handoff_Support")];
    for (login, first, last, set) in people {
        let sets = vec![set.to_owned(), "Handoff_Reader".to_owned()];
        let user = salesforce::NewUser::new(login, first, last);
        salesforce.org().create_user(&salesforce::NewUser { permission_sets: sets, ..user })?;
        hubspot.portal().create_user(&hubspot::NewUser {
            email: login.to_owned(),
            first: first.to_owned(),
            last: last.to_owned(),
            super_admin: false,
        })?;
    }
    Ok(())
}

fn faces(
    registry: &Registry,
    salesforce: &salesforce::Sandbox,
    hubspot: &hubspot::Sandbox,
) -> Result<Vec<Box<dyn Crm>>, DemoError> {
    let mapping = |name: &str| -> Result<Mapping, DemoError> {
        let mapping = registry.mapping(name).cloned();
        mapping.ok_or_else(|| DemoError::Contracts(format!("there is no mapping {name}")))
    };
    let salesforce = SalesforceFace {
        org: salesforce.org().clone(),
        connection: ConnectionId::from("sf"),
        mapping: mapping(SALESFORCE)?,
    };
    let hubspot = HubSpotFace {
        portal: hubspot.portal().clone(),
        connection: ConnectionId::from("hs"),
        mapping: mapping(HUBSPOT)?,
    };
    Ok(vec![Box::new(salesforce), Box::new(hubspot)])
}
