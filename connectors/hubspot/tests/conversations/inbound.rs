use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use handoff_connector::{Delivery, Inbound as _, Rejected, conformance};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::portal::{NOW, PORTAL, at, config, connector};

const SECRET: &[u8] = b"a-client-secret";

fn signed(body: &[u8]) -> HeaderMap {
    let time = at(NOW).as_millisecond().to_string();
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).expect("a key");
    for part in [b"POSThttps://hooks.example.com/hs".as_slice(), body, time.as_bytes()] {
        mac.update(part);
    }
    let signature = BASE64_STANDARD.encode(mac.finalize().into_bytes());
    let mut headers = HeaderMap::new();
    headers.insert("x-hubspot-signature-v3", HeaderValue::from_str(&signature).expect("ASCII"));
    headers.insert("x-hubspot-request-timestamp", HeaderValue::from_str(&time).expect("ASCII"));
    headers
}

fn verify(body: &str) -> Result<String, Rejected> {
    let headers = signed(body.as_bytes());
    let delivery = Delivery { path_and_query: "/webhooks/hs", headers: &headers, body: body.as_bytes() };
    connector().verify(delivery, &[SECRET], at(NOW)).map(|id| id.0)
}

fn hints(events: &Value) -> Vec<String> {
    let (headers, body) = (HeaderMap::new(), events.to_string());
    let delivery = Delivery { path_and_query: "/", headers: &headers, body: body.as_bytes() };
    let records = connector().hints(delivery).expect("a list");
    records.into_iter().map(|one| format!("{}/{}", one.object, one.record)).collect()
}

fn event(kind: &str, id: u64) -> Value {
    json!({ "eventId": 1, "subscriptionId": 2, "portalId": PORTAL, "appId": 3, "occurredAt": 1_700_000_000_000_i64,
        "subscriptionType": kind, "attemptNumber": 0, "objectId": id })
}

fn with(mut event: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().expect("an object") {
        event[name] = value.clone();
    }
    event
}

#[test]
fn c07_only_a_genuine_delivery_is_let_in() {
    let body = json!([event("deal.creation", 1)]).to_string();
    let headers = signed(body.as_bytes());
    let delivery = Delivery { path_and_query: "/webhooks/hs", headers: &headers, body: body.as_bytes() };
    conformance::inbound(&connector(), delivery, SECRET, at(NOW)).expect("the contract is kept");
    let silent = handoff_hubspot::HubSpotConfig { webhook_url: None, ..config() };
    let silent = handoff_hubspot::HubSpot::new(silent).expect("sound");
    assert_eq!(silent.verify(delivery, &[SECRET], at(NOW)), Err(Rejected::Unauthenticated));
}

#[test]
fn a_repetition_is_the_same_delivery_and_another_event_is_another() {
    let one = event("deal.propertyChange", 1);
    let first = verify(&json!([one, event("deal.creation", 2)]).to_string()).expect("let in");
    let retried = with(one.clone(), &json!({ "attemptNumber": 3, "eventId": 99 }));
    assert_eq!(verify(&json!([event("deal.creation", 2), retried]).to_string()), Ok(first.clone()));
    for change in [
        json!({ "objectId": 7 }),
        json!({ "occurredAt": 1_700_000_000_001_i64 }),
        json!({ "propertyValue": "x" }),
    ] {
        assert_ne!(
            verify(&json!([with(one.clone(), &change), event("deal.creation", 2)]).to_string()),
            Ok(first.clone())
        );
    }
    assert!(first.len() < 256 && !first.contains("4711"));
}

#[test]
fn every_event_of_a_deal_is_a_hint() {
    let kinds = ["creation", "deletion", "restore", "propertyChange"];
    let deals: Vec<Value> = kinds
        .iter()
        .enumerate()
        .map(|(at, kind)| event(&format!("deal.{kind}"), 10 + u64::try_from(at).expect("small")))
        .collect();
    assert_eq!(hints(&json!(deals)), ["deals/10", "deals/11", "deals/12", "deals/13"]);
    let generic =
        |type_id: &str| with(event("object.propertyChange", 5), &json!({ "objectTypeId": type_id }));
    assert_eq!(
        hints(&json!([generic("0-3"), generic("0-5"), generic("0-1"), generic("0-2"), generic("2-77")])),
        ["2-77/5", "contacts/5", "deals/5", "tickets/5"]
    );
    let named =
        with(json!({ "portalId": PORTAL, "objectId": "6" }), &json!({ "eventType": "deal.creation" }));
    assert_eq!(hints(&json!([named])), ["deals/6"]);
}

#[test]
fn d17_a_merge_hints_at_all_that_it_touched() {
    let merge = with(
        event("deal.merge", 1),
        &json!({ "primaryObjectId": 1, "mergedObjectIds": [2, 3, "x"], "newObjectId": 4 }),
    );
    assert_eq!(hints(&json!([merge])), ["deals/1", "deals/2", "deals/3", "deals/4"]);
}

#[test]
fn an_association_hints_at_its_deal() {
    let change = |class: &str, kind: &str| {
        with(
            event(&format!("{class}.associationChange"), 0),
            &json!({ "objectId": null, "associationType": kind, "fromObjectId": 1, "toObjectId": 2, "associationRemoved": true }),
        )
    };
    assert_eq!(hints(&json!([change("deal", "DEAL_TO_CONTACT")])), ["contacts/2", "deals/1"]);
    assert_eq!(hints(&json!([change("deal", "CONTACT_TO_DEAL")])), ["contacts/1", "deals/2"]);
    assert_eq!(hints(&json!([change("contact", "CONTACT_TO_DEAL")])), ["contacts/1", "deals/2"]);
    assert_eq!(hints(&json!([change("deal", "DEAL_TO_DEAL")])), ["deals/1", "deals/2"]);
    assert_eq!(hints(&json!([change("deal", "SOMETHING_NEW")])), ["deals/1"]);
    assert_eq!(hints(&json!([change("contact", "CONTACT_TO_COMPANY")])), ["contacts/1"]);
    let generic =
        with(change("object", "77"), &json!({ "fromObjectTypeId": "0-1", "toObjectTypeId": "0-3" }));
    assert_eq!(hints(&json!([generic])), ["contacts/1", "deals/2"]);
}

#[test]
fn c18_one_bad_event_costs_nobody_else_his_hint() {
    let mut events: Vec<Value> = (1..=99).map(|id| event("deal.propertyChange", id)).collect();
    events.insert(50, json!({ "objectId": [], "subscriptionType": 17 }));
    assert_eq!(hints(&json!(events)).len(), 99);
    let body = json!(events).to_string();
    assert_eq!(verify(&body), verify(&body));
}

#[test]
fn c19_what_is_unknown_is_accepted_and_hints_at_nothing() {
    let foreign = with(event("deal.creation", 1), &json!({ "portalId": PORTAL + 1 }));
    let nobody = json!([
        event("deal.exploded", 1),
        event("planet.creation", 1),
        event("nodot", 1),
        foreign,
        event("contact.privacyDeletion", 1),
        event("company.propertyChange", 1),
        json!("text"),
        json!(null),
        json!({})
    ]);
    assert!(verify(&nobody.to_string()).is_ok());
    assert_eq!(hints(&nobody), Vec::<String>::new());
}

#[test]
fn what_is_no_list_is_malformed() {
    let many = json!(vec![event("deal.creation", 1); 101]).to_string();
    let deep = "[".repeat(100_000);
    for body in [
        "",
        "{}",
        "null",
        "[",
        "[1,]",
        r#"{"subscriptionType":"deal.creation"}"#,
        many.as_str(),
        deep.as_str(),
    ] {
        assert_eq!(verify(body), Err(Rejected::Malformed));
    }
    assert!(verify("[]").is_ok());
}

proptest! {
    #[test]
    fn any_body_is_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let headers = HeaderMap::new();
        let delivery = Delivery { path_and_query: "/", headers: &headers, body: &body };
        let _ = connector().hints(delivery);
        prop_assert_eq!(connector().verify(delivery, &[SECRET], at(NOW)), Err(Rejected::Unauthenticated));
    }
}
