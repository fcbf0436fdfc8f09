use std::collections::BTreeMap;

use handoff_connector::{Applied, Connector as _, Cursor, Fault, Lane, Sink as _, Source as _, conformance};
use handoff_core::extract::RecordVersion;
use handoff_core::plan::{Plan, StageEntry, Write};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::portal::{Portal, at, connector, deal, plan};

fn plans() -> Vec<Plan> {
    let write = |to: bool| Write { field: "cleared".to_owned(), from: json!(!to), to: json!(to), gate: None };
    let closing = Plan {
        target: deal(1),
        writes: vec![write(false)],
        shadow: Vec::new(),
        guard: None,
        expect: BTreeMap::new(),
        withdraw: Vec::new(),
        only_if: None,
    };
    let guard = Some(RecordVersion { stamp: at("2026-11-20T09:00:00Z") });
    let only_if = Some(StageEntry { field: "dealstage".into(), value: "won".into(), entry: "x".into() });
    vec![
        closing.clone(),
        Plan { writes: vec![write(true)], guard, target: deal(2), ..closing.clone() },
        Plan { only_if, target: deal(3), ..closing },
    ]
}

#[test]
fn d05_no_nonsense_is_taken_for_an_answer() {
    let (learnt, plan) = (connector(), plan());
    let faults =
        |outcomes: &Vec<Result<Applied, Fault>>| outcomes.iter().map(|one| one.clone().err()).collect();
    let mut portal = Portal::default();
    portal.talk(&mut *learnt.read(&plan, &[deal(1)])).expect("definitions are learnt");
    // As at the start, and once the definitions are known.
    for connector in [connector(), learnt] {
        let spec = connector.spec();
        let ids = ["user:1".to_owned()];
        conformance::spec(&connector).expect("a spec");
        conformance::survives(|| connector.read(&plan, &[deal(1), deal(2)]), spec, |_| None).expect("read");
        conformance::survives(|| connector.changes(&plan, &Cursor::beginning()), spec, |_| None)
            .expect("changes");
        conformance::survives(|| connector.history(&plan, &[deal(1), deal(2)]), spec, |_| None)
            .expect("history");
        conformance::survives(|| connector.history_list(&plan, None, &Cursor::beginning()), spec, |_| None)
            .expect("history list");
        conformance::survives(|| connector.history_size(&plan, None), spec, |_| None).expect("history size");
        conformance::survives(|| connector.census(&plan, &Cursor::beginning()), spec, |_| None)
            .expect("census");
        conformance::survives(|| connector.users(&ids), spec, |_| None).expect("users");
        conformance::survives(|| connector.whoami(), spec, |_| None).expect("whoami");
        conformance::survives(|| connector.apply(&plans(), Lane::GateClose), spec, faults).expect("apply");
        conformance::survives(|| connector.check(&[], std::slice::from_ref(&plan), &[]), spec, |_| None)
            .expect("check");
    }
}

#[test]
fn cursors_survive_being_stored() {
    for value in
        [json!(null), json!({ "low": "2026-11-20T08:00:00Z", "last": 7, "began": "2026-11-20T08:00:00Z" })]
    {
        conformance::cursor(&Cursor(value)).expect("stored");
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        Just("results"),
        Just("id"),
        Just("properties"),
        Just("propertiesWithHistory"),
        Just("hs_lastmodifieddate"),
        Just("timestamp"),
        Just("value"),
        Just("paging"),
        Just("next"),
        Just("after"),
        Just("errors"),
        Just("context"),
        Just("from"),
        Just("to"),
        Just("toObjectId"),
        Just("associationTypes"),
        Just("label"),
        Just("name"),
        Just("type"),
        Just("objectWriteTraceId"),
        Just("portalId"),
    ];
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|flag| json!(flag)),
        (0_u8..9).prop_map(|number| json!(number)),
        (0_u8..4).prop_map(|number| json!(number.to_string())),
        word.clone().prop_map(|word| json!(word)),
        Just(json!("plan-0")),
        Just(json!("2026-11-20T09:15:27.000Z")),
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(|list| json!(list)),
            proptest::collection::btree_map(word.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_an_outcome_or_a_fault(body in json_value(), wrap in any::<bool>(), status in prop_oneof![Just(200), Just(207), Just(400), Just(404)]) {
        let body = if wrap { json!({ "status": "COMPLETE", "results": [body] }) } else { body };
        let connector = connector();
        let mut portal = Portal::default();
        portal.talk(&mut *connector.read(&plan(), &[deal(1)])).expect("definitions are learnt");
        let reply = Portal::reply(status, &body);
        let spec = connector.spec();
        let ids = ["user:1".to_owned(), "owner:2".to_owned()];
        let told = |outcome: Result<(), conformance::Breach>| outcome.map_err(|breach| TestCaseError::fail(breach.to_string()));
        told(conformance::drive(&mut *connector.read(&plan(), &[deal(1)]), spec, |_| reply.clone()).map(|_| ()))?;
        told(conformance::drive(&mut *connector.changes(&plan(), &Cursor::beginning()), spec, |_| reply.clone()).map(|_| ()))?;
        told(conformance::drive(&mut *connector.census(&plan(), &Cursor::beginning()), spec, |_| reply.clone()).map(|_| ()))?;
        told(conformance::drive(&mut *connector.apply(&plans(), Lane::GateOpen), spec, |_| reply.clone()).map(|_| ()))?;
        told(conformance::drive(&mut *connector.users(&ids), spec, |_| reply.clone()).map(|_| ()))?;
    }
}
