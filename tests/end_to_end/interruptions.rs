//! Stops, restarts, and what was ordered while nobody wrote.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use handoff_core::handoff::Phase;
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{COMMISSION, QUEUE};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_goes_on_where_it_was() {
    let mut world = Governed::start(Options::default()).await;
    let deal = world.full_deal("Restarted");
    world.pass().await;
    let before = world.detail(deal).await;
    world.stop().await;
    // While nobody looks, the receiver answers.
    world.accept(deal);
    world.begin().await.unwrap();
    assert_eq!(world.phase(deal), Some(Phase::Complete), "known before anything is read");
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    let after = world.detail(deal).await;
    assert!(after.entries.starts_with(&before.entries), "history is only added to");
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn a04_what_was_ordered_but_not_written_is_written_once_after_the_restart() {
    let mut world = Governed::start(Options::default()).await;
    let deal = world.full_deal("Ordered");
    world.pass().await;
    world.handle().pause("test").await.unwrap();
    world.accept(deal);
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Accepted));
    assert!(!world.flag(deal, COMMISSION));
    world.restart().await;
    assert!(world.handle().view().switch().paused, "the switch survives");
    world.pass().await;
    assert!(!world.flag(deal, COMMISSION));
    world.handle().resume("test").await.unwrap();
    world.pass().await;
    assert_eq!(world.company().flips(deal, COMMISSION), (1, 0));
    let events = world.events(deal).await;
    assert!(!events.contains(&"tampered"), "{events:?}");
}

/// The log is durable, and its head signed, before any opening reaches the CRM (promise 1, L6).
#[tokio::test(flavor = "multi_thread")]
async fn i02_no_opening_leaves_before_its_entry_is_signed() {
    let world = Governed::start(Options::default()).await;
    let deal = world.full_deal("Signed");
    world.pass().await;
    let flags: Vec<String> = [COMMISSION, QUEUE]
        .into_iter()
        .flat_map(|gate| world.company().forgery(deal, gate))
        .map(|(field, _)| field)
        .collect();
    let checked = Arc::new(AtomicU32::new(0));
    let (view, counted) = (world.handle().view(), Arc::clone(&checked));
    world.org().on_write(Arc::new(move |write| {
        if write.fields.iter().any(|change| flags.contains(&change.field) && change.new == json!(true)) {
            let head = view.head();
            assert!(head.signed > 0 && head.signed == head.entries, "{head:?}");
            counted.fetch_add(1, Ordering::SeqCst);
        }
    }));
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    assert!(checked.load(Ordering::SeqCst) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_durable_step_can_be_the_last() {
    let reached = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&reached);
    let hook: handoffd::failpoint::Hook = Arc::new(move |place: &str| {
        seen.lock().unwrap().insert(place.to_owned());
    });
    let world = Governed::start(Options { failpoint: Some(hook), ..Options::default() }).await;
    let deal = world.full_deal("Steps");
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    let reached: Vec<String> = reached.lock().unwrap().iter().cloned().collect();
    assert_eq!(reached, ["after_write", "appended", "before_write", "page_applied"]);
}
