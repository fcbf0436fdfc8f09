use std::fs;
use std::path::Path;

use super::sled::{Opened, RebuildReason, SledMemory};
use super::*;

fn ready(dir: &Path, log_head: u64) -> SledMemory {
    match SledMemory::open(dir, log_head, true).unwrap() {
        Opened::Ready(memory) => memory,
        Opened::Rebuild { reason, .. } => panic!("rebuild: {reason:?}"),
    }
}

fn put(memory: &SledMemory, from: u32, to: u32) {
    for number in from..to {
        let mut batch = Batch::new();
        batch.put(format!("k/{number:06}"), vec![7; 100]).log_head(u64::from(number) + 1);
        memory.apply(batch).wait().unwrap();
    }
}

#[test]
fn both_implementations_conform() {
    crate::conformance::memory(|| ram::Ram::new().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let mut number = 0;
    crate::conformance::memory(|| {
        number += 1;
        ready(&dir.path().join(format!("memory{number}")), 0)
    });
}

#[test]
fn rows_and_log_head_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("memory");
    put(&ready(&place, 0), 0, 50);
    let memory = ready(&place, 50);
    assert_eq!((memory.rows(), memory.log_head()), (50, 50));
    put(&memory, 50, 60);
    drop(memory);
    assert_eq!(ready(&place, 60).rows(), 60);
}

#[test]
fn a16_a_deleted_directory_is_rebuilt_and_an_unfinished_rebuild_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("memory");
    put(&ready(&place, 0), 0, 5);
    fs::remove_dir_all(&place).unwrap();
    for expected in [RebuildReason::Missing, RebuildReason::Unfinished] {
        let Opened::Rebuild { memory, reason } = SledMemory::open(&place, 5, true).unwrap() else { panic!() };
        assert_eq!(reason, expected);
        assert_eq!((memory.rows(), memory.log_head()), (0, 0));
        put(&memory, 0, 3);
    }
    let Opened::Rebuild { memory, .. } = SledMemory::open(&place, 5, true).unwrap() else { panic!() };
    put(&memory, 0, 5);
    memory.rebuilt().unwrap();
    drop(memory);
    assert_eq!(ready(&place, 5).rows(), 5);
}

#[test]
fn a15_an_older_copy_of_the_rows_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("memory");
    put(&ready(&place, 0), 0, 5);
    let old = dir.path().join("old");
    fs::create_dir(&old).unwrap();
    for entry in fs::read_dir(&place).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, old.join(path.file_name().unwrap())).unwrap();
        }
    }
    put(&ready(&place, 5), 5, 9);
    fs::remove_dir_all(&place).unwrap();
    fs::rename(&old, &place).unwrap();
    let Opened::Rebuild { reason: RebuildReason::Damaged { moved_to, .. }, .. } =
        SledMemory::open(&place, 9, false).unwrap()
    else {
        panic!("four commits are gone")
    };
    assert!(moved_to.ends_with("memory.damaged-1"));
}

#[test]
fn a_snapshot_left_half_written_by_a_killed_start_does_not_lock_the_rows() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("memory");
    put(&ready(&place, 0), 0, 20);
    for content in [b"".as_slice(), b"half a snapshot", &[0xff; 4096]] {
        fs::write(place.join("snap.0000000000000400.generating"), content).unwrap();
        assert_eq!(ready(&place, 20).rows(), 20);
    }
}

#[test]
fn only_the_newest_damaged_directories_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("memory");
    for _ in 0..4 {
        fs::create_dir_all(&place).unwrap();
        fs::write(place.join("conf"), b"not what sled wrote").unwrap();
        assert!(matches!(SledMemory::open(&place, 1, true).unwrap(), Opened::Rebuild { .. }));
    }
    let kept = fs::read_dir(dir.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("memory.damaged-"));
    assert_eq!(kept.count(), 2);
}
