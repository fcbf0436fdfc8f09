use handoff_connector::{Body, CheckReport, Connector as _, Exchange as _, Reply, Step};
use handoff_core::mapping::Mapping;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use crate::org::{connector, error, plan};

fn mapping() -> Mapping {
    serde_json::from_value(json!({
        "mapping": "salesforce/h03", "contract": "h03", "version": 1, "connector": "salesforce",
        "object": "Opportunity", "motion": { "always": "main" },
        "stage": { "field": "StageName", "names": { "commit": ["Commit"], "won": ["Won (renamed)"] } },
        "read": {},
        "people": { "sender": { "field": "OwnerId" }, "receiver": { "field": "Receiver__c" } },
        "decision": { "field": "Decision__c", "accept": "Accept", "reject": "Reject", "reason": "Reason__c" },
        "write": { "gate": { "commission": { "field": "Cleared__c" } }, "note": { "status": "Status__c" } },
        "enforcement": { "kind": "validation_rule", "name": "Handoff_Gate" },
    }))
    .expect("a mapping")
}

fn field(name: &str, kind: &str, more: &Value) -> Value {
    let mut field = json!({ "name": name, "type": kind, "updateable": true, "defaultValue": null });
    for (key, value) in more.as_object().into_iter().flatten() {
        field[key] = value.clone();
    }
    field
}

fn picklist(values: &[&str]) -> Value {
    let one = |value: &&str| json!({ "value": value, "active": true, "label": value });
    json!({ "picklistValues": values.iter().map(one).collect::<Vec<_>>() })
}

fn describe(object: &str) -> Value {
    let fields = if object == "Opportunity" {
        vec![
            field("Name", "string", &json!({})),
            field("StageName", "picklist", &picklist(&["Commit", "Closed Won"])),
            field("Decision__c", "picklist", &picklist(&["Accept"])),
            field("OwnerId", "reference", &json!({ "referenceTo": ["User"], "relationshipName": "Owner" })),
            field(
                "AccountId",
                "reference",
                &json!({ "referenceTo": ["Account"], "relationshipName": "Account" }),
            ),
            field("Receiver__c", "string", &json!({})),
            field("Cleared__c", "boolean", &json!({ "defaultValue": true, "updateable": false })),
            field("Status__c", "boolean", &json!({})),
        ]
    } else {
        vec![field("ContactId", "reference", &json!({ "referenceTo": ["Contact"] }))]
    };
    json!({ "name": object, "fields": fields, "childRelationships": [] })
}

fn run(tooling: impl Fn(&str) -> (u16, Value)) -> CheckReport {
    let writes =
        [("Opportunity".into(), vec!["Cleared__c".to_owned(), "Status__c".to_owned(), "Gone__c".to_owned()])];
    let mut exchange = connector(10).check(&[mapping()], &[plan()], &writes);
    for _ in 0..10 {
        let request = exchange.request();
        let (status, body) = match &request.body {
            Body::Json(sent) => {
                let answer = |part: &Value| {
                    let url = part["url"].as_str().expect("a url");
                    let object = url.trim_end_matches("/describe").rsplit('/').next().expect("an object");
                    json!({ "referenceId": part["referenceId"], "httpStatusCode": 200, "body": describe(object) })
                };
                let parts = sent["compositeRequest"].as_array().expect("parts");
                (200, json!({ "compositeResponse": parts.iter().map(answer).collect::<Vec<_>>() }))
            }
            Body::Empty | Body::Form(_) => tooling(request.name),
        };
        let status = StatusCode::from_u16(status).expect("a status");
        let reply = Reply { status, headers: HeaderMap::new(), body: body.to_string().into() };
        if let Step::Done(report) = exchange.reply(&reply).expect("goes on") {
            return report;
        }
    }
    panic!("does not end");
}

fn in_words(report: &CheckReport) -> String {
    let line = |finding: &handoff_connector::CheckFinding| {
        let mark = if finding.error { "error " } else { "advice" };
        format!("{mark} {}: {}\n       {}\n", finding.place, finding.problem, finding.remedy)
    };
    let guard =
        |(mapping, guard): (&String, &handoff_connector::Guard)| format!("guard  {mapping}: {guard:?}\n");
    report.findings.iter().map(line).chain(report.guards.iter().map(guard)).collect()
}

#[test]
fn d12_d13_everything_that_would_be_wrong_is_named() {
    let report = run(|name| {
        let records = match name {
            "field_permissions" => json!([
                { "Field": "Opportunity.Cleared__c", "Parent": { "Name": "Handoff_Integration", "Profile": null } },
                { "Field": "Opportunity.Cleared__c", "Parent": { "Name": "X00ex1", "Profile": { "Name": "Sales" } } },
            ]),
            "validation_rules" => json!([{ "ValidationName": "Handoff_Gate", "Active": false }]),
            _ => json!([{ "QualifiedApiName": "StageName", "IsFieldHistoryTracked": true }]),
        };
        (200, json!({ "totalSize": 1, "done": true, "records": records }))
    });
    insta::assert_snapshot!(in_words(&report));
}

#[test]
fn what_our_user_may_not_ask_is_advice() {
    let report = run(|_| (403, error("INSUFFICIENT_ACCESS")));
    let text = in_words(&report);
    assert_eq!(text.matches("it could not be checked").count(), 3, "{text}");
    assert!(text.contains("View Setup and Configuration"));
}
