//! What happens beside the package, on HubSpot: the same two stories as on Salesforce, through the daemon, over real HTTP.

use handoff_core::beside::Reunify;
use handoff_sandbox_hubspot::Act;
use handoffd_tests::crm::HUBSPOT;
use handoffd_tests::governed::Governed;
use handoffd_tests::stage::face::{Cast, Face as _};
use handoffd_tests::stage::hubspot::{Hub, h05, h06};
use handoffd_tests::stage::people::{GRACE, SUNIL};
use handoffd_tests::stage::table::ROOT;
use handoffd_tests::story::AVA;
use serde_json::{Value, json};

use crate::proof::{detail, events, performed};

fn id(cast: &Cast, name: &str) -> u64 {
    cast[name].record.as_str().parse().unwrap()
}

fn save(world: &Governed, who: &str, cast: &Cast, fields: Value) {
    world.advance(5);
    let root = &cast[ROOT];
    world.portal().act(&Act::update(who, root.object.as_str(), id(cast, ROOT), fields)).unwrap();
}

/// Somebody does something with the customer and hangs it on the record.
fn log(world: &Governed, who: &str, cast: &Cast, object: &'static str, mut fields: Value) {
    world.advance(5);
    fields["hs_timestamp"] = json!(world.now().to_string());
    fields["hubspot_owner_id"] = Hub.user(world, who);
    let made = world.portal().act(&Act::create(who, object, fields)).unwrap();
    let root = &cast[ROOT];
    world.portal().associate(who, (object, made), (root.object.as_str(), id(cast, ROOT)), None).unwrap();
}

fn field(world: &Governed, cast: &Cast, name: &str) -> String {
    world.portal().property(cast[ROOT].object.as_str(), id(cast, ROOT), name).unwrap_or_default()
}

/// Sunil takes the escalation, falls silent past his date, writes to the customer himself, and fixes it; Grace tells the customer.
#[tokio::test(flavor = "multi_thread")]
async fn f15_an_escalation_goes_silent_and_comes_back_to_the_customer() {
    let scene = h05::scene();
    let contract = scene.contract;
    let (mut world, cast) = performed(&Hub, HUBSPOT, &scene, None).await;
    let echo = |world: &Governed| field(world, &cast, "handoff_05_echo");
    assert!(echo(&world).contains(": Escalated"), "the stage as people see it: {}", echo(&world));
    save(&world, SUNIL, &cast, json!({ "handoff_05_decision": "Accept" }));
    world.pass().await;
    assert!(events(&world, contract, &cast).await.contains(&"acknowledged"));
    // His acceptance is news for the first interval. Then nothing is heard for two days: the day of the promise passes too.
    for later in ["2026-12-04T09:00:00Z", "2026-12-06T09:00:00Z"] {
        world.set_time(later.parse().unwrap());
        world.handle().sweep_now().await.unwrap();
        world.pass().await;
    }
    let happened = events(&world, contract, &cast).await;
    assert!(happened.contains(&"eta_passed") && happened.contains(&"echo_missed"), "{happened:?}");
    assert!(echo(&world).contains("passed"), "{}", echo(&world));
    let mail = json!({ "hs_email_subject": "We are on it", "hs_email_direction": "EMAIL" });
    log(&world, SUNIL, &cast, "emails", mail);
    save(&world, SUNIL, &cast, json!({ "hs_pipeline_stage": "escalation_fixed" }));
    world.pass().await;
    let happened = events(&world, contract, &cast).await;
    assert!(happened.contains(&"foreign_message") && happened.contains(&"resolved"), "{happened:?}");
    assert!(!happened.contains(&"loop_closed"), "fixing it closes no loop");
    assert!(echo(&world).contains("tell the customer yourself"), "{}", echo(&world));
    log(&world, GRACE, &cast, "calls", json!({ "hs_call_title": "It is fixed" }));
    save(&world, GRACE, &cast, json!({ "hs_ticket_priority": "LOW" }));
    world.pass().await;
    assert!(events(&world, contract, &cast).await.contains(&"loop_closed"));
    assert!(echo(&world).contains("customer told"), "{}", echo(&world));
    world.assert_accounted();
    world.stop().await;
}

/// Both motions claim the relationship: nothing opens. One claim is given up; half a year after go-live the owner is written back.
#[tokio::test(flavor = "multi_thread")]
async fn f14_two_claims_then_one_then_back_after_six_months() {
    let scene = h06::scene();
    let contract = scene.contract;
    let (mut world, cast) = performed(&Hub, HUBSPOT, &scene, Some(Reunify::Write)).await;
    let open = |world: &Governed| field(world, &cast, "handoff_06_in_queue") == "true";
    let user = |login: &str| Hub.user(&world, login);
    let (ava, grace) = (user(AVA), user(GRACE));
    assert!(open(&world));
    assert_eq!(detail(&world, contract, &cast[ROOT]).await.summary.handoff.motion.as_str(), "b");
    save(&world, AVA, &cast, json!({ "handoff_06_motion_a_claim": grace, "handoff_06_motion_b_claim": ava }));
    world.pass().await;
    assert!(!open(&world), "two people claim it");
    save(&world, AVA, &cast, json!({ "handoff_06_motion_b_claim": "" }));
    world.pass().await;
    assert!(open(&world), "{}", field(&world, &cast, "handoff_06_missing"));
    save(
        &world,
        AVA,
        &cast,
        json!({ "handoff_06_decision": "Accept", "handoff_06_relationship_owner": ava }),
    );
    world.pass().await;
    save(&world, GRACE, &cast, json!({ "handoff_06_went_live_on": "2026-12-10" }));
    world.pass().await;
    assert!(events(&world, contract, &cast).await.contains(&"trigger_set"));
    world.set_time("2027-06-10T00:00:30Z".parse().unwrap());
    world.handle().sweep_now().await.unwrap();
    world.pass().await;
    world.pass().await;
    let happened = events(&world, contract, &cast).await;
    assert!(happened.contains(&"reunification_due") && happened.contains(&"reunified"), "{happened:?}");
    assert_eq!(json!(field(&world, &cast, "handoff_06_relationship_owner")), grace);
    world.assert_accounted();
    world.stop().await;
}
