use handoff_sandbox_gong::{CallSpec, User, WorkspaceInfo};
use serde_json::{Value as Json, json};

use crate::support::{AVA, Site};

#[tokio::test]
async fn users_have_aliases_and_are_found_by_id_or_date() {
    let site = Site::start().await;
    let users = site.get("/v2/users?includeAvatars=true").await.json();
    assert_eq!(users["users"].as_array().unwrap().len(), 12);
    let ingrid = users["users"].as_array().unwrap().iter().find(|user| user["lastName"] == "Moen").unwrap();
    assert_eq!(ingrid["emailAliases"], json!(["ingrid@northwind-peak.example"]));
    let id = site.workspace().add_user(User::new("new@northwind-peak.example", "New", "One"));
    let by_id = site.post("/v2/users/extensive", &json!({"filter": {"userIds": [id]}})).await.json();
    assert_eq!(by_id["users"][0]["emailAddress"], "new@northwind-peak.example");
    let recent = json!({"filter": {"createdFromDateTime": site.at(0).to_string()}});
    assert_eq!(site.post("/v2/users/extensive", &recent).await.json()["records"]["totalRecords"], 1);
}

#[tokio::test]
async fn trackers_and_workspaces_are_not_paged() {
    let site = Site::start().await;
    let all = site.get("/v2/workspaces").await.json();
    let first = all["workspaces"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(first, site.workspace().id());
    let trackers = site.get(&format!("/v2/settings/trackers?workspaceId={first}")).await.json();
    assert_eq!(trackers["keywordTrackers"][0]["trackerName"], "Economic buyer");
    let other = WorkspaceInfo { id: String::new(), name: "EMEA".into(), description: None };
    let second = site.workspace().add_workspace(other);
    let call = CallSpec { workspace: Some(second.clone()), ..site.call(900) };
    let id = site.add(call);
    let path = |workspace: &str| {
        format!(
            "/v2/calls?fromDateTime={}&toDateTime={}&workspaceId={workspace}",
            site.at(-1_000),
            site.at(0)
        )
    };
    assert_eq!(site.get(&path(&second)).await.ids(), [id]);
    assert_eq!(site.get(&path(&first)).await.status, 404);
}

#[tokio::test]
async fn relinking_changes_the_context_and_is_told_in_order() {
    let site = Site::start().await;
    let call = site.add(site.call(900));
    let workspace = site.workspace();
    workspace.relink(&call, AVA, "Salesforce", Some("001A"), Some("006A")).unwrap();
    workspace.advance(60);
    let since = workspace.now();
    workspace.relink(&call, AVA, "Salesforce", Some("001B"), None).unwrap();
    let feed = site.get("/v2/calls/manual-crm-associations").await.json();
    let dealt: Vec<&Json> = feed["associations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["associatedCrmObjects"][0]["dealCrmId"])
        .collect();
    assert_eq!(dealt, [&json!("006A"), &Json::Null]);
    let later = site.get(&format!("/v2/calls/manual-crm-associations?fromDateTime={since}")).await.json();
    assert_eq!(
        later["associations"],
        json!([{
            "callId": call, "userId": workspace.user(AVA).unwrap().id, "created": since.to_string(),
            "associatedCrmObjects": [{"accountCrmId": "001B", "dealCrmId": null}],
        }])
    );
    let context =
        site.details(&[&call], &json!({"context": "Basic"})).await.json()["calls"][0]["context"].clone();
    assert_eq!(context[0]["objects"], json!([{"objectType": "Account", "objectId": "001B"}]));
    assert!(workspace.relink("1", AVA, "Salesforce", None, None).is_err());
}
