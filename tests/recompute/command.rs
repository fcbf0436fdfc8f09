//! `handoffd export`, typed beside a running daemon and where none runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use handoff_measure::export::{Since, Table};
use handoffd::export::{Format, Manifest};
use handoffd_tests::command::{typed, written};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::recompute::export;

const BINARY: &str = env!("CARGO_BIN_EXE_typed-command");

fn bytes(out: &Path, manifest: &Manifest) -> BTreeMap<String, Vec<u8>> {
    let read = |file: &String| std::fs::read(out.join(file)).unwrap();
    manifest.tables.iter().map(|(table, written)| (table.clone(), read(&written.file))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_running_daemon_and_at_rest_the_same_log_gives_the_same_bytes() {
    let mut world = Governed::start(Options { surface: true, ..Options::default() }).await;
    let config = written(&world);
    let deal = world.full_deal("Sold");
    world.pass().await;
    world.accept(deal);
    world.pass().await;
    let folder = |name: &str| world.dir().join(name);
    let (running, resting, within) = (folder("running"), folder("resting"), folder("within"));
    let to = |out: &Path| {
        ["export", "--json", "--out"].map(str::to_owned).into_iter().chain([out.display().to_string()])
    };
    let ask = async |arguments: Vec<String>| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let done = typed(BINARY, &config, &arguments, "").await;
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{done:?}");
        serde_json::from_str::<Manifest>(&done.out).unwrap()
    };

    let told = ask(to(&running).collect()).await;
    assert_eq!(told.tables.len(), Table::ALL.len());
    let entries = world.log().await;
    // The company has deals of its own beside this one.
    let streams = entries.iter().filter_map(|entry| Some(entry.entry.as_ref()?.handoff()?.0.stream()));
    let streams = u64::try_from(streams.collect::<BTreeSet<_>>().len()).unwrap();
    assert!(told.tables["events"].rows > 5 && streams > 0, "{told:?}");
    assert_eq!(told.tables["handoffs"].rows, streams, "one cycle each: {told:?}");
    let log = entries.iter().map(|entry| entry.entry.as_ref());
    assert_eq!(told, export(log, &within, Format::Parquet, Since::Position(0)));

    // Nothing new, then something.
    let last = || to(&running).chain(["--since", "last"].map(str::to_owned));
    assert!(ask(last().collect()).await.tables.is_empty());
    world.full_deal("Another");
    world.pass().await;
    let more = ask(last().collect()).await;
    assert_eq!((more.from, more.tables["handoffs"].rows), (told.to, 1));

    let whole = folder("whole");
    let running = ask(to(&whole).collect()).await;
    world.stop().await;
    let rested = ask(to(&resting).collect()).await;
    assert!(rested.from == 0 && rested.to == running.to, "a clean stop logs nothing");
    assert_eq!(bytes(&whole, &running), bytes(&resting, &rested));
}
