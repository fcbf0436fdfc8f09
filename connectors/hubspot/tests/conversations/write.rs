use std::collections::BTreeMap;

use handoff_connector::{Applied, Exchange, Fault, Lane, Sink as _, Step};
use handoff_core::extract::RecordVersion;
use handoff_core::plan::{Plan, StageEntry, Write};
use serde_json::{Value, json};

use crate::portal::{NOW, Portal, at, connector, deal};

type Outcomes = Vec<Result<Applied, Fault>>;

fn write(field: &str, from: Value, to: Value) -> Write {
    Write { field: field.to_owned(), from, to, gate: None }
}

fn closing(id: u64) -> Plan {
    Plan {
        target: deal(id),
        writes: vec![
            write("cleared", json!(true), json!(false)),
            write("status", json!(null), json!("Waiting")),
        ],
        shadow: Vec::new(),
        guard: None,
        expect: BTreeMap::new(),
        withdraw: Vec::new(),
        only_if: None,
    }
}

fn opening(id: u64) -> Plan {
    Plan {
        writes: vec![write("cleared", json!(false), json!(true))],
        guard: Some(RecordVersion { stamp: at("2026-11-20T09:00:00Z") }),
        expect: [("amount".to_owned(), json!(5))].into(),
        withdraw: vec![
            write("cleared", json!(true), json!(false)),
            write("status", json!(null), json!("Changed")),
        ],
        ..closing(id)
    }
}

fn portal(count: u64) -> Portal {
    let mut portal = Portal::default();
    for id in 1..=count {
        portal.put("deals", id, "2026-11-20T09:00:00Z", &[("cleared", "false"), ("amount", "5")]);
    }
    portal
}

fn apply(portal: &mut Portal, plans: &[Plan], lane: Lane) -> Outcomes {
    portal.talk(&mut *connector().apply(plans, lane)).expect("outcomes")
}

fn kinds(outcomes: &Outcomes) -> Vec<&'static str> {
    outcomes.iter().map(|one| one.as_ref().map_or_else(Fault::kind, |_| "applied")).collect()
}

/// Leads the conversation; a test may change the portal before a call of a certain name is answered.
fn talk_with(
    portal: &mut Portal,
    plans: &[Plan],
    mut before: impl FnMut(&str, &mut Portal),
) -> (Outcomes, Vec<(String, Lane)>) {
    let mut exchange = connector().apply(plans, Lane::GateOpen);
    let mut calls = Vec::new();
    for _ in 0..100 {
        let request = exchange.request();
        calls.push((request.name.to_owned(), request.lane));
        before(request.name, portal);
        if let Step::Done(outcomes) = exchange.reply(&portal.answer(&request)).expect("goes on") {
            return (outcomes, calls);
        }
    }
    panic!("does not end");
}

#[test]
fn a_hundred_closings_are_one_write_and_one_read_back() {
    let mut portal = portal(100);
    let plans: Vec<Plan> = (1..=100).map(closing).collect();
    let outcomes = apply(&mut portal, &plans, Lane::GateClose);
    assert_eq!(portal.calls, ["properties", "apply", "read_back"]);
    for outcome in &outcomes {
        let applied = outcome.as_ref().expect("applied");
        let expected = [("cleared".to_owned(), json!(false)), ("status".to_owned(), json!("Waiting"))];
        assert_eq!(applied.read_back, expected.into());
        assert_eq!(applied.version, Some(RecordVersion { stamp: at(NOW) }));
    }
    let sent = &portal.updates[0]["inputs"][0];
    assert_eq!(
        *sent,
        json!({ "id": "1", "properties": { "cleared": "false", "status": "Waiting" }, "objectWriteTraceId": "plan-0" }),
        "texts only, the record's own id, no idProperty"
    );
}

#[test]
fn d07_each_row_of_a_batch_has_its_own_outcome() {
    let mut portal = portal(4);
    portal.refuse.insert(2, json!({ "category": "VALIDATION_ERROR", "errors": [
        { "code": "MISSING_CONDITIONAL_REQUIRED_PROPERTY", "context": { "propertyName": ["closed_reason"] } }] }));
    portal.refuse.insert(3, json!({ "category": "CONFLICT" }));
    let plans: Vec<Plan> = [4, 9, 2, 1, 3].into_iter().map(closing).collect();
    let outcomes = apply(&mut portal, &plans, Lane::GateClose);
    assert_eq!(kinds(&outcomes), ["applied", "gone", "refused", "applied", "transient"]);
    let told = outcomes[2].as_ref().expect_err("refused").to_string();
    assert!(told.contains("MISSING_CONDITIONAL_REQUIRED_PROPERTY (closed_reason)"), "{told}");
    assert_eq!(portal.updates.len(), 1, "the good ones are not sent again");
}

#[test]
fn d08_a_batch_that_fails_as_a_whole_is_split_until_the_bad_one_stands_alone() {
    let mut portal = portal(100);
    portal.poison.insert(77);
    let plans: Vec<Plan> = (1..=100).map(closing).collect();
    let outcomes = apply(&mut portal, &plans, Lane::GateClose);
    let failed: Vec<usize> = (0..100).filter(|place| outcomes[*place].is_err()).collect();
    assert_eq!(failed, [76]);
    assert!((1..=100).filter(|id| *id != 77).all(|id| portal.value(id, "status") == "Waiting"));
}

#[test]
fn a_record_that_stands_twice_is_written_in_order_in_two_batches() {
    let mut portal = portal(2);
    let mut later = closing(1);
    later.writes = vec![write("status", json!(null), json!("Later"))];
    let outcomes = apply(&mut portal, &[closing(1), closing(2), later], Lane::GateClose);
    assert_eq!(kinds(&outcomes), ["applied"; 3]);
    assert_eq!((portal.updates.len(), portal.value(1, "status").as_str()), (2, "Later"));
}

#[test]
fn an_opening_stands_when_nothing_changed() {
    let mut portal = portal(3);
    let outcomes = apply(&mut portal, &[opening(1), opening(2), opening(3)], Lane::GateOpen);
    assert!(outcomes.iter().all(|one| !one.as_ref().expect("applied").withdrawn));
    assert_eq!(portal.calls, ["properties", "apply", "read_back"]);
    assert_eq!(portal.value(2, "cleared"), "true");
}

#[test]
fn an_opening_on_another_package_is_withdrawn_in_the_same_conversation() {
    let mut portal = portal(2);
    let (outcomes, calls) = talk_with(&mut portal, &[opening(1), opening(2)], |name, portal| {
        if name == "apply" && portal.updates.is_empty() {
            portal.put("deals", 2, NOW, &[("amount", "6")]);
        }
    });
    let withdrawn: Vec<bool> = outcomes.iter().map(|one| one.as_ref().expect("applied").withdrawn).collect();
    assert_eq!(withdrawn, [false, true]);
    assert_eq!(
        (portal.value(1, "cleared"), portal.value(2, "cleared"), portal.value(2, "status")),
        ("true".to_owned(), "false".to_owned(), "Changed".to_owned())
    );
    let lanes: Vec<(&str, Lane)> = calls.iter().map(|(name, lane)| (name.as_str(), *lane)).collect();
    assert_eq!(
        lanes,
        [
            ("properties", Lane::GateOpen),
            ("apply", Lane::GateOpen),
            ("read_back", Lane::GateOpen),
            ("apply", Lane::GateClose),
            ("read_back", Lane::GateClose),
        ]
    );
}

#[test]
fn d04_an_opening_whose_answer_was_lost_is_one_opening() {
    let mut portal = portal(1);
    let mut exchange = connector().apply(&[opening(1)], Lane::GateOpen);
    let first = exchange.request();
    exchange.reply(&portal.answer(&first)).expect("definitions");
    let request = exchange.request();
    assert!(request.idempotent);
    portal.answer(&request);
    let outcomes = portal.talk(&mut *exchange).expect("outcomes");
    assert!(matches!(&outcomes[..], [Ok(applied)] if applied.read_back["cleared"] == json!(true)));
    assert_eq!(portal.updates[0], portal.updates[1]);
}

#[test]
fn d17_an_opening_never_stays_on_the_survivor_of_a_merge() {
    let mut portal = portal(2);
    portal.merged.insert(3, 1);
    let outcomes = apply(&mut portal, &[opening(3)], Lane::GateOpen);
    assert_eq!(outcomes, [Err(Fault::Stale)]);
    assert_eq!(portal.value(1, "cleared"), "false", "what was opened on the survivor is withdrawn");
}

#[test]
fn d05_an_opening_that_cannot_be_read_back_is_withdrawn() {
    let mut portal = portal(1);
    let mut exchange = connector().apply(&[opening(1)], Lane::GateOpen);
    for _ in 0..2 {
        let request = exchange.request();
        exchange.reply(&portal.answer(&request)).expect("goes on");
    }
    assert_eq!(exchange.request().name, "read_back");
    exchange.reply(&Portal::reply(200, &json!({ "odd": true }))).expect("goes on");
    let outcomes = portal.talk(&mut *exchange).expect("outcomes");
    assert!(matches!(&outcomes[..], [Ok(applied)] if applied.withdrawn), "{outcomes:?}");
    assert_eq!(portal.value(1, "cleared"), "false");
}

fn revert(portal: &mut Portal) -> Plan {
    let moved = "2026-11-20T11:00:00Z";
    portal.put("deals", 1, moved, &[("dealstage", "closedwon"), ("closedate", "2026-11-20T11:00:00Z")]);
    portal.entry(
        1,
        "dealstage",
        json!({ "value": "contractsent", "timestamp": "2026-11-01T11:00:00Z", "sourceType": "CRM_UI" }),
    );
    portal.entry(1, "dealstage", json!({ "value": "closedwon", "timestamp": moved, "sourceType": "CRM_UI" }));
    let entry = format!("dealstage@{}#0", at(moved).as_millisecond());
    Plan {
        writes: vec![
            write("dealstage", json!("closedwon"), json!("contractsent")),
            write("closedate", json!("2026-11-20T11:00:00Z"), json!("2026-12-31T00:00:00Z")),
        ],
        expect: [("cleared".to_owned(), json!(false))].into(),
        only_if: Some(StageEntry { field: "dealstage".to_owned(), value: "closedwon".to_owned(), entry }),
        ..closing(1)
    }
}

#[test]
fn a_stage_is_put_back_while_it_stands_as_it_was_seen() {
    let mut portal = portal(1);
    let plan = revert(&mut portal);
    assert!(apply(&mut portal, &[plan], Lane::GateClose)[0].is_ok());
    assert_eq!(portal.calls, ["properties", "check_entry", "apply", "read_back"]);
    assert_eq!(
        (portal.value(1, "dealstage"), portal.value(1, "closedate")),
        ("contractsent".to_owned(), "2026-12-31T00:00:00Z".to_owned())
    );
}

#[test]
fn a_stage_that_moved_again_is_left_alone() {
    type Change = fn(&mut Portal);
    let again: Change = |portal| {
        portal.entry(
            1,
            "dealstage",
            json!({ "value": "closedwon", "timestamp": "2026-11-20T11:30:00Z", "sourceType": "CRM_UI" }),
        );
    };
    let elsewhere: Change = |portal| portal.put("deals", 1, NOW, &[("dealstage", "closedlost")]);
    let opened: Change = |portal| portal.put("deals", 1, NOW, &[("cleared", "true")]);
    let gone: Change = |portal| portal.record(1).archived = true;
    for (change, expected) in
        [(again, Fault::Stale), (elsewhere, Fault::Stale), (opened, Fault::Stale), (gone, Fault::Gone)]
    {
        let mut portal = portal(1);
        let plan = revert(&mut portal);
        change(&mut portal);
        assert_eq!(apply(&mut portal, &[plan], Lane::GateClose), [Err(expected)]);
        assert!(portal.updates.is_empty(), "nothing is written");
    }
}

#[test]
fn a_stage_is_never_written_on_the_side() {
    let mut plan = closing(1);
    plan.writes.push(write("dealstage", json!("closedwon"), json!("contractsent")));
    let mut portal = portal(1);
    assert_eq!(kinds(&apply(&mut portal, &[plan], Lane::GateClose)), ["refused"]);
    assert!(portal.updates.is_empty());
}

#[test]
fn h03_a_name_that_is_none_is_never_sent() {
    let mut bad = closing(1);
    bad.writes[0].field = "x\": 1, \"y".to_owned();
    let mut no_id = closing(1);
    no_id.target.record.0 = "1/../../oauth".to_owned();
    let mut portal = portal(2);
    let outcomes = apply(&mut portal, &[bad, no_id, closing(2)], Lane::GateClose);
    assert_eq!(kinds(&outcomes), ["refused", "refused", "applied"]);
}

#[test]
fn a_plan_that_says_nothing_asks_for_nothing() {
    let empty = Plan { writes: Vec::new(), ..closing(1) };
    assert_eq!(connector().apply(&[empty], Lane::GateClose).request().name, "account");
}
