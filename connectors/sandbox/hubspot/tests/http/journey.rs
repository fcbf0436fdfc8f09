//! What the six handoffs need beside deals: activities, tickets, leads, custom objects.

use handoff_sandbox_hubspot::{Act, SandboxOptions, Seed, StaticToken};
use serde_json::{Value as Json, json};

use crate::support::{AE, LEAD, Site};

const SCHEMAS: &str = "/crm-object-schemas/2026-09/schemas";

async fn empty() -> Site {
    Site::with(SandboxOptions { seed: Seed::Empty, ..SandboxOptions::manual() }).await
}

fn pets() -> Json {
    json!({
        "name": "pets", "labels": {"singular": "Pet", "plural": "Pets"}, "primaryDisplayProperty": "pet_name",
        "requiredProperties": ["pet_name"], "searchableProperties": ["pet_name"],
        "associatedObjects": ["CONTACT", "0-2"],
        "properties": [
            {"name": "pet_name", "label": "Name", "type": "string", "fieldType": "text"},
            {"name": "keeper", "label": "Keeper", "type": "enumeration", "fieldType": "select",
             "externalOptions": true, "referencedObjectType": "OWNER"},
        ],
    })
}

#[tokio::test]
async fn a_custom_object_is_defined_and_found_by_each_of_its_names() {
    let site = empty().await;
    let made = site.post(SCHEMAS, &pets()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    let (type_id, full) =
        (made["objectTypeId"].as_str().unwrap(), made["fullyQualifiedName"].as_str().unwrap());
    assert!(type_id.starts_with("2-") && full == format!("p{}_pets", site.portal().id()), "{type_id} {full}");
    assert_eq!(made["metaType"], "PORTAL_SPECIFIC");
    let ends = made["associations"].as_array().unwrap();
    let to_contact = |end: &&Json| end["name"] == "pets_to_contact" && end["toObjectTypeId"] == "0-1";
    assert_eq!(ends.iter().filter(to_contact).count(), 1);
    assert_eq!(site.post(SCHEMAS, &pets()).await.status, 409);
    assert_eq!(site.get("/crm/v3/schemas/p_pets").await.json(), made);
    let listed = site.get("/crm-object-schemas/v3/schemas").await.json();
    assert!(listed["results"].as_array().unwrap().iter().any(|one| one["name"] == "pets"));
    for name in [type_id, full, "p_pets"] {
        let body = json!({"properties": {"pet_name": "Rex"}});
        let pet = site.post(&format!("/crm/objects/2026-09/{name}"), &body).await;
        assert_eq!(pet.status, 201, "{name}: {}", pet.text);
        assert_eq!(site.get(&format!("/crm/properties/2026-09/{name}/pet_name")).await.status, 200, "{name}");
    }
    assert_eq!(site.get("/crm/v3/objects/pets").await.status, 400, "a bare name is none");
    let nameless = site.post("/crm/v3/objects/p_pets", &json!({"properties": {"keeper": null}})).await;
    assert_eq!((nameless.status, nameless.code().as_str()), (400, "MISSING_REQUIRED_PROPERTY"));
    let found = site.post("/crm/v3/objects/p_pets/search", &json!({"properties": ["pet_name"]})).await.json();
    assert_eq!(found["total"], 3);
    assert_eq!(site.call(reqwest::Method::DELETE, "/crm/v3/schemas/p_pets", &Json::Null).await.status, 400);
    let retitled = site.patch(&format!("{SCHEMAS}/p_pets"), &json!({"labels": {"singular": "Animal"}})).await;
    assert_eq!((retitled.status, &retitled.json()["labels"]["singular"]), (200, &json!("Animal")));
    for bad in [json!({"name": "9x"}), json!({"properties": []}), json!({"requiredProperties": ["nosuch"]})] {
        let mut wish = pets();
        wish["name"] = json!("others");
        for (name, value) in bad.as_object().unwrap() {
            wish[name] = value.clone();
        }
        assert_eq!(site.post(SCHEMAS, &wish).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn custom_objects_are_linked_as_their_schema_says_and_keep_who_changed_what() {
    let site = empty().await;
    site.post(SCHEMAS, &pets()).await;
    let pet = site.portal().act(&Act::create(AE, "p_pets", json!({"pet_name": "Rex"}))).unwrap();
    let contact = site.portal().act(&Act::create(AE, "contacts", json!({"lastname": "Osei"}))).unwrap();
    let deal = site.deal("none of its").await;
    site.portal().associate(AE, ("p_pets", pet), ("contacts", contact), None).unwrap();
    assert!(
        site.portal().associate(AE, ("p_pets", pet), ("deals", deal), None).is_err(),
        "not in the schema"
    );
    let body = json!({"inputs": [{"id": pet.to_string()}]});
    let read = site.post("/crm/associations/2026-09/p_pets/contacts/batch/read", &body).await.json();
    assert_eq!(read["results"][0]["to"][0]["toObjectId"], contact.to_string());
    assert_eq!(read["results"][0]["to"][0]["associationTypes"][0]["category"], "USER_DEFINED");
    site.portal().advance(60);
    site.portal().act(&Act::update(LEAD, "p_pets", pet, json!({"pet_name": "Max"}))).unwrap();
    let body = json!({"inputs": [{"id": pet.to_string()}], "properties": ["pet_name"], "propertiesWithHistory": ["pet_name"]});
    let read = site.post("/crm/objects/2026-09/p_pets/batch/read", &body).await.json();
    let history = &read["results"][0]["propertiesWithHistory"]["pet_name"];
    assert_eq!((&history[0]["value"], &history[0]["sourceType"]), (&json!("Max"), &json!("CRM_UI")));
    assert_eq!(history[0]["updatedByUserId"], site.portal().user_id(LEAD).unwrap());
    assert_eq!(history[1]["value"], "Rex");
}

#[tokio::test]
async fn custom_objects_need_scopes_of_their_own() {
    let mut site = Site::start().await;
    let token = StaticToken {
        token: "pat-na1-deals-only".to_owned(),
        app_id: 9,
        name: String::new(),
        scopes: vec!["crm.objects.deals.read".to_owned()],
        user: None,
    };
    site.portal().put_token(&token).unwrap();
    site.token = token.token;
    for (path, scope) in [
        ("/crm/v3/objects/p_onboarding", "crm.objects.custom.read"),
        ("/crm/v3/schemas", "crm.schemas.custom.read"),
        ("/crm/v3/objects/leads", "crm.objects.leads.read"),
        ("/crm/v3/objects/meetings", "crm.objects.contacts.read"),
    ] {
        let refused = site.get(path).await;
        assert_eq!(refused.status, 403, "{path}");
        assert!(refused.text.contains(scope), "{path}: {}", refused.text);
    }
}

#[tokio::test]
async fn activities_need_a_time_from_apps_and_tasks_are_finished() {
    let site = empty().await;
    let path = "/crm/objects/2026-09/tasks";
    let refused = site.post(path, &json!({"properties": {"hs_task_subject": "Fill in"}})).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "MISSING_REQUIRED_PROPERTY"));
    let deal = site.deal("with a task").await;
    let made = site
        .post(
            path,
            &json!({
                "properties": {"hs_task_subject": "Fill in", "hs_timestamp": "2026-11-21T09:00:00Z"},
                "associations": [{"to": {"id": deal.to_string()},
                    "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 216}]}],
            }),
        )
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let task: u64 = made.json()["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(site.portal().linked("deals", deal, "tasks"), [task]);
    assert_eq!(site.portal().property("tasks", task, "hs_task_status").as_deref(), Some("NOT_STARTED"));
    assert_eq!(
        site.patch(&format!("{path}/{task}"), &json!({"properties": {"hs_task_status": "SOON"}}))
            .await
            .status,
        400
    );
    let done = json!({"properties": {"hs_task_status": "COMPLETED"}});
    assert_eq!(site.patch(&format!("{path}/{task}"), &done).await.status, 200);
    let told = |name: &str| site.portal().property("tasks", task, name);
    assert_eq!(told("hs_task_is_completed").as_deref(), Some("1"));
    assert!(told("hs_task_completion_date").is_some());
    // In the user interface the time is now.
    assert!(site.portal().act(&Act::create(AE, "notes", json!({"hs_note_body": "Called"}))).is_ok());
}

#[tokio::test]
async fn activities_tell_of_the_records_that_they_belong_to() {
    let site = empty().await;
    let portal = site.portal();
    let contact = portal.act(&Act::create(AE, "contacts", json!({"lastname": "Osei"}))).unwrap();
    let told = |name: &str| portal.property("contacts", contact, name).unwrap_or_default();
    let add = |kind: &str, at: &str| {
        let id = portal.act(&Act::create(AE, kind, json!({"hs_timestamp": at}))).unwrap();
        portal.associate(AE, (kind, id), ("contacts", contact), None).unwrap();
        id
    };
    add("notes", "2026-11-19T09:00:00Z");
    assert_eq!((told("num_notes").as_str(), told("num_contacted_notes").as_str()), ("1", "0"));
    assert_eq!(told("notes_last_contacted"), "");
    let call = add("calls", "2026-11-18T10:00:00Z");
    add("emails", "2026-11-17T08:00:00Z");
    add("meetings", "2027-01-01T08:00:00Z");
    assert_eq!((told("num_notes").as_str(), told("num_contacted_notes").as_str()), ("4", "3"));
    assert!(
        told("notes_last_contacted").starts_with("2026-11-18T10:00:00"),
        "a meeting to come is no contact yet"
    );
    assert!(told("hs_sa_first_engagement_date").starts_with("2026-11-17T08:00:00"));
    portal.act(&Act::update(AE, "calls", call, json!({"hs_timestamp": "2026-11-19T10:00:00Z"}))).unwrap();
    assert!(told("notes_last_contacted").starts_with("2026-11-19T10:00:00"));
    portal.dissociate(AE, ("calls", call), ("contacts", contact), None).unwrap();
    assert!(told("notes_last_contacted").starts_with("2026-11-17T08:00:00"));
}

#[tokio::test]
async fn tickets_move_in_pipelines_of_their_own() {
    let site = empty().await;
    let body = json!({"properties": {
        "subject": "It prints twice", "hs_pipeline": "escalations", "hs_pipeline_stage": "escalation_new",
        "hs_ticket_category": "PRODUCT_ISSUE",
    }});
    let made = site.post("/crm/objects/2026-09/tickets", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let ticket: u64 = made.json()["id"].as_str().unwrap().parse().unwrap();
    let foreign = json!({"properties": {"hs_pipeline_stage": "4"}});
    assert_eq!(site.patch(&format!("/crm/v3/objects/tickets/{ticket}"), &foreign).await.status, 400);
    site.portal().advance(3_600);
    let closed = json!({"properties": {"hs_pipeline_stage": "escalation_closed"}});
    assert_eq!(site.patch(&format!("/crm/v3/objects/tickets/{ticket}"), &closed).await.status, 200);
    let told = |name: &str| site.portal().property("tickets", ticket, name);
    assert_eq!(told("time_to_close").as_deref(), Some("3600000"));
    assert!(told("closed_date").is_some() && told("hs_v2_date_entered_escalation_closed").is_some());
    assert_eq!(told("hs_v2_latest_time_in_escalation_new").as_deref(), Some("3600000"));
    site.portal()
        .act(&Act::update(AE, "tickets", ticket, json!({"hs_pipeline_stage": "escalation_working"})))
        .unwrap();
    assert_eq!(told("closed_date"), None);
    let leads = site.get("/crm/v3/pipelines/leads").await.json();
    assert_eq!(leads["results"][0]["stages"][0]["id"], "new-stage-id");
}

#[tokio::test]
async fn a_label_between_tickets_reads_from_both_sides() {
    let site = empty().await;
    let make = |what: &str| site.portal().act(&Act::create(AE, "tickets", json!({"subject": what}))).unwrap();
    let (asked, raised) = (make("asked"), make("raised"));
    site.portal().associate(AE, ("tickets", raised), ("tickets", asked), Some("Originating ticket")).unwrap();
    for (from, to, label) in [(raised, asked, "Originating ticket"), (asked, raised, "Escalated as")] {
        let body = json!({"inputs": [{"id": from.to_string()}]});
        let read = site.post("/crm/v4/associations/tickets/tickets/batch/read", &body).await.json();
        let end = &read["results"][0]["to"][0];
        assert_eq!(end["toObjectId"], to.to_string());
        let labels: Vec<&Json> =
            end["associationTypes"].as_array().unwrap().iter().map(|one| &one["label"]).collect();
        assert!(labels.contains(&&json!(label)), "{labels:?}");
    }
}

#[tokio::test]
async fn the_lifecycle_of_contacts_is_dated() {
    let site = empty().await;
    let contact = site
        .portal()
        .act(&Act::create(AE, "contacts", json!({"lastname": "Osei", "lifecyclestage": "lead"})))
        .unwrap();
    site.portal().advance(60);
    let qualified = json!({"lifecyclestage": "marketingqualifiedlead"});
    site.portal().act(&Act::update(AE, "contacts", contact, qualified)).unwrap();
    let told = |name: &str| site.portal().property("contacts", contact, name);
    assert!(told("hs_v2_date_entered_marketingqualifiedlead").is_some());
    assert_eq!(told("hs_v2_latest_time_in_lead").as_deref(), Some("60000"));
    let locked = site
        .patch(
            &format!("/crm/v3/objects/contacts/{contact}"),
            &json!({"properties": {"hs_analytics_num_visits": 9}}),
        )
        .await;
    assert_eq!(
        (locked.status, locked.category().as_str()),
        (400, "VALIDATION_ERROR"),
        "counted by HubSpot alone"
    );
}

#[tokio::test]
async fn the_company_plays_all_six_handoffs() {
    let site = Site::start().await;
    let portal = site.portal();
    let with = |object: &str, name: &str, value: &str| {
        let ids = portal.ids(object);
        ids.into_iter().filter(|id| portal.property(object, *id, name).as_deref() == Some(value)).count()
    };
    assert_eq!(with("contacts", "lifecyclestage", "marketingqualifiedlead"), 4);
    assert!(with("deals", "handoff_02_budget", "Planned") >= 3);
    assert!(with("p_onboarding", "hs_pipeline_stage", "onboarding_live") >= 1);
    assert_eq!(with("tickets", "hs_pipeline", "escalations"), 2);
    assert_eq!(with("deals", "pipeline", "cross_sell"), 2);
    let live = portal.ids("p_onboarding").into_iter().next().unwrap();
    assert_eq!(portal.linked("p_onboarding", live, "p_feature_usage").len(), 16);
    assert_eq!(portal.linked("p_onboarding", live, "contacts").len(), 3);
    let company = portal.linked("p_onboarding", live, "companies")[0];
    assert!(portal.linked("companies", company, "tickets").len() >= 3);
    for object in ["contacts", "deals", "tickets", "p_onboarding"] {
        for flag in [
            "handoff_01_routing",
            "handoff_02_in_queue",
            "handoff_04_in_queue",
            "handoff_05_in_queue",
            "handoff_06_in_queue",
        ] {
            assert_eq!(with(object, flag, "true"), 0, "every gate starts shut");
        }
    }
}
