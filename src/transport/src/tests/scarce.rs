//! Scarce calls: lanes, reserves, slots.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use handoff_connector::{Fault, Lane};
use tokio::sync::Semaphore;

use super::support::{ManualClock, Rig, Tokens, answer, read, scripted, write};
use crate::Transport;

/// Calls that hang until `gate` has a permit for each.
fn hanging() -> (impl crate::Wire, Arc<Semaphore>, Arc<std::sync::atomic::AtomicU64>) {
    let gate = Arc::new(Semaphore::new(0));
    let running = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let (hold, count) = (Arc::clone(&gate), Arc::clone(&running));
    let wire = move |_request| {
        let (hold, count) = (Arc::clone(&hold), Arc::clone(&count));
        async move {
            count.fetch_add(1, Ordering::SeqCst);
            hold.acquire().await.unwrap().forget();
            count.fetch_sub(1, Ordering::SeqCst);
            Ok(answer(200, &[], "done"))
        }
    };
    (wire, gate, running)
}

fn spawn(
    transport: &Arc<Transport>,
    call: super::support::Call,
) -> tokio::task::JoinHandle<Result<String, Fault>> {
    let transport = Arc::clone(transport);
    tokio::spawn(async move { transport.run(call).await })
}

async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn d20_slow_calls_are_bounded_leave_a_slot_for_gates_and_harm_nobody_else() {
    let (wire, gate, running) = hanging();
    let transport = Rig::new(wire, Tokens::numbered()).build();
    let reads: Vec<_> = (0..10).map(|_| spawn(&transport, read())).collect();
    until(|| running.load(Ordering::SeqCst) == 4 && transport.status().budgets[2].waiting == 6).await;
    let close = spawn(&transport, write());
    until(|| running.load(Ordering::SeqCst) == 5).await;
    assert_eq!(transport.status().budgets[2].used, Some(5));
    let (other, _) = scripted(|_, _| Ok(answer(200, &[], "mine")));
    let neighbour = Rig::new(other, Tokens::numbered()).build();
    assert_eq!(neighbour.run(read()).await.as_deref(), Ok("mine"));
    gate.add_permits(11);
    assert!(close.await.unwrap().is_ok());
    for read in reads {
        assert!(read.await.unwrap().is_ok());
    }
    assert_eq!(transport.status().budgets[2].used, Some(0));
}

#[tokio::test]
async fn d20_a_dropped_call_gives_its_slot_back() {
    let (wire, gate, running) = hanging();
    let transport = Rig::new(wire, Tokens::numbered()).build();
    let held: Vec<_> = (0..4).map(|_| spawn(&transport, read())).collect();
    until(|| running.load(Ordering::SeqCst) == 4).await;
    let waiting = spawn(&transport, read());
    until(|| transport.status().budgets[2].waiting == 1).await;
    waiting.abort();
    for call in &held {
        call.abort();
    }
    until(|| transport.status().budgets[2].used == Some(0) && transport.status().budgets[2].waiting == 0)
        .await;
    gate.add_permits(1);
    assert!(transport.run(read()).await.is_ok());
}

#[tokio::test]
async fn d02_gates_go_first_whoever_came_first() {
    let (wire, gate, running) = hanging();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    let transport = Rig::new(wire, Tokens::numbered()).build();
    let fill: Vec<_> = (0..5).map(|_| spawn(&transport, write())).collect();
    until(|| running.load(Ordering::SeqCst) == 5).await;
    let mut queued = Vec::new();
    for (index, lane) in [Lane::Backfill, Lane::Read, Lane::GateOpen, Lane::GateClose].into_iter().enumerate()
    {
        let (transport, order) = (Arc::clone(&transport), Arc::clone(&order));
        let call = super::support::Call { lane, ..read() };
        let seen = Arc::clone(&transport);
        queued.push(tokio::spawn(async move {
            transport.run(call).await.unwrap();
            order.lock().unwrap().push(lane);
        }));
        until(|| seen.status().budgets[2].waiting == index + 1).await;
    }
    for done in 1..=9 {
        gate.add_permits(1);
        until(|| {
            fill.iter().chain([]).filter(|call| call.is_finished()).count() + order.lock().unwrap().len()
                == done
        })
        .await;
    }
    assert_eq!(*order.lock().unwrap(), [Lane::GateClose, Lane::GateOpen, Lane::Read, Lane::Backfill]);
    futures::future::join_all(queued).await;
}

#[tokio::test]
async fn d02_the_days_reserve_is_for_gates_and_its_last_quarter_for_closing() {
    let (wire, calls) = scripted(|_, _| Ok(answer(200, &[], "done")));
    let mut rig = Rig::new(wire, Tokens::numbered());
    rig.config.limits.insert("day".to_owned(), 100);
    let transport = rig.build();
    let spend = |lane| {
        let transport = Arc::clone(&transport);
        async move {
            let mut spent = 0;
            loop {
                match transport.run(super::support::Call { lane, ..read() }).await {
                    Ok(_) => spent += 1,
                    Err(fault) => {
                        assert!(matches!(fault, Fault::Throttled { budget: "day", .. }), "{fault:?}");
                        return spent;
                    }
                }
            }
        }
    };
    assert_eq!(spend(Lane::Read).await, 80);
    assert_eq!(spend(Lane::Backfill).await, 0);
    assert_eq!(spend(Lane::GateOpen).await, 15);
    assert_eq!(spend(Lane::GateClose).await, 5);
    assert_eq!(calls.load(Ordering::SeqCst), 100);
    let status = transport.status().budgets.remove(0);
    assert_eq!((status.name, status.used, status.limit), ("day", Some(100), 100));

    // the count survives a restart and leaves with its window
    let again = rig.build();
    assert!(again.run(write()).await.is_err());
    rig.clock.advance(Duration::from_hours(24));
    assert!(again.run(write()).await.is_err(), "the oldest hour counts whole");
    rig.clock.advance(Duration::from_hours(1));
    assert!(again.run(write()).await.is_ok());
}

#[tokio::test]
async fn d02_the_vendors_meter_stops_reads_before_gates_and_is_asked_again() {
    let (wire, calls) = scripted(|number, _| {
        Ok(answer(200, &[("x-used", if number <= 2 { "850/1000" } else { "100/1000" })], "done"))
    });
    let rig = Rig::new(wire, Tokens::numbered());
    let transport = rig.build();
    assert!(transport.run(read()).await.is_ok());
    assert!(matches!(transport.run(read()).await, Err(Fault::Throttled { budget: "day", .. })));
    assert!(transport.run(write()).await.is_ok(), "gates still have the reserve");
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    assert_eq!(transport.status().budgets[0].vendor_used, Some(850));
    rig.clock.advance(Duration::from_mins(15));
    assert!(transport.run(read()).await.is_ok(), "one call asks the meter");
    assert!(transport.run(read()).await.is_ok(), "and the meter says that there is room");
}

#[tokio::test]
async fn a_waiting_call_takes_its_turn_when_time_has_passed() {
    let (wire, calls) = scripted(|_, _| Ok(answer(200, &[], "done")));
    let mut rig = Rig::new(wire, Tokens::numbered());
    rig.clock = ManualClock::still();
    let transport = rig.build();
    for _ in 0..16 {
        assert!(transport.run(read()).await.is_ok());
    }
    let late = spawn(&transport, read());
    until(|| transport.status().budgets[1].waiting == 1).await;
    assert!(transport.run(write()).await.is_ok(), "the reserve is not the readers'");
    assert_eq!(calls.load(Ordering::SeqCst), 17);
    rig.clock.advance(Duration::from_secs(1));
    assert!(late.await.unwrap().is_ok());
}
