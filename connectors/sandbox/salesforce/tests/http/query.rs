use handoff_sandbox_salesforce::{Act, ActorKind, seed};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::support::{AE, Reply, Site};

async fn page(site: &Site, soql: &str, batch: &str) -> Json {
    let request = site.ask("query", soql);
    let reply =
        Reply::of(request.header("Sforce-Query-Options", format!("batchSize={batch}")).send().await.unwrap())
            .await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}

async fn follow(site: &Site, token: &str, url: &Json) -> Reply {
    let url = format!("{}{}", site.sandbox.base_url(), url.as_str().unwrap());
    Reply::of(site.http.get(url).bearer_auth(token).send().await.unwrap()).await
}

fn many_accounts(site: &Site, count: usize) {
    for number in 0..count {
        let act = Act::create(seed::ADMIN_USER, "Account", &json!({"Name": format!("Bulk {number:05}")}));
        site.org().act(&act.by(ActorKind::Load)).unwrap();
    }
}

#[tokio::test]
async fn pages_hold_every_row_once_and_follow_on_both_paths() {
    let site = Site::start().await;
    many_accounts(&site, 450);
    let mut at = page(&site, "SELECT Id FROM Account WHERE Name LIKE 'Bulk%' ORDER BY Name", "1").await;
    let mut seen = std::collections::BTreeSet::new();
    let mut pages = 1;
    loop {
        for row in at["records"].as_array().unwrap() {
            assert!(seen.insert(row["Id"].as_str().unwrap().to_owned()));
        }
        if at["done"] == json!(true) {
            break;
        }
        assert_eq!((at["totalSize"].as_u64(), at["records"].as_array().unwrap().len()), (Some(450), 200));
        at = follow(&site, &site.token, &at["nextRecordsUrl"]).await.json();
        pages += 1;
    }
    assert_eq!((seen.len(), pages), (450, 3));
    assert!(at.get("nextRecordsUrl").is_none());
}

#[tokio::test]
async fn a_locator_dies_with_its_session() {
    let site = Site::start().await;
    many_accounts(&site, 201);
    let first = page(&site, "SELECT Id FROM Account WHERE Name LIKE 'Bulk%'", "200").await;
    let again = site.org().token_for(seed::INTEGRATION_USER).unwrap();
    let renewed = follow(&site, &again, &first["nextRecordsUrl"]).await;
    assert_eq!((renewed.status, renewed.code().as_str()), (401, "INVALID_SESSION_ID"));
    let other = site.org().token_for(seed::ADMIN_USER).unwrap();
    let foreign = follow(&site, &other, &first["nextRecordsUrl"]).await;
    assert_eq!((foreign.status, foreign.code().as_str()), (400, "INVALID_QUERY_LOCATOR"));
    let junk = follow(&site, &site.token, &json!("/services/data/v62.0/query/0r8junk-200")).await;
    assert_eq!(junk.code(), "INVALID_QUERY_LOCATOR");
    assert_eq!(follow(&site, &site.token, &first["nextRecordsUrl"]).await.status, 200);
    let alive = site.org().token_for(seed::INTEGRATION_USER).unwrap();
    site.org().advance(3600);
    assert_eq!(follow(&site, &alive, &first["nextRecordsUrl"]).await.code(), "INVALID_SESSION_ID");
}

#[tokio::test]
async fn keyset_pages_cross_equal_stamps() {
    let site = Site::start().await;
    site.org().advance(60);
    many_accounts(&site, 30);
    let mut last: Option<(String, String)> = None;
    let mut seen = Vec::new();
    loop {
        let filter = last.as_ref().map_or_else(
            || "SystemModstamp >= 2026-11-20T09:01:00Z".to_owned(),
            |(stamp, id)| format!("(SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '{id}'))"),
        );
        let soql = format!(
            "SELECT Id, SystemModstamp FROM Account WHERE {filter} ORDER BY SystemModstamp, Id LIMIT 7"
        );
        let rows = site.query(&soql).await;
        let rows = rows["records"].as_array().unwrap().clone();
        let Some(end) = rows.last() else { break };
        last = Some(("2026-11-20T09:01:00Z".to_owned(), end["Id"].as_str().unwrap().to_owned()));
        seen.extend(rows.iter().map(|row| row["Id"].as_str().unwrap().to_owned()));
    }
    let unique: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!((seen.len(), unique.len()), (30, 30));
}

#[tokio::test]
async fn deleted_rows_show_in_query_all_only() {
    let site = Site::start().await;
    let deal = site.deal("gone").await;
    assert_eq!(
        site.call(Method::DELETE, &format!("sobjects/Opportunity/{deal}"), &Json::Null).await.status,
        204
    );
    let soql = format!("SELECT Id, IsDeleted FROM Opportunity WHERE Id = '{deal}'");
    assert_eq!(site.query(&soql).await["totalSize"], 0);
    let all = site.ask("queryAll/", &soql).send().await.unwrap();
    assert_eq!(Reply::of(all).await.json()["records"][0]["IsDeleted"], true);
    let gone = site.get(&format!("sobjects/Opportunity/{deal}")).await;
    assert_eq!((gone.status, gone.code().as_str()), (404, "ENTITY_IS_DELETED"));
}

#[tokio::test]
async fn a_late_commit_appears_behind_the_cursor_and_holds_back_latest_date_covered() {
    let site = Site::start().await;
    let deal = site.deal("late").await;
    site.org().advance(600);
    let transaction = site.org().open_transaction();
    let fields = json!({"NextStep": "inside"});
    let act = Act::update(seed::ADMIN_USER, "Opportunity", deal, &fields).within(transaction);
    site.org().act(&act).unwrap();
    let step = format!("SELECT NextStep, SystemModstamp FROM Opportunity WHERE Id = '{deal}'");
    assert_eq!(site.query(&step).await["records"][0]["NextStep"], Json::Null);
    let path = format!("sobjects/Opportunity/{deal}");
    let locked = site.call(Method::PATCH, &path, &json!({"NextStep": "outside"})).await;
    assert_eq!((locked.status, locked.code().as_str()), (400, "UNABLE_TO_LOCK_ROW"));
    site.org().advance(300);
    let window = "start=2026-11-20T09%3A05%3A00Z&end=2026-11-20T09%3A15%3A00Z";
    let before = site.get(&format!("sobjects/Opportunity/updated/?{window}")).await.json();
    assert_eq!(before, json!({"ids": [], "latestDateCovered": "2026-11-20T09:10:00.000+0000"}));
    assert_eq!(site.org().commit_transaction(transaction).unwrap(), 1);
    let row = site.query(&step).await["records"][0].clone();
    assert_eq!(
        (row["NextStep"].as_str(), row["SystemModstamp"].as_str()),
        (Some("inside"), Some("2026-11-20T09:10:00.000+0000"))
    );
    let after = site.get(&format!("sobjects/Opportunity/updated?{window}")).await.json();
    assert_eq!(after, json!({"ids": [deal], "latestDateCovered": "2026-11-20T09:15:00.000+0000"}));
    let entry = site.org().journal().pop().unwrap();
    assert_eq!(entry.visible_at.as_second() - entry.stamped_at.as_second(), 300);
}

#[tokio::test]
async fn hidden_fields_are_unknown_fields() {
    let mut site = Site::start().await;
    site.org()
        .create_user(&handoff_sandbox_salesforce::NewUser::new("plain@x.example", "Pat", "Plain"))
        .unwrap();
    site.token = site.org().token_for("plain@x.example").unwrap();
    let soql = "SELECT Id, Handoff_03_Status__c FROM Opportunity";
    let reply = Reply::of(site.ask("query", soql).send().await.unwrap()).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "INVALID_FIELD"));
    let described = |reply: Json| -> Vec<String> {
        reply["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| field["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let names = described(site.get("sobjects/Opportunity/describe").await.json());
    assert!(names.contains(&"StageName".to_owned()) && !names.contains(&"Handoff_03_Status__c".to_owned()));
    site.org().assign("plain@x.example", "Handoff_Reader").unwrap();
    let names = described(site.get("sobjects/Opportunity/describe").await.json());
    assert!(names.contains(&"Handoff_03_Status__c".to_owned()));
    let _ = AE;
}
