//! The daemon dies without a word right behind a durable step; the next one takes up what it left.

use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use handoff_core::handoff::Phase;
use handoff_core::registry::{Registry, shipped};
use handoffd::app::{App, Options};
use handoffd::clock::ManualClock;
use handoffd::config::Config;
use handoffd::failpoint;
use serde_json::json;

use crate::world::{COMMISSION, DECISION, INGRID, World};

const CONFIG: &str = "HANDOFFD_TEST_CONFIG";
const CLOCK: &str = "HANDOFFD_TEST_CLOCK";
/// SIGABRT.
const ABORTED: i32 = 6;

/// Not a test: the process that dies.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the other tests here, as a process of its own"]
async fn victim() {
    let path = PathBuf::from(std::env::var(CONFIG).unwrap());
    let config: Config = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let clock = Arc::new(ManualClock::new(std::env::var(CLOCK).unwrap().parse().unwrap()));
    let options =
        Options { autopilot: false, failpoint: failpoint::from_environment(), ..Options::default() };
    let app = App::start(config, Registry::load(shipped()).unwrap(), clock, options).await.unwrap();
    app.handle().idle().await.unwrap();
}

impl World {
    /// A daemon of its own process works until it dies; true if it died there and of nothing else.
    fn dies_at(&self, place: &str) -> bool {
        let path = self.config.state_dir.with_extension("json");
        std::fs::write(&path, serde_json::to_vec(&self.config).unwrap()).unwrap();
        let mut victim = std::process::Command::new(std::env::current_exe().unwrap());
        victim.args(["--exact", "kills::victim", "--ignored", "--quiet"]);
        victim.env(CONFIG, path).env(CLOCK, self.org().now().to_string()).env(failpoint::VARIABLE, place);
        victim.output().unwrap().status.signal() == Some(ABORTED)
    }
}

/// An acceptance waits in the CRM; the daemon dies at `place`; the next one finishes what it began.
async fn survives(place: &str) {
    let mut world = World::start().await;
    let deal = world.deal("Negotiation/Review");
    world.complete(deal);
    world.settle().await;
    world.stop().await;
    world.edit(INGRID, deal, &json!({DECISION: "Accept"}));
    world.pass(30);
    let world = tokio::task::spawn_blocking({
        let place = place.to_owned();
        move || {
            assert!(world.dies_at(&place), "{place} was never reached");
            world
        }
    });
    let mut world = world.await.unwrap();
    world.begin().await;
    world.settle().await;
    assert_eq!(world.phase(deal), Some(Phase::Accepted), "{place}");
    assert!(world.flag(deal, COMMISSION), "{place}");
    let events = world.events(deal).await;
    let count = |name| events.iter().filter(|event| **event == name).count();
    assert_eq!(
        (count("accepted"), count("commission_released"), count("tampered")),
        (1, 1, 0),
        "{place}: {events:?}"
    );
    let flips = world
        .org()
        .writes()
        .into_iter()
        .filter(|write| write.id == Some(deal))
        .flat_map(|write| write.fields);
    let flips = flips.filter(|field| field.field == COMMISSION && field.old != field.new).count();
    assert_eq!(flips, 1, "{place}");
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn a03_a04_killed_between_append_and_write() {
    survives("appended:1").await;
    survives("before_write:1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a05_killed_between_write_and_its_result() {
    survives("after_write:1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a06_killed_between_page_and_cursor() {
    survives("page_applied:1").await;
}
