//! The plain way and every way round it, so that every other test knows what it departs from.

use handoff_core::handoff::Phase;
use handoffd_tests::crm::{Deal, Kind};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::on_every_crm;
use handoffd_tests::story::{AVA, COMMISSION, QUEUE};
use serde_json::json;

on_every_crm!(a_filled_and_accepted_deal_is_cleared_once, cleared_once);

async fn cleared_once(crms: &'static [Kind]) {
    let mut world = Governed::start(Options { crms, webhooks: true, ..Options::default() }).await;
    let deals: Vec<Deal> = crms.iter().map(|kind| world.full_deal_in(*kind, "Plain")).collect();
    world.pass().await;
    for deal in &deals {
        assert_eq!(world.phase(*deal), Some(Phase::Complete));
        assert!(world.flag(*deal, QUEUE) && !world.flag(*deal, COMMISSION));
        world.accept(*deal);
    }
    world.pass().await;
    for deal in &deals {
        assert_eq!(world.phase(*deal), Some(Phase::Accepted));
        assert!(world.flag(*deal, COMMISSION));
    }
    world.restart().await;
    world.pass().await;
    for deal in &deals {
        assert_eq!(world.company().flips(*deal, COMMISSION), (1, 0));
    }
    world.assert_balanced();
    assert!(world.verify_audit() > 0);
}

on_every_crm!(a_deal_from_an_empty_package_to_every_way_round_the_gate, every_way_round);

async fn every_way_round(crms: &'static [Kind]) {
    let world = Governed::start(Options { crms, ..Options::default() }).await;
    for kind in crms {
        goes_round(&world, *kind).await;
    }
}

async fn goes_round(world: &Governed, kind: Kind) {
    let company = world.company();
    let deal = world.deal_in(kind, "Round");
    let crm = company.of(deal).crm();
    let mapping = crm.mapping();
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Draft));
    assert!(!world.flag(deal, COMMISSION) && !world.flag(deal, QUEUE));

    // Junk is not an answer.
    world.say(AVA, deal, &[("economic_buyer", "authority", "tbd"), ("risks", "risks", "n/a")]);
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Draft));

    world.fill(deal);
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    assert!(world.flag(deal, QUEUE), "complete opens the receiver's queue");
    assert!(!world.flag(deal, COMMISSION), "complete alone does not release pay");

    // The sender cannot accept her own handoff, even where no field permission stops her.
    world.force(AVA, deal, &company.acceptance(deal).into());
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    assert!(!world.flag(deal, COMMISSION));
    assert!(company.field(deal, &mapping.decision.field).is_null(), "the consumed answer is cleared");

    world.reject(deal, "risks", "Which system holds the addresses?");
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Rejected));
    assert!(!world.flag(deal, QUEUE));

    let mended = "Addresses live in SAP, in the planner and in Excel; SAP wins";
    world.say(AVA, deal, &[("risks", "risks", mended)]);
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Complete));
    assert_eq!(world.summary(deal).unwrap().round, 2);

    world.accept(deal);
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Accepted));
    assert!(world.flag(deal, COMMISSION));
    let pay = mapping.write.gate.iter().find(|(name, _)| name.as_str() == COMMISSION).unwrap().1;
    assert_eq!(company.field(deal, pay.status.as_ref().unwrap()), json!("Cleared"));
    assert!(company.field(deal, pay.clearance_id.as_ref().unwrap()).is_string());

    // An edit of what was accepted begins the next cycle, and pay is held again.
    world.say(AVA, deal, &[("success_criteria", "target", "From 9 % to 7 %")]);
    world.pass().await;
    assert_eq!(world.summary(deal).unwrap().handoff.cycle, 2);
    assert!(!world.flag(deal, COMMISSION));

    // A flag set by hand is undone, and stands in the ledger.
    world.force(AVA, deal, &company.forgery(deal, COMMISSION).into());
    assert!(world.flag(deal, COMMISSION));
    world.pass().await;
    assert!(!world.flag(deal, COMMISSION));

    // A workflow moves the deal past its gate.
    world.advance(5);
    crm.workflow(deal.id, &company.to_stage(deal, "closed_won")).unwrap();
    world.pass().await;
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
    let (writes, head) = (crm.writes(), world.handle().view().head().entries);
    world.handle().sweep_now().await.unwrap();
    world.pass().await;
    assert_eq!((crm.writes(), world.handle().view().head().entries), (writes, head));
    world.assert_balanced();
}
