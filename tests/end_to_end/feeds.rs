//! Signed feeds: what telemetry says reaches the package and opens the gate; nothing unproven, old, doubled or otherwise made is taken.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use handoff_core::handoff::Phase;
use handoff_core::id::RecordRef;
use handoffd_tests::crm::{HUBSPOT, Kind, SALESFORCE};
use handoffd_tests::feed::{Delivery, NEXT, SECRET, configure};
use handoffd_tests::governed::Governed;
use serde_json::{Value, json};

use crate::live::{CUSTOMER, accepts, detail, goes_live, in_queue, missing, phase, prepare};

/// One row.
pub(crate) fn row(week: &str, feature: &str, users: i64) -> Value {
    json!({"account": CUSTOMER, "week": week, "feature": feature, "users": users})
}

/// Two weeks of two features.
pub(crate) fn rows() -> Vec<Value> {
    vec![
        row("2026-10-05", "Routing", 4),
        row("2026-10-12", "Routing", 9),
        row("2026-10-05", "Signatures", 2),
        row("2026-10-12", "Signatures", 3),
    ]
}

/// Sends who was trained.
pub(crate) async fn attendance(world: &Governed, person: &str) {
    let row = json!([{"account": CUSTOMER, "person": person, "session": "Basics", "completed": "Completed"}]);
    let delivery = Delivery::of(world, "msg_attendance", row.to_string());
    assert_eq!(Delivery { path: "feeds/attendance", ..delivery }.send(world).await, taken(1, 1));
}

/// Sends them.
pub(crate) async fn usage(world: &Governed) {
    let sent = Delivery::of(world, "msg_usage", json!(rows()).to_string()).send(world).await;
    assert_eq!(sent, taken(4, 4));
}

pub(crate) fn taken(rows: u64, taken: u64) -> (u16, Value) {
    (200, json!({"rows": rows, "taken": taken, "known": rows - taken, "erased": 0}))
}

/// A customer of whose use nothing is known yet.
async fn silent(crms: &'static [Kind]) -> (Governed, RecordRef) {
    let mut world = prepare(crms).await;
    configure(&mut world);
    world.begin().await.unwrap();
    let deal = world.full_deal("Sold");
    world.pass().await;
    world.accept(deal);
    world.pass().await;
    let (onboarding, trained) = goes_live(&world, deal, CUSTOMER);
    world.pass().await;
    assert_eq!(missing(&world, &onboarding).await, ["adoption", "training"]);
    attendance(&world, &trained).await;
    world.settle().await;
    (world, onboarding)
}

/// The adoption as the package holds it: the curve's points, and the names of the features.
async fn adoption(world: &Governed, onboarding: &RecordRef) -> Value {
    let package = detail(world, onboarding).await.state.unwrap().package;
    let parts = package.get(&"adoption".into()).unwrap();
    let curve = parts.get(&"curve".into()).unwrap();
    serde_json::to_value(&curve.value).unwrap()
}

/// Entries of handoffs in the log; a start has an entry of its own.
async fn decided(world: &Governed) -> usize {
    let entries = world.log().await;
    entries.iter().filter(|entry| entry.entry.as_ref().is_some_and(|entry| entry.handoff().is_some())).count()
}

async fn reaches_the_package_and_opens_the_gate(crms: &'static [Kind]) {
    let (mut world, onboarding) = silent(crms).await;
    assert_eq!(missing(&world, &onboarding).await, ["adoption"]);
    assert!(!in_queue(&world, &onboarding));

    let body = json!(rows()).to_string();
    assert_eq!(Delivery::of(&world, "msg_1", &body).send(&world).await, taken(4, 4));
    world.settle().await;
    assert_eq!(phase(&world, &onboarding).await, Phase::Complete);
    assert!(in_queue(&world, &onboarding), "the gate stands open in the CRM");
    let points = json!({"kind": "series", "value": [["2026-10-05", "6"], ["2026-10-12", "12"]]});
    assert_eq!(adoption(&world, &onboarding).await, points);

    // The same again, by the same delivery and by another: nothing.
    let entries = world.log().await.len();
    assert_eq!(Delivery::of(&world, "msg_1", &body).send(&world).await, taken(4, 0));
    assert_eq!(Delivery::of(&world, "msg_2", &body).send(&world).await, taken(4, 0));
    world.pass().await;
    assert_eq!(world.log().await.len(), entries);

    // A figure that is corrected takes the place of the earlier one.
    let mended = json!({"rows": [row("2026-10-12", "Routing", 11)]}).to_string();
    assert_eq!(Delivery::of(&world, "msg_3", mended).send(&world).await, taken(1, 1));
    world.settle().await;
    let points = json!({"kind": "series", "value": [["2026-10-05", "6"], ["2026-10-12", "14"]]});
    assert_eq!(adoption(&world, &onboarding).await, points);
    accepts(&world, &onboarding);
    world.pass().await;
    assert_eq!(phase(&world, &onboarding).await, Phase::Accepted);

    // Telemetry goes on; what was handed over ended with going live.
    let later = json!([row("2027-03-01", "Routing", 40)]).to_string();
    assert_eq!(Delivery::of(&world, "msg_4", later).send(&world).await, taken(1, 1));
    world.settle().await;
    assert_eq!(adoption(&world, &onboarding).await, points);
    assert_eq!(phase(&world, &onboarding).await, Phase::Accepted);

    // The log alone gives the same state.
    let before = (decided(&world).await, detail(&world, &onboarding).await.state);
    world.stop().await;
    std::fs::remove_dir_all(world.state_dir().join("memory")).unwrap();
    world.begin().await.unwrap();
    world.pass().await;
    assert_eq!((decided(&world).await, detail(&world, &onboarding).await.state), before);
    assert_eq!(adoption(&world, &onboarding).await, points);
    let again = Delivery::of(&world, "msg_5", body).send(&world).await;
    assert_eq!(again, taken(4, 1), "the old figure of one week, which was mended since");
    world.settle().await;
    assert_ne!(phase(&world, &onboarding).await, Phase::Accepted, "what was accepted was another curve");
    world.assert_balanced();
    assert!(world.verify_audit() > 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_feed_says_reaches_the_package_and_opens_the_gate_in_salesforce() {
    reaches_the_package_and_opens_the_gate(SALESFORCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_feed_says_reaches_the_package_and_opens_the_gate_in_hubspot() {
    reaches_the_package_and_opens_the_gate(HUBSPOT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c07_c09_c10_c11_c14_nothing_unproven_old_replayed_oversized_or_otherwise_made_is_taken() {
    let (mut world, onboarding) = silent(SALESFORCE).await;
    let entries = world.log().await.len();
    let good = json!(rows()).to_string();
    let of = |id: &str| Delivery::of(&world, id, &good);
    let never = ["whsec_", &BASE64_STANDARD.encode([7; 32])].concat();
    let later = |seconds: i64| {
        let mut delivery = of("msg_when");
        delivery.time += seconds;
        delivery.signed_again(SECRET)
    };
    let unproven = [
        ("no signature", Delivery { signature: String::new(), ..of("msg_a") }),
        ("another secret", of("msg_b").signed_again(&never)),
        ("another id", Delivery { id: "msg_c2".to_owned(), ..of("msg_c") }),
        ("another body", Delivery { body: good.replace('4', "5"), ..of("msg_d") }),
        ("too old", later(-301)),
        ("of the future", later(301)),
        ("another time", Delivery { time: of("msg_e").time - 1, ..of("msg_e") }),
    ];
    for (why, delivery) in unproven {
        assert_eq!(delivery.send(&world).await, (401, json!("")), "{why}");
    }
    assert_eq!(world.refused("unauthenticated"), 5);
    assert_eq!(world.refused("outside_tolerance"), 2);
    assert_eq!(Delivery { path: "feeds/other", ..of("msg_f") }.send(&world).await.0, 404);

    let signed = |body: String| Delivery::of(&world, "msg_g", body);
    let one = |column: &str, value: Value| {
        let mut rows = rows();
        rows[3][column] = value;
        signed(json!(rows).to_string())
    };
    let made_otherwise = [
        (415, "content type", Delivery { kind: "text/plain", ..of("msg_h") }),
        (400, "list of flat JSON objects", signed("{".to_owned())),
        (400, "row 4: the column `secret` is not in the schema", one("secret", json!("Kestrel"))),
        (400, "row 4: the column `users` does not hold a number", one("users", json!("Kestrel"))),
        (400, "row 4: the column `account` is empty", one("account", json!(""))),
        (413, "", signed(format!("[{}]", " ".repeat(1_100_000)))),
        (400, "more than 20000 rows", signed(json!({"rows": vec![json!({"a": 1}); 20_001]}).to_string())),
    ];
    for (status, says, delivery) in made_otherwise {
        let (answered, told) = delivery.send(&world).await;
        let told = told.to_string();
        assert_eq!(answered, status, "{told}");
        assert!(told.contains(says), "{told}");
        assert!(!told.contains("Kestrel"), "values are never told: {told}");
    }
    world.pass().await;
    assert_eq!(world.log().await.len(), entries, "nothing of it was taken");
    assert_eq!(missing(&world, &onboarding).await, ["adoption"]);

    // One id, two bodies: the first stands. A replay within the tolerance changes nothing, one after it proves nothing.
    assert_eq!(of("msg_1").send(&world).await, taken(4, 4));
    let other = json!([row("2026-10-12", "Routing", 400)]).to_string();
    assert_eq!(Delivery::of(&world, "msg_1", &other).send(&world).await.0, 409);
    let replayed = || Delivery::of(&world, "msg_1", &good);
    let old = replayed();
    assert_eq!(replayed().send(&world).await, taken(4, 0));
    world.advance(400);
    assert_eq!(old.send(&world).await.0, 401);
    // While a secret is rotated both hold; CSV says the same as JSON.
    let next = Delivery::of(&world, "msg_2", json!([row("2026-10-19", "Routing", 8)]).to_string());
    assert_eq!(next.signed_again(NEXT).send(&world).await, taken(1, 1));
    let csv = format!("account,week,feature,users\n{CUSTOMER},2026-10-19,Routing,8.0\n");
    let csv = Delivery { kind: "text/csv", ..Delivery::of(&world, "msg_3", csv) };
    assert_eq!(csv.send(&world).await, taken(1, 0));
    world.pass().await;
    assert_eq!(phase(&world, &onboarding).await, Phase::Complete);
    world.assert_balanced();
    world.stop().await;
}
