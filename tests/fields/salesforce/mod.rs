//! Salesforce.

use handoff_core::handoff::Phase;
use handoff_sandbox_salesforce::{Act, Id};
use handoffd_tests::crm::SALESFORCE;
use handoffd_tests::stage::face::{Cast, perform};
use handoffd_tests::stage::salesforce::{Org, h01, h02, h03, h04, h05, h06};
use handoffd_tests::stage::table::ROOT;
use handoffd_tests::story::INGRID;
use serde_json::json;

use crate::proof::{detail, set, show, show_in};

mod conduct;
mod together;

#[tokio::test(flavor = "multi_thread")]
async fn handoff_01() {
    show(&Org, SALESFORCE, h01::scene()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_02() {
    show(&Org, SALESFORCE, h02::scene()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_03() {
    show(&Org, SALESFORCE, h03::scene()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_04() {
    let (sale, onboarding) = (h03::scene(), h04::scene());
    let mut world = set(&Org, SALESFORCE, &[&sale, &onboarding]).await;
    // Of two deals one was accepted, so that only its promises are carried on.
    let deals = ["deal", "other"].map(|name| {
        let cast = perform(&Org, &world, &sale.made, &Cast::new()).unwrap();
        (name, cast.get(ROOT).unwrap().clone())
    });
    world.pass().await;
    let given = Cast::from(deals);
    let deal = given.get("deal").unwrap();
    world.advance(30);
    let accept = json!({"Handoff_03_Decision__c": "Accept"});
    let id = Id::parse(deal.record.as_str()).unwrap();
    world.org().act(&Act::update(INGRID, "Opportunity", id, &accept)).unwrap();
    world.pass().await;
    assert_eq!(detail(&world, sale.contract, deal).await.summary.phase, Phase::Accepted);
    show_in(&Org, &world, &onboarding, &given).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_05() {
    show(&Org, SALESFORCE, h05::scene()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_06() {
    show(&Org, SALESFORCE, h06::scene()).await;
}
