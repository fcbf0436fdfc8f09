//! Damaged, missing, older, locked and read-only state directories.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test's helpers fail the test")]

use std::fs;
use std::path::Path;
use std::process::Command;

use handoff_store::log::Entry;
use handoff_store::memory::sled::{Opened, SledMemory};
use handoff_store::memory::{Batch, Memory};
use handoff_store::state::{State, StateError, StateOptions};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// How often each scenario is repeated: `HANDOFF_STORE_ROUNDS`, else few enough for every build.
fn rounds(usual: u64) -> u64 {
    std::env::var("HANDOFF_STORE_ROUNDS").map_or(usual, |rounds| rounds.parse().expect("a number"))
}

fn random() -> StdRng {
    StdRng::from_os_rng()
}

fn options() -> StateOptions {
    StateOptions { segment_bytes: 30_000, ..StateOptions::new("example.com/crash") }
}

fn key(number: u64) -> String {
    format!("k/{number:08}")
}

fn open_memory(dir: &Path) -> SledMemory {
    match SledMemory::open(dir, 0, true).expect("the memory opens") {
        Opened::Ready(memory) => memory,
        Opened::Rebuild { reason, .. } => panic!("nothing was damaged: {reason:?}"),
    }
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_tree(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
fn a15_a_flipped_bit_in_the_rows_is_noticed_or_has_no_effect() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("memory");
    let mut random = StdRng::seed_from_u64(15);
    for _ in 0..4 {
        let memory = open_memory(&place);
        for _ in 0..60 {
            let mut batch = Batch::new();
            batch.put(key(random.random_range(0..150)), vec![random.random(); 120]);
            memory.apply(batch).wait().unwrap();
        }
    }
    let expected = open_memory(&place).scan(b"", None, usize::MAX).unwrap();
    assert!(expected.len() > 100);
    let (mut noticed, mut harmless) = (0, 0);
    for trial in 0..rounds(40) {
        let home = dir.path().join(format!("trial{trial}"));
        copy_tree(&place, &home.join("memory"));
        fs::copy(dir.path().join("memory.seq"), home.join("memory.seq")).unwrap();
        let mut files: Vec<_> =
            fs::read_dir(home.join("memory")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.is_file());
        files.sort();
        let path = &files[random.random_range(0..files.len())];
        let mut bytes = fs::read(path).unwrap();
        let used: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at] != 0).collect();
        bytes[used[random.random_range(0..used.len())]] ^= 1 << random.random_range(0..8);
        fs::write(path, bytes).unwrap();
        match SledMemory::open(&home.join("memory"), 0, true).unwrap() {
            Opened::Ready(memory) => {
                assert_eq!(memory.scan(b"", None, usize::MAX).unwrap(), expected, "{}", path.display());
                harmless += 1;
            }
            Opened::Rebuild { memory, .. } => {
                assert_eq!(memory.rows(), 0);
                noticed += 1;
            }
        }
        fs::remove_dir_all(&home).unwrap();
    }
    assert!(noticed > 0, "{harmless} harmless");
}

#[test]
fn a16_a_deleted_memory_is_rebuilt_and_the_log_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    {
        let state = State::open(dir.path(), &options(), &mut random()).unwrap();
        state.log.append_blocking(vec![Entry { leaf: b"{}".to_vec(), sealed: vec![] }; 3], None).unwrap();
    }
    fs::remove_dir_all(dir.path().join("memory")).unwrap();
    let state = State::open(dir.path(), &options(), &mut random()).unwrap();
    assert!(state.rebuild.is_some());
    assert_eq!((state.log.head(), state.memory.log_head()), (3, 0));
}

#[test]
fn a18_a_second_daemon_on_the_same_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = State::open(dir.path(), &options(), &mut random()).unwrap();
    let second = State::open(dir.path(), &options(), &mut random()).err().unwrap();
    assert!(matches!(second, StateError::InUse { .. }), "{second}");
    drop(first);
    State::open(dir.path(), &options(), &mut random()).unwrap();
}

#[test]
fn a19_a_log_older_than_the_memory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let append = |state: &State, count: u64| {
        for _ in 0..count {
            let placed = state
                .log
                .append_blocking(vec![Entry { leaf: b"{}".to_vec(), sealed: vec![] }], None)
                .unwrap();
            let mut batch = Batch::new();
            batch.put(key(placed.start), "row").log_head(placed.end);
            state.memory.apply(batch).wait().unwrap();
        }
    };
    append(&State::open(dir.path(), &options(), &mut random()).unwrap(), 3);
    let kept = dir.path().join("yesterday");
    copy_tree(&dir.path().join("log"), &kept);
    append(&State::open(dir.path(), &options(), &mut random()).unwrap(), 2);
    fs::remove_dir_all(dir.path().join("log")).unwrap();
    fs::rename(&kept, dir.path().join("log")).unwrap();
    let refused = State::open(dir.path(), &options(), &mut random()).err().unwrap();
    assert!(matches!(refused, StateError::LogBehind { log: 3, memory: 5 }), "{refused}");
}

/// Opens a state directory that cannot be written: on a read-only mount where this process may make one, else without
/// the right to write.
#[test]
fn a17_a_directory_that_cannot_be_written_is_refused_with_a_clear_error() {
    if let Ok(place) = std::env::var("HANDOFF_STORE_READ_ONLY") {
        let refused = State::open(Path::new(&place), &options(), &mut random()).err().expect("refused");
        assert!(matches!(refused, StateError::Unusable { .. }), "{refused}");
        println!("\nrefused: {refused}");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("state");
    drop(State::open(&place, &options(), &mut random()).unwrap());
    let file = dir.path().join("file");
    fs::write(&file, b"").unwrap();
    let refused = State::open(&file.join("state"), &options(), &mut random()).err().unwrap();
    assert!(matches!(refused, StateError::Unusable { .. }), "{refused}");
    let script =
        "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" || exit 9; shift; exec \"$@\"";
    let this = std::env::current_exe().unwrap();
    let name = "a17_a_directory_that_cannot_be_written_is_refused_with_a_clear_error";
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh"])
        .args([place.as_os_str(), this.as_os_str()])
        .args([name, "--exact", "--nocapture"])
        .env("HANDOFF_STORE_READ_ONLY", &place)
        .output();
    if let Some(output) =
        output.ok().filter(|output| output.status.code().is_some_and(|code| code == 0 || code > 100))
    {
        assert!(String::from_utf8_lossy(&output.stdout).contains("refused: "), "{output:?}");
        return;
    }
    let read_only = std::os::unix::fs::PermissionsExt::from_mode(0o555);
    fs::set_permissions(&place, read_only).unwrap();
    let refused = State::open(&place, &options(), &mut random()).err().unwrap();
    assert!(matches!(refused, StateError::Unusable { .. }), "{refused}");
}
