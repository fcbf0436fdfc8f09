//! Stops, restarts, lost memory, and writes whose answers never came.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use handoff_core::handoff::Phase;
use handoffd::app::Options;
use serde_json::json;

use crate::world::{COMMISSION, DECISION, INGRID, QUEUE, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_goes_on_where_it_was() {
    let mut world = World::start().await;
    let deal = world.deal("Negotiation/Review");
    world.settle().await;
    world.complete(deal);
    world.settle().await;
    let before = world.detail(deal).await;
    world.stop().await;
    // While nobody looks, the receiver answers.
    world.edit(INGRID, deal, &json!({DECISION: "Accept"}));
    world.begin().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete), "known before anything is read");
    world.settle().await;
    assert!(world.flag(deal, COMMISSION));
    let after = world.detail(deal).await;
    assert!(after.entries.starts_with(&before.entries), "history is only added to");
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn a16_the_memory_is_lost_and_rebuilt_from_the_log() {
    let mut world = World::start().await;
    let deal = world.deal("Negotiation/Review");
    world.complete(deal);
    world.settle().await;
    world.edit(INGRID, deal, &json!({DECISION: "Accept"}));
    world.settle().await;
    let before = world.detail(deal).await;
    let writes = world.org().writes().len();
    world.stop().await;
    std::fs::remove_dir_all(world.config.state_dir.join("memory")).unwrap();
    world.begin().await;
    let after = world.detail(deal).await;
    assert_eq!(before, after, "i07: folding the log gives the same state");
    world.settle().await;
    assert_eq!(world.detail(deal).await.entries, before.entries, "looking again adds nothing");
    assert_eq!(world.org().writes().len(), writes, "and writes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_what_was_ordered_but_not_written_is_written_once_after_the_restart() {
    let mut world = World::start().await;
    let deal = world.deal("Negotiation/Review");
    world.complete(deal);
    world.settle().await;
    world.handle().pause("test").await.unwrap();
    world.edit(INGRID, deal, &json!({DECISION: "Accept"}));
    world.settle().await;
    assert_eq!(world.phase(deal), Some(Phase::Accepted));
    assert!(!world.flag(deal, COMMISSION));
    world.stop().await;
    world.begin().await;
    assert!(world.handle().view().switch().paused, "the switch survives");
    world.settle().await;
    assert!(!world.flag(deal, COMMISSION));
    world.handle().resume("test").await.unwrap();
    world.settle().await;
    assert!(world.flag(deal, COMMISSION));
    let opened = |write: &&handoff_sandbox_salesforce::WriteRecord| {
        write.id == Some(deal)
            && write.fields.iter().any(|field| field.field == COMMISSION && field.new == json!(true))
    };
    assert_eq!(world.org().writes().iter().filter(opened).count(), 1);
    let events = world.events(deal).await;
    assert!(!events.contains(&"tampered"), "{events:?}");
}

/// The log is durable, and its head signed, before any opening reaches the CRM (promise 1, L6).
#[tokio::test(flavor = "multi_thread")]
async fn i02_no_opening_leaves_before_its_entry_is_signed() {
    let world = World::start().await;
    let deal = world.deal("Negotiation/Review");
    world.complete(deal);
    world.settle().await;
    let checked = Arc::new(AtomicU32::new(0));
    let (view, counted) = (world.handle().view(), Arc::clone(&checked));
    world.org().on_write(Arc::new(move |write| {
        let opens = |field: &handoff_sandbox_salesforce::FieldChange| {
            [COMMISSION, QUEUE].contains(&field.field.as_str()) && field.new == json!(true)
        };
        if write.fields.iter().any(opens) {
            let head = view.head();
            assert!(head.signed > 0 && head.signed == head.entries, "{head:?}");
            counted.fetch_add(1, Ordering::SeqCst);
        }
    }));
    world.edit(INGRID, deal, &json!({DECISION: "Accept"}));
    world.settle().await;
    assert!(world.flag(deal, COMMISSION));
    assert!(checked.load(Ordering::SeqCst) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_durable_step_can_be_the_last() {
    let mut world = World::quiet().await;
    let reached = Arc::new(std::sync::Mutex::new(std::collections::BTreeSet::new()));
    let seen = Arc::clone(&reached);
    let hook: handoffd::failpoint::Hook = Arc::new(move |place: &str| {
        seen.lock().unwrap().insert(place.to_owned());
    });
    world.begin_with(Options { autopilot: false, failpoint: Some(hook), ..Options::default() }).await;
    let deal = world.deal("Negotiation/Review");
    world.complete(deal);
    world.settle().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    let reached: Vec<String> = reached.lock().unwrap().iter().cloned().collect();
    assert_eq!(reached, ["after_write", "appended", "before_write", "page_applied"]);
}
