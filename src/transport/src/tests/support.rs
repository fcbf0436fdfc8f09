//! Fakes with state.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use handoff_connector::{
    AuthKind, Body, Budget, CheckReport, Connector, Exchange, Fault, Lane, Meter, MeterReading, Reply,
    Request, Scope, Spec, Step, Window, classify_common, retry_after,
};
use handoff_core::extract::ReadPlan;
use handoff_core::id::ObjectName;
use handoff_core::mapping::Mapping;
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use tokio::sync::watch;
use url::Url;

use crate::{
    AllowedHosts, Clock, DayCount, Grant, HttpConfig, HttpWire, Ledger, LedgerError, Note, Parts, Scheme,
    Secret, SessionConfig, TokenSource, TokenVault, Transport, TransportConfig, VaultError, Wire, until,
};

pub(crate) fn start() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// Time that moves only when told to, or by exactly what is slept.
pub(crate) struct ManualClock {
    now: watch::Sender<Timestamp>,
    auto: bool,
    pub(crate) slept: Mutex<Vec<Duration>>,
}

impl ManualClock {
    /// Sleeping moves time on.
    pub(crate) fn auto() -> Arc<Self> {
        Arc::new(Self { now: watch::Sender::new(start()), auto: true, slept: Mutex::default() })
    }

    /// Only [`Self::advance`] moves time on.
    pub(crate) fn still() -> Arc<Self> {
        Arc::new(Self { now: watch::Sender::new(start()), auto: false, slept: Mutex::default() })
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now += by);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let left = until(self.now(), at);
        self.slept.lock().unwrap().push(left);
        if self.auto {
            self.advance(left);
            return futures::future::ready(()).boxed();
        }
        let mut now = self.now.subscribe();
        async move {
            now.wait_for(|now| *now >= at).await.unwrap();
        }
        .boxed()
    }
}

#[derive(Default)]
pub(crate) struct MemoryLedger {
    pub(crate) counts: Mutex<BTreeMap<String, DayCount>>,
}

impl Ledger for MemoryLedger {
    fn load(&self, budget: &str) -> Result<Option<DayCount>, LedgerError> {
        Ok(self.counts.lock().unwrap().get(budget).cloned())
    }

    fn save(&self, budget: &str, count: &DayCount) -> Result<(), LedgerError> {
        self.counts.lock().unwrap().insert(budget.to_owned(), count.clone());
        Ok(())
    }
}

/// Keeps a token and tells what happened to it; fails while `broken`.
#[derive(Default)]
pub(crate) struct MemoryVault {
    pub(crate) token: Mutex<Option<String>>,
    pub(crate) broken: std::sync::atomic::AtomicBool,
    pub(crate) stores: AtomicU64,
    pub(crate) forgets: std::sync::atomic::AtomicBool,
}

impl TokenVault for MemoryVault {
    fn load(&self) -> Result<Option<Secret<String>>, VaultError> {
        Ok(self.token.lock().unwrap().clone().map(Secret::new))
    }

    fn keeps(&self) -> bool {
        !self.forgets.load(Ordering::SeqCst)
    }

    fn store(&self, token: &Secret<String>) -> Result<(), VaultError> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(VaultError { detail: "disk full".to_owned() });
        }
        self.stores.fetch_add(1, Ordering::SeqCst);
        *self.token.lock().unwrap() = Some(token.expose().clone());
        Ok(())
    }
}

/// Grants numbered tokens as `answer` says for each call (the first is 1).
pub(crate) struct Tokens {
    pub(crate) calls: AtomicU64,
    answer: Box<dyn Fn(u64) -> Result<Grant, Fault> + Send + Sync>,
}

impl Tokens {
    pub(crate) fn new(answer: impl Fn(u64) -> Result<Grant, Fault> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { calls: AtomicU64::new(0), answer: Box::new(answer) })
    }

    pub(crate) fn numbered() -> Arc<Self> {
        Self::new(|number| Ok(grant(&format!("token-{number}"))))
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }
}

impl TokenSource for Tokens {
    fn fetch(&self, _wire: Arc<dyn Wire>, _now: Timestamp) -> BoxFuture<'_, Result<Grant, Fault>> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        async move {
            // lets everybody else run, so that a race would show
            tokio::task::yield_now().await;
            (self.answer)(number)
        }
        .boxed()
    }
}

pub(crate) fn grant(token: &str) -> Grant {
    Grant {
        access_token: token.into(),
        scheme: Scheme::Bearer,
        instance_url: None,
        org_id: None,
        lifetime: None,
    }
}

pub(crate) static BUDGETS: [Budget; 3] = [
    Budget {
        name: "short",
        limit: 100,
        window: Window::Short(Duration::from_secs(10)),
        scope: Scope::App,
        reserve_percent: 20,
    },
    Budget { name: "day", limit: 1_000, window: Window::Rolling24h, scope: Scope::Org, reserve_percent: 20 },
    Budget { name: "slots", limit: 5, window: Window::Concurrent, scope: Scope::Org, reserve_percent: 20 },
];

static SPEC: Spec = Spec {
    name: "fake",
    api_version: "1",
    auth: &[AuthKind::ClientCredentials],
    budgets: &BUDGETS,
    read_batch: 1,
    write_batch: 1,
};

/// A connector that only knows its meter: header `x-used: <used>/<limit>`.
pub(crate) struct Fake;

impl Connector for Fake {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn check(
        &self,
        _mappings: &[Mapping],
        _plans: &[ReadPlan],
        _writes: &[(ObjectName, Vec<String>)],
    ) -> Box<dyn Exchange<Output = CheckReport>> {
        panic!("not asked for here")
    }

    fn meter(&self, reply: &Reply) -> Meter {
        let read = || {
            let (used, limit) = reply.headers.get("x-used")?.to_str().ok()?.split_once('/')?;
            Some(MeterReading { budget: "day", used: used.parse().ok()?, limit: limit.parse().ok()? })
        };
        read().into_iter().collect()
    }
}

/// One call that yields the body as text and reads faults as a connector would.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) lane: Lane,
    pub(crate) idempotent: bool,
    pub(crate) cost: &'static [(&'static str, u32)],
    pub(crate) path: &'static str,
}

pub(crate) const ALL: &[(&str, u32)] = &[("short", 1), ("day", 1), ("slots", 1)];

pub(crate) fn read() -> Call {
    Call { lane: Lane::Read, idempotent: true, cost: ALL, path: "/query" }
}

pub(crate) fn write() -> Call {
    Call { lane: Lane::GateClose, idempotent: false, cost: ALL, path: "/write" }
}

impl Exchange for Call {
    type Output = String;

    fn request(&mut self) -> Request {
        Request {
            method: Method::GET,
            path: self.path.to_owned(),
            headers: HeaderMap::new(),
            body: Body::Empty,
            lane: self.lane,
            cost: self.cost,
            idempotent: self.idempotent,
            name: "call",
        }
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<String>, Fault> {
        if let Some(fault) = classify_common(reply) {
            return Err(fault);
        }
        match reply.status.as_u16() {
            200 => Ok(Step::Done(String::from_utf8_lossy(&reply.body).into_owned())),
            401 => Err(Fault::Expired),
            403 => Err(Fault::Denied { detail: "no access".to_owned(), remedy: "Give access".to_owned() }),
            404 => Err(Fault::Gone),
            409 => Err(Fault::Transient { detail: "the row is locked".to_owned() }),
            412 => Err(Fault::Stale),
            430 => Err(Fault::Throttled { retry_after: retry_after(&reply.headers), budget: "day" }),
            431 => Err(Fault::Throttled { retry_after: retry_after(&reply.headers), budget: "short" }),
            _ => Err(Fault::Protocol { detail: "unknown status".to_owned() }),
        }
    }
}

pub(crate) fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Reply {
    let headers = headers
        .iter()
        .map(|(name, value)| {
            (http::HeaderName::from_static(name), http::HeaderValue::from_str(value).unwrap())
        })
        .collect();
    Reply {
        status: StatusCode::from_u16(status).unwrap(),
        headers,
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

/// A transport with everything that a test may look at.
pub(crate) struct Rig {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ledger: Arc<MemoryLedger>,
    pub(crate) tokens: Arc<dyn TokenSource>,
    pub(crate) wire: Arc<dyn Wire>,
    pub(crate) notes: Arc<Mutex<Vec<Note>>>,
    pub(crate) config: TransportConfig,
}

impl Rig {
    pub(crate) fn new(wire: impl Wire + 'static, tokens: Arc<dyn TokenSource>) -> Self {
        Self {
            clock: ManualClock::auto(),
            ledger: Arc::default(),
            tokens,
            wire: Arc::new(wire),
            notes: Arc::default(),
            config: TransportConfig {
                connection: "test".to_owned(),
                base_url: Url::parse("https://acme.my.example.com").unwrap(),
                hosts: hosts(false),
                session: SessionConfig::default(),
                limits: BTreeMap::new(),
                timeout: Duration::from_secs(15),
                attempts: 4,
            },
        }
    }

    /// Against a real server on loopback.
    pub(crate) fn real(base: &Url, tokens: Arc<dyn TokenSource>) -> Self {
        let mut rig = Self::new(http_wire(true, 4_096), tokens);
        rig.config.base_url = base.clone();
        rig.config.hosts = hosts(true);
        rig
    }

    pub(crate) fn build(&self) -> Arc<Transport> {
        Arc::new(self.try_build().unwrap())
    }

    pub(crate) fn try_build(&self) -> Result<Transport, crate::SetupError> {
        let notes = Arc::clone(&self.notes);
        let parts = Parts {
            connector: Arc::new(Fake),
            wire: Arc::clone(&self.wire),
            tokens: Arc::clone(&self.tokens),
            clock: self.clock.clone(),
            chance: Arc::new(|| 0.5),
            ledger: self.ledger.clone(),
            observer: Arc::new(move |note| notes.lock().unwrap().push(note)),
        };
        Transport::new(self.config.clone(), parts)
    }

    pub(crate) fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn slept(&self) -> Vec<Duration> {
        self.clock.slept.lock().unwrap().clone()
    }
}

pub(crate) fn hosts(allow_loopback: bool) -> AllowedHosts {
    AllowedHosts {
        names: vec!["*.my.example.com".to_owned(), "login.example.com".to_owned()],
        allow_loopback,
    }
}

pub(crate) fn http_config(allow_loopback: bool, body_cap: usize) -> HttpConfig {
    HttpConfig {
        hosts: hosts(allow_loopback),
        connect_timeout: Duration::from_secs(5),
        body_cap,
        extra_roots: Vec::new(),
    }
}

pub(crate) fn http_wire(allow_loopback: bool, body_cap: usize) -> HttpWire {
    HttpWire::new(http_config(allow_loopback, body_cap)).unwrap()
}

/// Serves on an ephemeral port until the test ends.
pub(crate) async fn serve(router: axum::Router) -> Url {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

/// A wire that answers from a function of the number of the call (the first is 1) and its `Authorization`.
pub(crate) fn scripted(
    answer: impl Fn(u64, &str) -> Result<Reply, crate::WireFault> + Send + Sync + 'static,
) -> (impl Wire, Arc<AtomicU64>) {
    let calls = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&calls);
    let wire = move |request: crate::WireRequest| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        let bearer = request.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or("");
        let reply = answer(number, bearer);
        async move {
            tokio::task::yield_now().await;
            reply
        }
    };
    (wire, calls)
}
