//! Opens the state, catches up with the log, connects, and takes up what was left.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use handoff_core::clearance::ClearanceKey;
use handoff_core::contract::OnOutage;
use handoff_core::decide::Terms;
use handoff_core::digest::{Digest, hex};
use handoff_core::journal::LogEntry;
use handoff_core::registry::{Held, Registry};
use handoff_store::state::{State, StateOptions};
use handoff_transport::Observer;
use rand::RngCore as _;
use tokio::sync::watch;

use crate::app::StartError;
use crate::backfill;
use crate::books::{Account, Source};
use crate::calls::{self, Book, Listener};
use crate::clock::Clock;
use crate::concrete;
use crate::config::Config;
use crate::connect::{ConnectError, Real, RowsLedger, RowsVault};
use crate::directory::Directory;
use crate::engine::{Engine, Switch};
use crate::facts;
use crate::failpoint::Hook;
use crate::fatal::Fatal;
use crate::feed::{self, Feeds};
use crate::finance::{self, Finance};
use crate::govern::{Governed, Rule, governed};
use crate::heartbeat;
use crate::ingress::{self, Ingress};
use crate::journal::Journal;
use crate::link::{Connect, Equipment, Link};
use crate::memory::{BOOK, Change, OUTAGES, Rows, SETTING, SWITCH, blocking};
use crate::numbers::Numbers;
use crate::parked::Shelf;
use crate::published::Contracts;
use crate::secret;
use crate::snapshots::Snapshots;
use crate::tasks::{self, Desks};
use crate::view::SwitchView;

/// What a start needs beside configuration and clock.
pub(crate) struct Setup {
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) failpoint: Option<Hook>,
    pub(crate) sweep_every: Duration,
    pub(crate) connect: Option<Arc<dyn Connect>>,
    /// Whether nothing may be written to any CRM, whatever the configuration says.
    pub(crate) read_only: bool,
}

/// What the state directory holds, taken up.
struct Opened {
    journal: Arc<Journal>,
    memory: Arc<Rows>,
    contracts: Arc<Contracts>,
    snapshots: Arc<Snapshots>,
    evidence: Arc<Book>,
    tasks: Desks,
    tests: concrete::Book,
    parked: Shelf,
    finance: Finance,
    switch: Switch,
    key: ClearanceKey,
}

/// Everything, ready to work; nothing is sent yet and nothing logged.
pub(crate) async fn engine(
    config: Config,
    registry: Registry,
    clock: Arc<dyn Clock>,
    setup: Setup,
) -> Result<Arc<Engine>, StartError> {
    let mut objects = governed(&config, &registry)?;
    let listeners: Vec<Arc<Listener>> =
        calls::listeners(&config, &registry)?.into_iter().map(Arc::new).collect();
    let (feeds, facts) = (Feeds::new(&config)?, config.facts.clone());
    let numbers = Numbers::new(&config);
    let desks = Desks::new(&config, &registry, &objects);
    let tests = concrete::Book::new(config.tests.clone());
    let opened = open(&config, &clock, &listeners, desks, tests).await?;
    let outages = heartbeat::outages(&opened.memory, clock.now()).await?;
    for rule in objects.iter_mut().flat_map(|object| &mut object.rules) {
        settle(&opened, rule, clock.now());
        // They would only burden the log of a contract that makes nothing of them.
        if rule.current.contract.gates.values().any(|gate| gate.on_outage != OnOutage::Closed) {
            rule.terms.outages.clone_from(&outages);
        }
    }
    let objects: Vec<Arc<Governed>> = objects.into_iter().map(Arc::new).collect();
    let links = links(&config, &clock, &setup, &opened, &objects)?;
    for listener in &listeners {
        if links.get(&listener.connection).is_none_or(|link| link.purpose.calls().is_none()) {
            return Err(listener.is_no_connection_with_calls().into());
        }
    }
    Ok(Arc::new(Engine {
        clock,
        max_body: config.http.max_body_bytes,
        journal: opened.journal,
        memory: opened.memory,
        contracts: opened.contracts,
        snapshots: opened.snapshots,
        evidence: opened.evidence,
        tasks: opened.tasks,
        tests: opened.tests,
        listeners,
        links,
        objects,
        parked: opened.parked,
        finance: opened.finance,
        numbers,
        switch: opened.switch,
        ingress: Ingress::new(),
        feeds,
        facts,
        key: opened.key,
        sweep_every: setup.sweep_every,
        failpoint: setup.failpoint,
        activity: AtomicU64::new(0),
        stopping: watch::Sender::new(false),
        fatal: watch::Sender::new(None),
    }))
}

async fn open(
    config: &Config,
    clock: &Arc<dyn Clock>,
    listeners: &[Arc<Listener>],
    tasks: Desks,
    tests: concrete::Book,
) -> Result<Opened, StartError> {
    let listeners = listeners.to_vec();
    let (dir, origin, clock) = (config.state_dir.clone(), config.audit.origin.clone(), Arc::clone(clock));
    let runtime = tokio::runtime::Handle::current();
    let opening = tokio::task::spawn_blocking(move || {
        let state = State::open(&dir, &StateOptions::new(origin), &mut rand::rng())?;
        let key = clearance_key(&dir.join("keys").join("clearance.key"))?;
        let (rebuild, bodies) = (state.rebuild.is_some(), state.bodies.clone());
        let memory = Arc::new(Rows::new(Arc::clone(&state.memory)));
        let journal = Arc::new(Journal::new(state));
        let contracts = Arc::new(Contracts::new(bodies));
        let snapshots = Arc::new(Snapshots::new(Arc::clone(&journal), Arc::clone(&memory)));
        contracts.load(&memory)?;
        snapshots.open()?;
        let evidence = Arc::new(Book::new(Arc::clone(&journal), Arc::clone(&memory)));
        evidence.open()?;
        tasks.open(&memory)?;
        tests.open(&memory)?;
        let replayed = snapshots.catch_up(
            &contracts,
            clock.now(),
            |position, entry, change| {
                tasks.caught(entry, change);
                tests.caught(position, entry, change);
                feed::caught(&journal, entry, change);
                facts::caught(entry, change);
                own_entry(&evidence, position, entry, change);
            },
            |change| {
                journal.keys_durable()?;
                Ok(runtime.block_on(memory.commit(change))?)
            },
        )?;
        if rebuild {
            memory.rebuilt().map_err(Fatal::from)?;
        }
        evidence.ready()?;
        for listener in &listeners {
            listener.open(&memory, &journal)?;
        }
        tracing::info!(replayed, rebuild, entries = journal.head(), "the state is open");
        let finance = Finance::open(&memory, &contracts)?;
        let parked = Shelf::default();
        parked.open(&memory)?;
        open_books(&memory)?;
        let switch = Switch::default();
        let row = memory.get_now(SWITCH).map_err(Fatal::from)?;
        switch
            .take_up(row.and_then(|row| serde_json::from_slice::<SwitchView>(&row).ok()).unwrap_or_default());
        Ok(Opened {
            journal,
            memory,
            contracts,
            snapshots,
            evidence,
            tasks,
            tests,
            parked,
            finance,
            switch,
            key,
        })
    });
    opening.await.unwrap_or(Err(StartError::Fatal(Fatal::Worker { what: "the opening of the state" })))
}

/// Lets a rule govern by the text that the log says is in force, whatever the files say, and says so aloud where they differ.
fn settle(opened: &Opened, rule: &mut Rule, now: jiff::Timestamp) {
    let Some(text) = opened.finance.in_force(&rule.nominated, now).filter(|text| *text != rule.nominated)
    else {
        return;
    };
    tracing::error!(
        contract = %text.id, in_force = text.version, files = rule.nominated.version,
        "the files hold a contract text that is not in force: nobody approved and published it, or a newer one was published; the text in force stays in force, see `handoffd contract list`"
    );
    if let Some(contract) = opened.contracts.get(&text) {
        rule.current = Held { contract: (*contract).clone(), text: String::new(), reference: text };
    }
}

/// What an entry of our own leaves in the memory.
fn own_entry(evidence: &Book, position: u64, entry: &LogEntry, change: &mut Change) {
    evidence.caught(position, entry, change);
    backfill::caught(position, entry, change);
    finance::caught(position, entry, change);
    match entry {
        LogEntry::Switched { on, by, at } => {
            let view = SwitchView { paused: !on, by: Some(by.clone()), at: Some(*at), tripped: Vec::new() };
            change.put_json(SWITCH.to_owned(), &view);
        }
        LogEntry::ConfigChanged { what, digest, .. } => change.put_json(format!("{SETTING}{what}"), digest),
        LogEntry::Decided { .. }
        | LogEntry::Reconstructed { .. }
        | LogEntry::Confirmed { .. }
        | LogEntry::Overridden { .. }
        | LogEntry::EvidenceSuggested { .. }
        | LogEntry::EvidenceAnswered { .. }
        | LogEntry::EvidenceWithdrawn { .. }
        | LogEntry::ReaskSuggested { .. }
        | LogEntry::ReaskAnswered { .. }
        | LogEntry::ReaskReported { .. }
        | LogEntry::Task { .. }
        | LogEntry::Test { .. }
        | LogEntry::FeedTaken { .. }
        | LogEntry::AccountSeen { .. }
        | LogEntry::SurveyAnswered { .. }
        | LogEntry::ContractPublished { .. }
        | LogEntry::ContractStep { .. }
        | LogEntry::MetricsFrozen { .. }
        | LogEntry::PeriodClosed { .. }
        | LogEntry::Started { .. } => {}
    }
}

fn open_books(memory: &Rows) -> Result<(), Fatal> {
    let rows = memory.scan_now(BOOK)?;
    let rows: Vec<(Source, Account)> =
        rows.iter().filter_map(|(_, row)| serde_json::from_slice(row).ok()).collect();
    memory.open_books(rows, &ingress::held(memory)?);
    Ok(())
}

fn links(
    config: &Config,
    clock: &Arc<dyn Clock>,
    setup: &Setup,
    opened: &Opened,
    objects: &[Arc<Governed>],
) -> Result<BTreeMap<handoff_core::id::ConnectionId, Link>, StartError> {
    let connect = setup.connect.clone().unwrap_or_else(|| Arc::new(Real));
    let mut links = BTreeMap::new();
    for (id, connection) in &config.connection {
        let own = objects.iter().filter(|object| object.connection == *id);
        let writes = !setup.read_only && own.flat_map(|object| &object.rules).any(Rule::writes);
        let equipment = Equipment {
            clock: Arc::clone(clock),
            chance: Arc::new(rand::random::<f64>),
            ledger: Arc::new(RowsLedger::new(Arc::clone(&opened.memory), id.clone())),
            vault: Arc::new(RowsVault::new(
                Arc::clone(&opened.memory),
                Arc::clone(&opened.journal),
                id.clone(),
            )),
            observer: Arc::clone(&setup.observer),
            writes,
        };
        let connected = connect.connect(id, connection, equipment)?;
        if connected.purpose.source().is_none() && objects.iter().any(|object| object.connection == *id) {
            return Err(ConnectError::NotACrm { connection: id.clone() }.into());
        }
        let secrets: Result<Vec<_>, _> = connection.webhook_secrets.iter().map(secret::read).collect();
        let secrets = secrets.map_err(|source| ConnectError::Secret { connection: id.clone(), source })?;
        let link = Link {
            id: id.clone(),
            // Without an enforced gate there is nothing that could write, whatever the connector can do.
            purpose: if writes { connected.purpose } else { connected.purpose.without_writes() },
            inbound: connected.inbound,
            transport: connected.transport,
            directory: Directory::new(config.people.clone(), opened.tasks.posts.clone()),
            secrets,
            poll_every: connection.poll_every(),
        };
        links.insert(id.clone(), link);
    }
    Ok(links)
}

/// Logs the contracts' texts before their first use.
pub(crate) async fn publish(engine: &Arc<Engine>) -> Result<(), Fatal> {
    for rule in engine.objects.iter().flat_map(|object| &object.rules) {
        let at = engine.clock.now();
        let held = &rule.current;
        if engine.contracts.get(&held.reference).is_none() {
            let (contracts, pin, text) =
                (Arc::clone(&engine.contracts), held.reference.clone(), held.text.clone());
            let change = blocking(move || {
                let mut change = Change::default();
                contracts.publish(&mut change, &pin, &text)?;
                Ok(change)
            })
            .await?;
            let (contract, text) = (held.reference.clone(), held.text.clone());
            let entry = LogEntry::ContractPublished { contract, text, at };
            let position = engine.append_own(entry.clone(), change).await?;
            engine.finance.apply(position, &entry);
        }
    }
    Ok(())
}

/// Logs what governs from now on: contracts before their first use, changed settings, the start itself.
pub(crate) async fn announce(engine: &Arc<Engine>) -> Result<(), Fatal> {
    publish(engine).await?;
    for rule in engine.objects.iter().flat_map(|object| &object.rules) {
        let name = &rule.mapping.mapping;
        setting(engine, format!("mapping {name}"), Digest::of(&rule.mapping)).await?;
        // Outages happen, nobody sets them.
        let terms = Terms { outages: Vec::new(), ..rule.terms.clone() };
        setting(engine, format!("terms {name}"), Digest::of(&terms)).await?;
    }
    for mapping in engine.listeners.iter().flat_map(|listener| listener.mappings()) {
        setting(engine, format!("evidence {}", mapping.evidence), Digest::of(mapping)).await?;
    }
    for listener in &engine.listeners {
        if let Some(lexicon) = listener.lexicon() {
            setting(engine, format!("lexicon {}", listener.connection), Digest::of(&lexicon)).await?;
        }
    }
    let (version, at) = (env!("CARGO_PKG_VERSION").to_owned(), engine.clock.now());
    let down_since = heartbeat::last(&engine.memory).await?.filter(|since| *since <= at);
    let mut change = heartbeat::beat(at);
    let outages = heartbeat::outages(&engine.memory, at).await?;
    change.put_json(OUTAGES.to_owned(), &outages);
    engine.append_own(LogEntry::Started { version, down_since, at }, change).await?;
    Ok(())
}

async fn setting(engine: &Arc<Engine>, what: String, digest: Digest) -> Result<(), Fatal> {
    let key = format!("{SETTING}{what}");
    if engine.memory.get_json::<String>(key.clone()).await?.as_deref() == Some(digest.0.as_str()) {
        return Ok(());
    }
    let mut change = Change::default();
    change.put_json(key, &digest.0);
    let entry = LogEntry::ConfigChanged { what, digest: digest.0, at: engine.clock.now() };
    engine.append_own(entry, change).await.map(drop)
}

/// Takes up what was left: undone deliveries, and every open handoff, whose writes may have been cut off.
pub(crate) async fn recover(engine: &Arc<Engine>) -> Result<(), Fatal> {
    ingress::recover(engine).await?;
    calls::recover(engine).await?;
    tasks::recover(engine).await?;
    engine.sweep_all().await
}

/// The key of the clearance ids, created at the first start (mode 600).
fn clearance_key(path: &Path) -> Result<ClearanceKey, StartError> {
    let failed = |detail: String| StartError::Clearance { path: path.to_owned(), detail };
    if !path.exists() {
        let mut bytes = zeroize::Zeroizing::new([0_u8; 32]);
        rand::rng().fill_bytes(bytes.as_mut_slice());
        create_secret(path, &format!("{}\n", hex(bytes.as_slice())))
            .map_err(|error| failed(error.to_string()))?;
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.permissions(),
    );
    if mode & 0o077 != 0 {
        return Err(failed("others can read it; set its mode to 600 and consider the key known".to_owned()));
    }
    let text =
        zeroize::Zeroizing::new(std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?);
    let text = text.trim();
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(failed("it does not hold 64 hexadecimal digits: restore it from a backup".to_owned()));
    }
    ClearanceKey::new(text.as_bytes().to_vec()).ok_or_else(|| failed("it is too short".to_owned()))
}

fn create_secret(path: &Path, text: &str) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
