//! Rates of one million entries, for a person to read: `cargo test --release -p handoff-store --test measure -- --ignored
//! --nocapture`. Asserts nothing about time.
#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on fails")]

use std::time::Instant;

use handoff_store::log::{Entry, Guard, Log, LogOptions, StreamKey};
use handoff_store::memory::sled::{Opened, SledMemory};
use handoff_store::memory::{Batch, Memory};
use handoff_store::tlog::{Publisher, SigningKey, verify};
use rand::SeedableRng;
use rand::rngs::StdRng;

const ENTRIES: u64 = 1_000_000;

fn timed<T>(what: &str, count: u64, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    let seconds = start.elapsed().as_secs_f64();
    let rate = f64::from(u32::try_from(count).unwrap()) / seconds;
    println!("{what}: {seconds:.3} s, {rate:.0}/s");
    result
}

fn entry(number: u64) -> Entry {
    let leaf = format!("{{\"n\":{number},\"kind\":\"GateWritten\",\"pad\":\"{}\"}}", "x".repeat(240));
    Entry { leaf: leaf.into_bytes(), sealed: Vec::new() }
}

#[test]
#[ignore = "a measurement of a minute"]
fn one_million_entries() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("log");
    {
        let (log, _) = Log::open(&place, LogOptions::default()).unwrap();
        timed("append one by one, durable", 2000, || {
            for number in 0..2000 {
                log.append_blocking(vec![entry(number)], None).unwrap();
            }
        });
        timed("append by hundreds, durable", 50_000, || {
            for first in (2000..52_000).step_by(100) {
                log.append_blocking((first..first + 100).map(entry).collect(), None).unwrap();
            }
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        timed("append by 64 tasks, one each, durable", 64_000, || {
            runtime.block_on(async {
                let tasks = (0..64_u64).map(|task| {
                    let log = log.clone();
                    tokio::spawn(async move {
                        for number in 0..1000 {
                            let stream = StreamKey::new(&format!("{task}/{number}"));
                            log.append(vec![entry(number)], Some(Guard { stream, expected: 0 }))
                                .await
                                .unwrap();
                        }
                    })
                });
                for task in tasks.collect::<Vec<_>>() {
                    task.await.unwrap();
                }
            });
        });
        let rest = ENTRIES - log.head();
        timed("append by thousands, durable", rest, || {
            let mut left = rest;
            while left > 0 {
                let now = left.min(1000);
                log.append_blocking((0..now).map(entry).collect(), None).unwrap();
                left -= now;
            }
        });
    }
    let (log, _) = timed("open", ENTRIES, || Log::open(&place, LogOptions::default()).unwrap());
    timed("read", ENTRIES, || assert_eq!(log.read(0).unwrap().flatten().count(), 1_000_000));
    let audit = dir.path().join("audit");
    let key = |seed| {
        let random = &mut StdRng::seed_from_u64(seed);
        SigningKey::open(&dir.path().join("audit.key"), "example.com/measure", random).unwrap()
    };
    let mut publisher = Publisher::open(&audit, key(1), log.clone()).unwrap();
    timed("publish", ENTRIES, || publisher.publish().unwrap());
    let vkey = publisher.vkey().to_owned();
    timed("publish one by one, with append", 500, || {
        for number in 0..500 {
            log.append_blocking(vec![entry(number)], None).unwrap();
            publisher.publish().unwrap();
        }
    });
    drop(publisher);
    timed("open the audit log", ENTRIES, || Publisher::open(&audit, key(1), log.clone()).unwrap());
    timed("verify", ENTRIES, || verify(&audit, &vkey, None).unwrap());
    let rows = dir.path().join("memory");
    let open = || match SledMemory::open(&rows, 0, true).unwrap() {
        Opened::Ready(memory) | Opened::Rebuild { memory, .. } => memory,
    };
    let memory = open();
    timed("rows one by one, durable", 1000, || {
        for number in 0..1000_u32 {
            let mut batch = Batch::new();
            batch.put(format!("a/{number:08}"), vec![1; 300]);
            memory.apply(batch).wait().unwrap();
        }
    });
    timed("rows by thousands, durable", 200_000, || {
        for first in (0..200_000_u32).step_by(1000) {
            let mut batch = Batch::new();
            for number in first..first + 1000 {
                batch.put(format!("b/{number:08}"), vec![1; 300]);
            }
            memory.apply(batch).wait().unwrap();
        }
    });
    drop(memory);
    timed("open and check the rows", 201_000, open);
}
