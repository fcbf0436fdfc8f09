//! Evidence from the command line, with a daemon and without, proofs over the log, and kills at every durable step.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use handoff_core::journal::LogEntry;
use handoff_core::registry::{Registry, shipped};
use handoffd::api::Surface;
use handoffd::app::{App, Handle, Options};
use handoffd::clock::ManualClock;
use handoffd::config::Config;
use handoffd::failpoint;
use handoffd::metrics::Metrics;

use crate::gong::Stage;

const CONFIG: &str = "HANDOFFD_TEST_CONFIG";
const CLOCK: &str = "HANDOFFD_TEST_CLOCK";
/// SIGABRT.
const ABORTED: i32 = 6;
const BY: &str = "ingrid.moen@northwind-peak.example";

pub(crate) fn written(config: &Config) -> PathBuf {
    let path = config.state_dir.with_extension("toml");
    std::fs::write(&path, toml::to_string(config).unwrap()).unwrap();
    path
}

/// What the program says to these arguments.
pub(crate) async fn told(config: &Path, arguments: &[&str]) -> (i32, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_handoffd"));
    command.arg("--config").arg(config).args(arguments);
    let Output { status, stdout, stderr } =
        tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    (status.code().unwrap(), text)
}

pub(crate) async fn begin(stage: &mut Stage) {
    let metrics = Arc::new(Metrics::default());
    let clock = Arc::clone(&stage.world.clock);
    let routes = move |handle: Handle| Surface::new(handle, metrics, clock, None).router();
    let options = Options { routes: Some(Box::new(routes)), ..(stage.world.options)() };
    stage.world.begin_with(options).await;
    let address = stage.world.app.as_ref().unwrap().local_addr();
    std::fs::write(stage.world.config.state_dir.join("address"), address.to_string()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn people_list_confirm_and_dismiss_with_a_daemon_and_without() {
    let mut stage = Stage::quiet().await;
    begin(&mut stage).await;
    let deal = stage.open_deal().await;
    let call = stage.company().add_call(stage.about(deal)).unwrap();
    stage.settle().await;
    let (config, id) = (written(&stage.world.config), deal.to_string());

    let (code, text) = told(&config, &["evidence", "list", &id]).await;
    assert_eq!(code, 0, "{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("  1  suggested  Competitive displacement notes"), "{text}");
    assert!(!text.contains("legacy"), "{text}");

    let (code, text) = told(&config, &["evidence", "confirm", &id, "1", "--by", BY]).await;
    assert!(code == 0 && text.contains(&format!("confirmed by {BY}")), "{code} {text}");
    let (code, text) = told(&config, &["evidence", "dismiss", &id, &call, "risks", "--by", BY]).await;
    assert!(code == 0 && text.contains(&format!("dismissed by {BY}")), "{code} {text}");
    for (arguments, wanted) in [
        (vec!["evidence", "confirm", &id, "9", "--by", BY], 1),
        (vec!["evidence", "confirm", &id, "one", "--by", BY], 2),
        (vec!["evidence", "confirm", &id, "1"], 2),
        (vec!["evidence", "confirm", &id, "1", "--by", " "], 2),
        (vec!["evidence", "list", "006000000000009AAA"], 1),
        (vec!["why", &id], 0),
        (vec!["status"], 0),
    ] {
        let (code, text) = told(&config, &arguments).await;
        assert_eq!(code, wanted, "{arguments:?}: {text}");
        let names_calls =
            text.contains("calls gong: 1 known, 1 are evidence") || text.contains("confirmed by");
        assert!(names_calls || !matches!(arguments[0], "why" | "status"), "{text}");
    }

    stage.settle().await;
    let note = stage.world.org().field(deal, "Handoff_03_Evidence__c");
    assert_eq!(note.as_str().unwrap().lines().count(), 1, "{note}");
    stage.world.stop().await;
    let (code, text) =
        told(&config, &["evidence", "confirm", &id, &call, "risks", "--by", BY, "--json"]).await;
    let rows: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((code, rows[1]["place"]["standing"].as_str()), (0, Some("confirmed")), "{text}");
    for arguments in [&["audit", "verify"][..], &["audit", "replay"], &["rebuild"], &["audit", "replay"]] {
        let (code, text) = told(&config, arguments).await;
        assert_eq!(code, 0, "{arguments:?}: {text}");
    }
    begin(&mut stage).await;
    stage.settle().await;
    let note = stage.world.org().field(deal, "Handoff_03_Evidence__c");
    assert_eq!(note.as_str().unwrap().lines().count(), 2, "what was said at rest reaches the record: {note}");
    stage.world.assert_balanced();
}

/// Not a test: the process that dies.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the other test here, as a process of its own"]
async fn victim() {
    let path = PathBuf::from(std::env::var(CONFIG).unwrap());
    let config: Config = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let clock = Arc::new(ManualClock::new(std::env::var(CLOCK).unwrap().parse().unwrap()));
    let options =
        Options { autopilot: false, failpoint: failpoint::from_environment(), ..Options::default() };
    let app = App::start(config, Registry::load(shipped()).unwrap(), clock.clone(), options).await.unwrap();
    let handle = app.handle();
    let mut idle = std::pin::pin!(handle.idle());
    while tokio::time::timeout(Duration::from_millis(20), &mut idle).await.is_err() {
        let now = handoffd::clock::Clock::now(clock.as_ref());
        clock.set(now + jiff::SignedDuration::from_secs(1));
    }
}

/// A daemon of its own process works until it dies; true if it died there and of nothing else.
fn dies_at(config: &Config, now: jiff::Timestamp, place: &str) -> bool {
    let path = config.state_dir.with_extension("json");
    std::fs::write(&path, serde_json::to_vec(config).unwrap()).unwrap();
    let mut victim = std::process::Command::new(std::env::current_exe().unwrap());
    victim.args(["--exact", "by_hand::victim", "--ignored", "--quiet"]);
    victim.env(CONFIG, path).env(CLOCK, now.to_string()).env(failpoint::VARIABLE, place);
    victim.output().unwrap().status.signal() == Some(ABORTED)
}

#[tokio::test(flavor = "multi_thread")]
async fn a03_killed_at_every_durable_step_of_a_call_it_is_suggested_once() {
    for place in ["evidence_appended:1", "evidence_appended:2", "calls_settled:1", "calls_page:1"] {
        let mut stage = Stage::quiet().await;
        stage.world.begin().await;
        let deal = stage.open_deal().await;
        stage.world.stop().await;
        for _ in 0..2 {
            stage.company().add_call(stage.about(deal)).unwrap();
        }
        stage.pass(30);
        let (config, now, at) = (stage.world.config.clone(), stage.world.org().now(), place.to_owned());
        let died = tokio::task::spawn_blocking(move || dies_at(&config, now, &at)).await.unwrap();
        assert!(died, "{place} was never reached");
        stage.world.begin().await;
        stage.settle().await;
        assert_eq!(stage.fields(deal).await.len(), 4, "{place}");
        let log = stage.world.handle().view().log(0, 10_000).await.unwrap();
        let suggested =
            log.iter().filter(|each| matches!(each.entry, Some(LogEntry::EvidenceSuggested { .. }))).count();
        assert_eq!(suggested, 2, "{place}: one entry per call");
        let note = stage.world.org().field(deal, "Handoff_03_Evidence__c");
        assert_eq!(note.as_str().unwrap().lines().count(), 4, "{place}");
        stage.world.assert_balanced();
    }
}
