//! Deals moved past their gate are put back: once, for a reason that stands on the record, and never against people who act meanwhile.

use handoff_core::contract::OnBypass;
use handoff_core::event::Concern;
use handoff_core::id::GateName;
use handoff_sandbox_salesforce::{Action, Fault, Matching};
use handoffd_tests::crm::{Deal, Kind};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, COMMISSION, COMMIT, STAGE};
use serde_json::json;

async fn world(options: Options) -> Governed {
    let mut world = Governed::prepare(options).await;
    world.govern().on_bypass.insert(GateName::from("closed_won"), OnBypass::Revert);
    world.begin().await.unwrap();
    world
}

const WON: &str = "closed_won";

/// Won past every rule, with the close date that comes with it.
fn win(world: &Governed, deal: Deal) {
    let mut won = world.company().to_stage(deal, WON);
    let date = world.company().of(deal).crm().mapping().stage.close_date.clone();
    won.insert(date.unwrap(), json!("2026-11-20"));
    world.force(AVA, deal, &won.into());
}

fn stage(world: &Governed, deal: Deal) -> String {
    world.company().stage(deal)
}

fn close_date(world: &Governed, deal: Deal) -> serde_json::Value {
    let company = world.company();
    company.field(deal, company.of(deal).crm().mapping().stage.close_date.as_ref().unwrap())
}

async fn concerns(world: &Governed, deal: Deal) -> std::collections::BTreeSet<Concern> {
    world.detail(deal).await.state.unwrap().concerns
}

async fn about_stages(world: &Governed, deal: Deal) -> Vec<&'static str> {
    let names = ["bypassed", "revert_ordered", "stage_reverted", "revert_given_up", "revert_refused"];
    world.events(deal).await.into_iter().filter(|name| names.contains(name)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deal_won_past_its_gate_goes_back_with_its_close_date_and_words_that_say_why() {
    let world = world(Options { webhooks: true, ..Options::default() }).await;
    let deal = world.full_deal("Too early");
    world.pass().await;
    let date = close_date(&world, deal);
    win(&world, deal);
    world.pass().await;
    assert_eq!((stage(&world, deal), close_date(&world, deal)), (COMMIT.to_owned(), date));
    let status = world.company().status(deal);
    assert_eq!(
        status,
        "Closed Won waits for this handoff: back to Negotiation/Review. Waiting for the receiver to accept or reject"
    );
    assert!(!world.flag(deal, COMMISSION) && !world.flag(deal, STAGE));
    let entries = world.handle().view().head().entries;
    for _ in 0..3 {
        world.pass().await;
        world.handle().sweep_now().await.unwrap();
        world.settle().await;
    }
    assert_eq!(world.handle().view().head().entries, entries, "our own move is told of and changes nothing");
    assert_eq!(about_stages(&world, deal).await, ["bypassed", "revert_ordered", "stage_reverted"]);
    // In good order it may be won.
    world.accept(deal);
    world.pass().await;
    world.edit(AVA, deal, &world.company().to_stage(deal, WON).into());
    world.pass().await;
    assert_eq!(stage(&world, deal), WON);
    assert!(world.flag(deal, COMMISSION));
    assert_eq!(world.company().status(deal), "Accepted by the receiver");
    world.assert_balanced();
    world.verify_audit();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_third_time_within_an_hour_it_stays_shut_and_is_named() {
    let world = world(Options::default()).await;
    let deal = world.full_deal("Pushed by an automation");
    world.pass().await;
    for _ in 0..4 {
        if stage(&world, deal) == COMMIT {
            win(&world, deal);
        }
        world.pass().await;
    }
    assert_eq!(stage(&world, deal), WON);
    assert!(!world.flag(deal, COMMISSION) && !world.flag(deal, STAGE));
    assert!(concerns(&world, deal).await.contains(&Concern::RevertLimit));
    let status = world.company().status(deal);
    assert!(status.starts_with("Moved past its gate again and again"), "{status}");
    let ordered = about_stages(&world, deal).await.into_iter().filter(|name| *name == "revert_ordered");
    assert_eq!(ordered.count(), 2);
    world.advance(2 * 3_600);
    world.handle().sweep_now().await.unwrap();
    world.settle().await;
    assert_eq!(stage(&world, deal), WON, "nobody's deal jumps back out of the blue");
}

/// The CRM's own rule refuses the stage, whatever else it accepts.
fn refuse_the_stage(world: &Governed) {
    let refusal = json!([{ "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "Stages only move forward", "fields": ["StageName"] }]);
    let body = json!({ "compositeResponse": [
        { "referenceId": "back", "httpStatusCode": 400, "httpHeaders": {}, "body": refusal },
        { "referenceId": "read0", "httpStatusCode": 200, "httpHeaders": {}, "body": { "totalSize": 0, "done": true, "records": [] } },
    ] });
    let on = Matching { body: Some("\"back\"".to_owned()), ..Matching::default() };
    let action = Action::Answer {
        status: 200,
        body: body.to_string(),
        content_type: None,
        retry_after: None,
        apply: false,
    };
    world.org().plant(Fault { on, skip: 0, times: 1_000, action });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_crm_refuses_is_parked_named_and_tried_again_when_a_person_says_so() {
    let world = world(Options::default()).await;
    let (deal, other) = (world.full_deal("No way back"), world.full_deal("Other"));
    world.pass().await;
    refuse_the_stage(&world);
    win(&world, deal);
    for _ in 0..3 {
        world.pass().await;
    }
    assert_eq!(stage(&world, deal), WON);
    let parked = world.handle().view().parked();
    assert!(
        parked.iter().any(|one| one.record == deal.record() && one.why.contains("Stages only move forward")),
        "{parked:?}"
    );
    assert!(concerns(&world, deal).await.contains(&Concern::RevertRefused));
    let status = world.company().status(deal);
    assert!(status.contains("the CRM refuses to put it back: an admin has to act"), "{status}");
    assert!(!world.flag(deal, COMMISSION));
    let tries = || {
        let parked = world.handle().view().parked();
        parked.iter().find(|one| one.record == deal.record()).map(|one| one.tries)
    };
    let before = tries();
    for _ in 0..3 {
        world.handle().sweep_now().await.unwrap();
        world.settle().await;
    }
    assert_eq!(tries(), before, "what was refused is not hammered");
    world.accept(other);
    world.pass().await;
    assert!(world.flag(other, COMMISSION), "others go on");
    world.org().clear_faults();
    world.handle().reconcile_now(&deal.record()).await.unwrap();
    world.pass().await;
    assert_eq!(stage(&world, deal), COMMIT);
    assert!(world.handle().view().parked().is_empty());
    assert!(!concerns(&world, deal).await.contains(&Concern::RevertRefused));
    let names = about_stages(&world, deal).await;
    assert_eq!(names, ["bypassed", "revert_ordered", "revert_refused", "stage_reverted"]);
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_outlives_a_restart_and_is_given_once() {
    let mut world = world(Options::default()).await;
    let deal = world.full_deal("Restarted");
    world.pass().await;
    world.handle().pause("a test").await.unwrap();
    win(&world, deal);
    world.pass().await;
    assert_eq!(about_stages(&world, deal).await, ["bypassed", "revert_ordered"]);
    world.restart().await;
    world.pass().await;
    assert_eq!(stage(&world, deal), WON, "paused means paused");
    world.handle().resume("a test").await.unwrap();
    world.pass().await;
    assert_eq!(stage(&world, deal), COMMIT);
    assert_eq!(about_stages(&world, deal).await, ["bypassed", "revert_ordered", "stage_reverted"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_in_before_the_write_keeps_the_deal_where_it_is() {
    let world = world(Options::default()).await;
    let deal = world.full_deal("Accepted just now");
    world.pass().await;
    world.handle().pause("a test").await.unwrap();
    win(&world, deal);
    world.pass().await;
    world.accept(deal);
    world.handle().resume("a test").await.unwrap();
    world.pass().await;
    assert_eq!(stage(&world, deal), WON);
    assert!(world.flag(deal, COMMISSION));
    // Broken later: the deal had been accepted, so it stays, and pay is held.
    world.say(AVA, deal, &[("success_criteria", "target", "From 9 % to 8 %")]);
    world.pass().await;
    world.pass().await;
    assert_eq!(stage(&world, deal), WON);
    assert!(!world.flag(deal, COMMISSION));
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_and_notified_by_passes_move_nothing() {
    for (policy, words) in [(OnBypass::Record, "Waiting"), (OnBypass::Notify, "Moved past its gate. Waiting")]
    {
        let mut world = Governed::prepare(Options::default()).await;
        world.govern().on_bypass.insert(GateName::from("closed_won"), policy);
        world.begin().await.unwrap();
        let deal = world.full_deal("Left alone");
        world.pass().await;
        win(&world, deal);
        world.pass().await;
        assert_eq!(stage(&world, deal), WON);
        let status = world.company().status(deal);
        assert!(status.starts_with(words), "{status}");
        assert_eq!(about_stages(&world, deal).await, ["bypassed"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deal_created_as_won_has_no_way_back_and_says_so() {
    let world = world(Options::default()).await;
    let deal = world.full_deal("Template");
    world.pass().await;
    // A clone by a machine enters the stage by being created.
    world.org().set_rule("Opportunity", "Handoff_03_Gate", false).unwrap();
    let clone = world.company().deal(Kind::Salesforce, "Born won", WON);
    world.pass().await;
    assert_eq!(stage(&world, clone), WON);
    assert!(concerns(&world, clone).await.contains(&Concern::NotPutBack));
    assert_eq!(about_stages(&world, clone).await, ["bypassed", "revert_given_up"]);
    assert_eq!(stage(&world, deal), COMMIT);
}
