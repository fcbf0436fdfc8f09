use std::fs;
use std::path::Path;

use proptest::prelude::*;

use super::*;

fn entry(number: u64) -> Entry {
    let leaf = format!("{{\"n\":{number}}}").into_bytes();
    let bytes = number.to_be_bytes().repeat(usize::try_from(number % 7).unwrap());
    let sealed = vec![SealedPart { subject: format!("sf:Opportunity:{number}"), bytes }];
    Entry { leaf, sealed }
}

fn small() -> LogOptions {
    LogOptions { segment_bytes: 700, before_commit: None }
}

fn fill(dir: &Path, from: u64, to: u64) {
    let (log, _) = Log::open(dir, small()).unwrap();
    for number in from..to {
        assert_eq!(log.append_blocking(vec![entry(number)], None).unwrap(), number..number + 1);
    }
}

fn numbers(log: &Log, from: u64) -> Vec<u64> {
    let records = log.read(from).unwrap().map(Result::unwrap);
    let check = |record: Record| {
        assert_eq!(record.entry, entry(record.position), "entry {}", record.position);
        record.position
    };
    records.map(check).collect()
}

fn segments(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    found.sort();
    found
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}

#[test]
fn entries_come_back_in_order_over_segments_and_restarts_from_any_position() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), 0, 40);
    fill(dir.path(), 40, 60);
    let (log, recovery) = Log::open(dir.path(), small()).unwrap();
    assert_eq!((recovery.entries, recovery.truncated), (60, None));
    assert!(recovery.segments > 4);
    for from in 0..=60 {
        assert_eq!(numbers(&log, from), (from..60).collect::<Vec<_>>());
    }
    assert!(matches!(log.read(61), Err(LogError::Beyond { from: 61, head: 60 })));
    let all: Vec<_> = inspect(dir.path(), 60).unwrap().map(|record| record.unwrap().position).collect();
    assert_eq!(all, (0..60).collect::<Vec<_>>());
}

#[test]
fn an_append_is_checked_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = Log::open(dir.path(), small()).unwrap();
    let leaf = |bytes: &[u8]| Entry { leaf: bytes.to_vec(), sealed: Vec::new() };
    let refused = |entries| log.append_blocking(entries, None).unwrap_err();
    assert!(matches!(refused(vec![]), LogError::Empty));
    for text in ["", "[1]", "{", "{}{}", "{\"a\":1} {\"b\":2}", "\u{feff}{}", "{\"a\":\"\n\"}"] {
        assert!(matches!(refused(vec![leaf(text.as_bytes())]), LogError::NotJson { index: 0 }), "{text:?}");
    }
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_LEAF));
    assert!(matches!(refused(vec![entry(0), leaf(long.as_bytes())]), LogError::TooLarge { index: 1, .. }));
    let part =
        |subject: usize, bytes: usize| SealedPart { subject: "s".repeat(subject), bytes: vec![0; bytes] };
    for sealed in
        [vec![part(MAX_SUBJECT + 1, 1)], vec![part(1, MAX_PART + 1)], vec![part(1, 1); MAX_PARTS + 1]]
    {
        assert!(matches!(refused(vec![Entry { leaf: b"{}".to_vec(), sealed }]), LogError::TooLarge { .. }));
    }
    let heavy = Entry { leaf: b"{}".to_vec(), sealed: vec![part(1, MAX_PART); 33] };
    assert!(matches!(refused(vec![heavy]), LogError::TooLarge { what: "group bytes", .. }));
    assert_eq!(log.head(), 0);
    assert!(!log.is_poisoned());
    assert_eq!(log.append_blocking(vec![entry(0)], None).unwrap(), 0..1);
}

#[test]
fn a_stream_takes_only_the_version_it_has_and_a_conflict_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let guard = |name: &str, expected| Some(Guard { stream: StreamKey::new(name), expected });
    {
        let (log, _) = Log::open(dir.path(), small()).unwrap();
        assert_eq!(log.append_blocking(vec![entry(0), entry(1)], guard("a", 0)).unwrap(), 0..2);
        let conflict = log.append_blocking(vec![entry(2), entry(3)], guard("a", 1)).unwrap_err();
        assert!(matches!(conflict, LogError::Conflict { expected: 1, actual: 2 }));
        assert_eq!(log.append_blocking(vec![entry(2)], guard("b", 0)).unwrap(), 2..3);
    }
    let (log, _) = Log::open(dir.path(), small()).unwrap();
    assert_eq!((log.version(StreamKey::new("a")), log.version(StreamKey::new("b"))), (2, 1));
    assert!(matches!(
        log.append_blocking(vec![entry(3)], guard("b", 0)),
        Err(LogError::Conflict { expected: 0, actual: 1 })
    ));
    assert_eq!(log.append_blocking(vec![entry(3)], guard("a", 2)).unwrap(), 3..4);
    let last = log.read(3).unwrap().next().unwrap().unwrap();
    assert_eq!(last.stream, Some(StreamKey::new("a")));
}

#[test]
fn racing_appends_to_one_stream_are_granted_once_each() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = Log::open(dir.path(), LogOptions::default()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let granted = runtime.block_on(async {
        let race = |log: Log| async move {
            let mut granted = 0;
            while granted < 50 {
                let expected = log.version(StreamKey::new("s"));
                let guard = Some(Guard { stream: StreamKey::new("s"), expected });
                match log.append(vec![Entry { leaf: b"{}".to_vec(), sealed: vec![] }], guard).await {
                    Ok(_) => granted += 1,
                    Err(LogError::Conflict { .. }) => {}
                    Err(other) => panic!("{other}"),
                }
            }
            granted
        };
        let tasks: Vec<_> = (0..4).map(|_| tokio::spawn(race(log.clone()))).collect();
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        sum
    });
    assert_eq!((granted, log.head(), log.version(StreamKey::new("s"))), (200, 200, 200));
}

#[test]
fn the_tail_follows_every_commit() {
    let dir = tempfile::tempdir().unwrap();
    let (log, _) = Log::open(dir.path(), small()).unwrap();
    let mut tail = log.tail();
    assert_eq!(*tail.borrow_and_update(), 0);
    log.append_blocking(vec![entry(0), entry(1)], None).unwrap();
    assert!(tail.has_changed().unwrap());
    assert_eq!(*tail.borrow_and_update(), 2);
}

struct Refusing;

impl Barrier for Refusing {
    fn make_durable(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Err("no keys".into())
    }
}

#[test]
fn a_failure_before_the_write_poisons_the_log_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions { before_commit: Some(Arc::new(Refusing)), ..small() };
    let (log, _) = Log::open(dir.path(), options).unwrap();
    assert!(matches!(log.append_blocking(vec![entry(0)], None), Err(LogError::Barrier(_))));
    assert!(log.is_poisoned());
    assert!(matches!(log.append_blocking(vec![entry(0)], None), Err(LogError::Poisoned)));
    drop(log);
    assert_eq!(Log::open(dir.path(), small()).unwrap().1.entries, 0);
}

#[test]
fn an_acknowledged_tail_that_is_gone_is_refused_an_unacknowledged_one_is_cut() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), 0, 9);
    let last = segments(dir.path()).pop().unwrap();
    let bytes = fs::read(&last).unwrap();
    fs::write(&last, &bytes[..bytes.len() - 1]).unwrap();
    let refused = Log::open(dir.path(), small()).err().unwrap();
    assert!(matches!(&refused, LogError::Damaged { file, .. } if *file == last), "{refused}");
    // without the mark it is what a power cut leaves
    fs::remove_file(dir.path().join("acknowledged")).unwrap();
    let (log, recovery) = Log::open(dir.path(), small()).unwrap();
    assert_eq!(recovery.entries, 8);
    assert_eq!(recovery.truncated.unwrap().file, last);
    assert_eq!(log.append_blocking(vec![entry(8)], None).unwrap(), 8..9);
    assert_eq!(numbers(&log, 0), (0..9).collect::<Vec<_>>());
}

#[test]
fn a_missing_or_swapped_segment_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), 0, 40);
    let names = segments(dir.path());
    let moved = tempfile::tempdir().unwrap();
    for missing in &names[..names.len() - 1] {
        let copied = moved.path().join(missing.file_name().unwrap());
        fs::rename(missing, &copied).unwrap();
        assert!(matches!(Log::open(dir.path(), small()), Err(LogError::Damaged { .. })));
        fs::rename(&copied, missing).unwrap();
    }
    let (first, second) = (fs::read(&names[1]).unwrap(), fs::read(&names[2]).unwrap());
    fs::write(&names[1], second).unwrap();
    fs::write(&names[2], first).unwrap();
    assert!(matches!(Log::open(dir.path(), small()), Err(LogError::Damaged { offset: 0, .. })));
}

#[test]
fn a_new_segment_whose_creation_was_cut_short_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    fill(dir.path(), 0, 9);
    for len in [0, 7, 20] {
        fs::write(dir.path().join(format!("{:020}.log", 9)), vec![0; len]).unwrap();
        let (log, recovery) = Log::open(dir.path(), small()).unwrap();
        assert_eq!(recovery.entries, 9);
        assert_eq!(numbers(&log, 0), (0..9).collect::<Vec<_>>());
    }
}

#[test]
fn the_audit_leaf_binds_position_leaf_and_sealed_digests() {
    let record = Record { position: 7, stream: None, entry: entry(1) };
    let digest = hex(&<sha2::Sha256 as sha2::Digest>::digest(1_u64.to_be_bytes()));
    let expected = format!("{{\"v\":1,\"i\":7,\"leaf\":{{\"n\":1}},\"sealed\":[\"{digest}\"]}}");
    assert_eq!(String::from_utf8(record.audit_leaf()).unwrap(), expected);
}

/// One log for all damage trials: 40 entries, each acknowledged by itself.
fn model() -> &'static tempfile::TempDir {
    static MODEL: std::sync::OnceLock<tempfile::TempDir> = std::sync::OnceLock::new();
    MODEL.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path(), 0, 40);
        dir
    })
}

/// Opens a damaged copy: it must be refused or hold exactly entries 0..n, and `n` may be under 40 only where the loss
/// could be an unacknowledged tail. Returns n.
fn survives(dir: &Path) -> Option<u64> {
    match Log::open(dir, small()) {
        Err(LogError::Damaged { .. }) => None,
        Err(other) => panic!("{other}"),
        Ok((log, recovery)) => {
            assert_eq!(numbers(&log, 0), (0..recovery.entries).collect::<Vec<_>>());
            Some(recovery.entries)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damage_never_panics_never_invents_and_never_loses_what_was_acknowledged(
        segment in 0_usize..100, place in 0_usize..10_000, bit in 0_u32..8, cut: bool,
    ) {
        let dir = tempfile::tempdir().unwrap();
        copy(model().path(), dir.path());
        let names = segments(dir.path());
        let path = &names[segment % names.len()];
        let mut bytes = fs::read(path).unwrap();
        let at = place % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] ^= 1 << bit }
        fs::write(path, bytes).unwrap();
        prop_assert_eq!(survives(dir.path()), None, "all 40 were acknowledged");
        // after a power cut the mark may be gone: then only the very tail may be
        fs::remove_file(dir.path().join("acknowledged")).unwrap();
        if let Some(kept) = survives(dir.path()) {
            let first: u64 = names.last().unwrap().file_stem().unwrap().to_str().unwrap().parse().unwrap();
            prop_assert!(path == names.last().unwrap() && kept >= first);
            prop_assert!(cut || kept == 39, "a flip within the last segment is a tail only in its last frame");
        }
    }

    #[test]
    fn a_torn_commit_is_cut_whatever_part_of_it_arrived(
        sizes in proptest::collection::vec(1_usize..300, 1..5), holes in proptest::collection::vec(any::<bool>(), 40),
    ) {
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path(), 0, 3);
        let path = segments(dir.path()).pop().unwrap();
        let durable = fs::metadata(&path).unwrap().len();
        let mut commit = Vec::new();
        for (first, size) in (3..).zip(&sizes) {
            let sealed = vec![SealedPart { subject: "s".into(), bytes: vec![1; *size] }];
            let entries = [Entry { leaf: b"{}".to_vec(), sealed }];
            frame::encode(&mut commit, frame::Head { first, durable, guard: None, count: 1 }, &entries);
        }
        // the disk wrote some blocks of the commit and not others
        for (block, lost) in commit.chunks_mut(32).zip(&holes) {
            if *lost { block.fill(0) }
        }
        let mut bytes = fs::read(&path).unwrap();
        bytes.extend_from_slice(&commit);
        fs::write(&path, bytes).unwrap();
        let (log, recovery) = Log::open(dir.path(), small()).unwrap();
        prop_assert!(recovery.entries >= 3);
        let kept: Vec<_> = log.read(0).unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(u64::try_from(kept.len()).unwrap(), recovery.entries);
        prop_assert_eq!(kept.iter().take(3).map(|record| record.entry.clone()).collect::<Vec<_>>(), [entry(0), entry(1), entry(2)]);
    }

    #[test]
    fn random_bytes_are_never_a_frame_and_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert_eq!(frame::probe(&bytes), None);
        let _ = frame::decode(&bytes);
        let _ = frame::head(&bytes);
    }
}
