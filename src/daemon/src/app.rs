//! The composition root: starts everything, hands out handles, stops everything.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use handoff_core::id::RecordRef;
use handoff_core::registry::Registry;
use handoff_transport::Observer;
use thiserror::Error;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::api::front::Front;
use crate::api::serve::{HEAD_DEADLINE, serve};
use crate::books::Outcome;
use crate::clock::Clock;
use crate::config::{Config, People};
use crate::connect::ConnectError;
use crate::engine::Engine;
use crate::failpoint::Hook;
use crate::fatal::Fatal;
use crate::govern::GovernError;
use crate::heartbeat;
use crate::link::Connect;
use crate::reconcile::RecordPlan;
use crate::view::View;
use crate::{calls, census, ingress, overrides, poll, reconcile, start};

/// Makes the routes that are served beside the webhooks.
pub type Routes = Box<dyn FnOnce(Handle) -> axum::Router + Send>;

/// What a start may be told beside the configuration.
pub struct Options {
    /// More routes to serve.
    pub routes: Option<Routes>,
    /// Told what the transports do.
    pub observer: Arc<dyn Observer>,
    /// Called at every durable step.
    pub failpoint: Option<Hook>,
    /// Between looks at every open handoff.
    pub sweep_every: Duration,
    /// Whether pollers, sweeps and timers run by themselves; a test may drive them by [`Handle::poll_now`] and [`Handle::idle`] instead.
    pub autopilot: bool,
    /// Longest time that a stop waits for work in progress.
    pub drain: Duration,
    /// Makes connectors and their transports; `None` = the real ones.
    pub connect: Option<Arc<dyn Connect>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            routes: None,
            observer: Arc::new(|_note| {}),
            failpoint: None,
            sweep_every: Duration::from_mins(10),
            autopilot: true,
            drain: Duration::from_secs(20),
            connect: None,
        }
    }
}

/// Why the daemon does not start. Gates stay as they are.
#[derive(Debug, Error)]
pub enum StartError {
    /// The state directory.
    #[error(transparent)]
    State(#[from] handoff_store::state::StateError),
    /// What the configuration governs does not fit together.
    #[error(transparent)]
    Govern(#[from] GovernError),
    /// A feed cannot be set up.
    #[error(transparent)]
    Feed(#[from] crate::feed::FeedError),
    /// A connection cannot be set up.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The store failed while starting.
    #[error(transparent)]
    Fatal(#[from] Fatal),
    /// The clearance key.
    #[error("the clearance key {} cannot be used: {detail}", path.display())]
    Clearance {
        /// Its file.
        path: std::path::PathBuf,
        /// What is wrong and what to do.
        detail: String,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: choose another address or port")]
    Listen {
        /// As configured.
        address: String,
        /// What the system said.
        source: std::io::Error,
    },
}

/// A running daemon.
pub struct App {
    handle: Handle,
    address: SocketAddr,
    tasks: JoinSet<()>,
    drain: Duration,
}

/// Steers one running daemon; cheap to clone.
#[derive(Clone)]
pub struct Handle(pub(crate) Arc<Engine>, pub(crate) Arc<Office>);

/// What acts of people need of the configuration.
pub(crate) struct Office {
    pub(crate) people: People,
    pub(crate) state_dir: std::path::PathBuf,
    pub(crate) weight_percent: rust_decimal::Decimal,
    pub(crate) accuracy: handoff_measure::reask::Accuracy,
    pub(crate) assessment: crate::config::Assessment,
    pub(crate) rollout: crate::config::Rollout,
}

impl App {
    /// Starts: opens the state, catches up with the log, connects, listens, polls.
    pub async fn start(
        config: Config,
        registry: Registry,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<Self, StartError> {
        let listen = config.http.listen.clone();
        let failed = |source| StartError::Listen { address: listen.clone(), source };
        // Bound before the state is opened, so that a wrong address costs nothing. Until everything stands senders are asked to come again.
        let listener = tokio::net::TcpListener::bind(&listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (routes, autopilot, drain) = (options.routes, options.autopilot, options.drain);
        let setup = start::Setup {
            observer: options.observer,
            failpoint: options.failpoint,
            sweep_every: options.sweep_every,
            connect: options.connect,
            read_only: false,
        };
        // A start that fails drops the sender, and with it all that is served.
        let mut tasks = JoinSet::new();
        let (begun, beginning) = oneshot::channel::<BoxFuture<'static, ()>>();
        let front = Front::default();
        let meanwhile = front.router();
        tasks.spawn(async move {
            let stopped = async move {
                if let Ok(stopped) = beginning.await {
                    stopped.await;
                }
            };
            serve(listener, meanwhile, HEAD_DEADLINE, stopped).await;
        });
        let office = config.clone();
        let engine = start::engine(config, registry, clock, setup).await?;
        start::announce(&engine).await?;
        let handle = Handle::new(&office, Arc::clone(&engine));
        reconcile::spawn(&engine, &mut tasks);
        calls::spawn(&engine, &mut tasks);
        crate::tasks::spawn(&engine, &mut tasks);
        crate::concrete::spawn(&engine, &mut tasks, autopilot);
        poll::spawn(&engine, &mut tasks, autopilot);
        start::recover(&engine).await?;
        let mut router = ingress::router(Arc::clone(&engine)).merge(crate::feed::router(Arc::clone(&engine)));
        if let Some(routes) = routes {
            router = router.merge(routes(handle.clone()));
        }
        front.open(router);
        // Nobody listens any more only if serving ended by itself, and then there is nothing to stop.
        drop(begun.send(Box::pin(engine.stopped())));
        Ok(Self { handle, address, tasks, drain })
    }

    /// Reads one record, decides and plans, without logging and without writing anything. For the command line while no daemon runs on
    /// the state directory; otherwise ask the daemon by [`Handle::plan_record`].
    pub async fn plan_once(
        config: Config,
        registry: Registry,
        clock: Arc<dyn Clock>,
        options: Options,
        record: &RecordRef,
    ) -> Result<Result<Vec<RecordPlan>, handoff_connector::Fault>, StartError> {
        let setup = start::Setup {
            observer: options.observer,
            failpoint: None,
            sweep_every: options.sweep_every,
            connect: options.connect,
            read_only: false,
        };
        let engine = start::engine(config, registry, clock, setup).await?;
        // What the next start would publish is planned with, so that a first start can be rehearsed.
        for rule in engine.objects.iter().flat_map(|object| &object.rules) {
            engine.contracts.learn(&rule.current.reference, &rule.current.text);
        }
        Ok(reconcile::plan_record(&engine, record).await?)
    }

    /// The address that is listened on.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// A handle to steer it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Questions.
    pub fn view(&self) -> View {
        self.handle.view()
    }

    /// Resolves when the daemon cannot go on.
    pub async fn failed(&self) -> Arc<Fatal> {
        self.handle.0.failed().await
    }

    /// Stops: takes nothing new, finishes what it has begun within [`Options::drain`], signs the log's head.
    pub async fn stop(mut self) -> Result<(), Fatal> {
        self.handle.0.stop();
        let tasks = &mut self.tasks;
        let drained =
            tokio::time::timeout(self.drain, async { while tasks.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            tracing::warn!("work in progress was cut off; it is taken up again at the next start");
            self.tasks.shutdown().await;
        }
        if self.handle.0.has_failed() {
            return Ok(());
        }
        heartbeat::stopped(&self.handle.0).await?;
        self.handle.0.journal.checkpoint(u64::MAX).await.map(drop)
    }
}

impl Handle {
    pub(crate) fn new(config: &Config, engine: Arc<Engine>) -> Self {
        let office = Office {
            people: config.people.clone(),
            state_dir: config.state_dir.clone(),
            weight_percent: config.commission.quality_weight_percent.into(),
            accuracy: crate::config::accuracy(config),
            assessment: config.assessment.clone(),
            rollout: config.rollout.clone(),
        };
        Self(engine, Arc::new(office))
    }

    /// Questions.
    pub fn view(&self) -> View {
        View(Arc::clone(&self.0))
    }

    /// Stops writing, at once; logged with who asked. Deciding and recording go on.
    pub async fn pause(&self, by: &str) -> Result<(), Fatal> {
        self.0.set_switch(false, by).await
    }

    /// Writes again, and looks at every open handoff.
    pub async fn resume(&self, by: &str) -> Result<(), Fatal> {
        self.0.set_switch(true, by).await?;
        self.0.tasks.look_again();
        self.0.sweep_all().await
    }

    /// Reads and decides one record now, whatever parked it; resolves with what became of it.
    pub async fn reconcile_now(&self, record: &RecordRef) -> Result<Outcome, Fatal> {
        reconcile::now(&self.0, record).await
    }

    /// Reads one record, decides and plans, without logging and without writing anything.
    pub async fn plan_record(
        &self,
        record: &RecordRef,
    ) -> Result<Result<Vec<RecordPlan>, handoff_connector::Fault>, Fatal> {
        reconcile::plan_record(&self.0, record).await
    }

    /// Runs one pass over all changes of all objects now; resolves when every record found has its outcome.
    pub async fn poll_now(&self) -> Result<(), Fatal> {
        poll::pass(&self.0).await
    }

    /// Runs the daily reconciliation now: every record that the CRM lists, and every known one that it does not list. False = a CRM could not
    /// be asked; the rest follows at the next try.
    pub async fn census_now(&self) -> Result<bool, Fatal> {
        census::now(&self.0).await
    }

    /// Reads now what the CRMs tell of accounts beside handoffs. False = a CRM could not be asked; the rest follows at the next try.
    pub async fn facts_now(&self) -> Result<bool, Fatal> {
        crate::facts::now(&self.0).await
    }

    /// Freezes the numbers of every month that changes no more, and restates what changed; answers with how many entries that took.
    pub async fn freeze_now(&self) -> Result<usize, Fatal> {
        crate::numbers::freeze(&self.0).await
    }

    /// Looks at every open handoff now.
    pub async fn sweep_now(&self) -> Result<(), Fatal> {
        self.0.sweep().await
    }

    /// Resolves when a pass over all changes found nothing that was not settled already and nothing is due. What waits for a later time
    /// (a retry, a deadline) is not waited for.
    pub async fn idle(&self) -> Result<(), Fatal> {
        poll::idle(&self.0).await
    }

    /// Resolves when nothing is due, without asking the CRM for changes.
    pub async fn drained(&self) {
        poll::quiet(&self.0).await;
    }

    /// Draws the concrete tests that are due, reads what people answered, and scores it; as is done every ten minutes.
    pub async fn test_now(&self) -> Result<(), Fatal> {
        crate::concrete::pass(&self.0).await
    }

    /// A person overrules how a concrete test was scored; logged with who says so. False = there is no such test, or nobody answered it.
    pub async fn mark_test(&self, test: &str, passed: bool, by: &str) -> Result<bool, Fatal> {
        crate::concrete::mark(&self.0, test, passed, by).await
    }

    /// Records what a person says about a suggested place of a call.
    pub async fn answer_evidence(&self, answered: calls::Answered) -> Result<(), calls::NotAnswered> {
        calls::answer(&self.0, answered).await
    }

    /// Records what a person says about a suggested re-ask.
    pub async fn answer_reask(&self, answered: calls::Answered) -> Result<(), calls::NotAnswered> {
        calls::answer_reask(&self.0, answered).await
    }

    /// Logs what one person says about opening a gate without what it waits for, and has the record looked at.
    pub async fn say_override(&self, said: overrides::Said) -> Result<(), overrides::NotSaid> {
        overrides::say(&self.0, said).await
    }

    /// Reads every call that stands as evidence again now, as is done daily; it may have been deleted, made private or linked elsewhere.
    pub async fn recheck_calls(&self) -> Result<(), Fatal> {
        calls::look_at_all(&self.0).await
    }

    /// Lets a connection call again at once, because a person says that the cause of a denial is gone.
    pub fn reset_connection(&self, connection: &handoff_core::id::ConnectionId) -> bool {
        self.0.links.get(connection).map(|link| link.transport.reset()).is_some()
    }
}
