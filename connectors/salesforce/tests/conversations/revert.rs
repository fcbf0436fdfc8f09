//! A stage is put back only while it stands as it was decided on.

use std::collections::BTreeMap;

use handoff_connector::{Applied, Body, Connector as _, Fault, Lane, Sink as _, Step, conformance};
use handoff_core::plan::{Plan, StageEntry, Write};
use serde_json::{Value, json};

use crate::org::{Org, connector, error, id, id_of, opportunity, readable};

fn plan(n: usize) -> Plan {
    let write = |field: &str, from: Value, to: Value| Write { field: field.to_owned(), from, to, gate: None };
    Plan {
        target: opportunity(n),
        writes: vec![
            write("StageName", json!("Closed Won"), json!("Negotiation/Review")),
            write("CloseDate", json!("2026-11-20"), json!("2026-12-20")),
        ],
        shadow: Vec::new(),
        guard: None,
        expect: BTreeMap::from([("Decision__c".to_owned(), Value::Null)]),
        withdraw: Vec::new(),
        only_if: Some(StageEntry {
            field: "StageName".to_owned(),
            value: "Closed Won".to_owned(),
            entry: id_of("017", 2),
        }),
    }
}

/// Two won deals, each with an older and a newer row of history.
fn org() -> Org {
    let mut org = Org::new("2026-11-20T12:00:00Z");
    for n in 0..2 {
        let fields = json!({ "StageName": "Closed Won", "CloseDate": "2026-11-20", "Decision__c": null });
        org.put("Opportunity", &id(n), "2026-11-20T09:00:00Z", &fields);
        for (row, time) in [(1, "2026-11-20T08:00:00Z"), (2, "2026-11-20T09:00:00Z")] {
            let fields = json!({ "OpportunityId": id(n), "Field": "StageName" });
            org.put("OpportunityFieldHistory", &id_of("017", row), time, &fields);
        }
    }
    org
}

fn apply(org: &mut Org, plans: &[Plan]) -> Vec<Result<Applied, Fault>> {
    org.talk(&mut *connector(10).apply(plans, Lane::GateClose)).expect("given")
}

fn stage(org: &mut Org, n: usize) -> Value {
    org.row(&id(n)).expect("given")["StageName"].clone()
}

#[test]
fn a_stage_that_stands_as_it_was_seen_is_put_back_and_read_back() {
    let mut org = org();
    let outcomes = apply(&mut org, &[plan(0), plan(1)]);
    for (n, outcome) in outcomes.iter().enumerate() {
        let read_back = &outcome.as_ref().expect("given").read_back;
        assert_eq!(read_back["StageName"], json!("Negotiation/Review"));
        assert_eq!(read_back["CloseDate"], json!("2026-12-20"));
        assert_eq!(stage(&mut org, n), json!("Negotiation/Review"));
    }
    assert_eq!(org.calls, ["revert"; 4], "a question and a write for each");
}

#[test]
fn the_question_and_the_write_as_an_admin_would_see_them() {
    let mut org = org();
    let connector = connector(10);
    let mut exchange = connector.apply(&[plan(0)], Lane::GateClose);
    let asked = exchange.request();
    let text = readable(&asked);
    assert!(
        text.contains("SELECT Id, SystemModstamp, StageName, Decision__c FROM Opportunity WHERE Id = "),
        "{text}"
    );
    assert!(text.contains("ORDER BY CreatedDate DESC, Id DESC LIMIT 1"), "{text}");
    let reply = org.answer(&asked);
    assert!(matches!(exchange.reply(&reply), Ok(Step::Continue)));
    let written = exchange.request();
    assert_eq!(written.lane, Lane::GateClose);
    assert!(readable(&written).contains("Fri, 20 Nov 2026 09:00:00 GMT"), "{}", readable(&written));
}

#[test]
fn another_stage_another_entry_or_an_answer_in_between_is_stale_and_writes_nothing() {
    let changes: [fn(&mut Org); 4] = [
        |org| org.row(&id(0)).expect("given")["StageName"] = json!("Closed Lost"),
        |org| {
            let fields = json!({ "OpportunityId": id(0), "Field": "StageName" });
            org.put("OpportunityFieldHistory", &id_of("017", 3), "2026-11-20T09:30:00Z", &fields);
        },
        |org| org.row(&id(0)).expect("given")["Decision__c"] = json!("Accept"),
        |org| org.rows.get_mut("OpportunityFieldHistory").expect("given").clear(),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut org = org();
        change(&mut org);
        let before = stage(&mut org, 0);
        let outcomes = apply(&mut org, &[plan(0), plan(1)]);
        assert_eq!(outcomes[0], Err(Fault::Stale), "{number}");
        assert_eq!(stage(&mut org, 0), before, "{number}");
        assert_eq!(outcomes[1].is_ok(), number != 3, "each for itself");
    }
}

#[test]
fn a_change_between_question_and_write_is_stale() {
    let mut org = org();
    let connector = connector(10);
    let mut exchange = connector.apply(&[plan(0)], Lane::GateClose);
    let reply = org.answer(&exchange.request());
    exchange.reply(&reply).expect("given");
    org.row(&id(0)).expect("given")["SystemModstamp"] = json!("2026-11-20T09:00:05.000+0000");
    let reply = org.answer(&exchange.request());
    let Ok(Step::Done(outcomes)) = exchange.reply(&reply) else { panic!("done") };
    assert_eq!(outcomes, [Err(Fault::Stale)]);
    assert_eq!(stage(&mut org, 0), json!("Closed Won"));
}

#[test]
fn a_write_whose_answer_was_lost_counts_once_it_is_seen_to_stand() {
    let mut org = org();
    let connector = connector(10);
    let mut exchange = connector.apply(&[plan(0)], Lane::GateClose);
    let reply = org.answer(&exchange.request());
    exchange.reply(&reply).expect("given");
    org.answer(&exchange.request());
    let reply = org.answer(&exchange.request());
    let Ok(Step::Done(outcomes)) = exchange.reply(&reply) else { panic!("done") };
    assert!(outcomes[0].is_ok(), "{outcomes:?}");
}

#[test]
fn a_rule_of_the_crm_that_refuses_is_named_and_the_others_go_on() {
    let mut org = org();
    let connector = connector(10);
    let mut exchange = connector.apply(&[plan(0), plan(1)], Lane::GateClose);
    let outcomes = loop {
        let request = exchange.request();
        let Body::Json(body) = &request.body else { panic!("a composite") };
        let mut reply = org.answer(&request);
        if body.to_string().contains("\"back\"") && body.to_string().contains(&id(0)) {
            let refusal = json!({ "compositeResponse": [
                { "referenceId": "back", "httpStatusCode": 400, "body": error("FIELD_CUSTOM_VALIDATION_EXCEPTION") },
                { "referenceId": "read0", "httpStatusCode": 200, "body": { "done": true, "records": [] } },
            ] });
            reply = org.reply(200, &refusal);
        }
        if let Step::Done(outcomes) = exchange.reply(&reply).expect("given") {
            break outcomes;
        }
    };
    assert!(
        matches!(&outcomes[0], Err(Fault::Refused { detail }) if detail.contains("FIELD_CUSTOM_VALIDATION_EXCEPTION"))
    );
    assert!(outcomes[1].is_ok());
}

#[test]
fn d05_no_nonsense_puts_anything_back() {
    let connector = connector(10);
    let failed =
        |outcomes: &Vec<Result<Applied, Fault>>| outcomes.iter().map(|one| one.clone().err()).collect();
    conformance::survives(|| connector.apply(&[plan(0)], Lane::GateClose), connector.spec(), failed)
        .expect("given");
    let spoilt = Plan {
        only_if: Some(StageEntry {
            field: "StageName FROM User --".to_owned(),
            value: "x".to_owned(),
            entry: "y".to_owned(),
        }),
        ..plan(0)
    };
    let outcome = connector.apply(&[spoilt], Lane::GateClose).reply(&org().reply(200, &Value::Null));
    assert!(matches!(outcome, Ok(Step::Done(outcomes)) if matches!(outcomes[0], Err(Fault::Refused { .. }))));
}
