//! Deliveries are hints: order, repetition, age and nonsense in them change nothing.

use handoff_core::handoff::Phase;
use handoff_sandbox_salesforce::{Action, Fault, Matching};
use handoffd_tests::crm::Carriage;
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, COMMISSION, QUEUE};
use tokio::task::JoinSet;

use crate::wire::{Notice, client, message, path, post, tell};

#[tokio::test(flavor = "multi_thread")]
async fn c01_the_same_delivery_a_thousand_times_at_once_has_one_outcome() {
    let world = Governed::start(Options::default()).await;
    let deal = world.full_deal("Thousandfold");
    let client = client();
    let body = message(world.org(), &[Notice::of(1, deal)]);
    let url = format!("http://{}{}", world.app().local_addr(), path());
    let mut posts = JoinSet::new();
    for _ in 0..1_000 {
        if posts.len() >= 64 {
            assert_eq!(posts.join_next().await.unwrap().unwrap(), 200);
        }
        let (client, url, body) = (client.clone(), url.clone(), body.clone());
        posts.spawn(async move { client.post(url).body(body).send().await.unwrap().status().as_u16() });
    }
    while let Some(status) = posts.join_next().await {
        assert_eq!(status.unwrap(), 200);
    }
    world.settle().await;
    assert_eq!(world.received(), 1);
    assert_eq!(world.refused("duplicate"), 999);
    assert_eq!(world.events(deal).await.iter().filter(|name| **name == "completed").count(), 1);
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_alone_reaches_the_same_state_without_polling() {
    let world = Governed::start(Options { webhooks: true, ..Options::default() }).await;
    world.handle().idle().await.unwrap();
    let deal = world.deal("Told");
    world.delivered().await;
    world.handle().drained().await;
    assert_eq!(world.phase(deal), Some(Phase::Draft));
    world.say(AVA, deal, &[("economic_buyer", "authority", "CFO signs up to 250,000 EUR alone")]);
    world.delivered().await;
    world.handle().drained().await;
    let applied: u64 = world.by_webhook().iter().map(|account| account.applied).sum();
    assert!(applied >= 2, "{applied}");
    assert!(world.detail(deal).await.state.unwrap().package.contains_key(&"economic_buyer".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn c02_the_same_id_with_another_body_is_counted_and_the_first_stands() {
    let world = Governed::start(Options::default()).await;
    let (first, second) = (world.full_deal("First"), world.full_deal("Second"));
    assert_eq!(tell(&world, &[Notice::of(1, first)]).await, 200);
    assert_eq!(tell(&world, &[Notice::of(1, second)]).await, 200);
    assert_eq!(world.received(), 1);
    assert_eq!(world.refused("conflicting"), 1);
    world.settle().await;
    world.assert_balanced();
}

/// All orders of `0..n`.
fn orders(n: usize) -> Vec<Vec<usize>> {
    (0..n).fold(vec![Vec::new()], |orders, next| {
        let grow = |order: Vec<usize>| {
            (0..=order.len()).map(move |at| {
                let mut order = order.clone();
                order.insert(at, next);
                order
            })
        };
        orders.into_iter().flat_map(grow).collect()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn c03_five_messages_of_one_deal_in_every_order_lead_to_the_same_place() {
    let world = Governed::start(Options::default()).await;
    let orders = orders(5);
    assert_eq!(orders.len(), 120);
    let deals: Vec<_> = (0..orders.len()).map(|number| world.deal(&format!("Order {number:03}"))).collect();
    for deal in &deals {
        world.company().fill(*deal, "the same for all");
    }
    world.advance(10);
    for deal in &deals {
        world.company().say(AVA, *deal, &[("success_criteria", "target", "From 9 % to 5 %")]);
    }
    for deal in &deals {
        world.company().accept(*deal);
    }
    world.advance(10);
    let client = client();
    for turn in 0..5 {
        for (number, (deal, order)) in deals.iter().zip(&orders).enumerate() {
            let notice = Notice::of(number * 5 + order[turn], *deal);
            assert_eq!(post(&client, &world, &path(), message(world.org(), &[notice])).await, 200);
        }
    }
    world.settle().await;
    assert_eq!(world.received(), 600);
    let first = (world.phase(deals[0]), world.company().written(deals[0]), world.events(deals[0]).await);
    for deal in &deals {
        assert_eq!((world.phase(*deal), world.company().written(*deal), world.events(*deal).await), first);
    }
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn c04_a_message_eight_days_late_moves_nothing_back() {
    let world = Governed::start(Options { webhooks: true, ..Options::default() }).await;
    world.company().first().carry(Carriage::Held);
    let deal = world.full_deal("Late");
    world.pass().await;
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    world.advance(8 * 24 * 3600);
    world.settle().await;
    let (before, head) = (world.company().written(deal), world.handle().view().head().entries);
    world.company().first().release();
    world.settle().await;
    assert!(world.received() > 3);
    assert_eq!((world.company().written(deal), world.handle().view().head().entries), (before, head));
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn c05_an_acceptance_before_the_package_counts_for_nothing() {
    let world = Governed::start(Options { webhooks: true, ..Options::default() }).await;
    let deal = world.deal("Too early");
    world.accept(deal);
    world.pass().await;
    assert_ne!(world.phase(deal), Some(Phase::Accepted));
    world.fill(deal);
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    assert!(!world.flag(deal, COMMISSION));
    assert!(world.events(deal).await.contains(&"answer_refused"));
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
}

#[tokio::test(flavor = "multi_thread")]
async fn c05_an_acceptance_in_one_look_with_a_later_edit_counts_for_nothing() {
    let world = Governed::start(Options::default()).await;
    let deal = world.full_deal("Crossed");
    world.pass().await;
    world.accept(deal);
    world.say(AVA, deal, &[("success_criteria", "target", "From 9 % to 8 %, perhaps")]);
    world.pass().await;
    assert!(!world.flag(deal, COMMISSION), "he accepted something else");
    assert_eq!(world.phase(deal), Some(Phase::Complete));
}

#[tokio::test(flavor = "multi_thread")]
async fn c19_what_nobody_governs_is_acknowledged_and_leaves_no_state() {
    let world = Governed::start(Options::default()).await;
    let account =
        world.org().query("SELECT Id FROM Account LIMIT 1").unwrap()[0]["Id"].as_str().unwrap().to_owned();
    let head = world.handle().view().head().entries;
    let notice = Notice { id: "04lxx0000000001".to_owned(), object: "Account", record: account };
    assert_eq!(tell(&world, &[notice]).await, 200);
    assert_eq!(post(&client(), &world, "/webhooks/nobody/hook-secret", message(world.org(), &[])).await, 404);
    let account = world.by_webhook()[0];
    assert_eq!((account.received, account.ignored), (1, 1));
    assert_eq!(world.handle().view().head().entries, head);
}

#[tokio::test(flavor = "multi_thread")]
async fn c21_a_record_that_cannot_be_read_opens_nothing_and_stops_nobody() {
    let world = Governed::start(Options::default()).await;
    let (deal, other) = (world.full_deal("Hidden"), world.full_deal("Seen"));
    let unknown = Notice { record: "006xx0000009999".to_owned(), ..Notice::of(1, deal) };
    assert_eq!(tell(&world, &[unknown]).await, 200);
    // An answer about this one deal that nobody understands, whenever it is asked for.
    let body = r#"[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]"#.to_owned();
    let gone = Action::Answer { status: 404, body, content_type: None, retry_after: None, apply: false };
    let named = deal.id[..15].to_owned();
    let asked = Matching { path: Some(named.clone()), ..Matching::default() };
    let posted = Matching { body: Some(named), ..Matching::default() };
    for on in [asked, posted] {
        world.org().plant(Fault { on, skip: 0, times: 10_000, action: gone.clone() });
    }
    assert_eq!(tell(&world, &[Notice::of(2, deal), Notice::of(3, other)]).await, 200);
    for _ in 0..8 {
        world.advance(30);
        world.ride(5).await;
    }
    assert!(world.flag(other, QUEUE), "others go on");
    assert!(!world.flag(deal, QUEUE) && !world.flag(deal, COMMISSION));
    let parked = world.handle().view().parked();
    assert!(parked.iter().any(|parked| parked.record == deal.record()), "{parked:?}");
    world.assert_balanced();
    world.org().clear_faults();
    world.handle().reconcile_now(&deal.record()).await.unwrap();
    world.pass().await;
    assert!(world.flag(deal, QUEUE), "and it is taken up once it can be read");
}
