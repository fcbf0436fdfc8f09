//! What the vendor may answer, and that it delays but never opens, loses or doubles.

use handoff_sandbox_salesforce::{Action, Fault, Matching, SaveError};
use handoffd_tests::crm::Deal;
use handoffd_tests::governed::{Governed, Options};
use handoffd_tests::story::{AVA, COMMISSION, QUEUE};
use serde_json::json;

use crate::steps::{complete, until_cleared};

/// Our writes, whatever else goes through the same endpoint.
fn on_write(action: Action) -> Fault {
    let on = Matching {
        kind: Some("composite".to_owned()),
        body: Some("PATCH".to_owned()),
        ..Matching::default()
    };
    Fault { on, skip: 0, times: 1, action }
}

fn answer(status: u16, retry_after: Option<&str>) -> Action {
    let body = r#"[{"errorCode":"SERVER_UNAVAILABLE","message":"try later"}]"#.to_owned();
    Action::Answer {
        status,
        body,
        content_type: None,
        retry_after: retry_after.map(str::to_owned),
        apply: false,
    }
}

fn requests(world: &Governed) -> u64 {
    world.org().calls().by_kind.values().sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_told_to_wait_everybody_waits_that_long_and_nothing_is_lost() {
    let world = Governed::start(Options::default()).await;
    let deal = complete(&world, "Throttled").await;
    world.accept(deal);
    for dated in [true, false] {
        let end = world.now().checked_add(jiff::SignedDuration::from_secs(150)).unwrap();
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&end).unwrap();
        world.org().plant(Fault::next(answer(429, Some(if dated { &date } else { "120" }))));
        world.advance(30);
        let mut settled = Box::pin(world.settle());
        while !world.org().faults().is_empty() {
            drop(tokio::time::timeout(std::time::Duration::from_millis(5), &mut settled).await);
        }
        // What was on its way at that moment arrives.
        drop(tokio::time::timeout(std::time::Duration::from_millis(100), &mut settled).await);
        let before = requests(&world);
        for _ in 0..11 {
            world.advance(10);
            if tokio::time::timeout(std::time::Duration::from_millis(20), &mut settled).await.is_ok() {
                // Whoever gave up for now is made to try again at once.
                settled = Box::pin(world.settle());
            }
            assert_eq!(requests(&world), before, "somebody called too early (by date: {dated})");
        }
        drop(settled);
        world.advance(30);
        world.ride(5).await;
        assert!(requests(&world) > before);
    }
    until_cleared(&world, deal, 10).await;
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d01_an_absurd_or_missing_wait_is_bounded() {
    let world = Governed::start(Options::default()).await;
    let deal = complete(&world, "Absurd").await;
    world.accept(deal);
    for told in [Some("315360000"), Some("-5"), Some("soon"), None] {
        world.org().plant(Fault::next(answer(429, told)));
        let begun = world.now();
        world.advance(30);
        world.ride(600).await;
        let hours = world.now().duration_since(begun).as_hours();
        assert!(hours <= 25, "{told:?} held us up for {hours} hours");
    }
    until_cleared(&world, deal, 4).await;
    assert_eq!(world.company().flips(deal, COMMISSION), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn d03_server_errors_are_tried_again_without_doubling_anything() {
    let world = Governed::start(Options::default()).await;
    let deal = complete(&world, "Errors").await;
    world.accept(deal);
    for status in [500, 502, 503, 504, 500, 503] {
        world.org().plant(Fault::next(answer(status, None)));
    }
    world.org().plant(Fault::next(Action::Maintenance));
    world.org().plant(Fault::next(Action::DropBefore));
    let before = requests(&world);
    until_cleared(&world, deal, 40).await;
    assert!(requests(&world) - before < 60, "no storm");
    assert_eq!(world.company().flips(deal, COMMISSION), (1, 0));
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d04_a_write_that_was_applied_without_an_answer_is_one_write() {
    for action in [Action::DropAfter, Action::EmptyOk, Action::Truncate { bytes: 30 }, answer_applied()] {
        let world = Governed::start(Options::default()).await;
        let deal = complete(&world, "Unanswered").await;
        world.accept(deal);
        world.org().plant(on_write(action.clone()));
        until_cleared(&world, deal, 10).await;
        for _ in 0..3 {
            world.advance(30);
            world.ride(5).await;
        }
        assert!(world.org().faults().is_empty(), "{action:?} never struck");
        assert_eq!(world.company().flips(deal, COMMISSION), (1, 0), "{action:?}");
        let events = world.events(deal).await;
        assert!(!events.contains(&"tampered"), "{action:?}: our own write is not a stranger's: {events:?}");
        assert_eq!(events.iter().filter(|name| **name == "commission_released").count(), 1, "{action:?}");
        assert!(world.handle().view().parked().is_empty(), "{action:?}");
        world.assert_balanced();
    }
}

fn answer_applied() -> Action {
    Action::Answer {
        status: 504,
        body: "<html>Gateway Timeout</html>".to_owned(),
        content_type: Some("text/html".to_owned()),
        retry_after: None,
        apply: true,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d05_answers_that_break_off_or_make_no_sense_open_nothing() {
    let world = Governed::start(Options::default()).await;
    let deal = complete(&world, "Garbled").await;
    let nonsense = Action::Answer {
        status: 200,
        body: "{\"records\":[{\"Id\":".to_owned(),
        content_type: None,
        retry_after: None,
        apply: false,
    };
    let wrong = Action::Answer {
        status: 200,
        body: "[1,2,3]".to_owned(),
        content_type: None,
        retry_after: None,
        apply: false,
    };
    for action in [Action::Truncate { bytes: 20 }, Action::HtmlOk, Action::EmptyOk, nonsense, wrong] {
        world.org().plant(Fault::next(action.clone()));
        world.org().plant(Fault::on_kind("query", action.clone()));
        world.handle().sweep_now().await.unwrap();
        world.advance(30);
        world.ride(5).await;
        assert!(!world.flag(deal, COMMISSION), "{action:?}");
        for _ in 0..4 {
            world.advance(30);
            world.ride(5).await;
        }
        world.org().clear_faults();
    }
    world.handle().reconcile_now(&deal.record()).await.unwrap();
    world.accept(deal);
    until_cleared(&world, deal, 30).await;
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d07_of_a_batch_only_what_failed_is_tried_again() {
    let world = Governed::start(Options::default()).await;
    let deals: Vec<_> = ["One", "Two", "Three"].into_iter().map(|name| world.full_deal(name)).collect();
    let busy = SaveError {
        code: "UNABLE_TO_LOCK_ROW".to_owned(),
        message: "unable to obtain exclusive access to this record".to_owned(),
        fields: Vec::new(),
    };
    world.org().reject_row(deals[1].sf(), 1, busy);
    world.advance(30);
    world.settle().await;
    assert!(world.flag(deals[0], QUEUE) && world.flag(deals[2], QUEUE));
    let queue = "Handoff_03_In_Queue__c";
    let written = |deal: Deal| {
        world
            .org()
            .writes()
            .iter()
            .filter(|write| {
                write.id == Some(deal.sf()) && write.fields.iter().any(|change| change.field == queue)
            })
            .count()
    };
    let others = (written(deals[0]), written(deals[2]));
    for _ in 0..6 {
        world.pass().await;
    }
    assert!(world.flag(deals[1], QUEUE));
    assert_eq!((written(deals[0]), written(deals[2])), others, "the good ones are left alone");
    world.assert_balanced();
}

#[tokio::test(flavor = "multi_thread")]
async fn d09_a_session_that_ends_in_the_middle_is_renewed_once_for_all() {
    let world = Governed::start(Options::default()).await;
    let deals: Vec<_> = (0..6).map(|number| world.full_deal(&format!("Session {number}"))).collect();
    world.pass().await;
    for deal in &deals {
        world.accept(*deal);
    }
    let logins = |world: &Governed| world.org().calls().by_kind.get("token").copied().unwrap_or(0);
    let before = logins(&world);
    assert!(world.org().kill_tokens() > 0);
    world.pass().await;
    assert!(deals.iter().all(|deal| world.flag(*deal, COMMISSION)));
    assert_eq!(logins(&world) - before, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn d15_a_flag_set_by_hand_is_undone_and_stands_in_the_log_with_who_and_when() {
    let world = Governed::start(Options::default()).await;
    let deal = complete(&world, "Forged").await;
    world.force(
        AVA,
        deal,
        &json!({"Handoff_03_Commission_Open__c": true, "Handoff_03_Clearance_Id__c": "forged"}),
    );
    let at = world.now();
    world.pass().await;
    assert!(!world.flag(deal, COMMISSION));
    assert_eq!(world.company().field(deal, "Handoff_03_Clearance_Id__c"), json!(null));
    let detail = world.detail(deal).await;
    let log = serde_json::to_string(&detail.entries).unwrap();
    let ava = world.org().user(AVA).unwrap().to_string();
    let tampered = log.find("tampered").unwrap();
    assert!(log[tampered..].contains(&ava), "who: {}", &log[tampered..]);
    assert!(log[tampered..].contains(&at.to_string()), "when: {}", &log[tampered..]);
    world.pass().await;
    let events = world.events(deal).await;
    assert_eq!(events.iter().filter(|name| **name == "tampered").count(), 1, "once: {events:?}");
    assert!(!events.contains(&"accepted"));
}

#[tokio::test(flavor = "multi_thread")]
async fn d16_a_locked_row_is_written_once_it_is_free() {
    let world = Governed::start(Options::default()).await;
    let (locked, free) = (complete(&world, "Locked").await, complete(&world, "Free").await);
    world.accept(locked);
    world.accept(free);
    world.org().lock_row(locked.sf());
    for _ in 0..3 {
        world.pass().await;
    }
    assert!(!world.flag(locked, COMMISSION) && world.flag(free, COMMISSION));
    world.org().unlock_row(locked.sf());
    until_cleared(&world, locked, 60).await;
    assert_eq!(world.company().flips(locked, COMMISSION), (1, 0));
    world.assert_balanced();
}
