//! What happens beside the package, told once for each of the two handoffs that live by it: through the daemon, over real HTTP.

use std::collections::BTreeMap;

use handoff_core::beside::Reunify;
use handoff_sandbox_hubspot::Act;
use handoffd_tests::crm::HUBSPOT;
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::stage::face::{Cast, Face as _, perform};
use handoffd_tests::stage::govern::govern;
use handoffd_tests::stage::hubspot::{Hub, h05, h06};
use handoffd_tests::stage::people::{GRACE, SUNIL};
use handoffd_tests::stage::table::{ROOT, Scene};
use handoffd_tests::story::AVA;
use serde_json::{Value, json};

use crate::proof::detail;

async fn world(scene: &Scene, reunify: Option<Reunify>) -> (Governed, Cast) {
    let mut world = Governed::prepare(Options { crms: HUBSPOT, ..Options::default() }).await;
    govern(&Hub, &mut world, &[scene]);
    world.govern().reunify = reunify;
    Hub.prepare(&world);
    let cast = perform(&Hub, &world, &scene.made, &BTreeMap::new()).unwrap();
    world.begin().await.unwrap();
    world.pass().await;
    (world, cast)
}

fn id(cast: &Cast, name: &str) -> u64 {
    cast[name].record.as_str().parse().unwrap()
}

fn save(world: &Governed, who: &str, cast: &Cast, name: &str, fields: Value) {
    world.advance(5);
    world.portal().act(&Act::update(who, cast[name].object.as_str(), id(cast, name), fields)).unwrap();
}

/// An activity of somebody's on the escalated or handed record.
fn add(world: &Governed, who: &str, object: &str, cast: &Cast, fields: Value) {
    world.advance(5);
    let Value::Object(mut fields) = fields else { panic!() };
    fields.insert("hubspot_owner_id".to_owned(), Hub.user(world, who));
    fields.insert("hs_timestamp".to_owned(), json!(world.now().as_millisecond().to_string()));
    let made = world.portal().act(&Act::create(who, object, Value::Object(fields))).unwrap();
    let root = (cast[ROOT].object.as_str(), id(cast, ROOT));
    world.portal().associate(who, (object, made), root, None).unwrap();
}

fn field(world: &Governed, cast: &Cast, name: &str, field: &str) -> Value {
    Hub.field(world, cast[name].object.as_str(), cast[name].record.as_str(), field)
}

async fn events(world: &Governed, contract: &str, cast: &Cast) -> Vec<&'static str> {
    let detail = detail(world, contract, &cast[ROOT]).await;
    let entries = detail.entries.iter().filter_map(|entry| entry.entry.as_ref()?.handoff());
    entries.flat_map(|(_, events)| events.iter().map(handoff_core::event::Event::name)).collect()
}

/// Sunil takes the escalation, falls silent past his date, writes to the customer himself, and fixes it; Grace tells the customer.
#[tokio::test(flavor = "multi_thread")]
async fn f15_an_escalation_goes_silent_and_comes_back_to_the_customer() {
    let scene = h05::scene();
    let contract = scene.contract;
    let (mut world, cast) = world(&scene, None).await;
    let echo = |world: &Governed| {
        field(world, &cast, ROOT, "handoff_05_echo").as_str().unwrap_or_default().to_owned()
    };
    assert!(!echo(&world).is_empty(), "{:?}", events(&world, contract, &cast).await);
    save(&world, SUNIL, &cast, ROOT, json!({ "handoff_05_decision": "Accept" }));
    world.pass().await;
    let happened = events(&world, contract, &cast).await;
    assert!(happened.contains(&"acknowledged"), "{happened:?}");
    // Nothing is heard for days: the day of the promise passes too.
    world.set_time("2026-12-06T09:00:00Z".parse().unwrap());
    world.handle().sweep_now().await.unwrap();
    world.pass().await;
    let happened = events(&world, contract, &cast).await;
    assert!(happened.contains(&"eta_passed") && happened.contains(&"echo_missed"), "{happened:?}");
    assert!(echo(&world).contains("passed"), "{}", echo(&world));
    add(
        &world,
        SUNIL,
        "emails",
        &cast,
        json!({ "hs_email_direction": "EMAIL", "hs_email_subject": "We are on it" }),
    );
    save(&world, SUNIL, &cast, ROOT, json!({ "hs_pipeline_stage": "escalation_fixed" }));
    world.pass().await;
    let happened = events(&world, contract, &cast).await;
    assert!(happened.contains(&"foreign_message") && happened.contains(&"resolved"), "{happened:?}");
    assert!(!happened.contains(&"loop_closed"), "what Sunil wrote closes no loop");
    assert!(echo(&world).contains("tell the customer yourself"), "{}", echo(&world));
    add(&world, GRACE, "calls", &cast, json!({ "hs_call_title": "It is fixed" }));
    world.handle().sweep_now().await.unwrap();
    world.pass().await;
    let happened = events(&world, contract, &cast).await;
    assert!(happened.contains(&"loop_closed"), "{happened:?}");
    assert_eq!(echo(&world), "", "nothing is open any more");
    world.assert_accounted();
    world.stop().await;
}

/// Ava and Grace both own the relationship: nothing opens. One is named; half a year after go-live it comes back to Grace by itself.
#[tokio::test(flavor = "multi_thread")]
async fn f14_two_owners_then_one_then_back_after_six_months() {
    let scene = h06::scene();
    let contract = scene.contract;
    let (mut world, cast) = world(&scene, Some(Reunify::Write)).await;
    let queue = world.registry().unwrap();
    let queue = queue.mapping(scene.mapping).unwrap().write.gate.values().next().unwrap().field.clone();
    let open = |world: &Governed| field(world, &cast, ROOT, &queue) == json!(true);
    assert!(open(&world), "{:?}", detail(&world, contract, &cast[ROOT]).await.verdict);
    let user = |login: &str| Hub.user(&world, login);
    // Both motions claim it.
    save(&world, AVA, &cast, ROOT, json!({ "handoff_06_motion_b_claim": user(AVA) }));
    world.pass().await;
    assert!(!open(&world), "two people own it");
    // Cold: the other motion leads, and Ava is named.
    save(
        &world,
        GRACE,
        &cast,
        ROOT,
        json!({ "handoff_06_mode": "Cold", "handoff_06_primary_owner": user(AVA) }),
    );
    world.pass().await;
    assert!(open(&world), "{:?}", detail(&world, contract, &cast[ROOT]).await.verdict);
    save(&world, AVA, &cast, ROOT, json!({ "handoff_06_decision": "Accept" }));
    world.pass().await;
    assert!(events(&world, contract, &cast).await.contains(&"accepted"));
    save(&world, GRACE, &cast, ROOT, json!({ "handoff_06_went_live_on": "2026-12-10" }));
    world.pass().await;
    world.set_time("2027-06-10T00:00:30Z".parse().unwrap());
    for _ in 0..2 {
        world.handle().sweep_now().await.unwrap();
        world.pass().await;
    }
    let happened = events(&world, contract, &cast).await;
    assert!(happened.contains(&"reunification_due") && happened.contains(&"reunified"), "{happened:?}");
    world.assert_accounted();
    world.stop().await;
}
