//! Promises that are carried by reference: handoff 04 takes them from the accepted handoff 03, and says so when that one changes.

use handoff_core::event::Concern;
use handoff_core::handoff::Phase;
use handoffd_tests::crm::{HUBSPOT, Kind, SALESFORCE};
use handoff_core::id::RecordRef;
use handoff_core::value::Value;
use handoffd_tests::governed::Governed;
use handoffd_tests::story::AVA;

use crate::feeds::{configure, usage};
use crate::live::{CUSTOMER, accepts, by_feed, detail, goes_live, in_queue, missing, phase, prepare, stands};

async fn follows_its_source(crms: &'static [Kind]) {
    let mut world = prepare(crms, vec![by_feed(crms[0])]).await;
    configure(&mut world);
    world.begin().await.unwrap();
    let deal = world.full_deal("Sold");
    let onboarding = goes_live(&world, deal, CUSTOMER);
    usage(&world).await;
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
    let state = detail(&world, &onboarding).await;
    eprintln!("AFTER EDIT {:?} {} {:?}", state.summary.phase, state.summary.status, state.state.as_ref().unwrap().concerns);
    assert!(state.state.unwrap().concerns.contains(&Concern::CarriedDrifted));
    world.accept(deal);
    world.pass().await;
    world.pass().await;
    let state = detail(&world, &onboarding).await;
    eprintln!("AFTER ACCEPT {:?} {} {:?}", state.summary.phase, state.summary.status, state.state.as_ref().unwrap().concerns);
    let told = stands(&world, &onboarding, "Handoff_04_Status__c", "handoff_04_status");
    eprintln!("STATUS {told}");
    eprintln!("EVENTS {:?}", events(&state));
    accepts(&world, &onboarding);
    world.pass().await;
    let state = detail(&world, &onboarding).await;
    eprintln!("AFTER ACCEPT4 {:?} {} {:?}", state.summary.phase, state.summary.status, state.state.as_ref().unwrap().concerns);
    world.assert_balanced();
    world.stop().await;
}

fn events(detail: &handoffd::view::Detail) -> Vec<&'static str> {
    let entries = detail.entries.iter().filter_map(|entry| entry.entry.as_ref()?.handoff());
    entries.flat_map(|(_, events)| events.iter().map(handoff_core::event::Event::name)).collect()
}

async fn criteria(world: &Governed, onboarding: &RecordRef) -> String {
    let package = detail(world, onboarding).await.state.unwrap().package;
    let found = package.get(&"year_one_criteria".into()).and_then(|parts| parts.get(&"criteria".into()));
    match &found.unwrap().value {
        Value::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_promised_is_carried_and_drift_is_told_in_salesforce() {
    follows_its_source(SALESFORCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_promised_is_carried_and_drift_is_told_in_hubspot() {
    follows_its_source(HUBSPOT).await;
}
