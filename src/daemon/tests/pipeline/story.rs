//! Handoff 03 from the first empty package to the last way round it.

use handoff_core::handoff::Phase;
use serde_json::json;

use crate::world::{AVA, COMMISSION, DECISION, INGRID, QUEUE, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_deal_from_an_empty_package_to_every_way_round_the_gate() {
    let world = World::start().await;
    let deal = world.deal("Negotiation/Review");
    world.settle().await;
    assert_eq!(world.phase(deal), Some(Phase::Draft));
    assert!(!world.flag(deal, COMMISSION) && !world.flag(deal, QUEUE));

    // Junk is not an answer.
    world.edit(AVA, deal, &json!({"Signing_Authority__c": "tbd", "Implementation_Risks__c": "n/a"}));
    world.settle().await;
    assert_eq!(world.phase(deal), Some(Phase::Draft));

    world.complete(deal);
    world.settle().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    assert!(world.flag(deal, QUEUE), "complete opens the receiver's queue");
    assert!(!world.flag(deal, COMMISSION), "complete alone does not release pay");

    // The sender cannot accept his own handoff, even where no field permission stops him.
    world.force(AVA, deal, &json!({DECISION: "Accept"}));
    world.settle().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    assert!(!world.flag(deal, COMMISSION));
    assert_eq!(world.org().field(deal, DECISION), json!(null), "the consumed answer is cleared");

    world.edit(
        INGRID,
        deal,
        &json!({DECISION: "Reject", "Handoff_03_Reject_Reason__c": "Which system holds the addresses?",
            "Handoff_03_Reject_Fields__c": "risks"}),
    );
    world.settle().await;
    assert_eq!(world.phase(deal), Some(Phase::Rejected));
    assert!(!world.flag(deal, QUEUE));

    world.edit(
        AVA,
        deal,
        &json!({"Implementation_Risks__c": "Addresses live in SAP, in the planner and in Excel; SAP wins"}),
    );
    world.settle().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    assert_eq!(world.summary(deal).unwrap().round, 2);

    world.edit(INGRID, deal, &json!({DECISION: "Accept"}));
    world.settle().await;
    assert_eq!(world.phase(deal), Some(Phase::Accepted));
    assert!(world.flag(deal, COMMISSION));
    assert_eq!(world.org().field(deal, "Handoff_03_Commission_Status__c"), json!("Cleared"));
    assert!(world.org().field(deal, "Handoff_03_Clearance_Id__c").is_string());

    // An edit of what was accepted begins the next cycle, and pay is held again.
    world.edit(AVA, deal, &json!({"Success_Target__c": "From 9 % to 7 %"}));
    world.settle().await;
    assert_eq!(world.summary(deal).unwrap().handoff.cycle, 2);
    assert!(!world.flag(deal, COMMISSION));

    // A flag set by hand is undone, and stands in the ledger.
    world.force(AVA, deal, &json!({COMMISSION: true}));
    assert!(world.flag(deal, COMMISSION));
    world.settle().await;
    assert!(!world.flag(deal, COMMISSION));

    // A workflow moves the deal past its gate.
    world.force(AVA, deal, &json!({"StageName": "Closed Won"}));
    world.settle().await;
    let events = world.events(deal).await;
    for wanted in [
        "opened",
        "completed",
        "answer_refused",
        "rejected",
        "accepted",
        "commission_released",
        "reopened",
        "commission_held",
        "tampered",
        "bypassed",
        "gate_ordered",
        "gate_written",
    ] {
        assert!(events.contains(&wanted), "{wanted} is missing in {events:?}");
    }
    assert_eq!(events.iter().filter(|name| **name == "accepted").count(), 1);
    assert_eq!(events.iter().filter(|name| **name == "tampered").count(), 1);

    // Steady: looking again changes nothing and writes nothing (L1).
    let (writes, head) = (world.org().writes().len(), world.handle().view().head().entries);
    world.handle().sweep_now().await.unwrap();
    world.settle().await;
    assert_eq!((world.org().writes().len(), world.handle().view().head().entries), (writes, head));
    world.assert_balanced();
}
