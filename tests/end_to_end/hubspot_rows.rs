//! What HubSpot may answer, and that it delays but never opens, loses or doubles.

use handoff_core::handoff::Phase;
use handoff_sandbox_hubspot::{Act, Action, ActorKind, Fault, LimitOptions, Matching, Refusal, seed};
use handoffd_tests::crm::Deal;
use handoffd_tests::governed::{Governed, Options, WAIT};
use handoffd_tests::story::{AVA, COMMISSION, MARCO, QUEUE};
use serde_json::json;

use crate::steps::{complete, hubspot, requests, requests_of, until_cleared};

fn answer(status: u16, body: &str) -> Action {
    Action::Answer { status, body: body.to_owned(), content_type: None, retry_after: None, apply: false }
}

/// When our writes of this deal were received since the first `since`.
fn written_at(world: &Governed, deal: Deal, since: usize) -> Vec<jiff::Timestamp> {
    let writes = world.portal().writes().into_iter().skip(since);
    let ours = writes.filter(|write| write.app == Some(seed::SERVICE_KEY_APP) && write.id == Some(deal.hs()));
    ours.map(|write| write.at).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_each_policy_is_waited_out_although_nobody_says_for_how_long() {
    let world = Governed::start(Options { metered: true, ..hubspot() }).await;
    // Policy, whom it hits, the shortest and the longest wait.
    let policies = [
        (Action::BurstLimit, "batch_update", 10, 60),
        (Action::SearchLimit, "search", 1, 60),
        (Action::DailyLimit, "batch_update", 60, 25 * 3_600),
    ];
    for (action, kind, shortest, longest) in policies {
        let deal = complete(&world, &format!("{action:?}")).await;
        world.accept(deal);
        let (since, begun) = (world.portal().writes().len(), world.now());
        world.portal().plant(Fault::on_kind(kind, action.clone()));
        world.settle().await;
        for _ in 0..200 {
            if world.flag(deal, COMMISSION) {
                break;
            }
            world.advance(300);
            world.ride(30).await;
        }
        assert!(world.portal().faults().is_empty(), "{action:?} never struck");
        let first = written_at(&world, deal, since).into_iter().next().unwrap();
        let waited = first.duration_since(begun).as_secs();
        assert!((shortest..longest).contains(&waited), "{action:?} held us up for {waited} s");
        assert_eq!(world.company().flips(deal, COMMISSION), (1, 0), "{action:?}");
    }
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_while_ten_seconds_are_used_up_nobody_else_calls() {
    let world = Governed::start(Options { metered: true, ..hubspot() }).await;
    let deals: Vec<Deal> = (0..5).map(|number| world.full_deal(&format!("Burst {number}"))).collect();
    world.pass().await;
    for deal in &deals {
        world.accept(*deal);
    }
    // Few calls, truly counted by the portal: it answers 429 by itself.
    let few = LimitOptions { burst: 6, searches: 1, ..LimitOptions::enforced() };
    world.portal().set_limits(few);
    for _ in 0..20 {
        world.pass().await;
        if deals.iter().all(|deal| world.flag(*deal, COMMISSION)) {
            break;
        }
    }
    for deal in &deals {
        assert!(world.flag(*deal, COMMISSION));
        assert_eq!(world.company().flips(*deal, COMMISSION), (1, 0));
    }
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d02_when_the_day_is_nearly_used_up_polls_stop_and_gates_are_still_shut() {
    let world = Governed::start(hubspot()).await;
    world.portal().set_limits(LimitOptions { daily: 1_000, ..LimitOptions::default() });
    let deal = complete(&world, "Scarce").await;
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    world.say(AVA, deal, &[("success_criteria", "target", "From 9 % to 8 %")]);
    // While the last thing is read that the decision hangs on, others use up all but the reserve, a fifth of the day.
    let on = Matching { path: Some("contacts/batch/read".to_owned()), ..Matching::default() };
    world.portal().plant(Fault { on, skip: 0, times: 1, action: Action::Hang });
    world.advance(30);
    let (handle, record) = (world.handle(), deal.record());
    let looked = tokio::spawn(async move { handle.reconcile_now(&record).await });
    let pause = std::time::Duration::from_millis(2);
    let shut = async {
        while !world.portal().faults().is_empty() {
            tokio::time::sleep(pause).await;
        }
        world.portal().set_used_today(900);
        world.portal().release();
        while world.flag(deal, COMMISSION) {
            tokio::time::sleep(pause).await;
        }
    };
    let in_time = tokio::time::timeout(WAIT, shut).await;
    assert!(in_time.is_ok(), "not shut from the reserve: {:?}", world.portal().calls());
    looked.await.unwrap().unwrap();
    let view = world.handle().view().connections().remove(0);
    let daily = view.transport.budgets.iter().find(|budget| budget.name == "daily").unwrap();
    assert_eq!(daily.vendor_limit, Some(1_000), "what is left is shown");
    assert!(daily.vendor_used.is_some_and(|used| used > 900), "{daily:?}");
    let before = world.portal().calls().charged;
    for _ in 0..12 {
        world.advance(300);
        world.ride(5).await;
    }
    let asked = world.portal().calls().charged - before;
    assert!(asked <= 8, "{asked} calls of polls in an hour");
    // The next day nothing is missing.
    world.portal().set_used_today(0);
    world.advance(24 * 3_600);
    world.ride(30).await;
    world.accept(deal);
    until_cleared(&world, deal, 10).await;
    assert_eq!(world.company().flips(deal, COMMISSION), (2, 1));
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d02_a_day_that_is_used_up_loses_nothing() {
    let world = Governed::start(Options { metered: true, ..hubspot() }).await;
    let deal = complete(&world, "Until midnight").await;
    world.accept(deal);
    world.portal().set_used_today(10_000_000);
    let before = requests(&world);
    for _ in 0..8 {
        world.advance(300);
        world.ride(30).await;
    }
    assert!(!world.flag(deal, COMMISSION));
    let asked = requests(&world) - before;
    assert!(asked < 40, "{asked} calls while every call is refused");
    let view = world.handle().view().connections().remove(0);
    assert!(view.transport.budgets.iter().any(|one| one.name == "daily" && one.blocked_until.is_some()));
    world.advance(24 * 3_600);
    until_cleared(&world, deal, 10).await;
    assert_eq!(world.company().flips(deal, COMMISSION), (1, 0));
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d03_server_errors_and_a_moving_portal_are_tried_again_without_doubling_anything() {
    let world = Governed::start(hubspot()).await;
    let deal = complete(&world, "Errors").await;
    world.accept(deal);
    for status in [502, 503, 504, 521, 502] {
        world.portal().plant(Fault::next(Action::Gateway { status }));
    }
    world.portal().plant(Fault::next(Action::ServerError));
    world.portal().plant(Fault::next(Action::Migrating { seconds: 120 }));
    world.portal().plant(Fault::next(Action::DropBefore));
    world.portal().plant(Fault::on_kind("batch_update", Action::Gateway { status: 504 }).times(2));
    let before = requests(&world);
    until_cleared(&world, deal, 40).await;
    assert!(requests(&world) - before < 80, "no storm");
    assert!(world.portal().faults().is_empty());
    assert_eq!(world.company().flips(deal, COMMISSION), (1, 0));
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d04_a_write_that_was_applied_without_an_answer_is_one_write() {
    let unanswered =
        [Action::DropAfter, Action::EmptyOk, Action::EmptyNoContent, Action::Truncate { bytes: 30 }];
    for action in unanswered {
        let world = Governed::start(hubspot()).await;
        let deal = complete(&world, "Unanswered").await;
        world.accept(deal);
        world.portal().plant(Fault::on_kind("batch_update", action.clone()));
        until_cleared(&world, deal, 10).await;
        for _ in 0..3 {
            world.advance(30);
            world.ride(5).await;
        }
        assert!(world.portal().faults().is_empty(), "{action:?} never struck");
        assert_eq!(world.company().flips(deal, COMMISSION), (1, 0), "{action:?}");
        let events = world.events(deal).await;
        assert!(!events.contains(&"tampered"), "{action:?}: our own write is not a stranger's: {events:?}");
        assert_eq!(events.iter().filter(|name| **name == "commission_released").count(), 1, "{action:?}");
        assert!(world.handle().view().parked().is_empty(), "{action:?}");
        world.assert_balanced();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d05_answers_that_break_off_or_make_no_sense_open_nothing() {
    let world = Governed::start(hubspot()).await;
    let deal = complete(&world, "Garbled").await;
    let nonsense = [
        Action::Truncate { bytes: 20 },
        Action::HtmlOk,
        Action::EmptyOk,
        Action::EmptyNoContent,
        answer(200, "{\"results\":[{\"id\":"),
        answer(200, "[1,2,3]"),
        answer(200, "{\"results\":[{\"id\":\"1\",\"properties\":[]}],\"status\":\"COMPLETE\"}"),
        answer(207, "{\"status\":\"COMPLETE\",\"results\":[],\"errors\":[]}"),
    ];
    for action in nonsense {
        for kind in ["search", "batch_read", "associations_read"] {
            world.portal().plant(Fault::on_kind(kind, action.clone()));
        }
        world.handle().sweep_now().await.unwrap();
        world.advance(30);
        world.ride(5).await;
        assert!(!world.flag(deal, COMMISSION), "{action:?}");
        for _ in 0..4 {
            world.advance(30);
            world.ride(5).await;
        }
        world.portal().clear_faults();
    }
    world.handle().reconcile_now(&deal.record()).await.unwrap();
    assert_eq!(world.phase(deal), Some(Phase::Complete), "nothing was taken for an absence");
    world.accept(deal);
    until_cleared(&world, deal, 30).await;
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_of_a_batch_only_what_failed_is_tried_again() {
    let world = Governed::start(hubspot()).await;
    let deals: Vec<Deal> = ["One", "Two", "Three"].into_iter().map(|name| world.full_deal(name)).collect();
    let busy = Refusal::new(409, "CONFLICT", "somebody else writes it right now");
    world.portal().reject_record("deals", deals[1].hs(), 1, busy).unwrap();
    world.advance(30);
    let mut settled = Box::pin(world.settle());
    while !(world.flag(deals[0], QUEUE) && world.flag(deals[2], QUEUE)) {
        drop(tokio::time::timeout(std::time::Duration::from_millis(5), &mut settled).await);
    }
    settled.await;
    let written = |deal: Deal| written_at(&world, deal, 0).len();
    let others = (written(deals[0]), written(deals[2]));
    for _ in 0..6 {
        world.advance(30);
        world.ride(5).await;
    }
    assert!(world.flag(deals[1], QUEUE), "{:?}", world.handle().view().parked());
    assert!(written(deals[1]) > others.0, "it was written once more than the others");
    assert_eq!((written(deals[0]), written(deals[2])), others, "the good ones are left alone");
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_what_a_batch_refuses_for_good_is_parked_alone_and_tried_when_it_changes() {
    let world = Governed::start(hubspot()).await;
    let deals: Vec<Deal> = ["One", "Two", "Three"].into_iter().map(|name| world.full_deal(name)).collect();
    let rule = Refusal::new(400, "VALIDATION_ERROR", "Talk to finance first");
    world.portal().reject_record("deals", deals[1].hs(), 1_000, rule).unwrap();
    world.pass().await;
    assert!(world.flag(deals[0], QUEUE) && !world.flag(deals[1], QUEUE) && world.flag(deals[2], QUEUE));
    let parked = world.handle().view().parked();
    assert_eq!(parked.iter().map(|one| one.record.clone()).collect::<Vec<_>>(), [deals[1].record()]);
    world.portal().clear_faults();
    world.edit(AVA, deals[1], &json!({ "amount": "60000" }));
    world.pass().await;
    assert!(world.flag(deals[1], QUEUE));
    assert!(world.handle().view().parked().is_empty());
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d08_a_batch_that_one_record_spoils_is_split_until_that_one_is_parked_alone() {
    let world = Governed::start(hubspot()).await;
    let deals: Vec<Deal> = (0..7).map(|number| world.full_deal(&format!("Batch {number}"))).collect();
    let bad = deals[3];
    let refusal = json!({ "status": "error", "category": "VALIDATION_ERROR", "message": "no",
        "errors": [{ "message": "secret words of a record", "code": "INVALID_OPTION",
            "context": { "propertyName": ["handoff_status"] } }] });
    let on = Matching {
        kind: Some("batch_update".to_owned()),
        body: Some(format!("\"{bad}\"")),
        ..Matching::default()
    };
    world.portal().plant(Fault { on, skip: 0, times: 10_000, action: answer(400, &refusal.to_string()) });
    world.pass().await;
    for deal in &deals {
        assert_eq!(world.flag(*deal, QUEUE), *deal != bad, "{deal}");
    }
    let parked = world.handle().view().parked();
    assert_eq!(parked.iter().map(|one| one.record.clone()).collect::<Vec<_>>(), [bad.record()]);
    assert!(parked[0].why.contains("INVALID_OPTION"), "{}", parked[0].why);
    assert!(!parked[0].why.contains("secret words"), "{}", parked[0].why);
    let before = requests_of(&world, "batch_update");
    for _ in 0..4 {
        world.handle().sweep_now().await.unwrap();
        world.pass().await;
    }
    assert_eq!(requests_of(&world, "batch_update"), before, "what was refused is not hammered");
    world.portal().clear_faults();
    world.handle().reconcile_now(&bad.record()).await.unwrap();
    world.pass().await;
    assert!(world.flag(bad, QUEUE));
    assert!(world.handle().view().parked().is_empty());
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d17_archived_restored_merged_and_deleted_for_good() {
    let world = Governed::start(Options { webhooks: true, ..hubspot() }).await;
    let names = ["Back", "Gone", "Survivor", "Loser"];
    let deals: Vec<Deal> = names.into_iter().map(|name| world.full_deal(name)).collect();
    let [back, gone, survivor, loser] = deals[..] else { panic!() };
    world.pass().await;
    for deal in &deals {
        world.accept(*deal);
    }
    world.pass().await;
    assert!(deals.iter().all(|deal| world.flag(*deal, COMMISSION)));
    world.advance(5);
    let portal = world.portal();
    portal.archive(AVA, "deals", back.hs()).unwrap();
    portal.privacy_delete(AVA, "deals", gone.hs()).unwrap();
    portal.merge(AVA, "deals", survivor.hs(), loser.hs()).unwrap();
    world.pass().await;
    world.handle().sweep_now().await.unwrap();
    world.pass().await;
    for deal in [back, gone, loser] {
        assert_eq!(world.phase(deal), Some(Phase::Voided), "{}", world.company().of(deal).kind().object());
    }
    // The survivor keeps its own values, and yet it is two deals now: shut until its receiver has looked at it.
    world.pass().await;
    assert_eq!(world.phase(survivor), Some(Phase::Complete));
    assert!(!world.flag(survivor, COMMISSION));
    world.accept(survivor);
    world.pass().await;
    assert_eq!(world.phase(survivor), Some(Phase::Accepted));
    assert_eq!(world.company().flips(survivor, COMMISSION), (2, 1));
    world.advance(5);
    portal.restore(AVA, "deals", back.hs()).unwrap();
    world.pass().await;
    world.edit(AVA, back, &json!({ "amount": "70000" }));
    world.pass().await;
    assert_eq!(world.summary(back).unwrap().handoff.cycle, 2, "its return begins a new cycle");
    assert!(!world.flag(back, COMMISSION), "pay is held until the receiver looks again");
    world.assert_balanced();
    world.verify_audit();
}

/// HubSpot fills what is empty on the survivor from the record that goes: also our flags' fields and the receiver's answer.
#[tokio::test(flavor = "multi_thread")]
async fn d17_an_empty_survivor_inherits_no_acceptance() {
    let world = Governed::start(Options { webhooks: true, ..hubspot() }).await;
    let (survivor, loser) = (world.deal("Empty"), world.full_deal("Accepted"));
    world.pass().await;
    world.accept(loser);
    world.pass().await;
    assert!(world.flag(loser, COMMISSION));
    world.advance(5);
    world.portal().merge(AVA, "deals", survivor.hs(), loser.hs()).unwrap();
    for _ in 0..3 {
        world.pass().await;
    }
    world.handle().sweep_now().await.unwrap();
    world.pass().await;
    assert_eq!(world.phase(loser), Some(Phase::Voided));
    assert_ne!(world.phase(survivor), Some(Phase::Accepted), "{:?}", world.events(survivor).await);
    assert!(!world.flag(survivor, COMMISSION));
    assert_eq!(world.company().field(survivor, "handoff_clearance_id"), json!(null));
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d17_a_contact_that_is_deleted_for_good_empties_what_it_stood_for() {
    let world = Governed::start(Options { webhooks: true, ..hubspot() }).await;
    let deal = complete(&world, "Forgotten").await;
    world.accept(deal);
    world.pass().await;
    assert!(world.flag(deal, COMMISSION));
    world.advance(5);
    let buyer = world.portal().linked("deals", deal.hs(), "contacts");
    for contact in buyer {
        world.portal().privacy_delete(AVA, "contacts", contact).unwrap();
    }
    // Which deals a forgotten contact stood on is not said: the sweep finds out.
    world.pass().await;
    world.handle().sweep_now().await.unwrap();
    world.pass().await;
    assert_eq!(world.phase(deal), Some(Phase::Draft));
    assert!(!world.flag(deal, COMMISSION));
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d19_a_page_that_repeats_itself_for_ever_ends_and_nothing_is_skipped() {
    let world = Governed::start(hubspot()).await;
    world.pass().await;
    let deal = world.full_deal("Behind the loop");
    let again = json!({ "total": 400, "results": [], "paging": { "next": { "after": "200" } } });
    world.portal().plant(Fault::on_kind("search", answer(200, &again.to_string())).times(10_000));
    let before = requests(&world);
    for _ in 0..3 {
        world.advance(30);
        world.ride(5).await;
    }
    let asked = requests(&world) - before;
    assert!(asked < 60, "{asked} calls in a circle");
    assert_eq!(world.summary(deal), None);
    world.portal().clear_faults();
    for _ in 0..3 {
        world.advance(60);
        world.ride(5).await;
    }
    assert!(world.flag(deal, QUEUE), "{:?}", world.phase(deal));
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d15_a_flag_set_by_hand_or_by_an_app_is_undone_with_who_and_when() {
    let world = Governed::start(hubspot()).await;
    let marco = format!("user:{}", world.portal().user_id(MARCO).unwrap());
    for (user, kind, name, who) in [
        (MARCO, ActorKind::Ui, "By hand", marco),
        ("", ActorKind::Workflow, "By a workflow", format!("workflow:{}", seed::WORKFLOW)),
        ("", ActorKind::Api, "By an app", format!("integration:{}", seed::PRIVATE_APP)),
    ] {
        let deal = complete(&world, name).await;
        world.advance(5);
        let forged = json!({ "handoff_commission_eligible": "true", "handoff_clearance_id": "forged" });
        let act = Act::update(user, "deals", deal.hs(), forged);
        world.portal().act(&act.by(kind)).unwrap();
        let at = world.now();
        world.pass().await;
        assert!(!world.flag(deal, COMMISSION), "{name}");
        assert_eq!(world.company().field(deal, "handoff_clearance_id"), json!(null), "{name}");
        let log = serde_json::to_string(&world.detail(deal).await.entries).unwrap();
        let tampered = log.find("tampered").unwrap();
        assert!(log[tampered..].contains(&who), "{name}: who: {}", &log[tampered..]);
        assert!(log[tampered..].contains(&at.to_string()), "{name}: when: {}", &log[tampered..]);
        world.pass().await;
        let events = world.events(deal).await;
        assert_eq!(events.iter().filter(|name| **name == "tampered").count(), 1, "{name}: {events:?}");
        assert!(!events.contains(&"accepted"), "{name}");
    }
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d16_a_locked_record_is_written_once_it_is_free() {
    let world = Governed::start(hubspot()).await;
    let (locked, free) = (complete(&world, "Locked").await, complete(&world, "Free").await);
    world.accept(locked);
    world.accept(free);
    let on = Matching {
        kind: Some("batch_update".to_owned()),
        body: Some(format!("\"{locked}\"")),
        ..Matching::default()
    };
    world.portal().plant(Fault { on, skip: 0, times: 4, action: Action::Locked });
    until_cleared(&world, locked, 60).await;
    until_cleared(&world, free, 4).await;
    assert!(world.portal().faults().is_empty(), "never struck");
    assert_eq!(world.company().flips(locked, COMMISSION), (1, 0));
    world.assert_balanced();
}
