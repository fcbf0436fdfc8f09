//! The state directory damaged, deleted, shared, unwritable, or in disagreement with itself.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use handoff_store::state::StateError;
use handoffd::app::StartError;
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::play::{PLOTS, Play};
use serde_json::{Value, json};

/// A play played to its end, and the daemon stopped.
async fn played() -> (Governed, Play) {
    let mut world = Governed::start(Options::default()).await;
    let mut play = Play::default();
    for plot in PLOTS {
        play.enter(world.company(), plot);
    }
    for _ in 0..10 {
        play.act(world.company());
        world.pass().await;
    }
    assert_eq!(play.unfinished(world.company()), Vec::<String>::new());
    world.stop().await;
    (world, play)
}

/// All we know and all the CRM shows.
async fn everything(world: &Governed, play: &Play) -> BTreeMap<String, Value> {
    let mut all = play.outcome(world.company());
    for (name, id) in play.deals() {
        let detail = world.detail(id).await;
        let state =
            json!({"summary": detail.summary, "state": detail.state, "entries": detail.entries.len()});
        all.insert(format!("{name}, known"), state);
    }
    all
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { dirs.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a16_without_its_memory_the_same_state_is_folded_from_the_log() {
    let (mut world, play) = played().await;
    world.begin().await.unwrap();
    let before = everything(&world, &play).await;
    world.stop().await;
    let writes = world.org().writes().len();
    std::fs::remove_dir_all(world.state_dir().join("memory")).unwrap();
    world.begin().await.unwrap();
    assert_eq!(everything(&world, &play).await, before);
    world.pass().await;
    assert_eq!(everything(&world, &play).await, before);
    assert_eq!(world.org().writes().len(), writes, "nothing is written twice");
    world.assert_balanced();
    world.verify_audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn a15_damaged_rows_are_noticed_or_have_no_effect() {
    let (mut world, play) = played().await;
    world.begin().await.unwrap();
    let before = everything(&world, &play).await;
    world.stop().await;
    let writes = world.org().writes().len();
    let memory = world.state_dir().join("memory");
    for trial in 1..=4_usize {
        for path in files(&memory) {
            let mut bytes = std::fs::read(&path).unwrap();
            let used: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
            if let Some(at) = used.get(used.len() * trial / 5) {
                bytes[*at] ^= 0x10;
                std::fs::write(&path, bytes).unwrap();
            }
        }
        world.begin().await.unwrap();
        assert_eq!(everything(&world, &play).await, before, "trial {trial}");
        world.pass().await;
        assert_eq!(everything(&world, &play).await, before, "trial {trial}");
        assert_eq!(world.org().writes().len(), writes, "trial {trial}");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a17_a_directory_that_cannot_be_written_is_refused_and_the_gates_stay() {
    let mut world = Governed::prepare(Options::default()).await;
    let file = world.dir().join("a file");
    std::fs::write(&file, b"").unwrap();
    let place = file.join("state");
    world.config(move |config| config.state_dir = place);
    let refused = world.begin().await.unwrap_err();
    assert!(matches!(refused, StartError::State(StateError::Unusable { .. })), "{refused}");
    assert!(refused.to_string().contains("check its owner"), "{refused}");
    assert!(world.org().calls().by_kind.is_empty(), "nothing was asked, nothing written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a18_a_second_daemon_on_the_same_directory_is_refused() {
    let world = Governed::start(Options::default()).await;
    let mut second = Governed::prepare(Options::default()).await;
    let place = world.state_dir();
    second.config(move |config| config.state_dir = place);
    let refused = second.begin().await.unwrap_err();
    assert!(matches!(refused, StartError::State(StateError::InUse { .. })), "{refused}");
    // The first one does not even notice.
    let deal = world.full_deal("Undisturbed");
    world.pass().await;
    assert!(world.summary(deal).is_some());
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn g14_a_log_older_than_what_we_know_opens_nothing() {
    let mut world = Governed::start(Options::default()).await;
    let deal = world.full_deal("Rolled back");
    world.pass().await;
    world.stop().await;
    let (log, kept) = (world.state_dir().join("log"), world.dir().join("kept"));
    copy(&log, &kept);
    world.begin().await.unwrap();
    world.accept(deal);
    world.pass().await;
    world.stop().await;
    std::fs::remove_dir_all(&log).unwrap();
    copy(&kept, &log);
    let writes = world.org().writes().len();
    let refused = world.begin().await.unwrap_err();
    assert!(matches!(refused, StartError::State(StateError::LogBehind { .. })), "{refused}");
    // Without the memory there is still the signed head that knows better.
    std::fs::remove_dir_all(world.state_dir().join("memory")).unwrap();
    let refused = world.begin().await.unwrap_err();
    assert!(matches!(refused, StartError::State(_)), "{refused}");
    assert_eq!(world.org().writes().len(), writes);
}

#[tokio::test(flavor = "multi_thread")]
async fn g14_a_changed_entry_is_found_and_opens_nothing() {
    let (mut world, _) = played().await;
    let log = world.state_dir().join("log");
    let segment = files(&log).into_iter().max_by_key(|path| std::fs::metadata(path).unwrap().len()).unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let writes = world.org().writes().len();
    let refused = world.begin().await.unwrap_err();
    assert!(matches!(refused, StartError::State(_)), "{refused}");
    assert_eq!(world.org().writes().len(), writes);
}
