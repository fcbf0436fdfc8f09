//! Who may deliver, and what a delivery may look like.

use handoff_sandbox_salesforce::OutboundMode;
use handoffd_tests::door::Door;
use handoffd_tests::governed::{Governed, Options, secret};
use handoffd_tests::story::{COMMISSION, QUEUE};

use crate::wire::{Notice, client, message, path, post, tell};

#[tokio::test(flavor = "multi_thread")]
async fn c07_a_wrong_secret_or_another_org_is_401_and_leaves_nothing() {
    let world = Governed::start(Options::default()).await;
    let deal = world.full_deal("Secret");
    let good = message(world.org(), &[Notice::of(1, deal)]);
    let other_org = good.replace(world.org().id().as_str(), "00Dxx0000000002");
    let client = client();
    for wrong in ["hook-secreT", "hook-secre", "hook-secret2", "hook-secret%00", "hook%2Dsecret/x"] {
        assert_eq!(
            post(&client, &world, &format!("/webhooks/sf?key={wrong}"), good.clone()).await,
            401,
            "{wrong}"
        );
    }
    assert_eq!(post(&client, &world, "/webhooks/sf/hook-secreT", good.clone()).await, 401);
    // The secret decides first: without it nobody learns whether a body can be read.
    assert_eq!(post(&client, &world, "/webhooks/sf/hook-secreT", "<").await, 401);
    assert_eq!(post(&client, &world, &path(), other_org).await, 401);
    assert_eq!(world.received(), 0);
    assert_eq!(world.refused("unauthenticated"), 8);
    // Nothing was remembered of the id either: the true sender is still heard.
    assert_eq!(post(&client, &world, &path(), good).await, 200);
    assert_eq!(world.received(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn c08_no_secret_an_empty_one_or_ten_thousand_are_401() {
    let mut world = Governed::start(Options::default()).await;
    let deal = world.full_deal("None");
    let body = message(world.org(), &[Notice::of(1, deal)]);
    let many = format!("/webhooks/sf?{}", "key=x&".repeat(10_000));
    let client = client();
    for wrong in ["/webhooks/sf", "/webhooks/sf?key=", "/webhooks/sf?key=v1,", "/webhooks/sf?", many.as_str()]
    {
        let status = post(&client, &world, wrong, body.clone()).await;
        // The long one is refused for its size before anything is compared.
        assert!([401, 414, 431].contains(&status), "{status}");
    }
    world.stop().await;
    world.config(|config| {
        config.connection.values_mut().for_each(|connection| connection.webhook_secrets.clear());
    });
    world.begin().await.unwrap();
    for path in ["/webhooks/sf", "/webhooks/sf?key=", "/webhooks/sf/hook-secret"] {
        assert_eq!(
            post(&client, &world, path, body.clone()).await,
            401,
            "{path} while no secret is in force"
        );
    }
    assert_eq!(world.received(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn c09_both_secrets_hold_while_one_is_rotated_and_the_old_one_does_not_after() {
    let mut world = Governed::prepare(Options::default()).await;
    let fresh = secret(world.dir(), "webhook2", "fresh-secret");
    let both = fresh.clone();
    world.config(move |config| {
        config.connection.values_mut().for_each(|connection| connection.webhook_secrets.push(both.clone()));
    });
    world.begin().await.unwrap();
    let deal = world.full_deal("Rotated");
    let client = client();
    let body = |world: &Governed, number| message(world.org(), &[Notice::of(number, deal)]);
    assert_eq!(post(&client, &world, "/webhooks/sf/hook-secret", body(&world, 1)).await, 200);
    assert_eq!(post(&client, &world, "/webhooks/sf/fresh-secret", body(&world, 2)).await, 200);
    world.config(move |config| {
        config
            .connection
            .values_mut()
            .for_each(|connection| connection.webhook_secrets = vec![fresh.clone()]);
    });
    world.restart().await;
    assert_eq!(post(&client, &world, "/webhooks/sf/hook-secret", body(&world, 3)).await, 401);
    assert_eq!(post(&client, &world, "/webhooks/sf/fresh-secret", body(&world, 4)).await, 200);
}

/// Salesforce's messages carry neither time nor signature, so an old one cannot be told from a repeated one. It does not matter: whatever is
/// replayed only leads to another look at the record.
#[tokio::test(flavor = "multi_thread")]
async fn c10_a_replay_is_acknowledged_and_has_no_effect() {
    let world = Governed::start(Options::default()).await;
    let deal = world.full_deal("Replayed");
    assert_eq!(tell(&world, &[Notice::of(1, deal)]).await, 200);
    world.pass().await;
    let head = world.handle().view().head().entries;
    for days in [0, 1, 9] {
        world.advance(days * 24 * 3600);
        assert_eq!(tell(&world, &[Notice::of(1, deal)]).await, 200);
    }
    world.handle().sweep_now().await.unwrap();
    world.settle().await;
    let overdue = world.events(deal).await.contains(&"sla_breached");
    assert_eq!(world.handle().view().head().entries > head, overdue, "time alone has moved it");
    assert!(!world.flag(deal, COMMISSION));
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn c13_document_types_are_refused_and_nothing_is_fetched() {
    let world = Governed::start(Options::default()).await;
    let deal = world.full_deal("Doctype");
    let outside = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = outside.local_addr().unwrap();
    let plain = message(world.org(), &[Notice::of(1, deal)]);
    let laughs: Vec<String> =
        (1..9).map(|n| format!("<!ENTITY l{n} \"{}\">", format!("&l{};", n - 1).repeat(10))).collect();
    let laughs = laughs.concat();
    let client = client();
    for evil in [
        format!("<!DOCTYPE x SYSTEM \"http://{address}/x.dtd\">"),
        format!("<!DOCTYPE x [<!ENTITY a SYSTEM \"http://{address}/a\">]>"),
        "<!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>".to_owned(),
        format!("<!DOCTYPE x [<!ENTITY l0 \"ha\">{laughs}]>"),
    ] {
        let text = plain.replacen("?>\n", &format!("?>\n{evil}"), 1).replace(deal.id, "&l8;&a;");
        assert_eq!(post(&client, &world, &path(), text).await, 400);
    }
    assert_eq!(world.received(), 0);
    let fetched = tokio::time::timeout(std::time::Duration::ZERO, outside.accept()).await;
    assert!(fetched.is_err(), "something was fetched");
}

#[tokio::test(flavor = "multi_thread")]
async fn c14_bytes_that_are_no_message_are_400() {
    let world = Governed::start(Options::default()).await;
    let deal = world.full_deal("Bytes");
    let plain = message(world.org(), &[Notice::of(1, deal)]);
    let deep = plain.replace("<Notification>", &format!("{}<Notification>", "<a>".repeat(10_000)));
    let bodies: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"\0\0\0\0".to_vec(),
        b"\xff\xfe<\0".to_vec(),
        plain.replace("04lxx", "04l\0x").into_bytes(),
        [plain.as_bytes(), b"\xc3\x28"].concat(),
        deep.into_bytes(),
        br#"{"accepted":false,"accepted":true}"#.to_vec(),
        plain.replace("</sf:Id>", "' OR Id != '</sf:Id>").into_bytes(),
        plain.replacen(deal.id, "006xx", 1).into_bytes(),
    ];
    let client = client();
    for (number, body) in bodies.into_iter().enumerate() {
        assert_eq!(post(&client, &world, &path(), body).await, 400, "body {number}");
    }
    assert_eq!(world.received(), 0);
    assert_eq!(post(&client, &world, &path(), plain).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn c18_of_a_hundred_notifications_the_good_ones_count_although_one_is_bad() {
    let world = Governed::start(Options::default()).await;
    let deals: Vec<_> = (0..99).map(|number| world.deal(&format!("Batch {number}"))).collect();
    let last = deals[0];
    world.fill(last);
    let mut notices: Vec<Notice> =
        deals.iter().enumerate().map(|(number, deal)| Notice::of(number, *deal)).collect();
    notices.push(Notice { record: "006xx0000009999".to_owned(), ..Notice::of(99, last) });
    for _ in 0..2 {
        assert_eq!(tell(&world, &notices).await, 200);
    }
    world.settle().await;
    assert_eq!(world.received(), 100);
    assert!(world.flag(last, QUEUE));
    assert!(deals.iter().all(|deal| world.summary(*deal).is_some()));
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn c22_deliveries_while_the_state_is_rebuilt_are_not_lost() {
    let mut world = Governed::start(Options::default()).await;
    let door = Door::open().await;
    door.lead_to(Some(world.app().local_addr()));
    world.org().set_outbound(vec![format!("http://{}{}", door.address(), path())], Vec::new());
    let deal = world.full_deal("Rebuilt");
    world.org().outbound_settled().await;
    world.settle().await;
    door.lead_to(None);
    world.stop().await;
    std::fs::remove_dir_all(world.state_dir().join("memory")).unwrap();
    world.accept(deal);
    assert!(!world.flag(deal, COMMISSION));
    world.begin().await.unwrap();
    door.lead_to(Some(world.app().local_addr()));
    world.org().outbound_settled().await;
    assert!(
        world.org().deliveries().iter().any(|one| one.attempt > 1 && one.acknowledged),
        "it was sent again"
    );
    world.settle().await;
    assert!(world.flag(deal, COMMISSION));
    assert_eq!(
        world.org().deliveries().iter().filter(|one| one.status == Some(200)).count(),
        world.org().deliveries().iter().filter(|one| one.acknowledged).count()
    );
    world.org().set_outbound_mode(OutboundMode::Off);
    world.assert_balanced();
}
