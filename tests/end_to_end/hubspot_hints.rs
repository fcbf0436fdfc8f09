//! HubSpot's deliveries: who may make them, and that whatever stands in them only ever leads to another look.

use handoff_core::handoff::Phase;
use handoff_sandbox_hubspot::{Action, Fault, Matching, signature_v3};
use handoffd_tests::crm::{Carriage, Deal, HOOK_SECRET};
use handoffd_tests::governed::{Governed, Options, secret};
use handoffd_tests::story::{AVA, COMMISSION, QUEUE};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::steps::hubspot;
use crate::wire::client;

/// The address that is signed; a proxy stands between it and the daemon.
const PUBLIC: &str = "https://handoffd.northwind-peak.example/webhooks/hs";

/// An event of this portal; `number` makes it one of its own.
fn event(world: &Governed, number: usize, deal: Deal) -> Value {
    json!({ "eventId": number, "subscriptionId": 1, "portalId": world.portal().id(), "appId": 1,
        "occurredAt": world.now().as_millisecond() + i64::try_from(number).unwrap(),
        "subscriptionType": "deal.propertyChange", "attemptNumber": 0, "objectId": deal.hs(),
        "propertyName": "dealstage", "propertyValue": "contractsent", "changeSource": "CRM" })
}

/// A delivery as HubSpot signs it.
#[derive(Clone)]
struct Signed {
    headers: Vec<(&'static str, String)>,
    body: String,
}

fn signed_at(secret: &str, url: &str, body: String, millis: i64) -> Signed {
    let signature = signature_v3(secret, "POST", url, &body, millis);
    let headers = vec![
        ("X-HubSpot-Signature-v3", signature),
        ("X-HubSpot-Request-Timestamp", millis.to_string()),
        ("Content-Type", "application/json".to_owned()),
    ];
    Signed { headers, body }
}

/// The honest delivery of these events, now.
fn signed(world: &Governed, events: &[Value]) -> Signed {
    signed_at(HOOK_SECRET, PUBLIC, json!(events).to_string(), world.now().as_millisecond())
}

impl Signed {
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }
}

async fn deliver(client: &reqwest::Client, url: String, delivery: Signed) -> u16 {
    let mut request = client.post(url);
    for (name, value) in delivery.headers {
        request = request.header(name, value);
    }
    request.body(delivery.body).send().await.unwrap().status().as_u16()
}

async fn post(world: &Governed, delivery: Signed) -> u16 {
    deliver(&client(), format!("http://{}/webhooks/hs", world.app().local_addr()), delivery).await
}

#[tokio::test(flavor = "multi_thread")]
async fn c05_an_acceptance_before_the_package_counts_for_nothing() {
    let world = Governed::start(Options { webhooks: true, ..hubspot() }).await;
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
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn c06_with_every_delivery_lost_and_a_lagging_index_the_poll_finds_it() {
    let world = Governed::start(Options { webhooks: true, ..hubspot() }).await;
    world.company().first().carry(Carriage::Lost);
    world.portal().set_search_lag(30_000);
    world.pass().await;
    let deal = world.full_deal("Never told of");
    for _ in 0..3 {
        world.pass().await;
    }
    assert!(world.flag(deal, QUEUE), "{:?}", world.phase(deal));
    world.accept(deal);
    for _ in 0..3 {
        world.pass().await;
    }
    assert!(world.flag(deal, COMMISSION));
    assert_eq!(world.received(), 0);
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn c07_one_byte_changed_or_another_secret_is_401_and_leaves_nothing() {
    let world = Governed::start(hubspot()).await;
    let deal = world.full_deal("Secret");
    let good = signed(&world, &[event(&world, 1, deal)]);
    let now = world.now().as_millisecond();
    let other_deal = good.body.replace("contractsent", "contractsenT");
    let wrong = [
        Signed { body: other_deal, ..good.clone() },
        Signed { body: format!("{} ", good.body), ..good.clone() },
        // Not JSON either: without a signature nobody learns that.
        Signed { body: "{".to_owned(), ..good.clone() },
        signed_at("hook-secreT", PUBLIC, good.body.clone(), now),
        signed_at(HOOK_SECRET, &format!("{PUBLIC}/"), good.body.clone(), now),
        good.clone().with("X-HubSpot-Request-Timestamp", (now + 1).to_string()),
    ];
    for (number, wrong) in wrong.into_iter().enumerate() {
        assert_eq!(post(&world, wrong).await, 401, "{number}");
    }
    assert_eq!(world.received(), 0);
    assert_eq!(world.refused("unauthenticated"), 6);
    // Nothing was remembered of it: the true sender is still heard.
    assert_eq!(post(&world, good).await, 200);
    assert_eq!(world.received(), 1);
    // Another portal's events, truly signed by an app that several portals installed, hint at nothing.
    let mut foreign = event(&world, 2, deal);
    foreign["portalId"] = json!(world.portal().id() + 1);
    assert_eq!(post(&world, signed(&world, &[foreign])).await, 200);
    world.settle().await;
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn c08_missing_empty_or_countless_signatures_are_401() {
    let mut world = Governed::start(hubspot()).await;
    let deal = world.full_deal("None");
    let good = signed(&world, &[event(&world, 1, deal)]);
    let signature = good.headers[0].1.clone();
    let twice = {
        let mut twice = good.clone();
        twice.headers.push(("X-HubSpot-Signature-v3", signature.clone()));
        twice
    };
    let v1 = good.clone().without("X-HubSpot-Signature-v3").with("X-HubSpot-Signature", "0".repeat(64));
    let wrong = [
        good.clone().without("X-HubSpot-Signature-v3"),
        good.clone().without("X-HubSpot-Request-Timestamp"),
        good.clone().with("X-HubSpot-Signature-v3", ""),
        good.clone().with("X-HubSpot-Signature-v3", "v1,"),
        good.clone().with("X-HubSpot-Signature-v3", format!("{signature},{signature}")),
        twice,
        // The older signature has no time in it; it counts only where the configuration asks for it.
        v1.with("X-HubSpot-Signature-Version", "v1"),
    ];
    for (number, wrong) in wrong.into_iter().enumerate() {
        assert_eq!(post(&world, wrong).await, 401, "{number}");
    }
    let mut countless = good.clone();
    countless.headers.extend((0..10_000).map(|_| ("X-HubSpot-Signature-v3", "x".repeat(8))));
    let url = format!("http://{}/webhooks/hs", world.app().local_addr());
    let mut request = client().post(url);
    for (name, value) in countless.headers {
        request = request.header(name, value);
    }
    // Too many headers are refused before anything is compared, with an answer or by closing.
    if let Ok(answer) = request.body(countless.body).send().await {
        assert!([400, 401, 431].contains(&answer.status().as_u16()), "{}", answer.status());
    }
    // While no secret is in force nobody is heard.
    world.stop().await;
    world.config(|config| {
        config.connection.values_mut().for_each(|connection| connection.webhook_secrets.clear());
    });
    world.begin().await.unwrap();
    for secret in [HOOK_SECRET, ""] {
        let body = json!([event(&world, 2, deal)]).to_string();
        assert_eq!(post(&world, signed_at(secret, PUBLIC, body, world.now().as_millisecond())).await, 401);
    }
    assert_eq!(world.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn c09_both_secrets_hold_while_one_is_rotated_and_the_old_one_does_not_after() {
    let mut world = Governed::prepare(hubspot()).await;
    let fresh = secret(world.dir(), "hs_webhook2", "fresh-secret");
    let both = fresh.clone();
    world.config(move |config| {
        config.connection.values_mut().for_each(|connection| connection.webhook_secrets.push(both.clone()));
    });
    world.begin().await.unwrap();
    let deal = world.full_deal("Rotated");
    let by = |world: &Governed, secret: &str, number: usize| {
        let body = json!([event(world, number, deal)]).to_string();
        signed_at(secret, PUBLIC, body, world.now().as_millisecond())
    };
    assert_eq!(post(&world, by(&world, HOOK_SECRET, 1)).await, 200);
    assert_eq!(post(&world, by(&world, "fresh-secret", 2)).await, 200);
    world.config(move |config| {
        config.connection.values_mut().for_each(|one| one.webhook_secrets = vec![fresh.clone()]);
    });
    world.restart().await;
    assert_eq!(post(&world, by(&world, HOOK_SECRET, 3)).await, 401);
    assert_eq!(post(&world, by(&world, "fresh-secret", 4)).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn c10_a_replay_after_six_minutes_is_401_and_before_that_without_effect() {
    let world = Governed::start(hubspot()).await;
    let deal = world.full_deal("Replayed");
    let first = signed(&world, &[event(&world, 1, deal)]);
    assert_eq!(post(&world, first.clone()).await, 200);
    world.settle().await;
    let (head, received) = (world.handle().view().head().entries, world.received());
    world.advance(240);
    assert_eq!(post(&world, first.clone()).await, 200, "within the tolerance it is a repetition");
    // HubSpot signs its own repetitions anew and counts them up: the same delivery.
    let mut repeated = event(&world, 1, deal);
    repeated["occurredAt"] = serde_json::from_str::<Value>(&first.body).unwrap()[0]["occurredAt"].clone();
    repeated["attemptNumber"] = json!(3);
    assert_eq!(post(&world, signed(&world, &[repeated])).await, 200);
    assert_eq!(world.received(), received);
    assert_eq!(world.refused("duplicate"), 2);
    world.advance(120);
    assert_eq!(post(&world, first.clone()).await, 401, "six minutes old");
    let fresh_transport = first.with("X-HubSpot-Request-Timestamp", world.now().as_millisecond().to_string());
    assert_eq!(post(&world, fresh_transport).await, 401, "a new time is not signed");
    let ahead = world.now().checked_add(SignedDuration::from_mins(6)).unwrap().as_millisecond();
    let body = json!([event(&world, 2, deal)]).to_string();
    assert_eq!(post(&world, signed_at(HOOK_SECRET, PUBLIC, body, ahead)).await, 401, "from the future");
    world.settle().await;
    assert_eq!((world.handle().view().head().entries, world.received()), (head, received));
    assert!(!world.flag(deal, COMMISSION));
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn c11_a_time_that_is_none_is_refused_although_it_is_signed() {
    use base64::Engine as _;
    let world = Governed::start(hubspot()).await;
    let deal = world.full_deal("Timeless");
    let body = json!([event(&world, 1, deal)]).to_string();
    let now = world.now().as_millisecond();
    let long = "1".repeat(4_000);
    let spaced = format!("{now} 0");
    for time in ["", "soon", "-1", "9223372036854775808", "1e12", "0x1", spaced.as_str(), long.as_str()] {
        // The secret's holder signs just this text.
        let mut mac = hmac_sha256(HOOK_SECRET.as_bytes());
        for part in ["POST", PUBLIC, &body, time] {
            hmac::Mac::update(&mut mac, part.as_bytes());
        }
        let proof = hmac::Mac::finalize(mac).into_bytes();
        let signature = base64::engine::general_purpose::STANDARD.encode(proof);
        let delivery = signed_at(HOOK_SECRET, PUBLIC, body.clone(), now)
            .with("X-HubSpot-Signature-v3", signature)
            .with("X-HubSpot-Request-Timestamp", time);
        let status = post(&world, delivery).await;
        assert!([400, 401].contains(&status), "{time:?}: {status}");
    }
    assert_eq!(world.received(), 0);
    assert!(world.handle().view().healthy());
}

#[tokio::test(flavor = "multi_thread")]
async fn c12_the_configured_address_is_signed_whatever_a_proxy_says() {
    let world = Governed::start(hubspot()).await;
    let deal = world.full_deal("Behind a proxy");
    let body = json!([event(&world, 1, deal)]).to_string();
    let now = world.now().as_millisecond();
    let inner = format!("http://{}/webhooks/hs", world.app().local_addr());
    let elsewhere = "https://attacker.example/webhooks/hs";
    for url in [inner.as_str(), elsewhere] {
        let lied = signed_at(HOOK_SECRET, url, body.clone(), now)
            .with("X-Forwarded-Host", "attacker.example")
            .with("X-Forwarded-Proto", "https")
            .with("X-Forwarded-Uri", "/webhooks/hs")
            .with("Forwarded", "host=attacker.example;proto=https");
        assert_eq!(post(&world, lied).await, 401, "{url}");
    }
    let honest = signed_at(HOOK_SECRET, PUBLIC, body, now).with("X-Forwarded-Host", "attacker.example");
    assert_eq!(post(&world, honest).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn c18_of_a_hundred_events_the_good_ones_count_although_some_are_bad() {
    let world = Governed::start(hubspot()).await;
    let deals: Vec<Deal> = (0..96).map(|number| world.deal(&format!("Batch {number}"))).collect();
    let first = deals[0];
    world.fill(first);
    let mut events: Vec<Value> =
        deals.iter().enumerate().map(|(number, deal)| event(&world, number, *deal)).collect();
    let mut unknown = event(&world, 97, first);
    unknown["objectId"] = json!(999_999_999_999_u64);
    events.extend([unknown, json!("no event"), json!({ "objectId": -1 }), json!(null)]);
    assert_eq!(events.len(), 100);
    for _ in 0..2 {
        assert_eq!(post(&world, signed(&world, &events)).await, 200);
    }
    assert_eq!(world.refused("duplicate"), 1);
    world.handle().drained().await;
    assert_eq!(world.received(), 97, "each record of the delivery once");
    assert!(deals.iter().all(|deal| world.summary(*deal).is_some()), "without any poll");
    world.settle().await;
    assert!(world.flag(first, QUEUE));
    world.assert_balanced();
    // One more than HubSpot ever sends is no delivery of HubSpot's.
    events.push(event(&world, 200, first));
    assert_eq!(post(&world, signed(&world, &events)).await, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn c19_unknown_events_objects_and_paths_leave_no_state() {
    let world = Governed::start(hubspot()).await;
    let deal = world.deal("Bystander");
    let head = world.handle().view().head().entries;
    let mut kinds = Vec::new();
    for (number, kind) in ["deal.teleported", "spaceship.creation", "", "contact.privacyDeletion", "deal"]
        .into_iter()
        .enumerate()
    {
        let mut unknown = event(&world, number, deal);
        unknown["subscriptionType"] = json!(kind);
        kinds.push(unknown);
    }
    let mut ticket = event(&world, 9, deal);
    ticket["subscriptionType"] = json!("ticket.creation");
    kinds.push(ticket);
    for kind in kinds {
        assert_eq!(post(&world, signed(&world, &[kind])).await, 200);
    }
    let other = format!("http://{}/webhooks/nobody", world.app().local_addr());
    assert_eq!(deliver(&client(), other, signed(&world, &[event(&world, 20, deal)])).await, 404);
    world.handle().drained().await;
    assert_eq!(world.handle().view().head().entries, head);
    assert_eq!(world.summary(deal), None);
    for account in world.by_webhook() {
        assert_eq!(account.received, account.ignored, "{account:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c20_in_a_burst_everything_is_acknowledged_or_asked_to_come_again() {
    const MANY: usize = 2_000;
    let world = Governed::start(hubspot()).await;
    let deals: Vec<_> = (0..20).map(|number| world.deal(&format!("Burst {number}"))).collect();
    let client = client();
    let url = format!("http://{}/webhooks/hs", world.app().local_addr());
    let mut posts = JoinSet::new();
    let (mut taken, mut busy) = (0_u64, 0_u64);
    let mut count = |status: u16| match status {
        200 => taken += 1,
        503 | 429 => busy += 1,
        other => panic!("{other}"),
    };
    for number in 0..MANY {
        // More than the daemon lets in at once.
        if posts.len() >= 600 {
            count(posts.join_next().await.unwrap().unwrap());
        }
        let delivery = signed(&world, &[event(&world, number, deals[number % deals.len()])]);
        let (client, url) = (client.clone(), url.clone());
        posts.spawn(async move { deliver(&client, url, delivery).await });
    }
    while let Some(status) = posts.join_next().await {
        count(status.unwrap());
    }
    world.settle().await;
    assert_eq!(world.received(), taken, "acknowledged = {taken}, busy = {busy}");
    assert!(taken > 0);
    world.assert_balanced();
    assert!(deals.iter().all(|deal| world.summary(*deal).is_some()));
}

#[tokio::test(flavor = "multi_thread")]
async fn c21_a_record_that_cannot_be_read_opens_nothing_and_stops_nobody() {
    let world = Governed::start(hubspot()).await;
    let (deal, other) = (world.full_deal("Hidden"), world.full_deal("Seen"));
    // An answer about this one deal that nobody understands, whenever it is asked for.
    let unreadable = Action::Answer {
        status: 400,
        body: json!({ "status": "error", "message": "no" }).to_string(),
        content_type: None,
        retry_after: None,
        apply: false,
    };
    let on = Matching {
        kind: Some("batch_read".to_owned()),
        body: Some(format!("\"{deal}\"")),
        ..Matching::default()
    };
    world.portal().plant(Fault { on, skip: 0, times: 10_000, action: unreadable });
    let events = [event(&world, 1, deal), event(&world, 2, other)];
    assert_eq!(post(&world, signed(&world, &events)).await, 200);
    for _ in 0..8 {
        world.advance(30);
        world.ride(5).await;
    }
    assert!(world.flag(other, QUEUE), "others go on");
    assert!(!world.flag(deal, QUEUE) && !world.flag(deal, COMMISSION));
    let parked = world.handle().view().parked();
    assert!(parked.iter().any(|parked| parked.record == deal.record()), "{parked:?}");
    // Whenever the poll names the deal again it is tried again, and may be waiting for that at this moment.
    world.assert_accounted();
    world.portal().clear_faults();
    world.handle().reconcile_now(&deal.record()).await.unwrap();
    world.pass().await;
    assert!(world.flag(deal, QUEUE), "and it is taken up once it can be read");
    world.edit(AVA, deal, &json!({ "amount": "1" }));
    world.pass().await;
    world.assert_balanced();
}

fn hmac_sha256(key: &[u8]) -> hmac::Hmac<sha2::Sha256> {
    hmac::KeyInit::new_from_slice(key).unwrap()
}
