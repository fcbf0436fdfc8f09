//! Budgets that the vendor says are used up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use handoff_connector::{Fault, Lane};
use jiff::Timestamp;

use super::support::{Call, ManualClock, Rig, Tokens, answer, read, scripted, start, write};
use crate::{LONGEST_WAIT, Note, Transport};

/// A vendor that answers with a status that a test may change, and a wait.
fn vendor(wait: Option<&'static str>) -> (Rig, Arc<AtomicU16>, Arc<std::sync::atomic::AtomicU64>) {
    let status = Arc::new(AtomicU16::new(200));
    let says = Arc::clone(&status);
    let (wire, calls) = scripted(move |_, _| {
        let headers: Vec<_> = wait.into_iter().map(|wait| ("retry-after", wait)).collect();
        Ok(answer(says.load(Ordering::SeqCst), &headers, "done"))
    });
    (Rig::new(wire, Tokens::numbered()), status, calls)
}

async fn kind(transport: &Transport, call: Call) -> &'static str {
    match transport.run(call).await {
        Ok(_) => "ok",
        Err(Fault::Throttled { budget: "day", .. }) => "day",
        Err(other) => other.kind(),
    }
}

fn paused_until(transport: &Transport, budget: &str) -> Option<Timestamp> {
    let budgets = transport.status().budgets;
    budgets.iter().find(|each| each.name == budget).and_then(|each| each.blocked_until)
}

#[tokio::test]
async fn d01_a_throttled_budget_pauses_who_needs_it_and_nobody_else() {
    const SEARCH: &[(&str, u32)] = &[("short", 1), ("slots", 1), ("day", 1)];
    const OTHER: &[(&str, u32)] = &[("slots", 1), ("day", 1)];
    let (mut rig, status, calls) = vendor(Some("10"));
    rig.clock = ManualClock::still();
    let transport = rig.build();
    status.store(431, Ordering::SeqCst);
    let search = tokio::spawn({
        let transport = Arc::clone(&transport);
        async move { transport.run(Call { cost: SEARCH, ..read() }).await }
    });
    while paused_until(&transport, "short").is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(paused_until(&transport, "short"), Some(start() + Duration::from_secs(10)));
    assert_eq!((paused_until(&transport, "slots"), paused_until(&transport, "day")), (None, None));
    status.store(200, Ordering::SeqCst);
    // the paused search waits at the head of the line and holds nobody up
    for lane in [Lane::Backfill, Lane::Read, Lane::GateClose] {
        assert_eq!(kind(&transport, Call { cost: OTHER, lane, ..read() }).await, "ok");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 4);
    assert!(!search.is_finished());
    rig.clock.advance(Duration::from_secs(10));
    assert!(search.await.unwrap().is_ok());
}

#[tokio::test]
async fn d02_a_used_up_day_rests_until_midnight_while_gates_and_then_a_read_find_out() {
    let (rig, status, calls) = vendor(None);
    let transport = rig.build();
    let called = || calls.load(Ordering::SeqCst);
    status.store(430, Ordering::SeqCst);
    assert_eq!(kind(&transport, read()).await, "day");
    assert_eq!(paused_until(&transport, "day"), Some("2026-11-21T00:00:00Z".parse().unwrap()));
    assert_eq!(paused_until(&transport, "short"), None);
    for _ in 0..50 {
        assert_eq!(kind(&transport, read()).await, "day");
        assert_eq!(kind(&transport, write()).await, "day");
    }
    assert_eq!(called(), 1, "nobody asks right away");
    // after a quarter of an hour gates may, and are refused; that counts for everybody
    rig.clock.advance(LONGEST_WAIT);
    assert_eq!(kind(&transport, write()).await, "day");
    assert_eq!(kind(&transport, read()).await, "day");
    assert_eq!(called(), 2);
    // later one read does, and the vendor serves it
    rig.clock.advance(LONGEST_WAIT);
    status.store(200, Ordering::SeqCst);
    for _ in 0..5 {
        assert_eq!(kind(&transport, read()).await, "ok");
    }
    assert_eq!(paused_until(&transport, "day"), None);
    assert!(rig.notes.lock().unwrap().iter().any(
        |note| matches!(note, Note::Throttled { budget: "day", wait } if *wait == Duration::from_hours(12))
    ));
}

#[tokio::test]
async fn d02_a_gate_that_is_served_ends_the_pause() {
    let (rig, status, _) = vendor(Some("7200"));
    let transport = rig.build();
    status.store(430, Ordering::SeqCst);
    assert_eq!(kind(&transport, read()).await, "day");
    status.store(200, Ordering::SeqCst);
    rig.clock.advance(LONGEST_WAIT);
    assert_eq!(kind(&transport, read()).await, "day", "readers were told for how long");
    assert_eq!(kind(&transport, Call { lane: Lane::GateOpen, ..write() }).await, "ok");
    assert_eq!(kind(&transport, read()).await, "ok");
}

#[tokio::test]
async fn d01_a_days_pause_is_as_long_as_told_and_at_most_a_day() {
    for (told, hours) in [("21600", 6), ("315360000", 24), ("60", 0), ("-3", 0)] {
        let (rig, status, calls) = vendor(Some(told));
        let transport = rig.build();
        status.store(430, Ordering::SeqCst);
        assert_eq!(kind(&transport, read()).await, "day");
        status.store(200, Ordering::SeqCst);
        let end = paused_until(&transport, "day").unwrap();
        if hours > 0 {
            assert_eq!(end, start() + Duration::from_hours(hours), "{told}");
            rig.clock.advance(Duration::from_secs(hours * 3_600 - 1));
            assert_eq!(kind(&transport, Call { lane: Lane::Backfill, ..read() }).await, "day", "{told}");
            assert_eq!(calls.load(Ordering::SeqCst), 1);
        }
        rig.clock.advance(crate::clock::until(rig.clock_now(), end));
        assert_eq!(kind(&transport, read()).await, "ok", "{told}");
    }
}

#[tokio::test]
async fn d01_what_the_vendor_tells_later_replaces_our_guess() {
    let said = Arc::new(std::sync::Mutex::new(None));
    let says = Arc::clone(&said);
    let (wire, _) = scripted(move |_, _| {
        let wait: Option<&str> = *says.lock().unwrap();
        let headers: Vec<_> = wait.into_iter().map(|wait| ("retry-after", wait)).collect();
        Ok(answer(430, &headers, ""))
    });
    let rig = Rig::new(wire, Tokens::numbered());
    let transport = rig.build();
    assert_eq!(kind(&transport, read()).await, "day");
    *said.lock().unwrap() = Some("3600");
    rig.clock.advance(LONGEST_WAIT);
    assert_eq!(kind(&transport, read()).await, "day");
    let told = rig.clock_now() + Duration::from_hours(1);
    assert_eq!(paused_until(&transport, "day"), Some(told));
    // and a guess later on replaces nothing
    *said.lock().unwrap() = None;
    rig.clock.advance(LONGEST_WAIT);
    assert_eq!(kind(&transport, write()).await, "day");
    assert_eq!(paused_until(&transport, "day"), Some(told));
}
