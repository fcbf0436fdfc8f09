//! Many answers at once: each is judged on its own record, and nothing but a person's answer in the CRM accepts anything.

use std::collections::BTreeMap;

use handoff_core::event::Refusal;
use handoff_core::handoff::Phase;
use handoffd_tests::crm::Deal;
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, COMMISSION, INGRID, LUIS};
use serde_json::json;

use crate::steps::{assert_never_open, complete, on_each_crm, refusals};

on_each_crm!(f16_a_bulk_acceptance_is_judged_deal_by_deal_and_those_refused_say_why);

async fn f16_a_bulk_acceptance_is_judged_deal_by_deal_and_those_refused_say_why(options: Options) {
    let world = Governed::start(options).await;
    let mut hers = Vec::new();
    for number in 0..4 {
        hers.push(complete(&world, &format!("Hers {number}")).await);
    }
    let (his, nobodys, own) = (
        complete(&world, "Another team's").await,
        complete(&world, "Nobody's").await,
        complete(&world, "Her own").await,
    );
    let (empty, off) = (world.deal("Empty"), complete(&world, "Off").await);
    let people = world.company().of(his).crm().mapping().people.clone();
    let (receiver, sender) = (people.receiver.field, people.sender.field);
    let [luis, ingrid] = [LUIS, INGRID].map(|login| world.owner(his.kind, login));
    world.edit(AVA, his, &json!({ receiver.as_str(): luis }));
    world.edit(AVA, nobodys, &json!({ receiver.as_str(): null }));
    world.force(AVA, own, &json!({ sender.as_str(): ingrid }));
    world.edit(AVA, off, &world.company().to_stage(off, "closed_lost").into());
    world.pass().await;
    // One call of the CRM's own bulk interface: the same second, the same person, all ids that she could find.
    world.advance(5);
    let foreign = [(his, "his"), (nobodys, "nobody's"), (own, "her own"), (empty, "empty"), (off, "off")];
    for deal in hers.iter().copied().chain(foreign.map(|(deal, _)| deal)) {
        world.company().force(INGRID, deal, &world.company().acceptance(deal));
    }
    world.pass().await;
    for deal in &hers {
        assert!(world.flag(*deal, COMMISSION), "{deal:?}");
        assert_eq!(world.company().flips(*deal, COMMISSION), (1, 0));
        assert_eq!(refusals(&world, *deal).await, []);
    }
    let mut why = BTreeMap::new();
    for (deal, name) in foreign {
        assert_never_open(&world, deal);
        assert_ne!(world.phase(deal), Some(Phase::Accepted), "{name}");
        why.insert(name, refusals(&world, deal).await);
    }
    assert_eq!(why["his"], [Refusal::NotTheReceiver]);
    assert_eq!(why["nobody's"], [Refusal::NoReceiver]);
    assert_eq!(why["her own"], [Refusal::OwnHandoff]);
    assert!(matches!(&why["empty"][..], [Refusal::Incomplete { missing }] if !missing.is_empty()));
    assert!(matches!(&why["off"][..], [] | [Refusal::NotWaiting]), "{:?}", why["off"]);
    world.assert_balanced();
    world.verify_audit();
}

async fn asked(world: &Governed, method: reqwest::Method, path: &str, body: String) -> u16 {
    let address = format!("http://{}{path}", world.app().local_addr());
    let client = crate::wire::client();
    client.request(method, address).body(body).send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn f16_no_route_accepts_and_what_acts_on_a_handoff_acts_on_the_one_that_it_names() {
    let world = Governed::start(Options { surface: true, ..Options::default() }).await;
    let (one, other) = (complete(&world, "One").await, complete(&world, "Other").await);
    let streams = [one, other].map(|deal: Deal| world.summary(deal).unwrap().stream);
    let entries = world.handle().view().head().entries;
    let claim = json!({"state": "accepted", "phase": "accepted", "decided_by": INGRID, "by": INGRID, "answer": "accept", "streams": streams});
    let several = json!([{"gate": COMMISSION, "by": INGRID}, {"gate": COMMISSION, "by": LUIS}]);
    for path in [
        "/api/v1/accept".to_owned(),
        "/api/v1/handoffs".to_owned(),
        format!("/api/v1/handoffs/{}", streams[0]),
        format!("/api/v1/handoffs/{}/accept", streams[0]),
    ] {
        for method in [reqwest::Method::POST, reqwest::Method::PUT, reqwest::Method::PATCH] {
            let status = asked(&world, method.clone(), &path, claim.to_string()).await;
            assert!([404, 405].contains(&status), "{method} {path}: {status}");
        }
    }
    // What acts takes one handoff and one person, by the address; nothing in the body widens it.
    let of = |stream: &str| format!("/api/v1/override/{stream}");
    for (path, body, status) in [
        (of(&streams[0]), several, 400),
        (of(&streams[0]), json!({"gate": COMMISSION, "by": [INGRID, LUIS]}), 400),
        (of(&streams[0]), json!({"gate": COMMISSION, "by": INGRID, "stream": streams[1]}), 400),
        (of(&format!("{},{}", streams[0], streams[1])), json!({"gate": COMMISSION, "by": INGRID}), 404),
        (of("h03-ae-to-onboarding"), json!({"gate": COMMISSION, "by": INGRID}), 404),
        (of(&streams[1]), json!({"gate": COMMISSION, "by": INGRID}), 422),
    ] {
        assert_eq!(
            asked(&world, reqwest::Method::POST, &path, body.to_string()).await,
            status,
            "{path} {body}"
        );
    }
    // The same key twice is no way to say two things.
    let twice = format!("{{\"gate\":\"{COMMISSION}\",\"by\":\"{AVA}\",\"by\":\"{INGRID}\"}}");
    assert_eq!(asked(&world, reqwest::Method::POST, &of(&streams[0]), twice).await, 400);
    assert_eq!(world.handle().view().head().entries, entries, "nothing of it is in the log");
    for deal in [one, other] {
        assert_never_open(&world, deal);
    }
}
