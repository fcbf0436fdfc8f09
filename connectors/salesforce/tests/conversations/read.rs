use std::collections::{BTreeMap, BTreeSet};

use handoff_connector::{Body, Exchange as _, Fault, Source as _, Step};
use handoff_core::extract::Existence;
use serde_json::{Value, json};

use crate::org::{ORG, Org, at, connector, error, id, id_of, opportunity, plan, readable, soql};

fn org() -> Org {
    let mut org = Org::new("2026-11-20T12:00:00Z");
    let fields = json!({ "Name": "Acme", "StageName": "Commit", "decision__c": null, "OwnerId": id_of("005", 2),
        "Account": { "attributes": { "type": "Account" }, "Id": id_of("001", 1), "Name": "Acme Ltd" } });
    org.put("Opportunity", &id(1), "2026-11-20T09:15:27Z", &fields);
    org.put("Opportunity", &id(2), "2026-11-20T09:16:00Z", &json!({ "IsDeleted": true, "Account": null }));
    for n in [2, 1] {
        let role =
            json!({ "OpportunityId": id(1), "Role": format!("Role {n}"), "ContactId": id_of("003", n) });
        org.put("OpportunityContactRole", &id_of("00K", n), "2026-11-20T09:00:00Z", &role);
    }
    for (n, field, old, new) in
        [(2, "Decision__c", json!("Accept"), json!(null)), (1, "StageName", json!("Open"), json!("Commit"))]
    {
        let row = json!({ "OpportunityId": id(1), "Field": field, "OldValue": old, "NewValue": new, "CreatedById": id_of("005", 1) });
        org.put("OpportunityFieldHistory", &id_of("017", n), "2026-11-20T09:15:27Z", &row);
    }
    org
}

#[test]
fn one_call_reads_everything_in_request_order() {
    let mut org = org();
    let asked = [opportunity(9), opportunity(2), opportunity(1)];
    let found = org.talk(&mut *connector(10).read(&plan(), &asked)).expect("records");
    assert_eq!(org.calls.len(), 1);
    let [None, Some(deleted), Some(first)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(deleted.existence, Existence::Deleted);
    assert_eq!(deleted.fields.get("Account.Name"), Some(&Value::Null));
    assert_eq!(first.existence, Existence::Present);
    assert_eq!(first.fields.get("Account.Name"), Some(&json!("Acme Ltd")));
    assert_eq!(first.found_on["Account.Name"].to_string(), format!("sf/Account/{}", id_of("001", 1)));
    assert!(deleted.found_on.is_empty(), "what is not there was found nowhere");
    assert_eq!(
        first.fields.get("Decision__c"),
        Some(&Value::Null),
        "the CRM's own spelling of a name may differ"
    );
    let roles: Vec<&Value> =
        first.related["OpportunityContactRoles"].iter().map(|row| &row.fields["Role"]).collect();
    assert_eq!(roles, [&json!("Role 1"), &json!("Role 2")]);
    let history = first.history.as_ref().expect("history");
    let told: Vec<(&str, &str)> = history.iter().map(|row| (row.id.as_str(), row.field.as_str())).collect();
    assert_eq!(told, [(id_of("017", 1).as_str(), "StageName"), (id_of("017", 2).as_str(), "Decision__c")]);
    insta::assert_snapshot!(readable(&connector(10).read(&plan(), &asked).request()));
}

#[test]
fn d17_a_merged_record_names_its_survivor() {
    let mut org = Org::new("2026-11-20T12:00:00Z");
    let merged = json!({ "IsDeleted": true, "MasterRecordId": id_of("00Q", 2) });
    org.put("Lead", &id_of("00Q", 1), "2026-11-20T09:15:27Z", &merged);
    let plan = handoff_core::extract::ReadPlan {
        object: "Lead".into(),
        related: BTreeMap::new(),
        history: BTreeSet::new(),
        ..plan()
    };
    let mut asked = opportunity(1);
    asked.object = "Lead".into();
    asked.record.0 = id_of("00Q", 1);
    let found = org.talk(&mut *connector(10).read(&plan, &[asked])).expect("records");
    let existence = found.into_iter().flatten().next().map(|record| record.existence);
    assert_eq!(existence, Some(Existence::Merged { into: id_of("00Q", 2) }));
}

/// Answers with the org, but lets a test change the answer to any part.
fn talk_with(
    org: &mut Org,
    asked: &[usize],
    mut change: impl FnMut(&str, &mut Value),
) -> Result<Vec<Option<handoff_core::extract::RawRecord>>, Fault> {
    let records: Vec<_> = asked.iter().map(|n| opportunity(*n)).collect();
    let mut exchange = connector(10).read(&plan(), &records);
    loop {
        let request = exchange.request();
        let mut reply = org.answer(&request);
        let Body::Json(sent) = &request.body else { panic!("a composite") };
        let mut body: Value = serde_json::from_slice(&reply.body).expect("JSON");
        for (at, part) in sent["compositeRequest"].as_array().expect("parts").iter().enumerate() {
            change(part["url"].as_str().expect("a url"), &mut body["compositeResponse"][at]);
        }
        reply.body = body.to_string().into();
        if let Step::Done(found) = exchange.reply(&reply)? {
            return Ok(found);
        }
    }
}

#[test]
fn d12_a_field_that_is_gone_is_absent_and_the_rest_is_read() {
    let mut org = org();
    let found = talk_with(&mut org, &[1], |url, answer| {
        if soql(url).contains("Decision__c,") {
            answer["httpStatusCode"] = json!(400);
            answer["body"] = json!([{ "errorCode": "INVALID_FIELD", "message": "\nSELECT ...\nNo such column 'Decision__c' on entity 'Opportunity'." }]);
        }
    })
    .expect("records");
    let fields = &found[0].as_ref().expect("a record").fields;
    assert!(!fields.contains_key("Decision__c") && fields.contains_key("StageName"));
    assert_eq!(org.calls.len(), 2);
}

#[test]
fn d12_an_error_that_names_no_field_of_ours_ends_the_read() {
    let fault = talk_with(&mut org(), &[1], |_, answer| {
        answer["httpStatusCode"] = json!(400);
        answer["body"] =
            json!([{ "errorCode": "INVALID_FIELD", "message": "No such column 'Id' on entity 'X'." }]);
    });
    assert_eq!(fault.expect_err("a fault").kind(), "denied");
}

#[test]
fn further_pages_are_followed_and_a_lost_place_starts_again() {
    let mut org = org();
    let next = "/services/data/v62.0/query/0r8xx0000000001AAA-2000";
    let mut lost = true;
    let found = talk_with(&mut org, &[1], |url, answer| {
        if url == next {
            answer["httpStatusCode"] = json!(200);
            answer["body"] = json!({ "totalSize": 3, "done": true, "records": [] });
            if std::mem::take(&mut lost) {
                answer["httpStatusCode"] = json!(400);
                answer["body"] = error("INVALID_QUERY_LOCATOR");
            }
        } else if soql(url).contains("FROM OpportunityContactRole") {
            answer["body"]["done"] = json!(false);
            answer["body"]["nextRecordsUrl"] = json!(next);
        }
    })
    .expect("records");
    assert_eq!(found[0].as_ref().expect("a record").related["OpportunityContactRoles"].len(), 2);
    assert_eq!(org.calls.len(), 4);
}

#[test]
fn a_next_page_elsewhere_is_not_followed() {
    for url in
        ["https://evil.example/x", "//evil.example/", "/services/data/v62.0/../../x", "/services/oauth2/x"]
    {
        let fault = talk_with(&mut org(), &[1], |_, answer| {
            answer["body"]["done"] = json!(false);
            answer["body"]["nextRecordsUrl"] = json!(url);
        });
        assert_eq!(fault.expect_err("a fault").kind(), "protocol", "{url}");
    }
}

#[test]
fn an_object_without_history_says_so() {
    let found = talk_with(&mut org(), &[1], |url, answer| {
        if soql(url).contains("FROM OpportunityFieldHistory") {
            answer["httpStatusCode"] = json!(400);
            answer["body"] = error("INVALID_TYPE");
        }
    })
    .expect("records");
    assert_eq!(found[0].as_ref().expect("a record").history, None);
}

#[test]
fn h03_an_id_that_is_none_is_never_sent() {
    let mut bad = opportunity(1);
    bad.record.0 = "006' OR Name LIKE '%".to_owned();
    let mut exchange = connector(10).read(&plan(), &[bad, opportunity(1)]);
    let text = readable(&exchange.request());
    assert!(!text.contains("LIKE") && text.contains(&id(1)));
    let found = org().talk(&mut *exchange).expect("records");
    assert!(found[0].is_none() && found[1].is_some());
}

#[test]
fn people_are_known_by_address_and_machines_are_told() {
    let mut org = Org::new("2026-11-20T12:00:00Z");
    let user = |n: usize, email: &str, kind: &str, profile: &str| {
        json!({ "Username": format!("U{n}@Example.org"), "Email": email, "Name": format!("User {n}"), "IsActive": n != 3,
            "UserType": kind, "Profile": { "Name": profile } })
    };
    org.put(
        "User",
        &id_of("005", 1),
        "2026-11-20T09:00:00Z",
        &user(1, "Ann@Example.org", "Standard", "Sales"),
    );
    org.put("User", &id_of("005", 2), "2026-11-20T09:00:00Z", &user(2, "", "AutomatedProcess", ""));
    let profile = "Minimum Access - API Only Integrations";
    org.put("User", &id_of("005", 3), "2026-11-20T09:00:00Z", &user(3, "", "Standard", profile));
    let ids: Vec<String> = (1..=3).map(|n| id_of("005", n)[..15].to_owned()).collect();
    let users = org.talk(&mut *connector(10).users(&ids)).expect("users");
    let told: Vec<_> = users.iter().map(|user| (user.login.as_str(), user.active, user.machine)).collect();
    assert_eq!(
        told,
        [("ann@example.org", true, false), ("u2@example.org", true, true), ("u3@example.org", false, true)]
    );
}

#[test]
fn d11_a_session_of_another_org_is_refused() {
    let org = Org::new("2026-11-20T12:00:00Z");
    let ask = |id: &str| {
        let mut exchange = connector(10).whoami();
        exchange.request();
        exchange.reply(&org.reply(200, &json!({ "user_id": id_of("005", 1), "organization_id": id })))
    };
    assert!(matches!(ask(ORG), Ok(Step::Done(user)) if user == id_of("005", 1)));
    assert_eq!(ask(&id_of("00D", 2)).expect_err("a fault").kind(), "denied");
}

#[test]
fn d12_users_are_read_where_profiles_are_hidden() {
    let mut org = Org::new("2026-11-20T12:00:00Z");
    let user = json!({ "Username": "a@example.org", "IsActive": true, "UserType": "Standard" });
    org.put("User", &id_of("005", 1), "2026-11-20T09:00:00Z", &user);
    let mut exchange = connector(10).users(&[id_of("005", 1)]);
    assert!(readable(&exchange.request()).contains("Profile.Name"));
    let message = "\nProfile.Name FROM User\n^\nDidn't understand relationship 'Profile' in field path.";
    let refused = json!([{ "errorCode": "INVALID_FIELD", "message": message }]);
    let part = json!({ "referenceId": "users0", "httpStatusCode": 400, "body": refused });
    let reply = org.reply(200, &json!({ "compositeResponse": [part] }));
    assert!(matches!(exchange.reply(&reply), Ok(Step::Continue)));
    let users = org.talk(&mut *exchange).expect("users");
    assert_eq!(users.iter().map(|user| user.machine).collect::<Vec<_>>(), [false]);
}

#[test]
fn a_close_date_is_followed_through_the_stage_history() {
    let mut plan = plan();
    plan.fields.insert("CloseDate".to_owned());
    plan.history.insert("CloseDate".to_owned());
    let mut org = Org::new("2026-11-20T12:00:00Z");
    for n in 0..2 {
        org.put("Opportunity", &id(n), "2026-11-20T09:00:00Z", &json!({ "CloseDate": "2026-11-20" }));
        let rows = [
            ("2026-12-20", "Qualification"),
            ("2026-12-20", "Negotiation/Review"),
            ("2026-11-20", "Closed Won"),
        ];
        for (row, (date, stage)) in rows.into_iter().enumerate() {
            let fields = json!({ "OpportunityId": id(n), "CloseDate": date, "StageName": stage, "CreatedById": id_of("005", 7) });
            let time = format!("2026-11-20T0{row}:00:00Z");
            org.put("OpportunityHistory", &id_of("008", n * 10 + row), &time, &fields);
        }
    }
    let connector = connector(10);
    let asked = readable(&connector.read(&plan, &[opportunity(0)]).request());
    assert!(asked.contains("AND Field IN ('Decision__c','StageName') "), "not asked for twice: {asked}");
    let raws = org.talk(&mut *connector.read(&plan, &[opportunity(0), opportunity(1)])).expect("given");
    for raw in raws {
        let history = raw.expect("given").history.expect("given");
        let [change] = history.as_slice() else { panic!("{history:?}") };
        assert_eq!(
            (change.field.as_str(), &change.old, &change.new),
            ("CloseDate", &Some(json!("2026-12-20")), &Some(json!("2026-11-20")))
        );
        assert_eq!((change.at, change.by.as_str()), (at("2026-11-20T02:00:00Z"), id_of("005", 7).as_str()));
    }
}
