//! Children of the records that lookups name.

use handoff_connector::{Fault, Source as _};
use handoff_core::extract::{RawRecord, ReadPlan};
use serde_json::{Value, json};

use crate::org::{Org, connector, id, id_of, opportunity, plan, readable, soql};

fn set(names: &[&str]) -> std::collections::BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn with_cases() -> ReadPlan {
    let mut plan = plan();
    plan.related.insert("AccountId/Cases".to_owned(), set(&["Status", "Owner.Name"]));
    plan
}

/// Two deals of one account with two cases, one deal of another account without any, one deal without an account.
fn org() -> Org {
    let mut org = Org::new("2026-11-20T12:00:00Z");
    for (n, account) in [(1, Some(1)), (2, Some(1)), (3, Some(2)), (4, None)] {
        let account = account.map(|account| id_of("001", account));
        org.put("Opportunity", &id(n), "2026-11-20T09:15:27Z", &json!({ "AccountId": account, "Name": "x" }));
    }
    for (n, account) in [(2, 1), (1, 1), (3, 9)] {
        let fields =
            json!({ "AccountId": id_of("001", account), "Status": "New", "Owner": { "Name": "Kim" } });
        org.put("Case", &id_of("500", n), "2026-11-20T09:00:00Z", &fields);
    }
    org
}

fn read(org: &mut Org, plan: &ReadPlan, asked: &[usize]) -> Result<Vec<RawRecord>, Fault> {
    let records: Vec<_> = asked.iter().map(|n| opportunity(*n)).collect();
    let found = org.talk(&mut *connector(10).read(plan, &records))?;
    Ok(found.into_iter().flatten().collect())
}

#[test]
fn each_record_has_the_children_of_the_parent_that_it_names() {
    let mut org = org();
    let found = read(&mut org, &with_cases(), &[1, 2, 3, 4]).expect("records");
    assert_eq!(org.calls, ["read", "read"], "one call for the records, one for what hangs on their parents");
    let cases = |record: &RawRecord| {
        let rows = record.related.get("AccountId/Cases")?;
        Some(rows.iter().map(|row| row.record.record.as_str().to_owned()).collect::<Vec<_>>())
    };
    let both = Some(vec![id_of("500", 1), id_of("500", 2)]);
    let seen: Vec<_> = found.iter().map(cases).collect();
    assert_eq!(seen, [both.clone(), both, Some(Vec::new()), None], "without a parent nothing is told");
    let row = &found[0].related["AccountId/Cases"][0];
    assert_eq!(row.record.object.as_str(), "Case");
    assert_eq!((&row.fields["Status"], &row.fields["Owner.Name"]), (&json!("New"), &json!("Kim")));
    assert!(row.stamp.is_some());
    assert!(
        found.iter().all(|record| !record.fields.contains_key("AccountId")),
        "only what the plan asks for"
    );
}

#[test]
fn records_without_any_parent_cost_one_call() {
    let mut org = org();
    let found = read(&mut org, &with_cases(), &[4]).expect("records");
    assert_eq!((org.calls.len(), found.len()), (1, 1));
}

#[test]
fn the_second_question_is_about_the_parents() {
    let mut org = org();
    let mut exchange = connector(10).read(&with_cases(), &[opportunity(1)]);
    let first = exchange.request();
    assert!(
        readable(&first).contains("AccountId FROM Opportunity") || readable(&first).contains("AccountId,")
    );
    let reply = org.answer(&first);
    exchange.reply(&reply).expect("goes on");
    let text = readable(&exchange.request());
    let expected = format!(
        "SELECT Id, SystemModstamp, AccountId, Owner.Name, Status FROM Case WHERE AccountId IN ('{}') ORDER BY Id",
        id_of("001", 1)
    );
    assert!(text.contains(&expected), "{text}");
    // A session that ends in between starts over, with both questions.
    let expired =
        org.reply(401, &json!([{ "errorCode": "INVALID_SESSION_ID", "message": "No.", "fields": [] }]));
    assert_eq!(exchange.reply(&expired).expect_err("a fault"), Fault::Expired);
    let text = readable(&exchange.request());
    assert!(text.contains("FROM Opportunity") && text.contains("FROM Case"), "{text}");
}

#[test]
fn d05_a_custom_lookup_and_its_targets_relationships_are_learnt_once() {
    let mut org = org();
    org.put("Opportunity", &id(5), "2026-11-20T09:15:27Z", &json!({ "Customer__c": id_of("a01", 1) }));
    org.put(
        "Usage__c",
        &id_of("a02", 1),
        "2026-11-20T09:00:00Z",
        &json!({ "Customer__c": id_of("a01", 1), "Logins__c": 7 }),
    );
    let fields = json!([
        { "name": "Customer__c", "referenceTo": ["Customer__c"] },
        { "name": "OwnerId", "referenceTo": ["Group", "User"] },
        { "name": "Name", "referenceTo": [] },
    ]);
    org.describes.insert("Opportunity".to_owned(), json!({ "childRelationships": [], "fields": fields }));
    let children =
        json!([{ "relationshipName": "Usage__r", "childSObject": "Usage__c", "field": "Customer__c" }]);
    org.describes.insert("Customer__c".to_owned(), json!({ "childRelationships": children, "fields": [] }));
    let mut plan = plan();
    plan.related = [("Customer__c/Usage__r".to_owned(), set(&["Logins__c"]))].into();
    let connector = connector(10);
    let found = org.talk(&mut *connector.read(&plan, &[opportunity(5)])).expect("records");
    assert_eq!(org.calls, ["describe", "describe", "read", "read"]);
    let row = &found[0].as_ref().expect("a record").related["Customer__c/Usage__r"][0];
    assert_eq!(row.fields["Logins__c"], json!(7));
    org.calls.clear();
    org.talk(&mut *connector.read(&plan, &[opportunity(5)])).expect("records");
    assert_eq!(org.calls, ["read", "read"], "learnt once");
}

#[test]
fn a_relationship_that_nobody_knows_is_asked_for_once_and_stays_untold() {
    let mut org = org();
    for object in ["Opportunity", "Account"] {
        org.describes.insert(object.to_owned(), json!({ "childRelationships": [], "fields": [] }));
    }
    let mut plan = plan();
    plan.related =
        [("AccountId/Nothing__r".to_owned(), set(&["X__c"])), ("Owner__c/Cases".to_owned(), set(&[]))].into();
    let found = read(&mut org, &plan, &[1]).expect("records");
    assert_eq!(org.calls, ["describe", "describe", "read"]);
    assert!(found[0].related.is_empty(), "untold, which counts as missing");
}

#[test]
fn d12_a_lookup_that_we_may_not_see_leaves_its_children_untold() {
    let mut org = org();
    let mut exchange = connector(10).read(&with_cases(), &[opportunity(1)]);
    loop {
        let request = exchange.request();
        let mut reply = org.answer(&request);
        let handoff_connector::Body::Json(sent) = &request.body else { panic!("a composite") };
        let mut body: Value = serde_json::from_slice(&reply.body).expect("JSON");
        for (at, part) in sent["compositeRequest"].as_array().expect("parts").iter().enumerate() {
            if soql(part["url"].as_str().expect("a url")).contains("AccountId") {
                body["compositeResponse"][at]["httpStatusCode"] = json!(400);
                body["compositeResponse"][at]["body"] = json!([{ "errorCode": "INVALID_FIELD",
                    "message": "No such column 'AccountId' on entity 'Opportunity'." }]);
            }
        }
        reply.body = body.to_string().into();
        if let handoff_connector::Step::Done(found) = exchange.reply(&reply).expect("goes on") {
            let record = found[0].as_ref().expect("a record");
            assert!(record.fields.contains_key("Name") && !record.related.contains_key("AccountId/Cases"));
            return;
        }
    }
}
