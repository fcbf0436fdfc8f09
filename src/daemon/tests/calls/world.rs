//! A company in the sandbox, a daemon governing it over HTTP, and one clock for both.

use std::collections::BTreeMap;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use handoff_core::contract::{Mode, OnBypass};
use handoff_core::handoff::Phase;
use handoff_core::id::{ConnectionId, ContractId, GateName, ObjectName, RecordId, RecordRef};
use handoff_core::registry::{Registry, shipped};
use handoff_sandbox_salesforce::{Act, Id, Org, Sandbox, SandboxOptions, seed};
use handoffd::app::{App, Handle, Options};
use handoffd::clock::ManualClock;
use handoffd::config::{
    Audit, Auth, Commission, Config, Connection, Govern, Http, People, ScorecardSettings, SecretRef,
};
use handoffd::view::{Detail, Filter, Summary};
use serde_json::{Value, json};

pub(crate) const AVA: &str = "ava.lindqvist@northwind-peak.example";
pub(crate) const INGRID: &str = "ingrid.moen@northwind-peak.example";
const LUIS: &str = "luis.ortega@northwind-peak.example";

pub(crate) const COMMISSION: &str = "Handoff_03_Commission_Open__c";
pub(crate) const DECISION: &str = "Handoff_03_Decision__c";

pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: Arc<ManualClock>,
    /// Removed with the world.
    pub(crate) _dir: tempfile::TempDir,
    pub(crate) app: Option<App>,
    pub(crate) options: fn() -> Options,
    pub(crate) config: Config,
}

fn by_hand() -> Options {
    Options { autopilot: false, ..Options::default() }
}

pub(crate) fn secret(dir: &Path, name: &str, text: &str) -> SecretRef {
    let path = dir.join(name);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    SecretRef { env: None, file: Some(path) }
}

pub(crate) fn config(dir: &Path, sandbox: &Sandbox) -> Config {
    let gate = GateName::from("closed_won");
    let auth = Auth::ClientCredentials {
        client_id: secret(dir, "id", seed::CLIENT_ID),
        client_secret: secret(dir, "secret", seed::CLIENT_SECRET),
    };
    let connection = Connection {
        org_id: Some(sandbox.org().id().to_string()),
        webhook_secrets: vec![secret(dir, "webhook", "hook-secret")],
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
        reunify: None,
        max_writes_per_hour: None,
    };
    let roles = BTreeMap::from([("onboarding_lead".to_owned(), vec![INGRID.to_owned(), LUIS.to_owned()])]);
    Config {
        state_dir: dir.join("state"),
        mappings_dir: None,
        http: Http { listen: "127.0.0.1:0".to_owned(), ..Http::default() },
        connection: BTreeMap::from([(ConnectionId::from("sf"), connection)]),
        govern: vec![govern],
        evidence: Vec::new(),
        calendar: BTreeMap::new(),
        tasks: None,
        tests: None,
        assessment: handoffd::config::Assessment::default(),
        rollout: handoffd::config::Rollout::default(),
        rediscovery: None,
        facts: Vec::new(),
        feed: BTreeMap::new(),
        people: People { roles, ..People::default() },
        audit: Audit { origin: "test.example/handoffd".to_owned() },
        commission: Commission::default(),
        scorecard: ScorecardSettings::default(),
    }
}

impl World {
    /// Everything but the daemon.
    pub(crate) async fn quiet() -> Self {
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        // The first test of the process sets it for all.
        drop(tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init());
        let sandbox = Sandbox::start(SandboxOptions::manual()).await.unwrap();
        let clock = Arc::new(ManualClock::new(sandbox.org().now()));
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path(), &sandbox);
        Self { sandbox, clock, _dir: dir, app: None, options: by_hand, config }
    }

    pub(crate) async fn begin(&mut self) {
        self.begin_with((self.options)()).await;
    }

    /// Starts once nothing of an earlier daemon holds the directory any more: what its last signature needed is let go on another thread.
    pub(crate) async fn begin_with(&mut self, options: Options) {
        while std::fs::File::open(self.config.state_dir.join("lock"))
            .is_ok_and(|lock| lock.try_lock().is_err())
        {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let app =
            App::start(self.config.clone(), Registry::load(shipped()).unwrap(), self.clock.clone(), options)
                .await
                .unwrap();
        self.app = Some(app);
    }

    pub(crate) async fn stop(&mut self) {
        if let Some(app) = self.app.take() {
            app.stop().await.unwrap();
        }
    }

    pub(crate) fn handle(&self) -> Handle {
        self.app.as_ref().unwrap().handle()
    }

    pub(crate) fn org(&self) -> &Org {
        self.sandbox.org()
    }

    /// A moment passes on both clocks.
    pub(crate) fn pass(&self, seconds: u64) {
        self.org().advance(i64::try_from(seconds).unwrap());
        self.clock.set(self.org().now());
    }

    /// Everything that can be done now is done.
    pub(crate) async fn settle(&self) {
        self.pass(30);
        self.handle().idle().await.unwrap();
    }

    pub(crate) fn user(&self, name: &str) -> String {
        self.org().user(name).unwrap().to_string()
    }

    /// A deal of Ava's, to be received by Ingrid, with an empty package.
    pub(crate) fn deal(&self, stage: &str) -> Id {
        let account = self.org().query("SELECT Id FROM Account ORDER BY Id LIMIT 1").unwrap();
        let account = account.first().unwrap().get("Id").unwrap().clone();
        let fields = json!({
            "Name": "Story", "StageName": stage, "CloseDate": "2026-12-20", "AccountId": account,
            "Amount": 50_000, "Onboarding_Lead__c": self.user(INGRID), "OwnerId": self.user(AVA),
        });
        self.org().act(&Act::create(AVA, "Opportunity", &fields)).unwrap()
    }

    pub(crate) fn edit(&self, who: &str, deal: Id, fields: &Value) {
        self.pass(5);
        self.org().act(&Act::update(who, "Opportunity", deal, fields)).unwrap();
    }

    pub(crate) fn complete(&self, deal: Id) {
        self.edit(AVA, deal, &package());
        let contacts = self.org().query("SELECT Id FROM Contact ORDER BY Id LIMIT 2").unwrap();
        for (role, contact) in ["Economic Buyer", "Champion"].into_iter().zip(contacts) {
            let fields = json!({"OpportunityId": deal.as_str(), "ContactId": contact.get("Id").unwrap(), "Role": role});
            self.org().act(&Act::create(AVA, "OpportunityContactRole", &fields)).unwrap();
        }
    }

    pub(crate) fn flag(&self, deal: Id, field: &str) -> bool {
        self.org().field(deal, field) == json!(true)
    }

    pub(crate) fn record(deal: Id) -> RecordRef {
        RecordRef {
            connection: ConnectionId::from("sf"),
            object: ObjectName::from("Opportunity"),
            record: RecordId(deal.to_string()),
        }
    }

    pub(crate) fn summary(&self, deal: Id) -> Option<Summary> {
        let filter = Filter { record: Some(Self::record(deal)), ..Filter::default() };
        self.handle().view().handoffs(&filter).into_iter().next()
    }

    pub(crate) fn phase(&self, deal: Id) -> Option<Phase> {
        self.summary(deal).map(|summary| summary.phase)
    }

    pub(crate) async fn detail(&self, deal: Id) -> Detail {
        let stream = self.summary(deal).unwrap().stream;
        self.handle().view().handoff(&stream).await.unwrap().unwrap()
    }

    pub(crate) fn assert_balanced(&self) {
        let books = self.handle().view().books();
        assert!(!books.is_empty());
        for (source, account) in books {
            assert!(account.balances(), "{source}: {account:?}");
            assert_eq!(account.pending, 0, "{source}: {account:?}");
        }
    }
}

/// A package that says something in every part.
pub(crate) fn package() -> Value {
    json!({
        "Signing_Authority__c": "CFO signs up to 250,000 EUR alone; above that the board",
        "Champion_Strength__c": "Strong",
        "Political_Dynamics__c": "Operations wants it; IT fears another integration to look after",
        "Verbal_Commitments__c": "Two extra training days were promised by phone on the last call",
        "Success_Criteria__c": "Missed appointments fall by half in the first half year",
        "Success_Metric__c": "Missed appointments per month",
        "Success_Target__c": "From 9 % to 4 %",
        "Success_Target_Date__c": "2027-06-30",
        "Implementation_Risks__c": "Their address data is stored in three systems that disagree",
        "Incumbent_Tool__c": "Spreadsheets",
        "Sticky_Points__c": "Dispatchers love the colour codes of the old planner",
        "Desired_Go_Live__c": "2027-02-01",
        "Go_Live_Anchor_Event__c": "Start of the winter service season",
        "Expansion_Hypothesis__c": "The northern depots follow in year two",
    })
}

/// What the HTTP surface says to a request written by hand: its status, once the answer has begun.
pub(crate) async fn post(address: std::net::SocketAddr, path: &str, headers: &str, body: &[u8]) -> u16 {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The server may refuse and close before it has read all.
    drop(stream.write_all(body).await);
    let mut answer = vec![0_u8; 12];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap().parse().unwrap()
}
