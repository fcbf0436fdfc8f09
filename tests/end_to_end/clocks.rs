//! Clocks that jump or disagree, and stamps that cannot be true.

use handoff_core::handoff::Phase;
use handoffd_tests::crm::{Carriage, Kind, SALESFORCE};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, COMMISSION, COMMIT, QUEUE, package_of};
use jiff::SignedDuration;
use serde_json::json;

use crate::steps::on_each_crm;

/// Moves only the daemon's clock.
fn jump(world: &Governed, hours: i64) {
    let to = world.now().checked_add(SignedDuration::from_hours(hours)).unwrap();
    world.clock().set(to);
}

/// With the daemon's clock `hours` off, a deal goes all the way.
async fn goes_all_the_way(options: Options, hours: i64) {
    // HubSpot signs the time: its deliveries are refused by a clock that is wrong, and polling does without them.
    let webhooks = options.crms == SALESFORCE;
    let world = Governed::start(Options { webhooks, ..options }).await;
    let before = world.full_deal("Before the jump");
    world.pass().await;
    jump(&world, hours);
    world.settle().await;
    let after = world.now();
    // In one look: what is seen in two of what was done within a second was done at the latest at the second look, by our own clock.
    let vendor = world.company().of(before);
    vendor.carry(Carriage::Held);
    let deal = world.company().deal(before.kind, "After the jump", COMMIT);
    world.company().fill(deal, "after");
    vendor.release();
    for step in 0..4_i64 {
        let at = after.checked_add(SignedDuration::from_secs(30 * (step + 1))).unwrap();
        world.company().vendors().for_each(|vendor| vendor.set_time(at));
        jump(&world, hours);
        world.settle().await;
        if step == 1 {
            for deal in [before, deal] {
                assert!(world.flag(deal, QUEUE), "{:?}", world.phase(deal));
                world.company().accept(deal);
            }
        }
    }
    for deal in [before, deal] {
        assert_eq!(world.phase(deal), Some(Phase::Accepted));
        assert!(world.flag(deal, COMMISSION));
        assert_eq!(world.company().flips(deal, COMMISSION), (1, 0));
    }
    // And back to the truth.
    jump(&world, 0);
    world.settle().await;
    assert!(world.flag(deal, COMMISSION));
    world.assert_balanced();
    world.verify_audit();
}

on_each_crm!(b01_our_clock_jumps_a_day_ahead);

async fn b01_our_clock_jumps_a_day_ahead(options: Options) {
    goes_all_the_way(options, 24).await;
}

on_each_crm!(b02_our_clock_jumps_a_day_back);

async fn b02_our_clock_jumps_a_day_back(options: Options) {
    goes_all_the_way(options, -24).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b03_ten_minutes_between_our_clock_and_the_vendors_lose_nothing() {
    for minutes in [10, -10] {
        let world = Governed::start(Options { webhooks: true, ..Options::default() }).await;
        let apart =
            || world.clock().set(world.now().checked_add(SignedDuration::from_mins(minutes)).unwrap());
        apart();
        world.settle().await;
        let deal = world.company().deal(Kind::Salesforce, "Skewed", COMMIT);
        for _ in 0..3 {
            world.org().advance(30);
            apart();
            world.settle().await;
        }
        assert!(world.summary(deal).is_some(), "{minutes}");
        assert!(world.org().deliveries().iter().all(|one| one.acknowledged));
        world.assert_balanced();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn b06_stamps_in_the_future_or_in_1970_neither_stall_nor_skip() {
    let world = Governed::start(Options::default()).await;
    let (future, past) = (world.deal("Future"), world.deal("Past"));
    world.org().set_stamps(future.sf(), Some(4_000_000_000), Some(4_000_000_000)).unwrap();
    world.org().set_stamps(past.sf(), Some(0), Some(0)).unwrap();
    world.pass().await;
    assert!(world.summary(future).is_some(), "a stamp in the future is read");
    let later = world.full_deal("Later");
    world.pass().await;
    assert!(world.flag(later, QUEUE), "the cursor did not run ahead");
    let heads = world.handle().view().head().entries;
    for _ in 0..3 {
        world.pass().await;
    }
    assert_eq!(world.handle().view().head().entries, heads, "and it does not go round in circles");
    world.edit(AVA, past, &json!({"Amount": 1}));
    world.pass().await;
    assert!(world.summary(past).is_some());
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn b07_two_hundred_rows_of_one_second_at_a_page_border_are_all_found() {
    let world = Governed::start(Options::default()).await;
    world.pass().await;
    world.advance(60);
    let mut deals: Vec<_> = (0..200)
        .map(|number| world.company().deal(Kind::Salesforce, &format!("Second {number}"), COMMIT))
        .collect();
    world.settle().await;
    // More of the same second become visible after it was read.
    deals.extend(
        (200..260).map(|number| world.company().deal(Kind::Salesforce, &format!("Second {number}"), COMMIT)),
    );
    world.settle().await;
    world.pass().await;
    for deal in &deals {
        assert!(world.summary(*deal).is_some(), "{deal}");
    }
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn b07_a_row_that_is_committed_late_is_found() {
    let world = Governed::start(Options::default()).await;
    world.pass().await;
    let deal = world.deal("Late commit");
    world.pass().await;
    let transaction = world.org().open_transaction();
    let mapping = world.company().first().crm().mapping();
    let fields = handoffd::demo::fill::fields(mapping, &package_of("late"));
    let act = handoff_sandbox_salesforce::Act::update(AVA, "Opportunity", deal.sf(), &fields.into());
    world.org().act(&act.within(transaction)).unwrap();
    world.company().add_people(deal);
    for _ in 0..4 {
        world.pass().await;
    }
    assert_eq!(world.phase(deal), Some(Phase::Draft));
    world.org().commit_transaction(transaction).unwrap();
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete), "its stamp is older than the cursor");
}

#[tokio::test(flavor = "multi_thread")]
async fn b05_a_machine_that_slept_for_ten_days_looks_once_and_breaks_each_promise_once() {
    let world = Governed::start(Options::default()).await;
    let deal = world.full_deal("Asleep");
    world.settle().await;
    world.org().forget();
    world.advance(10 * 24 * 3_600);
    world.settle().await;
    let calls: u64 = world.org().calls().by_kind.values().sum();
    assert!(calls < 30, "{calls} calls after waking up");
    for _ in 0..3 {
        world.settle().await;
    }
    let breaches = world.events(deal).await.into_iter().filter(|event| *event == "sla_breached").count();
    assert_eq!(breaches, 1);
    world.assert_balanced();
}
