//! The daily reconciliation: what nobody reported is found, what is no longer listed is noticed, and a walk that was cut off goes on.

use handoff_core::handoff::Phase;
use handoff_sandbox_salesforce::{Action, Fault, Matching};
use handoffd::books::Channel;
use handoffd_tests::crm::{Deal, Kind};
use handoffd_tests::governed::{Governed, Options, WAIT};
use handoffd_tests::story::{AVA, COMMIT, QUEUE};
use jiff::SignedDuration;
use serde_json::json;

/// A world that governs deals however old, in which the pollers' cursors are past their first sweep.
async fn world(autopilot: bool) -> Governed {
    let mut world = Governed::prepare(Options { autopilot, ..Options::default() }).await;
    world.govern().governed_since = None;
    world.begin().await.unwrap();
    world.advance(3 * 3_600);
    // The newest rows seen of every kind are younger than anything that is written below.
    world.full_deal("Known");
    for _ in 0..2 {
        world.advance(1_200);
        world.settle().await;
    }
    world
}

/// A whole deal whose stamps are older than anything that a poll asks for, as a transaction leaves it that took hours to commit.
fn unreported(world: &Governed, name: &str) -> Deal {
    let now = world.now();
    world.org().set_time(now.checked_sub(SignedDuration::from_hours(2)).unwrap());
    let deal = world.company().deal(Kind::Salesforce, name, COMMIT);
    world.company().fill(deal, name);
    world.org().set_time(now);
    deal
}

fn listed() -> Matching {
    Matching { method: Some("GET".to_owned()), path: Some("/queryAll".to_owned()), ..Matching::default() }
}

fn counted(world: &Governed) -> u64 {
    let books = world.handle().view().books();
    books.into_iter().filter(|(source, _)| source.channel == Channel::Census).map(|(_, it)| it.received).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn d16_a_record_that_no_poll_ever_reported_is_found_by_the_census() {
    let world = world(false).await;
    let deal = unreported(&world, "Never told of");
    for _ in 0..3 {
        world.pass().await;
        world.handle().sweep_now().await.unwrap();
        world.settle().await;
    }
    assert_eq!(world.summary(deal), None, "polls and sweeps do not find it");
    assert!(world.handle().census_now().await.unwrap());
    world.settle().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    assert!(world.flag(deal, QUEUE));
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d16_the_census_is_taken_once_a_day_by_itself() {
    let world = world(true).await;
    let before = counted(&world);
    let deal = unreported(&world, "Never told of");
    let found = async {
        // Time goes on in steps until the day is over; how long each step is given is a matter of pace only.
        for _ in 0..2_000 {
            world.advance(60);
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            if world.flag(deal, QUEUE) {
                return;
            }
        }
        panic!("not found within a day and a half");
    };
    tokio::time::timeout(WAIT, found).await.unwrap();
    assert!(counted(&world) > before);
}

#[tokio::test(flavor = "multi_thread")]
async fn d17_a_known_record_that_the_crm_no_longer_lists_is_noticed() {
    let world = world(false).await;
    let deal = world.full_deal("Purged");
    world.pass().await;
    world.accept(deal);
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Accepted));
    // Long accepted, so that no sweep looks at it; then purged without a trace.
    world.advance(40 * 24 * 3_600);
    world.settle().await;
    world.org().hard_delete(AVA, deal.sf()).unwrap();
    world.handle().sweep_now().await.unwrap();
    world.settle().await;
    assert_eq!(world.phase(deal), Some(Phase::Accepted));
    assert!(world.handle().census_now().await.unwrap());
    assert_eq!(world.phase(deal), Some(Phase::Voided));
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_census_that_was_cut_off_goes_on_where_it_stood() {
    let mut world = world(false).await;
    // More than one page of 2,000; early deals, which open nothing.
    let deals: Vec<Deal> = (0..2_050)
        .map(|number| world.company().deal(Kind::Salesforce, &format!("Early {number}"), "early"))
        .collect();
    world.advance(1_200);
    world.settle().await;
    let last = unreported(&world, "On the second page");
    assert!(deals.iter().all(|deal| deal.id < last.id));
    world.org().plant(Fault { on: listed(), skip: 1, times: 1, action: Action::DailyLimit });
    assert!(!world.handle().census_now().await.unwrap(), "the second page was refused");
    let first_page = counted(&world);
    assert!((2_000..2_050).contains(&first_page), "{first_page}");
    assert_eq!(world.summary(last), None);
    world.restart().await;
    world.org().forget();
    world.advance(3_600);
    world.settle().await;
    assert!(world.handle().census_now().await.unwrap());
    world.settle().await;
    assert_eq!(world.phase(last), Some(Phase::Complete));
    let second = counted(&world) - first_page;
    assert!(second < 200, "{second} records read again: the walk started anew");
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_last_touched_before_anything_was_governed_is_listed_but_not_read() {
    let mut world = Governed::prepare(Options::default()).await;
    let old = world.company().deal(Kind::Salesforce, "Old", COMMIT);
    world.advance(100);
    world.govern().governed_since = Some(world.now());
    world.begin().await.unwrap();
    world.settle().await;
    assert!(world.handle().census_now().await.unwrap());
    assert_eq!(counted(&world), 0);
    world.edit(AVA, old, &json!({ "Amount": 1 }));
    assert!(world.handle().census_now().await.unwrap());
    assert_eq!(counted(&world), 1, "touched since: it may have entered its stage since");
    assert_eq!(world.summary(old), None);
}
