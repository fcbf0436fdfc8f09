//! Killed right behind the freezing of each month: every month is frozen once, and the log says nothing twice.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use handoff_core::journal::LogEntry;
use handoffd_tests::crm::Kind;
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::on_every_crm;

use crate::process::{Began, Process};

/// Months in which something was accepted.
const MONTHS: usize = 3;

on_every_crm!(a03_killed_between_two_months_that_freeze_each_is_frozen_once, killed);

async fn killed(crms: &'static [Kind]) {
    let mut world = Governed::start(Options { crms, ..Options::default() }).await;
    let mut months = Vec::new();
    for month in 0..MONTHS {
        for kind in crms {
            let deal = world.full_deal_in(*kind, &format!("Month {month}"));
            world.pass().await;
            world.advance(3_600);
            world.accept(deal);
            world.pass().await;
        }
        months.push(world.now().strftime("%Y-%m").to_string());
        world.advance(31 * 86_400);
    }
    world.advance(31 * 86_400);
    // What fell due meanwhile is told before.
    world.pass().await;
    assert_eq!(frozen(&world).await, BTreeMap::new(), "nobody froze anything yet");
    let before = world.log().await.len();
    world.stop().await;

    let config = world.dir().join("config.json");
    std::fs::write(&config, serde_json::to_vec(world.configured()).unwrap()).unwrap();
    for month in 1..=MONTHS {
        let status = spawn(&config, &world).ended().await;
        assert_eq!(status.signal(), Some(6), "month {month}: {status}");
    }
    // Nothing is left that could be reached.
    let mut process = spawn(&config, &world);
    assert!(matches!(process.began().await, Began::Ready(..)));
    process.say("idle");
    assert_eq!(process.line().await.as_deref(), Some("idle"));
    assert!(process.terminate().await.success());

    world.begin().await.unwrap();
    // What is frozen is what the log amounts to.
    assert_eq!(world.handle().freeze_now().await.unwrap(), 0);
    let once: BTreeMap<String, Vec<u32>> = months.into_iter().map(|month| (month, vec![1])).collect();
    assert_eq!(once.len(), MONTHS);
    assert_eq!(frozen(&world).await, once);
    let after = world.log().await;
    let beside = after[before..].iter().filter_map(|each| each.entry.as_ref());
    let told = beside.filter(|entry| entry.handoff().is_some()).count();
    assert_eq!(told, 0, "of handoffs there is nothing to tell");
    world.verify_audit();
    world.stop().await;
}

fn spawn(config: &Path, world: &Governed) -> Process {
    Process::spawn(config, world.now(), Some("frozen:1"))
}

/// The versions of each month that the log tells, in its order.
async fn frozen(world: &Governed) -> BTreeMap<String, Vec<u32>> {
    let mut months: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for each in world.log().await {
        if let Some(LogEntry::MetricsFrozen { period, version, .. }) = each.entry {
            months.entry(period).or_default().push(version);
        }
    }
    months
}
