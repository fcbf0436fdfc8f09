//! HubSpot.

use handoff_core::handoff::Phase;
use handoff_sandbox_hubspot::Act;
use handoffd_tests::crm::HUBSPOT;
use handoffd_tests::stage::face::{Cast, perform};
use handoffd_tests::stage::hubspot::{Hub, h01, h02, h03, h04, h05, h06};
use handoffd_tests::stage::table::ROOT;
use handoffd_tests::story::INGRID;
use serde_json::json;

use crate::proof::{detail, set, show, show_in};

mod conduct;
mod together;

#[tokio::test(flavor = "multi_thread")]
async fn handoff_01() {
    show(&Hub, HUBSPOT, h01::scene()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_02() {
    show(&Hub, HUBSPOT, h02::scene()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_03() {
    show(&Hub, HUBSPOT, h03::scene()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_04() {
    let (sale, onboarding) = (h03::scene(), h04::scene());
    let mut world = set(&Hub, HUBSPOT, &[&sale, &onboarding]).await;
    let cast = perform(&Hub, &world, &sale.made, &Cast::new()).unwrap();
    let deal = cast.get(ROOT).unwrap().clone();
    world.pass().await;
    world.advance(30);
    let accept = Act::update(
        INGRID,
        "deals",
        deal.record.as_str().parse().unwrap(),
        json!({"handoff_decision": "Accept"}),
    );
    world.portal().act(&accept).unwrap();
    world.pass().await;
    assert_eq!(detail(&world, sale.contract, &deal).await.summary.phase, Phase::Accepted);
    show_in(&Hub, &world, &onboarding, &Cast::from([("deal", deal)])).await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_05() {
    show(&Hub, HUBSPOT, h05::scene()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handoff_06() {
    show(&Hub, HUBSPOT, h06::scene()).await;
}
