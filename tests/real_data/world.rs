//! An org with real records, a daemon that governs it over HTTP, and one clock for both.

use std::collections::BTreeMap;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use handoff_core::id::{ConnectionId, ContractId};
use handoff_core::registry::{Registry, shipped};
use handoff_sandbox_salesforce::{Clock, Org, Sandbox, SandboxOptions, Seed, seed};
use handoffd::app::{App, Options};
use handoffd::clock::ManualClock;
use handoffd::config::{Audit, Auth, Config, Connection, Govern, Http, People, SecretRef};
use handoffd::view::Entry;
use jiff::Timestamp;

/// A data set, if it is there; says aloud that a test is skipped if not.
pub(crate) fn data(set: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(set);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: ../shared/data/{set} is not here");
    None
}

/// Runs one of this folder's Python programs and gives back what it printed.
pub(crate) fn python(script: &str, arguments: &[&Path], flags: &[&str]) -> String {
    let script = here(script);
    let run = Command::new("python3")
        .arg(&script)
        .args(arguments)
        .args(flags)
        .output()
        .expect("python3 is installed");
    assert!(run.status.success(), "{}: {}", script.display(), String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

/// A file of this folder.
pub(crate) fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("real_data").join(name)
}

/// The governed org.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) app: App,
    clock: Arc<ManualClock>,
    _dir: tempfile::TempDir,
}

impl World {
    /// An org on a clock that stands at `start`, filled by `fill`; then a daemon with the shipped files, each changed by `edit`.
    pub(crate) async fn start(
        start: Timestamp,
        fill: impl FnOnce(&Org),
        edit: impl Fn(&str, &str) -> String,
        seniors: &[&str],
    ) -> Self {
        let options =
            SandboxOptions { seed: Seed::Empty, clock: Clock::Manual(start), ..SandboxOptions::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        fill(sandbox.org());
        let clock = Arc::new(ManualClock::new(sandbox.org().now()));
        let dir = tempfile::tempdir().unwrap();
        let files: Vec<(String, String)> =
            shipped().map(|(path, text)| (path.to_owned(), edit(path, text))).collect();
        let registry = Registry::load(files).expect("the edited files are sound");
        let options = Options { autopilot: false, ..Options::default() };
        let app = App::start(config(dir.path(), &sandbox, seniors), registry, clock.clone(), options)
            .await
            .unwrap();
        Self { sandbox, app, clock, _dir: dir }
    }

    pub(crate) fn org(&self) -> &Org {
        self.sandbox.org()
    }

    /// It is `at` now, for everybody.
    pub(crate) fn set_time(&self, at: Timestamp) {
        self.org().set_time(at);
        self.clock.set(at);
    }

    /// Everything that can be done now is done.
    pub(crate) async fn pass(&self) {
        self.app.handle().idle().await.unwrap();
    }

    /// The whole log.
    pub(crate) async fn log(&self) -> Vec<Entry> {
        let view = self.app.view();
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
}

fn secret(dir: &Path, name: &str, text: &str) -> SecretRef {
    let path = dir.join(name);
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
    std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    SecretRef { env: None, file: Some(path) }
}

fn config(dir: &Path, sandbox: &Sandbox, seniors: &[&str]) -> Config {
    let sf = ConnectionId::from("sf");
    let auth = Auth::ClientCredentials {
        client_id: secret(dir, "id", seed::CLIENT_ID),
        client_secret: secret(dir, "secret", seed::CLIENT_SECRET),
    };
    let connection = Connection {
        org_id: Some(sandbox.org().id().to_string()),
        poll_seconds: Some(60),
        daily_share_percent: Some(100),
        ..Connection::new("salesforce", &sandbox.base_url(), auth)
    };
    let govern = Govern {
        contract: ContractId::from("h03-ae-to-onboarding"),
        mapping: "salesforce/h03-ae-to-onboarding".to_owned(),
        connection: sf.clone(),
        motion: None,
        governed_since: None,
        mode: BTreeMap::new(),
        on_bypass: BTreeMap::new(),
        max_writes_per_hour: None,
    };
    let seniors = seniors.iter().map(|login| (*login).to_owned()).collect();
    Config {
        state_dir: dir.join("state"),
        mappings_dir: None,
        http: Http { listen: "127.0.0.1:0".to_owned(), ..Http::default() },
        connection: BTreeMap::from([(sf, connection)]),
        govern: vec![govern],
        evidence: Vec::new(),
        people: People {
            roles: BTreeMap::from([("onboarding_lead".to_owned(), seniors)]),
            same_person: BTreeMap::new(),
        },
        audit: Audit { origin: "test.example/handoffd".to_owned() },
    }
}
