//! The objects of the six handoffs: history with who and when, comments, messages, activities, campaigns, conversion.

use handoff_sandbox_salesforce::{Act, Conversion, Id, seed};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::support::{AE, Site};

const CSM: &str = "grace.adeyemi@northwind-peak.example";

impl Site {
    async fn made(&self, object: &str, fields: &Json) -> Id {
        let reply = self.call(Method::POST, &format!("sobjects/{object}"), fields).await;
        assert_eq!(reply.status, 201, "{object}: {}", reply.text);
        Id::parse(reply.json()["id"].as_str().unwrap()).unwrap()
    }

    async fn rows(&self, soql: &str) -> Vec<Json> {
        self.query(soql).await["records"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn a_case_keeps_who_changed_what() {
    let site = Site::start().await;
    let case = site.org().act(&Act::create(CSM, "Case", &json!({"Subject": "s", "Status": "New"}))).unwrap();
    let said = json!({"Status": "Escalated", "Customer_Impact__c": "Drivers start with the wrong addresses", "ETA__c": "2026-12-01"});
    site.org().act(&Act::update(CSM, "Case", case, &said)).unwrap();
    let owner = site.org().user(AE).unwrap();
    site.org().act(&Act::update(CSM, "Case", case, &json!({"OwnerId": owner.as_str()}))).unwrap();
    let rows = site
        .rows(&format!(
            "SELECT CaseId, Field, OldValue, NewValue, CreatedById, CreatedDate FROM CaseHistory WHERE CaseId = '{case}'"
        ))
        .await;
    let told: Vec<(&str, &Json)> =
        rows.iter().map(|row| (row["Field"].as_str().unwrap(), &row["NewValue"])).collect();
    assert!(told.contains(&("Status", &json!("Escalated"))), "{told:?}");
    assert!(
        told.contains(&("Customer_Impact__c", &Json::Null)),
        "long texts are tracked without their values: {told:?}"
    );
    assert!(told.contains(&("Owner", &json!(owner.as_str()))), "a standard lookup loses its Id: {told:?}");
    let csm = site.org().user(CSM).unwrap();
    assert!(rows.iter().all(|row| row["CreatedById"] == json!(csm.as_str())));
    let child =
        site.rows(&format!("SELECT Id, (SELECT Field FROM Histories) FROM Case WHERE Id = '{case}'")).await;
    assert_eq!(child[0]["Histories"]["totalSize"], json!(rows.len()));
}

#[tokio::test]
async fn a_custom_object_keeps_its_history_by_parent_id() {
    let site = Site::start().await;
    let made = json!({"Name": "Glenmore", "Stage__c": "Training"});
    let onboarding = site.org().act(&Act::create(seed::ADMIN_USER, "Onboarding__c", &made)).unwrap();
    let live = Act::update(seed::ADMIN_USER, "Onboarding__c", onboarding, &json!({"Stage__c": "Live"}));
    site.org().act(&live).unwrap();
    let rows = site
        .rows(&format!("SELECT ParentId, Field, OldValue, NewValue FROM Onboarding__History WHERE ParentId = '{onboarding}' AND Field = 'Stage__c'"))
        .await;
    assert_eq!(rows.len(), 1);
    assert_eq!((&rows[0]["OldValue"], &rows[0]["NewValue"]), (&json!("Training"), &json!("Live")));
    let point = json!({"Onboarding__c": onboarding.as_str(), "Feature__c": "Routing", "Week__c": "2026-10-05", "Users__c": 4});
    site.org().act(&Act::create(seed::ADMIN_USER, "Usage_Point__c", &point)).unwrap();
    let use_of = site
        .rows(&format!("SELECT Id, (SELECT Feature__c, Users__c FROM Usage_Points__r) FROM Onboarding__c WHERE Id = '{onboarding}'"))
        .await;
    assert_eq!(use_of[0]["Usage_Points__r"]["records"][0]["Users__c"], json!(4.0));
    let describe = site.get("sobjects/Onboarding__c/describe").await.json();
    let children = describe["childRelationships"].as_array().unwrap();
    let names: Vec<&str> = children.iter().filter_map(|child| child["relationshipName"].as_str()).collect();
    for name in ["Usage_Points__r", "Training_Attendances__r", "Stakeholders__r", "Histories", "Tasks"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
}

#[tokio::test]
async fn tasks_events_comments_and_messages_are_made_over_rest() {
    let site = Site::start().await;
    let case = site.made("Case", &json!({"Subject": "s", "Status": "Escalated"})).await;
    let owner = site.org().user(CSM).unwrap();
    let task = json!({"Subject": "Fill in the ETA", "WhatId": case.as_str(), "OwnerId": owner.as_str(), "ActivityDate": "2026-12-01"});
    let task = site.made("Task", &task).await;
    let done =
        site.call(Method::PATCH, &format!("sobjects/Task/{task}"), &json!({"Status": "Completed"})).await;
    assert_eq!((done.status, site.org().field(task, "IsClosed")), (204, json!(true)));
    let event = json!({"Subject": "Training", "StartDateTime": "2026-12-01T09:00:00Z", "DurationInMinutes": 60, "WhatId": case.as_str()});
    let event = site.made("Event", &event).await;
    let contact = site.rows("SELECT Id FROM Contact ORDER BY Id LIMIT 1").await[0]["Id"].clone();
    site.made(
        "EventRelation",
        &json!({"EventId": event.as_str(), "RelationId": contact, "Status": "Accepted"}),
    )
    .await;
    site.made(
        "CaseComment",
        &json!({"ParentId": case.as_str(), "CommentBody": "Still open", "IsPublished": false}),
    )
    .await;
    let mail = json!({"ParentId": case.as_str(), "Incoming": true, "FromAddress": "ops@customer01.example", "Subject": "Again", "TextBody": "No", "MessageDate": "2026-11-20T10:00:00Z"});
    site.made("EmailMessage", &mail).await;
    let seen = site
        .rows(&format!("SELECT Id, (SELECT CommentBody, CreatedById FROM CaseComments), (SELECT Incoming, FromAddress FROM EmailMessages) FROM Case WHERE Id = '{case}'"))
        .await;
    assert_eq!(seen[0]["CaseComments"]["records"][0]["CommentBody"], "Still open");
    assert_eq!(seen[0]["EmailMessages"]["records"][0]["Incoming"], json!(true));
    let invited = site
        .rows(&format!("SELECT Status, Relation.Name FROM EventRelation WHERE EventId = '{event}'"))
        .await;
    assert_eq!(invited[0]["Status"], "Accepted");
    let nowhere = site.call(Method::POST, "sobjects/CaseComment", &json!({"CommentBody": "x"})).await;
    assert_eq!((nowhere.status, nowhere.code()), (400, "REQUIRED_FIELD_MISSING".to_owned()));
}

#[tokio::test]
async fn who_has_responded_follows_from_the_member_state() {
    let site = Site::start().await;
    let campaign = site.made("Campaign", &json!({"Name": "Webinar"})).await;
    let lead = site.made("Lead", &json!({"LastName": "Okonkwo", "Company": "Harbour Lifts"})).await;
    let member = json!({"CampaignId": campaign.as_str(), "LeadId": lead.as_str()});
    let member = site.made("CampaignMember", &member).await;
    let told = |name: &str| site.org().field(member, name);
    assert_eq!(
        (told("Status"), told("HasResponded"), told("FirstRespondedDate")),
        (json!("Sent"), json!(false), Json::Null)
    );
    let path = format!("sobjects/CampaignMember/{member}");
    assert_eq!(site.call(Method::PATCH, &path, &json!({"Status": "Attended"})).await.status, 204);
    assert_eq!(told("HasResponded"), json!(true));
    let first = told("FirstRespondedDate");
    assert!(first.is_string());
    let by_hand = site.call(Method::PATCH, &path, &json!({"HasResponded": false})).await;
    assert_eq!(by_hand.code(), "INVALID_FIELD_FOR_INSERT_UPDATE");
    site.org().advance(3 * 86_400);
    let later = Act::update(AE, "CampaignMember", member, &json!({"Status": "Responded"}));
    site.org().act(&later).unwrap();
    assert_eq!(told("FirstRespondedDate"), first, "the first one stays");
}

#[tokio::test]
async fn a_converted_lead_hands_on_what_hung_on_it() {
    let site = Site::start().await;
    let lead = site
        .made(
            "Lead",
            &json!({"LastName": "Okonkwo", "Company": "Harbour Lifts", "Status": "Marketing Qualified"}),
        )
        .await;
    let campaign = site.made("Campaign", &json!({"Name": "Webinar"})).await;
    let member =
        site.made("CampaignMember", &json!({"CampaignId": campaign.as_str(), "LeadId": lead.as_str()})).await;
    let task = site.made("Task", &json!({"Subject": "Call", "WhoId": lead.as_str()})).await;
    let wish = Conversion { lead, account: None, no_opportunity: false, opportunity: Json::Null };
    let converted = site.org().convert_lead(AE, &wish).unwrap();
    let contact = json!(converted.contact.as_str());
    assert_eq!(
        (site.org().field(member, "ContactId"), site.org().field(task, "WhoId")),
        (contact.clone(), contact)
    );
    assert_eq!(site.org().field(member, "LeadId"), json!(lead.as_str()));
    let rows = site
        .rows(&format!("SELECT Field, NewValue FROM LeadHistory WHERE LeadId = '{lead}' ORDER BY Id"))
        .await;
    let told: Vec<(&str, &Json)> =
        rows.iter().map(|row| (row["Field"].as_str().unwrap(), &row["NewValue"])).collect();
    assert!(told.contains(&("leadConverted", &Json::Null)), "{told:?}");
    assert!(told.contains(&("Status", &json!("Closed - Converted"))), "{told:?}");
}

#[tokio::test]
async fn a_qualified_lead_is_routed_only_through_its_gate() {
    let site = Site::start().await;
    let lead = site
        .made(
            "Lead",
            &json!({"LastName": "Okonkwo", "Company": "Harbour Lifts", "Status": "Marketing Qualified"}),
        )
        .await;
    let owner = json!({"OwnerId": site.org().user(AE).unwrap().as_str()});
    assert!(site.org().act(&Act::update(seed::ADMIN_USER, "Lead", lead, &owner)).is_err());
    let by_hand = json!({"Handoff_01_Routing_Open__c": true});
    assert!(site.org().act(&Act::update(seed::ADMIN_USER, "Lead", lead, &by_hand)).is_err());
    let path = format!("sobjects/Lead/{lead}");
    assert_eq!(site.call(Method::PATCH, &path, &by_hand).await.status, 204);
    site.org().act(&Act::update(seed::ADMIN_USER, "Lead", lead, &owner)).unwrap();
}
