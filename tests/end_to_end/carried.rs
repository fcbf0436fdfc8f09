//! Promises that are carried by reference: handoff 04 takes them from the accepted handoff 03, and says so when that one changes.

use handoff_core::event::Concern;
use handoff_core::handoff::Phase;
use handoff_core::id::RecordRef;
use handoff_core::value::Value;
use handoff_sandbox_salesforce as salesforce;
use handoffd::view::Detail;
use handoffd_tests::crm::{Deal, HUBSPOT, Kind, SALESFORCE};
use handoffd_tests::feed::configure;
use handoffd_tests::governed::Governed;
use handoffd_tests::story::{AVA, INGRID};
use serde_json::json;

use crate::feeds::{attendance, usage};
use crate::live::{CUSTOMER, accepts, detail, goes_live, in_queue, missing, phase, prepare, stands};

async fn follows_its_source(crms: &'static [Kind]) {
    let mut world = prepare(crms).await;
    configure(&mut world);
    world.begin().await.unwrap();
    let deal = world.full_deal("Sold");
    let (onboarding, trained) = goes_live(&world, deal, CUSTOMER);
    usage(&world).await;
    attendance(&world, &trained).await;
    world.pass().await;
    // The sale is not accepted yet: there is nothing to carry, and the link alone is no answer.
    assert_eq!(missing(&world, &onboarding).await, ["year_one_criteria"]);
    let why = detail(&world, &onboarding).await.state.unwrap().words_of_carried();
    assert!(why[0].contains("is carried from h03-ae-to-onboarding"), "{why:?}");
    assert!(why[0].ends_with("which is not accepted"), "{why:?}");

    // Accepted over there, complete here: in the same pass, without anybody touching the onboarding.
    world.accept(deal);
    world.pass().await;
    world.pass().await;
    assert_eq!(phase(&world, &onboarding).await, Phase::Complete);
    assert!(in_queue(&world, &onboarding));
    let found = criteria(&world, &onboarding).await;
    assert!(found.starts_with("Missed appointments fall by half"), "{found}");
    accepts(&world, &onboarding);
    world.pass().await;
    assert_eq!(phase(&world, &onboarding).await, Phase::Accepted);

    // The promise is changed in the sale, and accepted anew: what the CSM accepted is not what is promised now.
    world.say(AVA, deal, &[("success_criteria", "criteria", "Missed appointments fall by a tenth, maybe")]);
    world.pass().await;
    world.pass().await;
    let now = detail(&world, &onboarding).await;
    assert_eq!(
        (now.summary.phase, drifted(&now)),
        (Phase::Draft, true),
        "nothing is promised until it is accepted"
    );
    assert!(!in_queue(&world, &onboarding));
    world.accept(deal);
    world.pass().await;
    world.pass().await;
    let now = detail(&world, &onboarding).await;
    assert_eq!((now.summary.phase, drifted(&now)), (Phase::Complete, true));
    let told = stands(&world, &onboarding, "Handoff_04_Status__c", "handoff_04_status");
    let told_of = "Carried from h03-ae-to-onboarding, which changed since this was accepted.";
    assert!(told.starts_with(told_of), "{told}");
    assert_eq!(criteria(&world, &onboarding).await, "Missed appointments fall by a tenth, maybe");

    // The CSM takes the promise as it is now: nothing is adrift, and nothing moves any more.
    accepts(&world, &onboarding);
    world.pass().await;
    let now = detail(&world, &onboarding).await;
    assert_eq!((now.summary.phase, drifted(&now)), (Phase::Accepted, false));
    world.pass().await;
    let entries = world.log().await.len();
    world.pass().await;
    world.pass().await;
    assert_eq!(world.log().await.len(), entries);

    // Without its link there is nothing to carry, and the field is missing.
    unlink(&world, &onboarding, deal);
    world.pass().await;
    assert_eq!(missing(&world, &onboarding).await, ["year_one_criteria"]);
    assert!(!in_queue(&world, &onboarding));
    world.assert_balanced();
    world.stop().await;
}

fn drifted(detail: &Detail) -> bool {
    detail.state.as_ref().unwrap().concerns.contains(&Concern::CarriedDrifted)
}

fn unlink(world: &Governed, onboarding: &RecordRef, deal: Deal) {
    world.advance(5);
    let id = onboarding.record.as_str();
    match deal.kind {
        Kind::Salesforce => {
            let id = salesforce::Id::parse(id).unwrap();
            let act = salesforce::Act::update(INGRID, "Onboarding__c", id, &json!({"Opportunity__c": null}));
            world.org().act(&act).unwrap();
        }
        Kind::Hubspot => {
            let ends = (("p_onboarding", id.parse().unwrap()), ("deals", deal.hs()));
            world.portal().dissociate(INGRID, ends.0, ends.1, None).unwrap();
        }
    }
}

async fn criteria(world: &Governed, onboarding: &RecordRef) -> String {
    let package = detail(world, onboarding).await.state.unwrap().package;
    let found = package.get(&"year_one_criteria".into()).and_then(|parts| parts.get(&"criteria".into()));
    let Value::Text(text) = &found.unwrap().value else { panic!("{found:?}") };
    text.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_promised_is_carried_and_drift_is_told_in_salesforce() {
    Box::pin(follows_its_source(SALESFORCE)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_promised_is_carried_and_drift_is_told_in_hubspot() {
    Box::pin(follows_its_source(HUBSPOT)).await;
}
