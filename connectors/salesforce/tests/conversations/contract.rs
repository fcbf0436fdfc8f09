use std::collections::BTreeMap;

use handoff_connector::{Connector as _, Cursor, Lane, Reply, Sink as _, Source as _, conformance};
use handoff_core::extract::RecordVersion;
use handoff_core::plan::{Plan, Write};
use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use serde_json::json;

use crate::org::{at, connector, id_of, opportunity, plan};

fn plans() -> Vec<Plan> {
    let write =
        |to: bool| Write { field: "Cleared__c".to_owned(), from: json!(!to), to: json!(to), gate: None };
    let closing = Plan {
        target: opportunity(1),
        writes: vec![write(false)],
        shadow: Vec::new(),
        guard: None,
        expect: BTreeMap::new(),
        withdraw: Vec::new(),
        only_if: None,
    };
    let guard = Some(RecordVersion { stamp: at("2026-11-20T09:00:00Z") });
    vec![closing.clone(), Plan { writes: vec![write(true)], guard, target: opportunity(2), ..closing }]
}

#[test]
fn d05_no_nonsense_is_taken_for_an_answer() {
    let (connector, plan) = (connector(10), plan());
    let spec = connector.spec();
    conformance::spec(&connector).expect("a spec");
    conformance::survives(|| connector.read(&plan, &[opportunity(1)]), spec, |_| None).expect("read");
    conformance::survives(|| connector.changes(&plan, &Cursor::beginning()), spec, |_| None)
        .expect("changes");
    conformance::survives(|| connector.history(&plan, &[opportunity(1)]), spec, |_| None).expect("history");
    conformance::survives(|| connector.history_list(&plan, None, &Cursor::beginning()), spec, |_| None)
        .expect("history list");
    conformance::survives(|| connector.history_size(&plan, None), spec, |_| None).expect("history size");
    conformance::survives(|| connector.users(&[id_of("005", 1)]), spec, |_| None).expect("users");
    conformance::survives(|| connector.whoami(), spec, |_| None).expect("whoami");
    let failed = |outcomes: &Vec<Result<handoff_connector::Applied, handoff_connector::Fault>>| {
        outcomes.iter().map(|one| one.clone().err()).collect()
    };
    conformance::survives(|| connector.apply(&plans(), Lane::GateClose), spec, failed).expect("apply");
    conformance::survives(|| connector.check(&[], std::slice::from_ref(&plan), &[]), spec, |_| None)
        .expect("check");
}

#[test]
fn d05_a_custom_relationship_is_learnt_before_anything_is_read() {
    let mut plan = plan();
    plan.related.insert("Stakeholders__r".to_owned(), ["Role__c".to_owned()].into());
    let (connector, spec) = (connector(10), connector(10).spec());
    conformance::survives(|| connector.read(&plan, &[opportunity(1)]), spec, |_| None).expect("read");
    let mut exchange = connector.read(&plan, &[opportunity(1)]);
    assert!(exchange.request().path.ends_with("/sobjects/Opportunity/describe"));
    let describe = json!({ "childRelationships": [
        { "relationshipName": "Stakeholders__r", "childSObject": "Stakeholder__c", "field": "Deal__c" },
        { "relationshipName": null, "childSObject": "X", "field": "Y" },
    ] });
    let reply =
        Reply { status: StatusCode::OK, headers: HeaderMap::new(), body: describe.to_string().into() };
    exchange.reply(&reply).expect("goes on");
    let text = crate::org::readable(&exchange.request());
    assert!(text.contains("FROM Stakeholder__c WHERE Deal__c IN ("), "{text}");
    assert_eq!(connector.read(&plan, &[opportunity(1)]).request().name, "read", "learnt once");
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let word = prop_oneof![
        Just("records"),
        Just("done"),
        Just("nextRecordsUrl"),
        Just("Id"),
        Just("SystemModstamp"),
        Just("success"),
        Just("errors"),
        Just("body"),
        Just("httpStatusCode"),
        Just("referenceId"),
        Just("compositeResponse"),
        Just("write0"),
        Just("read0"),
        Just("open0"),
        Just("changes0"),
    ];
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|b| json!(b)),
        (0..600).prop_map(|n| json!(n)),
        word.clone().prop_map(|w| json!(w)),
        Just(json!(crate::org::id(1))),
        Just(json!("2026-11-20T09:15:27.000+0000")),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(|v| json!(v)),
            proptest::collection::btree_map(word.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|m| json!(m)),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_in_any_part_is_an_outcome_or_a_fault(body in json_value(), status in prop_oneof![Just(200), Just(204), Just(400), Just(412)]) {
        let connector = connector(10);
        let answer = |names: &[&str]| {
            let parts: Vec<_> = names
                .iter()
                .map(|name| json!({ "referenceId": name, "httpStatusCode": status, "body": body }))
                .collect();
            let text = json!({ "compositeResponse": parts }).to_string();
            Reply { status: StatusCode::OK, headers: HeaderMap::new(), body: text.into() }
        };
        let reply = answer(&["changes0", "changes1", "changes2", "read0", "read1", "read2", "write0", "open0", "users0"]);
        let spec = connector.spec();
        let drive = |outcome| prop_assert_or(outcome);
        drive(conformance::drive(&mut *connector.read(&plan(), &[opportunity(1)]), spec, |_| reply.clone()).map(|_| ()))?;
        drive(conformance::drive(&mut *connector.changes(&plan(), &Cursor::beginning()), spec, |_| reply.clone()).map(|_| ()))?;
        drive(conformance::drive(&mut *connector.apply(&plans(), Lane::GateOpen), spec, |_| reply.clone()).map(|_| ()))?;
        drive(conformance::drive(&mut *connector.users(&[id_of("005", 1)]), spec, |_| reply.clone()).map(|_| ()))?;
    }
}

fn prop_assert_or(outcome: Result<(), conformance::Breach>) -> Result<(), TestCaseError> {
    outcome.map_err(|breach| TestCaseError::fail(breach.to_string()))
}
