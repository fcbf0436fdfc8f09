//! Tasks: opened by our key, changed and closed by id, each row for itself, and never a fault that would stop the gates.

use std::collections::BTreeMap;

use handoff_connector::{Body, Exchange, Fault, Reply, Request, Step, Tasks as _};
use handoff_core::digest::Digest;
use handoff_core::id::{ActorId, RecordId};
use handoff_core::task::{Act, Shape, TaskWrite};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::org::{at, connector, id, id_of, opportunity};

const KEY: &str = "Handoff_Obligation_Id__c";

fn shape(object: &str) -> Shape {
    let mut about = opportunity(1);
    about.object = object.into();
    Shape {
        owner: ActorId(id_of("005", 7)),
        title: "Fill the handoff".to_owned(),
        text: "- Risks is empty".to_owned(),
        due: Some(at("2026-03-02T10:00:00Z")),
        due_day: Some("2026-03-02".parse().expect("a time")),
        about: Some(about),
    }
}

fn write(name: &str, task: Option<usize>, act: Act) -> TaskWrite {
    TaskWrite {
        id: name.to_owned(),
        task: task.map(|n| RecordId(id_of("00T", n))),
        act,
        since: at("2026-03-01T10:00:00Z"),
        covers: BTreeMap::new(),
        person: Digest::of(&"ada"),
        day: "2026-03-01".parse().expect("a time"),
    }
}

fn reply(status: u16, body: &Value) -> Reply {
    Reply {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: HeaderMap::new(),
        body: body.to_string().into(),
    }
}

fn sent(request: &Request) -> Value {
    let Body::Json(body) = &request.body else { panic!("{:?}", request.body) };
    body.clone()
}

fn answer(parts: &[(u16, Value)]) -> Reply {
    let rows = parts.iter().enumerate().map(|(at, (status, body))| {
        json!({ "referenceId": format!("tasks{at}"), "httpStatusCode": status, "body": body, "httpHeaders": {} })
    });
    reply(200, &json!({ "compositeResponse": rows.collect::<Vec<_>>() }))
}

fn done(step: Step<Vec<Result<RecordId, Fault>>>) -> Vec<Result<RecordId, Fault>> {
    let Step::Done(outcomes) = step else { panic!("not done") };
    outcomes
}

#[test]
fn a_task_is_opened_by_our_key_and_closed_by_its_id_in_one_call() {
    let connector = connector(10);
    let writes = [
        write("fill-1", None, Act::Open(shape("Opportunity"))),
        write("fill-2", Some(2), Act::Close),
        write("fill-3", Some(3), Act::Change(shape("Lead"))),
        write("fill-4", None, Act::Close),
    ];
    let mut put = connector.put(KEY, &writes);
    let request = put.request();
    let body = sent(&request);
    let parts = body["compositeRequest"].as_array().unwrap();
    assert_eq!(parts.len(), 2);
    let others = &parts[0]["body"]["records"];
    assert_eq!(
        others[0],
        json!({ "attributes": { "type": "Task" }, "Id": id_of("00T", 2), "Status": "Completed" })
    );
    assert_eq!(others[1]["WhoId"], json!(id(1)), "a person is not a thing");
    assert!(others[1].get("Status").is_none(), "whether it is open is the owner's business");
    assert!(parts[1]["url"].as_str().unwrap().ends_with("/composite/sobjects/Task/Handoff_Obligation_Id__c"));
    let opened = &parts[1]["body"]["records"][0];
    assert_eq!(opened[KEY], "fill-1");
    assert_eq!((&opened["WhatId"], &opened["Status"]), (&json!(id(1)), &json!("Not Started")));
    assert_eq!(opened["ActivityDate"], "2026-03-02");
    let done = done(
        put.reply(&answer(&[
            (200, json!([{ "id": id_of("00T", 2), "success": true, "errors": [] },
                { "success": false, "errors": [{ "statusCode": "ENTITY_IS_DELETED", "message": "entity is deleted", "fields": [] }] }])),
            (201, json!([{ "id": id_of("00T", 9), "success": true, "created": true, "errors": [] }])),
        ]))
        .unwrap(),
    );
    assert_eq!(done[0], Ok(RecordId(id_of("00T", 9))));
    assert_eq!(done[1], Ok(RecordId(id_of("00T", 2))));
    assert_eq!(done[2], Err(Fault::Gone));
    assert_eq!(done[3], Err(Fault::Gone), "nobody knows which one");
}

#[test]
fn a_key_that_is_not_there_and_a_right_that_is_missing_are_told_row_by_row() {
    let connector = connector(10);
    let writes = [write("fill-1", None, Act::Open(shape("Opportunity")))];
    let missing = json!([{ "errorCode": "NOT_FOUND", "message": "Provided external ID field does not exist or is not accessible: X" }]);
    let outcomes = done(connector.put(KEY, &writes).reply(&answer(&[(404, missing)])).unwrap());
    assert!(matches!(outcomes.as_slice(), [Err(Fault::Denied { .. })]), "{outcomes:?}");
    let denied = json!([{ "errorCode": "API_DISABLED_FOR_ORG", "message": "no" }]);
    let outcomes = done(connector.put(KEY, &writes).reply(&reply(403, &denied)).unwrap());
    assert!(matches!(outcomes.as_slice(), [Err(Fault::Denied { .. })]), "{outcomes:?}");
    // The deal is gone, not the task.
    let gone = json!([{ "success": false, "errors": [{ "statusCode": "INVALID_CROSS_REFERENCE_KEY", "message": "x", "fields": ["WhatId"] }] }]);
    let outcomes = done(connector.put(KEY, &writes).reply(&answer(&[(200, gone)])).unwrap());
    assert!(matches!(outcomes.as_slice(), [Err(Fault::Refused { .. })]), "{outcomes:?}");
    assert!(
        connector.put(KEY, &writes).reply(&reply(503, &json!([]))).is_err(),
        "what may work later is asked again"
    );
}

#[test]
fn tasks_are_found_by_what_they_stand_for() {
    let connector = connector(10);
    let ids = ["fill-1".to_owned(), "fill-2".to_owned()];
    let mut find = connector.find(KEY, &ids);
    let asked = sent(&find.request()).to_string();
    assert!(asked.contains("fill-1") && asked.contains("IsClosed"), "{asked}");
    let row = json!({
        "attributes": {}, "Id": id_of("00T", 9), (KEY): "fill-2", "IsClosed": true, "Description": "One\nTwo",
        "LastModifiedById": id_of("005", 3),
    });
    let page = json!({ "totalSize": 1, "done": true, "records": [row] });
    let body = json!({ "compositeResponse": [{ "referenceId": "tasks0", "httpStatusCode": 200, "body": page, "httpHeaders": {} }] });
    let Step::Done(found) = find.reply(&reply(200, &body)).unwrap() else { panic!("not done") };
    assert_eq!(found[0], None);
    let seen = found[1].clone().unwrap();
    assert_eq!((seen.record, seen.open), (RecordId(id_of("00T", 9)), false));
    assert_eq!((seen.text.as_str(), seen.by), ("One\nTwo", Some(ActorId(id_of("005", 3)))));
}
