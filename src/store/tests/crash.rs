//! Kills and power cuts: a child process writes and acknowledges on a pipe, dies, and everything it acknowledged must
//! be there afterwards.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test's helpers fail the test")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use handoff_store::log::{Entry, Log, LogOptions, SealedPart};
use handoff_store::memory::sled::{Opened, SledMemory};
use handoff_store::memory::{Batch, Memory};
use handoff_store::state::{State, StateOptions};
use handoff_store::tlog;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const CONTEXT: &[u8] = b"package";

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

// --- the child -------------------------------------------------------------------------------------------------------

/// Not a test: the writer that is killed. Does nothing unless a parent asked for it.
#[test]
fn child() {
    let Ok(what) = std::env::var("HANDOFF_STORE_CHILD") else { return };
    let dir = PathBuf::from(std::env::var("HANDOFF_STORE_DIR").expect("a directory"));
    println!("\nopening");
    match what.as_str() {
        "log" => write_log(&dir),
        "memory" => write_memory(&dir),
        "state" => write_state(&dir),
        other => panic!("{other}"),
    }
}

fn write_log(dir: &Path) {
    let (log, _) =
        Log::open(dir, LogOptions { segment_bytes: 50_000, before_commit: None }).expect("the log opens");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    runtime.block_on(async {
        let writers = (0_u64..4).map(|writer| {
            let log = log.clone();
            tokio::spawn(async move {
                for count in 1.. {
                    let leaf = format!("{{\"w\":{writer},\"c\":{count}}}").into_bytes();
                    let group = vec![Entry { leaf, sealed: Vec::new() }; 1 + usize::from(count % 3 == 0_u32)];
                    let placed = log.append(group, None).await.expect("an append");
                    println!("log {} {writer} {count}", placed.end);
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.expect("a writer");
        }
    });
}

fn open_memory(dir: &Path) -> SledMemory {
    match SledMemory::open(dir, 0, true).expect("the memory opens") {
        Opened::Ready(memory) => memory,
        Opened::Rebuild { reason, .. } => panic!("nothing was damaged: {reason:?}"),
    }
}

fn write_memory(dir: &Path) {
    let memory = open_memory(dir);
    for first in (counted(&memory)..).step_by(10) {
        let waiting: Vec<_> = (first..first + 10)
            .map(|number| {
                let mut batch = Batch::new();
                batch.put(key(number), vec![b'v'; 300]).put("last", number.to_be_bytes());
                memory.apply(batch)
            })
            .collect();
        for (number, applied) in (first..).zip(waiting) {
            applied.wait().expect("a batch");
            println!("memory {}", number + 1);
        }
    }
}

/// How many numbered rows there must be, as the row written with each of them says.
fn counted(memory: &SledMemory) -> u64 {
    let last = memory.get(b"last").expect("a row");
    last.map_or(0, |last| u64::from_be_bytes(last.try_into().expect("a number")) + 1)
}

fn write_state(dir: &Path) {
    let mut random = random();
    let mut state = State::open(dir, &options(), &mut random).expect("the state opens");
    assert_eq!(state.rebuild, None, "nothing was damaged");
    println!("opened");
    for position in state.log.head().. {
        let subject = format!("sf:Opportunity:{position}");
        let secret = format!("secret {position}");
        let sealed = state.keyring.seal(&subject, CONTEXT, secret.as_bytes(), &mut random).expect("sealing");
        let leaf = format!("{{\"n\":{position}}}").into_bytes();
        let entry = Entry { leaf, sealed: vec![SealedPart { subject, bytes: sealed }] };
        if let Err(error) = state.log.append_blocking(vec![entry], None) {
            let again = state.log.append_blocking(vec![Entry { leaf: b"{}".to_vec(), sealed: vec![] }], None);
            println!("stopped log {} {}: {error}", state.log.is_poisoned(), again.is_err());
            return;
        }
        println!("log {}", position + 1);
        let mut batch = Batch::new();
        batch.put(key(position), vec![b'v'; 300]).log_head(position + 1);
        if let Err(error) = state.memory.apply(batch).wait() {
            println!("stopped memory {} true: {error}", state.memory.is_poisoned());
            return;
        }
        println!("memory {}", position + 1);
        if position % 3 == 0 {
            match state.audit.publish() {
                Ok(checkpoint) => println!("published {}", checkpoint.size),
                Err(error) => {
                    println!("stopped audit true {}: {error}", state.audit.publish().is_err());
                    return;
                }
            }
        }
    }
}

// --- the parent ------------------------------------------------------------------------------------------------------

/// The highest number acknowledged for each thing, and the last line.
#[derive(Default, Debug)]
struct Heard {
    acknowledged: BTreeMap<String, u64>,
    stopped: Option<String>,
}

impl Heard {
    fn of(&self, what: &str) -> u64 {
        self.acknowledged.get(what).copied().unwrap_or(0)
    }

    fn take(&mut self, line: &str) {
        let mut words = line.split(' ');
        let (what, number) = (words.next().unwrap_or_default(), words.next().map(str::parse::<u64>));
        if what == "stopped" {
            self.stopped = Some(line.to_owned());
        } else if let Some(Ok(number)) = number
            && ["log", "memory", "published"].contains(&what)
        {
            let highest = self.acknowledged.entry(what.to_owned()).or_default();
            *highest = number.max(*highest);
        }
    }
}

fn spawn(what: &str, dir: &Path, environment: &[(&str, String)]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env("HANDOFF_STORE_CHILD", what)
        .env("HANDOFF_STORE_DIR", dir)
        .envs(environment.iter().map(|(name, value)| (*name, value)))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Kills the child when it has said `lines` lines; what it said until then counts.
fn kill_after(mut child: Child, lines: u64) -> Heard {
    let mut heard = Heard::default();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut opened = false;
    let mut count = 0;
    let mut alive = true;
    for line in said.by_ref() {
        let line = line.unwrap();
        opened |= line == "opening";
        heard.take(&line);
        count += u64::from(opened);
        if alive && opened && count > lines {
            child.kill().unwrap();
            alive = false;
        }
    }
    let output = child.wait_with_output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(!complaint.contains("panicked"), "the child refused: {complaint}");
    heard
}

#[test]
fn a01_a_killed_log_loses_no_acknowledged_entry() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = random();
    for round in 0..rounds(12) {
        let lines = if round % 4 == 0 { 0 } else { random.random_range(1..400) };
        let heard = kill_after(spawn("log", dir.path(), &[]), lines);
        let (log, _) = Log::open(dir.path(), LogOptions::default()).unwrap();
        assert!(log.head() >= heard.of("log"), "{} of {heard:?}", log.head());
        let mut expected = 0;
        for record in log.read(0).unwrap() {
            assert_eq!(record.unwrap().position, expected);
            expected += 1;
        }
        assert_eq!(expected, log.head());
    }
}

#[test]
fn a01_a_killed_memory_loses_no_acknowledged_row_and_opens_again() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("memory");
    let mut random = random();
    for round in 0..rounds(12) {
        let lines = if round % 3 == 0 { 0 } else { random.random_range(1..300) };
        let heard = kill_after(spawn("memory", &place, &[]), lines);
        if !place.exists() {
            continue;
        }
        let memory = open_memory(&place);
        let numbered = memory.scan(b"k/", None, usize::MAX).unwrap();
        let count = u64::try_from(numbered.len()).unwrap();
        assert!(count >= heard.of("memory"), "{count} of {heard:?}");
        assert_eq!(counted(&memory), count, "a batch is whole or not there");
    }
}

/// Opens what a dead child left and checks every promise; returns the checkpoint's note.
fn check_state(dir: &Path, heard: &Heard, before: Option<&[u8]>) -> Vec<u8> {
    let mut state = State::open(dir, &options(), &mut random()).unwrap();
    assert_eq!(state.rebuild, None, "nothing was damaged");
    assert!(state.log.head() >= heard.of("log"), "log {} of {heard:?}", state.log.head());
    let mut next = 0;
    for record in state.log.read(0).unwrap() {
        let record = record.unwrap();
        assert_eq!(record.position, next);
        assert_eq!(record.entry.leaf, format!("{{\"n\":{next}}}").into_bytes());
        let part = &record.entry.sealed[0];
        let secret = state.keyring.unseal(&part.subject, CONTEXT, &part.bytes).unwrap();
        assert_eq!(secret.unwrap(), format!("secret {next}").into_bytes());
        next += 1;
    }
    assert_eq!(next, state.log.head());
    assert!(state.memory.log_head() >= heard.of("memory"), "memory {} of {heard:?}", state.memory.log_head());
    assert_eq!(state.memory.rows(), state.memory.log_head());
    for number in state.memory.log_head()..state.log.head() {
        let mut batch = Batch::new();
        batch.put(key(number), vec![b'v'; 300]).log_head(number + 1);
        state.memory.apply(batch).wait().unwrap();
    }
    let published = state.audit.checkpoint().map_or(0, |checkpoint| checkpoint.size);
    assert!(published >= heard.of("published"), "published {published} of {heard:?}");
    let audit = dir.join("audit");
    if published > 0 {
        tlog::verify_against_log(&audit, state.audit.vkey(), before, &dir.join("log")).unwrap();
    }
    let checkpoint = state.audit.publish().unwrap();
    tlog::verify(&audit, state.audit.vkey(), before).unwrap();
    checkpoint.note
}

#[test]
fn a07_a_killed_state_keeps_log_keys_rows_and_checkpoints_together() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = random();
    let mut checkpoint: Option<Vec<u8>> = None;
    for round in 0..rounds(10) {
        let lines = if round % 4 == 0 { 0 } else { random.random_range(1..300) };
        let heard = kill_after(spawn("state", dir.path(), &[]), lines);
        checkpoint = Some(check_state(dir.path(), &heard, checkpoint.as_deref()));
    }
}

// --- power cuts ------------------------------------------------------------------------------------------------------

/// The shim, compiled once.
fn shim() -> &'static Path {
    static SHIM: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = SHIM.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("powerloss.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/shim/powerloss.c");
        let status = Command::new("gcc")
            .args(["-O2", "-shared", "-fPIC", "-o"])
            .args([&path, &source])
            .args(["-ldl", "-lpthread"])
            .status()
            .unwrap();
        assert!(status.success());
        (dir, path)
    });
    path
}

fn under_shim(root: &Path, shadow: &Path, more: &[(&'static str, String)]) -> Vec<(&'static str, String)> {
    let mut environment = vec![
        ("LD_PRELOAD", shim().display().to_string()),
        ("POWERLOSS_ROOT", root.display().to_string()),
        ("POWERLOSS_SHADOW", shadow.display().to_string()),
    ];
    environment.extend_from_slice(more);
    environment
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

/// Runs the state's child under the shim from what survived the round before, and checks what survives now.
fn power_cuts(leak: u32, rounds: u64) {
    let dir = tempfile::tempdir().unwrap();
    let mut random = random();
    let mut survived = dir.path().join("start");
    fs::create_dir(&survived).unwrap();
    let mut checkpoint: Option<Vec<u8>> = None;
    for round in 0..rounds {
        let home = dir.path().join(format!("round{round}"));
        fs::create_dir(&home).unwrap();
        let (root, shadow) = (home.join("state"), home.join("shadow"));
        copy_tree(&survived, &root);
        let lines = if round % 5 == 0 { random.random_range(0..3) } else { random.random_range(1..200) };
        let environment = under_shim(&root, &shadow, &[("POWERLOSS_LEAK", leak.to_string())]);
        let heard = kill_after(spawn("state", &root, &environment), lines);
        let left = home.join("left");
        copy_tree(&shadow.join("root"), &left);
        checkpoint = Some(check_state(&left, &heard, checkpoint.as_deref()));
        fs::remove_dir_all(&root).unwrap();
        fs::remove_dir_all(&shadow).unwrap();
        survived = left;
    }
}

#[test]
fn a01_a_power_cut_that_keeps_only_what_was_flushed_loses_nothing_acknowledged() {
    power_cuts(0, rounds(10));
}

#[test]
fn a01_a_power_cut_that_also_keeps_unflushed_blocks_in_any_order_loses_nothing_acknowledged() {
    power_cuts(50, rounds(10));
}

/// The shim must be able to lose data, or the two tests above prove nothing.
#[test]
fn the_power_cut_model_loses_what_was_not_flushed() {
    let dir = tempfile::tempdir().unwrap();
    let (root, shadow) = (dir.path().join("root"), dir.path().join("shadow"));
    fs::create_dir(&root).unwrap();
    let script = "import os,sys\n\
        d=sys.argv[1]\n\
        f=open(d+'/kept','wb',buffering=0); f.write(b'kept'); os.fsync(f.fileno())\n\
        n=os.open(d,os.O_RDONLY); os.fsync(n)\n\
        f.write(b' and lost')\n\
        g=open(d+'/unnamed','wb',buffering=0); g.write(b'x'); os.fsync(g.fileno())\n\
        os.rename(d+'/kept',d+'/renamed')\n";
    let status = Command::new("python3")
        .args(["-c", script])
        .arg(&root)
        .envs(under_shim(&root, &shadow, &[]))
        .status()
        .unwrap();
    assert!(status.success());
    assert_eq!(fs::read(root.join("renamed")).unwrap(), b"kept and lost");
    assert_eq!(fs::read(shadow.join("root/kept")).unwrap(), b"kept");
    assert!(!shadow.join("root/unnamed").exists() && !shadow.join("root/renamed").exists());
}

#[test]
fn a13_a_failed_flush_stops_the_process_and_is_never_retried() {
    let dir = tempfile::tempdir().unwrap();
    let mut stopped = BTreeMap::new();
    for failing in (60..60 + 3 * rounds(8)).step_by(3) {
        let home = dir.path().join(failing.to_string());
        fs::create_dir(&home).unwrap();
        let root = home.join("state");
        let environment = under_shim(&root, &home.join("shadow"), &[("POWERLOSS_EIO", failing.to_string())]);
        let heard = kill_after(spawn("state", &root, &environment), 10_000);
        let line = heard.stopped.clone().expect("the failed flush was noticed");
        let words: Vec<_> = line.split([' ', ':']).collect();
        assert_eq!(words[2..4], ["true", "true"], "poisoned, and refused again: {line}");
        *stopped.entry(words[1].to_owned()).or_insert(0) += 1;
        check_state(&root, &heard, None);
    }
    assert!(stopped.len() > 1, "different files were hit: {stopped:?}");
}
