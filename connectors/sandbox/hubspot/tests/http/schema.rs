use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::support::{AE, LEAD, Site};

#[tokio::test]
async fn the_shipped_properties_are_installed_and_typed() {
    let site = Site::start().await;
    let all = site.get("/crm/properties/2026-09/deals").await.json();
    let named = |name: &str| {
        all["results"].as_array().unwrap().iter().find(|known| known["name"] == name).unwrap().clone()
    };
    let shipped: Vec<Json> =
        serde_json::from_str(handoff_sandbox_hubspot::seed::shipped_properties("deals")).unwrap();
    for body in &shipped {
        let known = named(body["name"].as_str().unwrap());
        assert_eq!(
            (&known["type"], &known["fieldType"], &known["groupName"]),
            (&body["type"], &body["fieldType"], &json!("handoff"))
        );
        assert_eq!(known["modificationMetadata"]["readOnlyValue"], false);
    }
    let lead = named("handoff_onboarding_lead");
    assert_eq!((&lead["referencedObjectType"], &lead["externalOptions"]), (&json!("OWNER"), &json!(true)));
    let won = named("hs_is_closed_won");
    assert_eq!(
        (&won["calculated"], &won["modificationMetadata"]["readOnlyValue"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(named("hs_v2_date_entered_75410013")["type"], "datetime");
    assert_eq!(named("hubspot_owner_id")["referencedObjectType"], "OWNER");
}

#[tokio::test]
async fn d12_properties_are_made_changed_archived_and_come_back() {
    let site = Site::start().await;
    let base = "/crm/v3/properties/deals";
    let body = json!({"name": "risk", "label": "Risk", "type": "enumeration", "fieldType": "select", "groupName": "handoff",
        "options": [{"label": "High", "value": "high", "displayOrder": 0, "hidden": false}]});
    assert_eq!(site.post(base, &body).await.status, 201);
    let again = site.post(base, &body).await;
    assert_eq!((again.status, again.category().as_str()), (409, "OBJECT_ALREADY_EXISTS"));
    assert_eq!(again.json()["subCategory"], "Properties.PROPERTY_WITH_NAME_EXISTS");
    let options = json!({"options": [{"label": "Low", "value": "low", "displayOrder": 0, "hidden": false}]});
    let edited = site.patch(&format!("{base}/risk"), &options).await.json();
    assert_eq!(edited["options"].as_array().unwrap().len(), 1, "the list is replaced");
    let deal = site.deal("x").await;
    let write = |value: &str| json!({"properties": {"risk": value}});
    assert_eq!(
        site.patch(&format!("/crm/v3/objects/deals/{deal}"), &write("high")).await.code(),
        "INVALID_OPTION"
    );
    assert_eq!(site.patch(&format!("/crm/v3/objects/deals/{deal}"), &write("low")).await.status, 200);
    assert_eq!(site.call(Method::DELETE, &format!("{base}/risk"), &Json::Null).await.status, 204);
    assert_eq!(site.get(&format!("{base}/risk")).await.status, 404);
    assert_eq!(
        site.patch(&format!("/crm/v3/objects/deals/{deal}"), &write("low")).await.code(),
        "PROPERTY_DOESNT_EXIST"
    );
    let gone = site.get(&format!("{base}?archived=true")).await.json();
    assert_eq!(gone["results"][0]["name"], "risk");
    let back = site.post(base, &json!({"name": "risk", "label": "New", "type": "string", "fieldType": "text", "groupName": "handoff"})).await;
    assert_eq!(
        (back.status, &back.json()["label"], &back.json()["type"]),
        (201, &json!("Risk"), &json!("enumeration")),
        "the old definition"
    );
    for (change, why) in [
        (json!({"name": "Upper"}), "name"),
        (json!({"name": "a1", "groupName": "nosuch"}), "group"),
        (json!({"name": "a2", "fieldType": "text"}), "field type"),
        (json!({"name": "a3", "options": []}), "options"),
        (json!({"name": "a4", "type": "blob"}), "type"),
    ] {
        let mut wrong = body.clone();
        for (key, value) in change.as_object().unwrap() {
            wrong[key] = value.clone();
        }
        assert_eq!(site.post(base, &wrong).await.status, 400, "{why}");
    }
    let batch = json!({"inputs": [{"name": "b1", "label": "B", "type": "bool", "fieldType": "booleancheckbox", "groupName": "handoff"}, body]});
    let made = site.post(&format!("{base}/batch/create"), &batch).await;
    assert_eq!((made.status, made.json()["results"].as_array().unwrap().len()), (207, 1));
    let group = json!({"name": "extra", "label": "Extra", "displayOrder": 3});
    assert_eq!(site.post(&format!("{base}/groups"), &group).await.status, 201);
    assert_eq!(site.post(&format!("{base}/groups"), &group).await.status, 409);
    assert_eq!(site.patch(&format!("{base}/amount"), &json!({"label": "x"})).await.status, 400);
}

#[tokio::test]
async fn several_values_are_joined_and_appended() {
    let site = Site::start().await;
    let path = format!("/crm/v3/objects/deals/{}", site.deal("x").await);
    let set = |value: &str| json!({"properties": {"handoff_reject_fields": value}});
    let options = site.get("/crm/v3/properties/deals/handoff_reject_fields").await.json();
    let name = |at: usize| options["options"][at]["value"].as_str().unwrap().to_owned();
    let (a, b) = (name(0), name(1));
    assert_eq!(site.patch(&path, &set(&a)).await.json()["properties"]["handoff_reject_fields"], json!(a));
    let both = site.patch(&path, &set(&format!(";{b}"))).await.json();
    assert_eq!(both["properties"]["handoff_reject_fields"], json!(format!("{a};{b}")));
}

#[tokio::test]
async fn pipelines_have_words_and_numbers_as_stages() {
    let site = Site::start().await;
    for base in ["/crm/v3/pipelines/deals", "/crm/pipelines/2026-09/deals"] {
        let all = site.get(base).await.json();
        let (sales, renewals) = (&all["results"][0], &all["results"][1]);
        assert_eq!((&sales["id"], &sales["createdAt"]), (&json!("default"), &json!("1970-01-01T00:00:00Z")));
        assert_eq!(sales["stages"][5]["metadata"], json!({"isClosed": "true", "probability": "1.0"}));
        assert_eq!(renewals["stages"][2]["id"], "75410013");
        assert_eq!(
            site.get(&format!("{base}/default/stages/closedlost")).await.json()["metadata"]["probability"],
            "0.0"
        );
    }
    let tickets = site.get("/crm/v3/pipelines/tickets").await.json();
    assert_eq!(tickets["results"][0]["stages"][3]["metadata"]["ticketState"], "CLOSED");
    let deal = site.deal("x").await;
    let path = format!("/crm/v3/objects/deals/{deal}");
    let other = json!({"properties": {"dealstage": "75410013"}});
    assert_eq!(site.patch(&path, &other).await.code(), "INVALID_OPTION", "a stage of another pipeline");
    let both = json!({"properties": {"pipeline": "75410001", "dealstage": "75410013"}});
    assert_eq!(site.patch(&path, &both).await.status, 200);
    assert_eq!(site.portal().property("deals", deal, "hs_is_closed_won").as_deref(), Some("true"));
    let used =
        site.call(Method::DELETE, "/crm/pipelines/2026-09/deals/75410001/stages/75410013", &Json::Null).await;
    assert_eq!(
        (used.status, used.json()["subCategory"].as_str()),
        (400, Some("PipelineError.STAGE_ID_IN_USE"))
    );
    let old =
        site.call(Method::DELETE, "/crm/v3/pipelines/deals/75410001/stages/75410013", &Json::Null).await;
    assert_eq!(old.status, 204);
    let made = json!({"label": "New", "displayOrder": 2, "stages": [{"label": "One", "displayOrder": 0, "metadata": {"probability": "0.5"}}]});
    let made = site.post("/crm/v3/pipelines/deals", &made).await;
    assert_eq!((made.status, made.json()["stages"][0]["id"].as_str().unwrap().is_empty()), (201, false));
}

#[tokio::test]
async fn owners_are_not_users_and_may_be_archived() {
    let site = Site::start().await;
    let by_mail = site.get(&format!("/crm/v3/owners/?email={AE}&archived=False")).await.json();
    let owner = &by_mail["results"][0];
    assert_eq!(by_mail["results"].as_array().unwrap().len(), 1);
    let (id, user) = (owner["id"].as_str().unwrap(), owner["userId"].as_u64().unwrap());
    assert_ne!(id, user.to_string());
    assert_eq!(
        site.get(&format!("/crm/owners/2026-09/{user}?idProperty=userId")).await.json()["id"],
        json!(id)
    );
    assert_eq!(site.get(&format!("/crm/v3/owners/{user}")).await.status, 404);
    site.portal().set_active(LEAD, false).unwrap();
    let gone = site.get("/crm/v3/owners?archived=true").await.json();
    assert_eq!((&gone["results"][0]["email"], &gone["results"][0]["userId"]), (&json!(LEAD), &Json::Null));
    assert!(gone["results"][0]["userIdIncludingInactive"].is_u64());
    assert_eq!(gone["results"][0]["teams"], json!([{"id": "303", "name": "Onboarding", "primary": true}]));
    let first = site.get("/crm/v3/owners?limit=5").await.json();
    let after = first["paging"]["next"]["after"].as_str().unwrap();
    let second = site.get(&format!("/crm/v3/owners?limit=100&after={after}")).await.json();
    assert_eq!(first["results"].as_array().unwrap().len() + second["results"].as_array().unwrap().len(), 11);
}
