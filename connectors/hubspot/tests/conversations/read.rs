use handoff_connector::{Fault, Source as _};
use handoff_core::extract::{Existence, RawRecord};
use handoff_core::id::ActorId;
use serde_json::{Value, json};

use crate::portal::{Portal, at, connector, deal, plan};

fn entry(value: &str, time: &str, kind: &str, source: &str) -> Value {
    json!({ "value": value, "timestamp": time, "sourceType": kind, "sourceId": source })
}

fn portal() -> Portal {
    let mut portal = Portal::default();
    portal.put(
        "deals",
        1,
        "2026-11-20T09:00:00.123Z",
        &[("dealstage", "closedwon"), ("cleared", "true"), ("amount", "12.50"), ("hubspot_owner_id", "23")],
    );
    portal.entry(1, "dealstage", entry("commit", "2026-11-19T09:00:00Z", "INTEGRATION", "54321"));
    portal.entry(1, "dealstage", entry("closedwon", "2026-11-20T09:00:00.123Z", "CRM_UI", "userId:11"));
    portal.links = vec![(1, 501, "Champion"), (1, 502, "Economic Buyer"), (1, 503, ""), (1, 502, "Champion")];
    portal
}

fn read(portal: &mut Portal, ids: &[u64]) -> Vec<Option<RawRecord>> {
    let records: Vec<_> = ids.iter().map(|id| deal(*id)).collect();
    portal.talk(&mut *connector().read(&plan(), &records)).expect("records")
}

#[test]
fn a_record_comes_with_values_history_and_associations() {
    let mut portal = portal();
    let records = read(&mut portal, &[1]);
    let record = records[0].as_ref().expect("there");
    let calls = ["properties", "read", "associations", "associations", "associations", "pipelines"];
    assert_eq!(portal.calls, calls);
    assert_eq!(record.version.as_ref().expect("a version").stamp, at("2026-11-20T09:00:00.123Z"));
    assert_eq!(
        record.fields,
        [
            ("amount".to_owned(), json!(12.5)),
            ("cleared".to_owned(), json!(true)),
            ("dealstage".to_owned(), json!("closedwon")),
            ("decision".to_owned(), json!(null)),
            ("hubspot_owner_id".to_owned(), json!("owner:23")),
        ]
        .into(),
        "a property that HubSpot does not know is absent"
    );
    let history = record.history.as_ref().expect("history");
    assert_eq!(
        history[1].id,
        "dealstage@1795165200123#0"
            .replace("1795165200123", &at("2026-11-20T09:00:00.123Z").as_millisecond().to_string())
    );
    assert_eq!((&history[1].old, &history[1].new), (&Some(json!("commit")), &Some(json!("closedwon"))));
    assert_eq!(
        (&history[0].by, &history[1].by),
        (&ActorId("integration:54321".into()), &ActorId("user:11".into()))
    );
    let people: Vec<(&str, Option<&str>)> = record.related["contacts"]
        .iter()
        .map(|row| (row.record.record.as_str(), row.fields["label"].as_str()))
        .collect();
    assert_eq!(
        people,
        [
            ("501", Some("Champion")),
            ("502", Some("Champion")),
            ("502", Some("Economic Buyer")),
            ("503", None)
        ]
    );
    assert!(
        record.related["contacts"].iter().all(|row| row.fields["hs_object_id"] == row.record.record.as_str())
    );
}

#[test]
fn a_hundred_records_are_two_reads_with_history_and_one_of_associations() {
    let mut portal = Portal::default();
    (1..=100).for_each(|id| portal.put("deals", id, "2026-11-20T09:00:00Z", &[]));
    let connector = connector();
    let records: Vec<_> = (1..=100).rev().map(deal).collect();
    for first in [true, false] {
        portal.calls.clear();
        let found = portal.talk(&mut *connector.read(&plan(), &records)).expect("records");
        let ids: Vec<_> = found.into_iter().map(|one| one.expect("there").record).collect();
        assert_eq!(ids, records, "in the order asked for");
        let calls: &[&str] = if first {
            &["properties", "read", "read", "associations", "pipelines"]
        } else {
            &["read", "read", "associations"]
        };
        assert_eq!(portal.calls, calls);
    }
}

#[test]
fn d17_archived_merged_and_absent_records_are_told_apart() {
    let mut portal = portal();
    portal.put("deals", 2, "2026-11-20T09:00:00Z", &[]);
    portal.record(2).archived = true;
    portal.merged.insert(3, 1);
    let found = read(&mut portal, &[3, 2, 9, 1]);
    let existence: Vec<Option<&Existence>> =
        found.iter().map(|one| one.as_ref().map(|one| &one.existence)).collect();
    let merged = Existence::Merged { into: "1".to_owned() };
    assert_eq!(existence, [Some(&merged), Some(&Existence::Deleted), None, Some(&Existence::Present)]);
    assert_eq!(found[0].as_ref().expect("merged").record, deal(3));
    assert!(
        found[0].as_ref().expect("merged").fields.is_empty(),
        "another record's values are not this one's"
    );
}

#[test]
fn d17_a_merged_record_is_recognised_without_the_survivors_list() {
    let mut portal = portal();
    portal.merged.insert(3, 1);
    let reply = |results: Value| Portal::reply(200, &json!({ "status": "COMPLETE", "results": results }));
    let mut exchange = connector().read(&plan(), &[deal(3)]);
    let first = exchange.request();
    exchange.reply(&portal.answer(&first)).expect("definitions");
    let done = exchange.reply(&reply(json!([{ "id": "1", "properties": {} }]))).expect("records");
    let handoff_connector::Step::Done(found) = done else {
        panic!("nothing is associated with what is gone")
    };
    assert_eq!(found[0].as_ref().expect("merged").existence, Existence::Merged { into: "1".to_owned() });
}

#[test]
fn more_than_a_label_costs_one_read_of_the_associated_records() {
    let mut portal = portal();
    portal.put("contacts", 502, "2026-11-20T09:00:00Z", &[("email", "kim@acme.example")]);
    let mut plan = plan();
    plan.related.get_mut("contacts").expect("planned").insert("email".to_owned());
    let found = portal.talk(&mut *connector().read(&plan, &[deal(1)])).expect("records");
    let rows = &found[0].as_ref().expect("there").related["contacts"];
    let emails: Vec<Option<&Value>> = rows.iter().map(|row| row.fields.get("email")).collect();
    assert_eq!(emails, [None, Some(&json!("kim@acme.example")), Some(&json!("kim@acme.example")), None]);
    assert_eq!(portal.calls.iter().filter(|call| *call == "read_related").count(), 1);
    assert!(rows.iter().all(|row| row.stamp.is_none()), "an edit of a contact is none of the deal");
}

#[test]
fn d07_an_error_about_something_else_than_absence_is_not_absence() {
    let mut exchange = connector().read(&plan(), &[deal(1)]);
    let mut portal = portal();
    let first = exchange.request();
    exchange.reply(&portal.answer(&first)).expect("definitions");
    let body = json!({ "status": "COMPLETE", "results": [], "numErrors": 1,
        "errors": [{ "category": "INTERNAL_ERROR", "context": { "ids": ["1"] } }] });
    assert_eq!(exchange.reply(&Portal::reply(207, &body)).expect_err("a fault").kind(), "transient");
    let silent = json!({ "status": "COMPLETE", "results": [], "numErrors": 1 });
    assert_eq!(exchange.reply(&Portal::reply(207, &silent)).expect_err("a fault").kind(), "protocol");
    let pending = json!({ "status": "PENDING", "results": [] });
    assert_eq!(exchange.reply(&Portal::reply(202, &pending)).expect_err("a fault").kind(), "transient");
}

#[test]
fn what_is_no_id_is_answered_without_asking() {
    let mut portal = Portal::default();
    let mut bad = deal(1);
    bad.record.0 = "1/../2".to_owned();
    let found = portal.talk(&mut *connector().read(&plan(), &[bad])).expect("records");
    assert_eq!((found.len(), found[0].is_none()), (1, true));
    assert_eq!(portal.calls, ["account"]);
}

#[test]
fn a_wrong_object_is_not_a_lost_record() {
    let mut exchange = connector().read(&plan(), &[deal(1)]);
    let mut portal = portal();
    let first = exchange.request();
    exchange.reply(&portal.answer(&first)).expect("definitions");
    let fault = exchange.reply(&Portal::reply(404, &json!({}))).expect_err("a fault");
    assert!(matches!(fault, Fault::Protocol { .. }), "{fault}");
}

#[test]
fn stages_have_the_labels_that_people_see_and_are_asked_for_once() {
    let mut portal = portal();
    portal.stages = Some(vec![("closedwon", "Closed won"), ("closedlost", "Closed lost"), ("commit", " ")]);
    let ours = connector();
    let read = |portal: &mut Portal| {
        let found = portal.talk(&mut *ours.read(&plan(), &[deal(1)])).expect("records");
        found[0].clone().expect("there")
    };
    for _ in 0..2 {
        let record = read(&mut portal);
        assert_eq!(record.in_words("dealstage", "closedwon"), "Closed won");
        assert_eq!(record.in_words("dealstage", "commit"), "commit", "a label that says nothing is none");
        assert_eq!(record.in_words("dealstage", "closedlost"), "closedlost", "it never stood there");
        assert_eq!(record.in_words("decision", "closedwon"), "closedwon");
    }
    assert_eq!(portal.calls.iter().filter(|call| *call == "pipelines").count(), 1);
}

#[test]
fn a_portal_that_does_not_tell_labels_costs_only_them() {
    let mut portal = portal();
    let record = read(&mut portal, &[1])[0].clone().expect("there");
    assert_eq!(record.in_words("dealstage", "closedwon"), "closedwon");
    assert!(portal.calls.contains(&"pipelines".to_owned()) && record.shown.is_empty());
}
