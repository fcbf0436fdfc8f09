//! What happens beside the package, told once for each of the two handoffs that live by it: through the daemon, over real HTTP.

use handoff_core::beside::Reunify;
use handoff_core::handoff::Phase;
use handoff_sandbox_salesforce::{Act, Id};
use handoffd_tests::crm::SALESFORCE;
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::stage::face::{Cast, Face as _, perform};
use handoffd_tests::stage::govern::govern;
use handoffd_tests::stage::people::{GRACE, SUNIL};
use handoffd_tests::stage::salesforce::{Org, h03, h05, h06};
use handoffd_tests::stage::table::{ROOT, Scene};
use handoffd_tests::story::{AVA, INGRID};
use serde_json::{Value, json};

use crate::proof::detail;

async fn world(scene: &Scene, reunify: Option<Reunify>) -> (Governed, Cast) {
    let mut world = Governed::prepare(Options { crms: SALESFORCE, ..Options::default() }).await;
    govern(&Org, &mut world, &[scene]);
    world.govern().reunify = reunify;
    Org.prepare(&world);
    let cast = perform(&Org, &world, &scene.made, &std::collections::BTreeMap::new()).unwrap();
    world.begin().await.unwrap();
    world.pass().await;
    (world, cast)
}

fn save(world: &Governed, who: &str, cast: &Cast, name: &str, fields: &Value) {
    world.advance(5);
    let record = &cast[name];
    let id = Id::parse(record.record.as_str()).unwrap();
    world.org().act(&Act::update(who, record.object.as_str(), id, fields)).unwrap();
}

fn add(world: &Governed, who: &str, object: &str, fields: &Value) {
    world.advance(5);
    world.org().act(&Act::create(who, object, fields)).unwrap();
}

fn field(world: &Governed, cast: &Cast, name: &str, field: &str) -> Value {
    world.org().field(Id::parse(cast[name].record.as_str()).unwrap(), field)
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
        field(world, &cast, "account", "Handoff_05_Echo__c").as_str().unwrap_or_default().to_owned()
    };
    assert!(echo(&world).contains("Escalated"), "{}", echo(&world));
    save(&world, SUNIL, &cast, ROOT, &json!({ "Handoff_05_Decision__c": "Accept" }));
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
    let case = cast[ROOT].record.as_str();
    add(
        &world,
        SUNIL,
        "CaseComment",
        &json!({ "ParentId": case, "CommentBody": "We are on it", "IsPublished": true }),
    );
    save(&world, SUNIL, &cast, ROOT, &json!({ "Status": "Closed" }));
    world.pass().await;
    let happened = events(&world, contract, &cast).await;
    assert!(happened.contains(&"foreign_message") && happened.contains(&"resolved"), "{happened:?}");
    assert!(!happened.contains(&"loop_closed"), "closing the case closes no loop");
    assert!(echo(&world).contains("tell the customer yourself"), "{}", echo(&world));
    let call = json!({ "Subject": "Call", "Status": "Completed", "WhatId": case, "OwnerId": world.org().user(GRACE).unwrap().to_string() });
    add(&world, GRACE, "Task", &call);
    save(&world, GRACE, &cast, ROOT, &json!({ "Priority": "Low" }));
    world.pass().await;
    assert!(events(&world, contract, &cast).await.contains(&"loop_closed"));
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
    let open = |world: &Governed| field(world, &cast, ROOT, "Handoff_06_In_Queue__c") == json!(true);
    assert!(open(&world));
    let user = |login: &str| world.org().user(login).unwrap().to_string();
    // Warm, says the plan, and names Ava: two claim it.
    save(&world, GRACE, &cast, "plan", &json!({ "Primary_Owner__c": user(AVA) }));
    save(&world, GRACE, &cast, ROOT, &json!({ "NextStep": "Agree who owns it" }));
    world.pass().await;
    assert!(!open(&world));
    save(&world, GRACE, &cast, "plan", &json!({ "Mode__c": "Cold" }));
    save(&world, AVA, &cast, ROOT, &json!({ "Primary_Relationship_Owner__c": user(AVA) }));
    world.pass().await;
    assert!(open(&world));
    save(&world, AVA, &cast, ROOT, &json!({ "Handoff_06_Decision__c": "Accept" }));
    world.pass().await;
    save(&world, GRACE, &cast, ROOT, &json!({ "Went_Live_On__c": "2026-12-10" }));
    world.pass().await;
    assert!(events(&world, contract, &cast).await.contains(&"trigger_set"));
    world.set_time("2027-06-10T00:00:30Z".parse().unwrap());
    world.handle().sweep_now().await.unwrap();
    world.pass().await;
    world.pass().await;
    let happened = events(&world, contract, &cast).await;
    assert!(happened.contains(&"reunification_due") && happened.contains(&"reunified"), "{happened:?}");
    assert_eq!(field(&world, &cast, ROOT, "Primary_Relationship_Owner__c"), json!(user(GRACE)));
    world.assert_accounted();
    world.stop().await;
}

/// Ava cannot know the date yet and says so; Ingrid takes the deal all the same, names another reason first, and confirms what changed later.
#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_the_shipped_mapping_is_heard() {
    let scene = h03::scene();
    let (mut world, cast) = world(&scene, None).await;
    let unknown =
        json!({ "Desired_Go_Live__c": null, "Go_Live_Unknown__c": "the board decides, until 2027-01-31" });
    save(&world, AVA, &cast, ROOT, &unknown);
    world.pass().await;
    assert_eq!(detail(&world, scene.contract, &cast[ROOT]).await.summary.phase, Phase::Draft);
    let reject = json!({
        "Handoff_03_Decision__c": "Reject",
        "Handoff_03_Field_Reasons__c": "risks: nobody asked their IT\ngo_live: say at least which quarter",
    });
    save(&world, INGRID, &cast, ROOT, &reject);
    world.pass().await;
    let missing = field(&world, &cast, ROOT, "Handoff_03_Missing__c");
    assert!(missing.as_str().unwrap_or_default().contains("nobody asked their IT"), "{missing}");
    save(
        &world,
        AVA,
        &cast,
        ROOT,
        &json!({ "Implementation_Risks__c": "Their IT reviews every integration for six weeks" }),
    );
    let later = json!({ "Go_Live_Unknown__c": "the board decides on the quarter, until 2027-01-31" });
    save(&world, AVA, &cast, ROOT, &later);
    world.pass().await;
    let changes = field(&world, &cast, ROOT, "Handoff_03_Changes__c");
    save(&world, INGRID, &cast, ROOT, &json!({ "Handoff_03_Decision__c": "Accept with exceptions" }));
    world.pass().await;
    let accepted = detail(&world, scene.contract, &cast[ROOT]).await;
    assert_eq!(accepted.summary.phase, Phase::Accepted, "{} / {changes}", accepted.summary.status);
    assert_eq!(field(&world, &cast, ROOT, "Handoff_03_Commission_Open__c"), json!(true));
    world.assert_accounted();
    world.stop().await;
}
