//! Tasks: opened by our property, changed and closed by id, each row for itself, and never a fault that would stop the gates.

use std::collections::BTreeMap;

use handoff_connector::{Body, Exchange, Fault, Reply, Request, Step, Tasks as _};
use handoff_core::digest::Digest;
use handoff_core::id::{ActorId, RecordId, RecordRef};
use handoff_core::task::{Act, Shape, TaskWrite};
use handoff_hubspot::{HubSpot, HubSpotConfig};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

const KEY: &str = "handoff_obligation_id";

fn connector() -> HubSpot {
    HubSpot::new(HubSpotConfig::new("hs".into(), "4711")).expect("sound")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn shape(owner: &str) -> Shape {
    let about =
        RecordRef { connection: "hs".into(), object: "deals".into(), record: RecordId("17".to_owned()) };
    Shape {
        owner: ActorId::from(owner),
        title: "Fill the handoff".to_owned(),
        text: "- Risks < 3\n- Sponsor & map".to_owned(),
        due: None,
        due_day: None,
        about: Some(about),
    }
}

fn write(name: &str, task: Option<&str>, act: Act) -> TaskWrite {
    TaskWrite {
        id: name.to_owned(),
        task: task.map(|id| RecordId(id.to_owned())),
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

fn go_on(step: &Step<Vec<Result<RecordId, Fault>>>) {
    assert!(matches!(step, Step::Continue));
}

#[test]
fn a_task_is_opened_by_our_property_and_hung_on_its_deal() {
    let connector = connector();
    let writes = [
        write("fill-1", None, Act::Open(shape("owner:23"))),
        write("fill-2", Some("92"), Act::Close),
        write("fill-3", None, Act::Open(shape("user:23"))),
    ];
    let mut put = connector.put(KEY, &writes);
    let closing = put.request();
    assert!(closing.path.ends_with("/tasks/batch/update"), "{}", closing.path);
    assert_eq!(sent(&closing)["inputs"][0]["properties"], json!({ "hs_task_status": "COMPLETED" }));
    let body = json!({ "status": "COMPLETE", "results": [{ "id": "92", "properties": {}, "objectWriteTraceId": "task-1" }] });
    go_on(&put.reply(&reply(200, &body)).unwrap());
    let opening = put.request();
    assert!(opening.path.ends_with("/tasks/batch/upsert"), "{}", opening.path);
    let input = &sent(&opening)["inputs"][0];
    assert_eq!((&input["id"], &input["idProperty"]), (&json!("fill-1"), &json!(KEY)));
    let properties = &input["properties"];
    assert_eq!(properties["hubspot_owner_id"], "23");
    assert_eq!(properties["hs_task_body"], "- Risks &lt; 3<br>- Sponsor &amp; map");
    assert_eq!(properties["hs_timestamp"], "2026-03-01T10:00:00.000Z");
    let body = json!({ "status": "COMPLETE", "results": [{ "id": "91", "new": true, "properties": {}, "objectWriteTraceId": "task-0" }] });
    go_on(&put.reply(&reply(200, &body)).unwrap());
    let associating = put.request();
    assert!(associating.path.ends_with("/tasks/deals/batch/associate/default"), "{}", associating.path);
    assert_eq!(sent(&associating)["inputs"], json!([{ "from": { "id": "91" }, "to": { "id": "17" } }]));
    let body = json!({ "status": "COMPLETE", "results": [{ "from": { "id": "91" }, "to": { "id": "17" } }] });
    let Step::Done(outcomes) = put.reply(&reply(200, &body)).unwrap() else { panic!("not done") };
    assert_eq!(outcomes[0], Ok(RecordId("91".to_owned())));
    assert_eq!(outcomes[1], Ok(RecordId("92".to_owned())));
    assert!(
        matches!(outcomes[2], Err(Fault::Refused { .. })),
        "a user's number is not an owner's: {outcomes:?}"
    );
}

#[test]
fn a_batch_that_is_refused_whole_is_halved_and_a_missing_scope_stays_with_the_tasks() {
    let connector = connector();
    let writes = [write("a", Some("1"), Act::Close), write("b", Some("2"), Act::Close)];
    let mut put = connector.put(KEY, &writes);
    let bad = json!({ "category": "VALIDATION_ERROR", "message": "no" });
    put.request();
    go_on(&put.reply(&reply(400, &bad)).unwrap());
    assert_eq!(sent(&put.request())["inputs"].as_array().unwrap().len(), 1);
    go_on(&put.reply(&reply(400, &bad)).unwrap());
    let body = json!({ "status": "COMPLETE", "results": [{ "id": "2", "properties": {}, "objectWriteTraceId": "task-1" }] });
    let Step::Done(outcomes) = put.reply(&reply(200, &body)).unwrap() else { panic!("not done") };
    assert!(matches!(outcomes.as_slice(), [Err(Fault::Refused { .. }), Ok(_)]), "{outcomes:?}");

    let mut put = connector.put(KEY, &writes);
    let denied = json!({ "category": "MISSING_SCOPES", "message": "no" });
    let Step::Done(outcomes) = put.reply(&reply(403, &denied)).unwrap() else { panic!("not done") };
    assert!(outcomes.iter().all(|one| matches!(one, Err(Fault::Denied { .. }))), "{outcomes:?}");
    assert!(connector.put(KEY, &writes).reply(&reply(502, &json!({}))).is_err());
}

#[test]
fn a_task_that_cannot_be_hung_on_its_deal_counts_as_refused() {
    let connector = connector();
    let writes = [write("fill-1", None, Act::Open(shape("owner:23")))];
    let mut put = connector.put(KEY, &writes);
    let body = json!({ "status": "COMPLETE", "results": [{ "id": "91", "properties": {}, "objectWriteTraceId": "task-0" }] });
    go_on(&put.reply(&reply(200, &body)).unwrap());
    let body = json!({ "status": "COMPLETE", "results": [], "numErrors": 1, "errors": [{ "category": "VALIDATION_ERROR", "message": "x" }] });
    let Step::Done(outcomes) = put.reply(&reply(207, &body)).unwrap() else { panic!("not done") };
    assert!(matches!(outcomes.as_slice(), [Err(Fault::Refused { .. })]), "{outcomes:?}");
}

#[test]
fn tasks_are_found_by_what_they_stand_for() {
    let connector = connector();
    let ids = ["fill-1".to_owned(), "fill-2".to_owned()];
    let mut find = connector.find(KEY, &ids);
    assert_eq!(sent(&find.request())["idProperty"], KEY);
    let properties = json!({
        (KEY): "fill-2", "hs_task_status": "COMPLETED", "hs_task_body": "<p>One</p>Two<br>", "hs_updated_by_user_id": "17",
    });
    let row = json!({ "id": "91", "properties": properties });
    let lost = json!({ "category": "OBJECT_NOT_FOUND", "message": "x", "context": { "ids": ["fill-1"] } });
    let body = json!({ "status": "COMPLETE", "results": [row], "numErrors": 1, "errors": [lost] });
    let Step::Done(found) = find.reply(&reply(207, &body)).unwrap() else { panic!("not done") };
    assert_eq!(found[0], None);
    let seen = found[1].as_ref().unwrap();
    assert_eq!((seen.open, seen.text.as_str()), (false, "One\nTwo\n"));
    assert_eq!(seen.by.as_ref().map(ActorId::as_str), Some("user:17"));
}
