//! The reading of the past ends in the middle, again and again, and what is told in the end is what one run tells.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

use handoff_core::journal::LogEntry;
use handoffd::app::App;
use handoffd_tests::crm::{Deal, Kind};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::on_every_crm;

use crate::process::Process;

on_every_crm!(a03_killed_while_it_reads_the_past_nothing_is_told_twice_or_left_out, killed);

async fn killed(crms: &'static [Kind]) {
    let world = Governed::prepare(Options { crms, ..Options::default() }).await;
    for kind in crms {
        let deals: Vec<Deal> =
            (0..6).map(|number| world.full_deal_in(*kind, &format!("Past {number}"))).collect();
        world.advance(7_200);
        for (number, deal) in deals.iter().enumerate() {
            if number % 2 == 0 { world.accept(*deal) } else { world.reject(*deal, "risks", "Which system?") }
        }
    }
    let before: usize = world.company().vendors().map(|vendor| vendor.crm().writes()).sum();
    let whole = told(&world, "whole", &[]).await;
    assert!(whole.values().map(Vec::len).sum::<usize>() > 10 * crms.len(), "{whole:?}");
    let cut = told(
        &world,
        "cut",
        &["past_entry:1", "past_entry:4", "past_entry:2", "past_appended:1", "past_page:1"],
    )
    .await;
    assert_eq!(cut, whole);
    let after: usize = world.company().vendors().map(|vendor| vendor.crm().writes()).sum();
    assert_eq!(after, before, "nothing is written to any CRM");
}

/// Reads the past into a directory of its own, ended at each of these places, then to the end; what the log tells of it, by stream.
async fn told(world: &Governed, name: &str, ends: &[&str]) -> BTreeMap<String, Vec<LogEntry>> {
    let config = handoffd::config::Config { state_dir: world.dir().join(name), ..world.configured().clone() };
    let file = world.dir().join(format!("{name}.json"));
    std::fs::write(&file, serde_json::to_vec(&config).unwrap()).unwrap();
    for end in ends {
        let status = run(world, &file, Some(end)).ended().await;
        assert_eq!(status.signal(), Some(6), "{end}: {status}");
    }
    let mut last = run(world, &file, None);
    let line = last.line().await.unwrap();
    assert!(line.starts_with("done "), "{line}");
    assert!(last.ended().await.success());
    let registry = world.registry().unwrap();
    let view = App::rebuild(config, registry, world.clock().clone(), handoffd::app::Options::default())
        .await
        .unwrap();
    let mut streams: BTreeMap<String, Vec<LogEntry>> = BTreeMap::new();
    for entry in view.log(0, 100_000).await.unwrap() {
        let Some(mut entry) = entry.entry else { panic!("nothing was erased") };
        let LogEntry::Reconstructed { handoff, at, made, .. } = &mut entry else { continue };
        // Two runs are two moments.
        *made = *at;
        let stream = handoff.stream();
        streams.entry(stream).or_default().push(entry);
    }
    streams
}

fn run(world: &Governed, config: &std::path::Path, end: Option<&str>) -> Process {
    let mut command = Command::new(env!("CARGO_BIN_EXE_governed-child"));
    command.env("HANDOFFD_CHILD", "backfill").env_remove(handoffd::failpoint::VARIABLE);
    if let Some(end) = end {
        command.env(handoffd::failpoint::VARIABLE, end);
    }
    Process::of(command, config, world.now())
}
