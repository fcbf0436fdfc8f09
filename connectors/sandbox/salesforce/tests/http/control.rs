use handoff_sandbox_salesforce::Operation;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::support::{AE, Reply, Site};

#[tokio::test]
async fn acting_over_http_shows_what_the_user_would_see() {
    let site = Site::start().await;
    let deal = site.deal("x").await;
    let act = |fields: Json| json!({"user": AE, "kind": "ui", "object": "Opportunity", "id": deal, "fields": fields});
    let done = site.control("act", &act(json!({"NextStep": "call"}))).await;
    assert_eq!((done.status, done.json()["id"].clone()), (200, json!(deal)));
    let refused = site.control("act", &act(json!({"StageName": "Closed Won"}))).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "FIELD_CUSTOM_VALIDATION_EXCEPTION"));
    let nobody = site.control("act", &json!({"user": "x@y", "object": "Opportunity"})).await;
    assert_eq!(nobody.status, 404);
    let typo = site.control("act", &json!({"usr": "x"})).await;
    assert_eq!(typo.code(), "BAD_REQUEST");
}

#[tokio::test]
async fn every_write_is_remembered_with_its_caller() {
    let site = Site::start().await;
    let deal = site.deal("x").await;
    site.org().advance(3);
    let request = site
        .request(Method::PATCH, &format!("sobjects/Opportunity/{deal}"))
        .header("Sforce-Call-Options", "client=handoffd, defaultNamespace=x")
        .body(r#"{"NextStep":"a","Amount":5}"#);
    assert_eq!(request.send().await.unwrap().status(), 204);
    let write = site.org().writes().pop().unwrap();
    assert_eq!((write.seq, write.operation, write.status.as_str()), (2, Operation::Update, "ok"));
    assert_eq!((write.client.as_deref(), write.id), (Some("handoffd"), Some(deal)));
    let amount = write.fields.iter().find(|change| change.field == "Amount").unwrap();
    assert_eq!((&amount.old, &amount.new), (&json!(1000.0), &json!(5)));
    let journal = site.org().journal().pop().unwrap();
    assert_eq!((journal.id, journal.fields.contains(&"ExpectedRevenue".to_owned())), (deal, true));
    let url = format!("{}/_sandbox/writes?since=1", site.sandbox.base_url());
    let listed = Reply::of(site.http.get(url).send().await.unwrap()).await.json();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let changes = listed[0]["fields"].as_array().unwrap();
    assert!(
        changes.iter().any(|change| change["field"] == "Amount" && change["old"] == 1000.0),
        "{changes:?}"
    );
}

#[tokio::test]
async fn reset_gives_the_same_org_again() {
    let site = Site::start().await;
    let before = site.org().query("SELECT Id, Name, OwnerId FROM Opportunity ORDER BY Id").unwrap();
    let deal = site.deal("x").await;
    assert_eq!(site.control("reset", &json!({})).await.status, 200);
    assert_eq!(site.org().query("SELECT Id, Name, OwnerId FROM Opportunity ORDER BY Id").unwrap(), before);
    assert_eq!((site.org().get(deal), site.org().writes().len()), (None, 0));
    assert_eq!(site.get("limits").await.status, 401, "sessions end with the old org");
}

#[tokio::test]
async fn the_company_is_believable() {
    let site = Site::start().await;
    let stages = site.query("SELECT StageName, COUNT(Id) n FROM Opportunity GROUP BY StageName").await;
    assert_eq!(stages["records"].as_array().unwrap().len(), 10);
    let full = site
        .query("SELECT Id FROM Opportunity WHERE Success_Metric__c != null AND Onboarding_Lead__c != null")
        .await;
    let empty = site
        .query("SELECT Id FROM Opportunity WHERE Signing_Authority__c = null AND Onboarding_Lead__c = null")
        .await;
    let half = site
        .query("SELECT Id FROM Opportunity WHERE Success_Metric__c = null AND Onboarding_Lead__c != null")
        .await;
    let count = |found: &Json| found["totalSize"].as_u64().unwrap();
    assert!(count(&full) >= 3 && count(&half) >= 10 && count(&empty) >= 10);
    assert_eq!(count(&full) + count(&half) + count(&empty), 40);
    let open = site.query("SELECT Id FROM Opportunity WHERE Handoff_03_Commission_Open__c = true").await;
    assert_eq!(count(&open), 0, "every gate starts shut");
}

const CONTACTS: &str =
    "key,name,mail,born,vip\n7,Ann Lee,ann@x.example,2024-03-05 10:11:12,yes\n8,Bo Ray,bo@x.example,,no\n";
const MAPPING: &str = r#"
object = "Contact"
add_fields = [{ name = "Vip__c", type = "boolean" }]
key = { space = "people", column = "key" }
[fields]
LastName = "name"
Email = "mail"
Department = "row {key}"
CreatedDate = "born"
Vip__c = "vip"
[constants]
Title = "Loaded"
[dates]
CreatedDate = "%Y-%m-%d %H:%M:%S"
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
    let (people, plan) = (write("people.csv", CONTACTS), write("people.toml", MAPPING));
    let loaded = site.control("load", &json!({"file": people, "mapping": plan})).await;
    assert_eq!(loaded.json(), json!({"saved": 2, "refused": 0}));
    let rows = site
        .query(
            "SELECT Name, Department, CreatedDate, Vip__c FROM Contact WHERE Title = 'Loaded' ORDER BY Name",
        )
        .await;
    assert_eq!(rows["records"][0]["Department"], "row 7");
    assert_eq!(rows["records"][0]["CreatedDate"], "2024-03-05T10:11:12.000+0000");
    assert_eq!((&rows["records"][0]["Vip__c"], &rows["records"][1]["Vip__c"]), (&json!(true), &json!(false)));
    let tasks =
        write("tasks.jsonl", "{\"who\": 8, \"what\": \"Call\"}\n\n{\"who\": 9, \"what\": \"Lost\"}\n");
    let plan = write(
        "tasks.toml",
        "object = \"Task\"\n[fields]\nSubject = \"what\"\n[references]\nWhoId = { space = \"people\", column = \"who\" }\n",
    );
    let error = site.org().load(&tasks, &plan).unwrap_err().to_string();
    assert!(error.ends_with("tasks.jsonl, line 3: WhoId: no loaded row of people has this key"), "{error}");
    assert_eq!(
        site.query("SELECT Who.Name FROM Task WHERE Subject = 'Call'").await["records"][0]["Who"]["Name"],
        "Bo Ray"
    );
}
