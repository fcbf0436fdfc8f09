//! How many records a minute; run by hand with `--ignored --nocapture`.

use std::time::Instant;

use handoff_sandbox_salesforce::{Act, ActorKind};
use serde_json::json;

use crate::world::{AVA, INGRID, World};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, not a test"]
async fn records_a_minute() {
    const DEALS: usize = 5_000;
    let world = World::start().await;
    world.settle().await;
    let (ava, ingrid) = (world.user(AVA), world.user(INGRID));
    for number in 0..DEALS {
        let mut fields = crate::world::package();
        fields.as_object_mut().unwrap().extend(
            json!({
                "Name": format!("Load {number}"), "StageName": "Negotiation/Review", "CloseDate": "2026-12-20",
                "Onboarding_Lead__c": ingrid, "OwnerId": ava,
            })
            .as_object()
            .cloned()
            .unwrap(),
        );
        world.org().act(&Act::create(AVA, "Opportunity", &fields).by(ActorKind::Load)).unwrap();
    }
    world.pass(30);
    let begun = Instant::now();
    world.handle().poll_now().await.unwrap();
    let first = begun.elapsed();
    world.settle().await;
    let all = begun.elapsed();
    let head = world.handle().view().head();
    println!(
        "{DEALS} records opened, written, confirmed in {first:?}; settled after {all:?}; {} entries",
        head.entries
    );
}
