//! Several contracts over one org, and three over one object of it.

use handoff_connector::Guard;
use handoff_core::handoff::Phase;
use handoff_core::id::RecordRef;
use handoff_sandbox_salesforce::{Act, Id};
use handoffd::app::{App, Options};
use handoffd_tests::crm::SALESFORCE;
use handoffd_tests::governed::Governed;
use handoffd_tests::stage::face::{Cast, perform};
use handoffd_tests::stage::people::GRACE;
use handoffd_tests::stage::salesforce::{Org, h01, h02, h03, h04, h05, h06};
use handoffd_tests::stage::table::{ROOT, Scene};
use handoffd_tests::story::{AVA, INGRID};
use serde_json::{Value, json};

use crate::proof::{detail, set};

/// The org that ships offers all that the six mappings need, and blocks where they say that it does.
#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_org_fits_all_six() {
    let scenes = [h01::scene(), h02::scene(), h03::scene(), h04::scene(), h05::scene(), h06::scene()];
    let scenes: Vec<&Scene> = scenes.iter().collect();
    let mut world = set(&Org, SALESFORCE, &scenes).await;
    let (config, registry) = (world.configured().clone(), world.registry().unwrap());
    let options = Options { autopilot: false, ..Options::default() };
    let reports = App::check_once(&config, &registry, world.clock().clone(), options).await.unwrap();
    let report = reports.into_values().next().unwrap().unwrap();
    let wrong: Vec<_> = report.findings.iter().filter(|finding| finding.error).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for mapping in ["salesforce/h01-marketing-to-sdr", "salesforce/h03-ae-to-onboarding"] {
        assert_eq!(report.guards.get(mapping), Some(&Guard::Active), "{mapping}");
    }
    // Flags and check-boxes, which are never empty, go without field history, and of a field of handoff 03 with several parts the one that
    // is filled along with another: an object has twenty fields with history.
    let along =
        ["Champion_Strength", "Success_Metric", "Incumbent_Tool", "Go_Live_Anchor_Event", "Go_Live_Unknown"];
    for finding in
        report.findings.iter().filter(|finding| finding.problem.starts_with("field history is off"))
    {
        let flag = finding.place.contains(".Handoff_") || finding.place.contains(".No_");
        let along = along.iter().any(|name| finding.place.ends_with(&format!(".{name}__c")));
        let answers = ["Decision__c", "Exceptions__c"].iter().any(|name| finding.place.ends_with(name));
        assert!((flag || along) && !answers, "{finding:?}");
    }
    world.stop().await;
}

async fn phase(world: &Governed, scene: &Scene, deal: &RecordRef) -> Phase {
    detail(world, scene.contract, deal).await.summary.phase
}

fn save(world: &Governed, who: &str, deal: &RecordRef, fields: &Value) {
    let id = Id::parse(deal.record.as_str()).unwrap();
    world.org().act(&Act::update(who, "Opportunity", id, fields)).unwrap();
}

/// One deal goes through three handoffs, each with its own receiver and its own flags, and nothing is written twice.
#[tokio::test(flavor = "multi_thread")]
async fn three_contracts_share_one_deal() {
    let (qualified, shared, sold) = (h02::scene(), h06::scene(), h03::scene());
    let mut world = set(&Org, SALESFORCE, &[&qualified, &sold, &shared]).await;
    let cast = perform(&Org, &world, &qualified.made, &Cast::new()).unwrap();
    let deal = cast.get(ROOT).unwrap().clone();
    let flag =
        |world: &Governed, name: &str| world.org().field(Id::parse(deal.record.as_str()).unwrap(), name);
    world.pass().await;
    assert_eq!(phase(&world, &qualified, &deal).await, Phase::Complete);
    assert_eq!(flag(&world, "Handoff_02_In_Queue__c"), json!(true));
    world.advance(30);
    save(&world, AVA, &deal, &json!({"Handoff_02_Decision__c": "Accept"}));
    world.pass().await;
    assert_eq!(phase(&world, &qualified, &deal).await, Phase::Accepted);
    assert_eq!(flag(&world, "Handoff_02_Credit_Open__c"), json!(true));

    // Motion B's stage opens handoff 06 and leaves handoff 02 as it is.
    let mut plan = shared.made.iter().find(|made| made.name == "plan").unwrap().clone();
    plan.fields.retain(|(name, _)| *name != "Signal_Evidence__c");
    plan.fields.push(("Signal_Evidence__c", json!("@planner")));
    perform(&Org, &world, &[plan], &cast).unwrap();
    let csm = world.org().user(GRACE).unwrap().to_string();
    save(
        &world,
        GRACE,
        &deal,
        &json!({"StageName": "Cross-Sell", "Motion__c": "Tier B", "Motion_A_CSM__c": csm}),
    );
    world.pass().await;
    assert_eq!(phase(&world, &shared, &deal).await, Phase::Complete);
    assert_eq!(phase(&world, &qualified, &deal).await, Phase::Accepted);
    world.advance(30);
    save(&world, AVA, &deal, &json!({"Handoff_06_Decision__c": "Accept"}));
    world.pass().await;
    assert_eq!(phase(&world, &shared, &deal).await, Phase::Accepted);
    assert_eq!(flag(&world, "Handoff_03_In_Queue__c"), json!(false));

    // The last open stage opens handoff 03, for its own receiver.
    let root = sold.made.iter().find(|made| made.name == ROOT).unwrap();
    let package: serde_json::Map<String, Value> = root
        .fields
        .iter()
        .filter(|(name, _)| name.ends_with("__c"))
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    let mut package = Value::Object(package);
    package["Onboarding_Lead__c"] = json!(world.org().user(INGRID).unwrap().to_string());
    package["StageName"] = json!("Negotiation/Review");
    save(&world, AVA, &deal, &package);
    let roles: Vec<_> =
        sold.made.iter().filter(|made| made.object == "OpportunityContactRole").cloned().collect();
    let people =
        [("cfo", "buyer"), ("head", "head")].map(|(name, known)| (name, cast.get(known).unwrap().clone()));
    let given: Cast = cast.clone().into_iter().chain(people).collect();
    perform(&Org, &world, &roles, &given).unwrap();
    world.pass().await;
    assert_eq!(phase(&world, &sold, &deal).await, Phase::Complete);
    world.advance(30);
    save(&world, INGRID, &deal, &json!({"Handoff_03_Decision__c": "Accept"}));
    world.pass().await;
    for scene in [&qualified, &shared, &sold] {
        let detail = detail(&world, scene.contract, &deal).await;
        assert_eq!(detail.summary.phase, Phase::Accepted, "{}: {}", scene.contract, detail.summary.status);
    }
    assert_eq!(flag(&world, "Handoff_03_Commission_Open__c"), json!(true));

    // Quiet once everything is said.
    world.pass().await;
    let (writes, entries) = (world.org().writes().len(), world.log().await.len());
    for _ in 0..3 {
        world.pass().await;
    }
    assert_eq!((world.org().writes().len(), world.log().await.len()), (writes, entries));
    world.assert_balanced();
    world.stop().await;
}
