//! Deals moved past their gate are put back: once, for a reason that stands on the record, and never against people who act meanwhile.

use handoff_core::contract::OnBypass;
use handoff_core::event::Concern;
use handoff_core::id::GateName;
use handoff_sandbox_hubspot as hubspot;
use handoff_sandbox_salesforce::{Action, Fault, Matching};
use handoffd::demo::fill;
use handoffd_tests::crm::{Deal, HUBSPOT, Kind};
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, COMMISSION, COMMIT, INGRID, STAGE};
use serde_json::json;

use crate::steps::on_each_crm;

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

on_each_crm!(a_deal_won_past_its_gate_goes_back_with_its_close_date_and_words_that_say_why);

async fn a_deal_won_past_its_gate_goes_back_with_its_close_date_and_words_that_say_why(options: Options) {
    let world = world(Options { webhooks: true, ..options }).await;
    let deal = world.full_deal("Too early");
    world.pass().await;
    let date = close_date(&world, deal);
    win(&world, deal);
    world.pass().await;
    assert_eq!((stage(&world, deal), close_date(&world, deal)), (COMMIT.to_owned(), date));
    let status = world.company().status(deal);
    let mapping = world.company().of(deal).crm().mapping();
    // HubSpot's stages have ids that nobody sees: people read their labels.
    let [won, commit] = match deal.kind {
        Kind::Salesforce => [WON, COMMIT].map(|stage| fill::stage(mapping, stage)),
        Kind::Hubspot => ["Closed Won", "Contract Sent"].map(str::to_owned),
    };
    assert_eq!(
        status,
        format!(
            "{won} waits for this handoff: back to {commit}. Waiting for the receiver to accept or reject"
        )
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

on_each_crm!(the_third_time_within_an_hour_it_stays_shut_and_is_named);

async fn the_third_time_within_an_hour_it_stays_shut_and_is_named(options: Options) {
    let world = world(options).await;
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

/// The CRM's own rule refuses the stage, whatever else it accepts; the word of it that is shown.
fn refuse_the_stage(world: &Governed) -> &'static str {
    if world.company().first().kind() == Kind::Hubspot {
        let body = json!({ "status": "error", "category": "VALIDATION_ERROR", "message": "no", "correlationId": "x",
            "errors": [{ "message": "Stages only move forward", "code": "PIPELINE_RULE_VIOLATION" }] });
        let on = Matching {
            kind: Some("batch_update".to_owned()),
            body: Some("\"dealstage\"".to_owned()),
            ..Matching::default()
        };
        let action = hubspot::Action::Answer {
            status: 400,
            body: body.to_string(),
            content_type: None,
            retry_after: None,
            apply: false,
        };
        world.portal().plant(hubspot::Fault { on, skip: 0, times: 1_000, action });
        return "PIPELINE_RULE_VIOLATION";
    }
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
    "Stages only move forward"
}

fn allow_everything(world: &Governed) {
    match world.company().first().kind() {
        Kind::Salesforce => world.org().clear_faults(),
        Kind::Hubspot => world.portal().clear_faults(),
    }
}

on_each_crm!(what_the_crm_refuses_is_parked_named_and_tried_again_when_a_person_says_so);

async fn what_the_crm_refuses_is_parked_named_and_tried_again_when_a_person_says_so(options: Options) {
    let world = world(options).await;
    let (deal, other) = (world.full_deal("No way back"), world.full_deal("Other"));
    world.pass().await;
    let said = refuse_the_stage(&world);
    win(&world, deal);
    for _ in 0..3 {
        world.pass().await;
    }
    assert_eq!(stage(&world, deal), WON);
    let parked = world.handle().view().parked();
    assert!(parked.iter().any(|one| one.record == deal.record() && one.why.contains(said)), "{parked:?}");
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
    allow_everything(&world);
    world.handle().reconcile_now(&deal.record()).await.unwrap();
    world.pass().await;
    assert_eq!(stage(&world, deal), COMMIT);
    assert!(world.handle().view().parked().is_empty());
    assert!(!concerns(&world, deal).await.contains(&Concern::RevertRefused));
    let names = about_stages(&world, deal).await;
    assert_eq!(names, ["bypassed", "revert_ordered", "revert_refused", "stage_reverted"]);
    world.assert_balanced();
}

on_each_crm!(an_order_outlives_a_restart_and_is_given_once);

async fn an_order_outlives_a_restart_and_is_given_once(options: Options) {
    let mut world = world(options).await;
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

on_each_crm!(an_answer_that_comes_in_before_the_write_keeps_the_deal_where_it_is);

async fn an_answer_that_comes_in_before_the_write_keeps_the_deal_where_it_is(options: Options) {
    let world = world(options).await;
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

on_each_crm!(recorded_and_notified_by_passes_move_nothing);

async fn recorded_and_notified_by_passes_move_nothing(options: Options) {
    for (policy, words) in [(OnBypass::Record, "Waiting"), (OnBypass::Notify, "Moved past its gate. Waiting")]
    {
        let mut world = Governed::prepare(Options { crms: options.crms, ..Options::default() }).await;
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

on_each_crm!(a_deal_created_as_won_has_no_way_back_and_says_so);

async fn a_deal_created_as_won_has_no_way_back_and_says_so(options: Options) {
    let world = world(options).await;
    let deal = world.full_deal("Template");
    world.pass().await;
    // A clone by a machine enters the stage by being created.
    let kind = world.company().first().kind();
    if kind == Kind::Salesforce {
        world.org().set_rule("Opportunity", "Handoff_03_Gate", false).unwrap();
    }
    let clone = world.company().deal(kind, "Born won", WON);
    world.pass().await;
    assert_eq!(stage(&world, clone), WON);
    assert!(concerns(&world, clone).await.contains(&Concern::NotPutBack));
    assert_eq!(about_stages(&world, clone).await, ["bypassed", "revert_given_up"]);
    assert_eq!(stage(&world, deal), COMMIT);
}

on_each_crm!(a_deal_that_a_person_moved_meanwhile_is_left_where_he_put_it);

async fn a_deal_that_a_person_moved_meanwhile_is_left_where_he_put_it(options: Options) {
    let world = world(options).await;
    let (lost, again) = (world.full_deal("Lost after all"), world.full_deal("Won once more"));
    world.pass().await;
    world.handle().pause("a test").await.unwrap();
    win(&world, lost);
    win(&world, again);
    world.pass().await;
    for deal in [lost, again] {
        assert_eq!(about_stages(&world, deal).await, ["bypassed", "revert_ordered"]);
    }
    world.force(INGRID, lost, &world.company().to_stage(lost, "closed_lost").into());
    // The same value stands there again, but it is another move: it is judged anew.
    world.force(INGRID, again, &world.company().to_stage(again, "early").into());
    win(&world, again);
    world.handle().resume("a test").await.unwrap();
    world.pass().await;
    assert_eq!(stage(&world, lost), "closed_lost");
    assert!(!about_stages(&world, lost).await.contains(&"stage_reverted"));
    world.pass().await;
    assert_ne!(stage(&world, again), WON, "{:?}", about_stages(&world, again).await);
    world.assert_balanced();
}

/// A person moves the deal between the daemon's last look and its write: the look right before the write tells.
#[tokio::test(flavor = "multi_thread")]
async fn on_hubspot_a_move_right_before_the_write_is_not_undone() {
    let world = world(Options { crms: HUBSPOT, ..Options::default() }).await;
    let deal = world.full_deal("At the last moment");
    world.pass().await;
    world.handle().pause("a test").await.unwrap();
    win(&world, deal);
    world.pass().await;
    // The check of the entry answers late; what the daemon knew is old by then.
    let on = Matching {
        kind: Some("batch_read".to_owned()),
        body: Some("\"propertiesWithHistory\":[\"dealstage\"]".to_owned()),
        ..Matching::default()
    };
    world.portal().plant(hubspot::Fault { on, skip: 0, times: 1, action: hubspot::Action::Hang });
    world.handle().resume("a test").await.unwrap();
    world.advance(30);
    let mut settled = Box::pin(world.settle());
    while !world.portal().faults().is_empty() {
        drop(tokio::time::timeout(std::time::Duration::from_millis(5), &mut settled).await);
    }
    world.company().force(INGRID, deal, &world.company().to_stage(deal, "closed_lost"));
    world.portal().release();
    settled.await;
    world.pass().await;
    assert_eq!(stage(&world, deal), "closed_lost");
    assert!(!about_stages(&world, deal).await.contains(&"stage_reverted"));
    world.assert_balanced();
}

/// Facts of HubSpot: no pipeline rule stops a workflow or an app, so both get past; H3 puts the deal back.
#[tokio::test(flavor = "multi_thread")]
async fn h3_what_a_workflow_or_an_app_won_goes_back_with_its_close_date_twice_an_hour_at_most() {
    let world = world(Options { crms: HUBSPOT, webhooks: true, ..Options::default() }).await;
    for (kind, name) in [
        (hubspot::ActorKind::Workflow, "By a workflow"),
        (hubspot::ActorKind::Api, "By an app"),
        (hubspot::ActorKind::UserApi, "By an app with a user"),
    ] {
        let deal = world.full_deal(name);
        world.pass().await;
        let date = close_date(&world, deal);
        let mut won = world.company().to_stage(deal, WON);
        won.insert("closedate".to_owned(), json!("2026-11-20T00:00:00Z"));
        let user = if kind == hubspot::ActorKind::UserApi { AVA } else { "" };
        for turn in 0..3 {
            world.advance(60);
            let act = hubspot::Act::update(user, "deals", deal.hs(), serde_json::Value::from(won.clone()));
            world.portal().act(&act.by(kind)).unwrap();
            world.pass().await;
            let expected = if turn < 2 { COMMIT } else { WON };
            assert_eq!(stage(&world, deal), expected, "{name}, time {turn}");
            assert!(!world.flag(deal, COMMISSION) && !world.flag(deal, STAGE), "{name}");
            if turn < 2 {
                assert_eq!(close_date(&world, deal), date, "{name}, time {turn}");
                let status = world.company().status(deal);
                assert!(status.starts_with("Closed Won waits for this handoff: back to"), "{name}: {status}");
            }
        }
        assert!(concerns(&world, deal).await.contains(&Concern::RevertLimit), "{name}");
        let status = world.company().status(deal);
        assert!(status.starts_with("Moved past its gate again and again"), "{name}: {status}");
    }
    world.assert_balanced();
    world.verify_audit();
}
