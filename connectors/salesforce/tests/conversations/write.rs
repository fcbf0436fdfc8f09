use std::collections::BTreeMap;

use handoff_connector::{Applied, Body, Exchange, Fault, Lane, Sink as _, Step};
use handoff_core::extract::RecordVersion;
use handoff_core::plan::{Plan, Write};
use serde_json::{Value, json};

use crate::org::{Org, at, connector, error, id, opportunity, readable, stamp};

const READ: &str = "2026-11-20T09:00:00Z";
type Outcomes = Vec<Result<Applied, Fault>>;

fn write(field: &str, from: Value, to: Value) -> Write {
    Write { field: field.to_owned(), from, to, gate: None }
}

fn closing(n: usize) -> Plan {
    Plan {
        target: opportunity(n),
        writes: vec![
            write("Cleared__c", json!(true), json!(false)),
            write("Status__c", json!(""), json!("Waiting")),
        ],
        shadow: Vec::new(),
        guard: None,
        expect: BTreeMap::new(),
        withdraw: Vec::new(),
        only_if: None,
    }
}

fn opening(n: usize) -> Plan {
    Plan {
        writes: vec![write("Cleared__c", json!(false), json!(true))],
        guard: Some(RecordVersion { stamp: at(READ) }),
        expect: [("Name".to_owned(), json!("Acme"))].into(),
        withdraw: vec![write("Cleared__c", json!(true), json!(false))],
        ..closing(n)
    }
}

fn org(count: usize) -> Org {
    let mut org = Org::new("2026-11-20T12:00:00Z");
    for n in 0..count {
        org.put(
            "Opportunity",
            &id(n),
            READ,
            &json!({ "Name": "Acme", "Cleared__c": false, "Status__c": null }),
        );
    }
    org
}

fn apply(org: &mut Org, plans: &[Plan], lane: Lane) -> Outcomes {
    org.talk(&mut *connector(10).apply(plans, lane)).expect("outcomes")
}

fn cleared(org: &mut Org, n: usize) -> Value {
    org.row(&id(n)).expect("a row")["Cleared__c"].clone()
}

#[test]
fn eight_hundred_closings_are_one_call() {
    let mut org = org(801);
    let plans: Vec<Plan> = (0..801).map(closing).collect();
    let outcomes = apply(&mut org, &plans[..800], Lane::GateClose);
    assert_eq!((outcomes.len(), org.calls.len()), (800, 1));
    for outcome in &outcomes {
        let applied = outcome.as_ref().expect("applied");
        assert_eq!(applied.read_back["Status__c"], json!("Waiting"));
        assert_eq!(applied.version, Some(RecordVersion { stamp: at("2026-11-20T12:00:00Z") }));
    }
    org.calls.clear();
    assert!(apply(&mut org, &plans, Lane::GateClose).iter().all(Result::is_ok));
    assert_eq!(org.calls.len(), 2);
}

#[test]
fn d07_each_row_of_a_batch_has_its_own_outcome() {
    let mut org = org(4);
    org.row(&id(1)).expect("a row")["refuse"] = json!("FIELD_CUSTOM_VALIDATION_EXCEPTION");
    org.row(&id(2)).expect("a row")["refuse"] = json!("UNABLE_TO_LOCK_ROW");
    let plans: Vec<Plan> = [3, 9, 1, 0, 2].into_iter().map(closing).collect();
    let outcomes = apply(&mut org, &plans, Lane::GateClose);
    let kinds: Vec<&str> =
        outcomes.iter().map(|one| one.as_ref().map_or_else(Fault::kind, |_| "applied")).collect();
    assert_eq!(kinds, ["applied", "gone", "refused", "applied", "transient"]);
}

/// Answers with the org; a test may answer itself.
fn talk_with(
    org: &mut Org,
    plans: &[Plan],
    lane: Lane,
    mut own: impl FnMut(&Value) -> Option<Value>,
) -> (Outcomes, Vec<Lane>) {
    let mut exchange = connector(10).apply(plans, lane);
    let mut lanes = Vec::new();
    for _ in 0..200 {
        let request = exchange.request();
        lanes.push(request.lane);
        let Body::Json(body) = &request.body else { panic!("a composite") };
        let reply = match own(body) {
            Some(answer) => org.reply(400, &answer),
            None => org.answer(&request),
        };
        if let Step::Done(outcomes) = exchange.reply(&reply).expect("goes on") {
            return (outcomes, lanes);
        }
    }
    panic!("does not end");
}

#[test]
fn d08_a_batch_that_fails_as_a_whole_is_split_until_the_bad_one_stands_alone() {
    let mut org = org(300);
    let plans: Vec<Plan> = (0..300).map(closing).collect();
    let bad = id(123);
    let (outcomes, _) = talk_with(&mut org, &plans, Lane::GateClose, |body| {
        body.to_string().contains(&bad).then(|| error("JSON_PARSER_ERROR"))
    });
    let failed: Vec<usize> = (0..300).filter(|n| outcomes[*n].is_err()).collect();
    assert_eq!(failed, [123]);
}

#[test]
fn an_opening_stands_when_nothing_changed() {
    let mut org = org(30);
    let plans: Vec<Plan> = (0..30).map(opening).collect();
    let outcomes = apply(&mut org, &plans, Lane::GateOpen);
    assert_eq!(org.calls.len(), 2, "24 openings per call");
    for (n, outcome) in outcomes.iter().enumerate() {
        let applied = outcome.as_ref().expect("applied");
        assert!(!applied.withdrawn);
        assert_eq!((&applied.read_back["Cleared__c"], cleared(&mut org, n)), (&json!(true), json!(true)));
    }
}

#[test]
fn an_opening_on_a_changed_record_is_stale_and_writes_nothing() {
    let mut org = org(2);
    org.row(&id(1)).expect("a row")["SystemModstamp"] = json!(stamp(at("2026-11-20T09:00:01Z")));
    let outcomes = apply(&mut org, &[opening(1), opening(0)], Lane::GateOpen);
    assert_eq!(outcomes[0], Err(Fault::Stale));
    assert!(outcomes[1].is_ok());
    assert_eq!((cleared(&mut org, 1), cleared(&mut org, 0)), (json!(false), json!(true)));
}

#[test]
fn an_opening_on_another_package_is_withdrawn_in_the_same_conversation() {
    let mut org = org(2);
    // Changed within the second of the version that was read, so the precondition does not notice.
    org.row(&id(1)).expect("a row")["Name"] = json!("Other");
    let (outcomes, lanes) = talk_with(&mut org, &[opening(0), opening(1)], Lane::GateOpen, |_| None);
    let withdrawn: Vec<bool> = outcomes.iter().map(|one| one.as_ref().expect("applied").withdrawn).collect();
    assert_eq!(withdrawn, [false, true]);
    assert_eq!((cleared(&mut org, 0), cleared(&mut org, 1)), (json!(true), json!(false)));
    assert_eq!(lanes, [Lane::GateOpen, Lane::GateClose]);
}

#[test]
fn d04_an_opening_whose_answer_was_lost_is_one_opening() {
    let mut org = org(1);
    let mut exchange = connector(10).apply(&[opening(0)], Lane::GateOpen);
    let request = exchange.request();
    org.answer(&request);
    assert!(request.idempotent);
    // The first answer never arrived; the record's own stamp now looks stale, but the values are ours.
    let outcomes = org.talk(&mut *exchange).expect("outcomes");
    assert!(matches!(&outcomes[..], [Ok(applied)] if applied.read_back["Cleared__c"] == json!(true)));
}

#[test]
fn a_lost_answer_about_another_package_is_withdrawn_too() {
    let mut org = org(1);
    let mut exchange = connector(10).apply(&[opening(0)], Lane::GateOpen);
    org.answer(&exchange.request());
    org.row(&id(0)).expect("a row")["Name"] = json!("Other");
    let outcomes = org.talk(&mut *exchange).expect("outcomes");
    assert!(matches!(&outcomes[..], [Ok(applied)] if applied.withdrawn));
    assert_eq!(cleared(&mut org, 0), json!(false));
}

#[test]
fn a_plan_that_says_nothing_asks_for_nothing() {
    let empty = Plan { writes: Vec::new(), ..closing(1) };
    let mut exchange = connector(10).apply(&[empty], Lane::GateClose);
    assert_eq!(exchange.request().name, "versions");
}

#[test]
fn h03_a_name_that_is_none_is_never_sent() {
    let mut bad = closing(1);
    bad.writes[0].field = "X__c\": 1, \"Y".to_owned();
    let mut org = org(2);
    let outcomes = apply(&mut org, &[bad, closing(0)], Lane::GateClose);
    assert_eq!(outcomes[0].as_ref().expect_err("refused").kind(), "refused");
    assert!(outcomes[1].is_ok());
}

#[test]
fn the_requests_are_these() {
    let close = readable(&connector(10).apply(&[closing(1)], Lane::GateClose).request());
    let open = readable(&connector(10).apply(&[opening(1)], Lane::GateOpen).request());
    insta::assert_snapshot!(format!("CLOSE\n{close}\nOPEN\n{open}"));
}
