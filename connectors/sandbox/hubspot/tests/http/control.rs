use handoff_sandbox_hubspot::{Clock, Operation, SandboxOptions, seed};
use serde_json::{Value as Json, json};

use crate::support::{AE, LEAD, Reply, Site};

#[tokio::test]
async fn acting_over_http_shows_what_the_user_would_see() {
    let site = Site::start().await;
    let deal = site.deal("x").await;
    let act = |properties: Json| json!({"user": AE, "kind": "ui", "object": "deals", "id": deal, "properties": properties});
    let done = site.control("act", &act(json!({"hs_next_step": "call"}))).await;
    assert_eq!((done.status, done.json()["id"].clone()), (200, json!(deal)));
    let refused = site.control("act", &act(json!({"dealstage": "nosuch"}))).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "INVALID_OPTION"));
    let nobody = site.control("act", &json!({"user": "x@y", "object": "deals"})).await;
    assert_eq!(nobody.status, 404);
    assert_eq!(site.control("act", &json!({"usr": "x"})).await.category(), "BAD_REQUEST");
    let link = json!({"user": AE, "object": "deals", "id": deal, "to": ["contacts", site.portal().ids("contacts")[2]], "label": "Champion"});
    assert_eq!(site.control("associate", &link).await.status, 200);
    assert_eq!(
        site.control("archive", &json!({"user": AE, "object": "deals", "id": deal})).await.status,
        200
    );
    assert_eq!(site.control("switches", &json!({"search_lag": 5, "portal_id": 8})).await.status, 200);
    assert_eq!(site.portal().id(), 8);
}

#[tokio::test]
async fn every_write_is_remembered_with_its_caller() {
    let site = Site::start().await;
    site.portal().forget();
    let deal = site.deal("x").await;
    site.portal().advance(3);
    let body = json!({"inputs": [{"id": deal, "objectWriteTraceId": "t9", "properties": {"amount": "5", "dealname": "x"}}]});
    site.post("/crm/objects/2026-09/deals/batch/update", &body).await;
    let write = site.portal().writes().pop().unwrap();
    assert_eq!((write.seq, write.operation, write.status.as_str()), (2, Operation::Update, "ok"));
    assert_eq!((write.app, write.user, write.id), (Some(seed::SERVICE_KEY_APP), None, Some(deal)));
    assert_eq!((write.trace.as_deref(), &write.asked["amount"]), (Some("t9"), &json!("5")));
    let amount = write.changes.iter().find(|change| change.property == "amount").unwrap();
    assert_eq!((amount.old.as_deref(), amount.new.as_deref()), (Some("1000"), Some("5")));
    let journal = site.portal().journal().pop().unwrap();
    assert_eq!((journal.id, journal.properties.contains(&"amount".to_owned())), (deal, true));
    assert!(!journal.properties.contains(&"dealname".to_owned()), "what does not differ is no change");
    assert_eq!(journal.origin.source_type, "INTEGRATION");
    let url = format!("{}/_sandbox/writes?since=1", site.sandbox.base_url());
    let listed = Reply::of(site.http.get(url).send().await.unwrap()).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["kind"], "api");
}

#[tokio::test]
async fn reset_gives_the_same_portal_again() {
    let site = Site::start().await;
    let before = (site.portal().ids("deals"), site.portal().ids("contacts"));
    let deal = site.deal("x").await;
    assert_eq!(site.control("reset", &json!({})).await.status, 200);
    assert_eq!((site.portal().ids("deals"), site.portal().ids("contacts")), before);
    assert_eq!(site.portal().get("deals", deal), None);
}

#[tokio::test]
async fn the_company_is_believable() {
    let site = Site::start().await;
    let portal = site.portal();
    assert_eq!((portal.count("companies"), portal.count("contacts"), portal.count("deals")), (27, 81, 42));
    let has = |name: &str| {
        portal.ids("deals").iter().filter(|id| portal.property("deals", **id, name).is_some()).count()
    };
    let (full, any) = (has("handoff_success_metric"), has("handoff_onboarding_lead"));
    assert!(full >= 3 && any - full >= 10 && 40 - any >= 10, "{full} {any}");
    assert_eq!(has("handoff_commission_eligible"), 0, "every gate starts shut");
    let lead = portal.owner_id(LEAD).unwrap().to_string();
    assert!(
        portal
            .ids("deals")
            .iter()
            .any(|id| portal.property("deals", *id, "handoff_onboarding_lead").as_deref() == Some(&lead))
    );
}

#[tokio::test]
async fn one_clock_for_several_sandboxes() {
    let clock = Clock::manual().shared();
    let one = Site::with(SandboxOptions { clock: clock.clone(), ..SandboxOptions::default() }).await;
    let two = Site::with(SandboxOptions { clock, ..SandboxOptions::default() }).await;
    one.control("clock", &json!({"advance_seconds": 90})).await;
    assert_eq!(two.portal().now().to_string(), "2026-11-20T09:01:30Z");
}

const DEALS: &str = "key,name,value,closed,person\n7,Big,12.50,2024-03-05 10:11:12,ann\n8,Small,,,\n";
const MAPPING: &str = r#"
object = "deals"
add_fields = [{ name = "source_key", label = "Key", type = "string", fieldType = "text", groupName = "handoff" }]
key = { space = "deals", column = "key" }
[fields]
dealname = "name"
amount = "value"
closedate = "closed"
source_key = "row {key}"
[constants]
dealstage = "closedwon"
[dates]
closedate = "%Y-%m-%d %H:%M:%S"
"#;

#[tokio::test]
async fn csv_and_jsonl_are_loaded_by_a_mapping() {
    let site = Site::start().await;
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (deals, plan) = (write("deals.csv", DEALS), write("deals.toml", MAPPING));
    let loaded = site.control("load", &json!({"file": deals, "mapping": plan})).await;
    assert_eq!(loaded.json(), json!({"saved": 2, "refused": 0}), "{}", loaded.text);
    let found = json!({"filterGroups": [{"filters": [{"propertyName": "source_key", "operator": "EQ", "value": "row 7"}]}], "properties": ["closedate", "amount"]});
    let found = site.post("/crm/v3/objects/deals/search", &found).await.json();
    assert_eq!(found["results"][0]["properties"]["closedate"], "2024-03-05T10:11:12Z");
    let notes = write("notes.jsonl", "{\"of\": 7, \"text\": \"hello\"}\n{\"of\": 9, \"text\": \"lost\"}\n");
    let plan = write(
        "notes.toml",
        "object = \"notes\"\n[fields]\nhs_note_body = \"text\"\n[references]\n\"associations.deals\" = { space = \"deals\", column = \"of\" }\n",
    );
    let error = site.portal().load(&notes, &plan).unwrap_err().to_string();
    assert!(
        error.ends_with("notes.jsonl, line 2: associations.deals: no loaded row of deals has this key"),
        "{error}"
    );
    let deal: u64 = found["results"][0]["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(site.portal().linked("deals", deal, "notes").len(), 1);
}
