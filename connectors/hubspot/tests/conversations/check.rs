use std::collections::BTreeMap;

use handoff_connector::{CheckReport, Connector as _, Fault, Guard, conformance};
use handoff_core::extract::{ReadPlan, read_plan};
use handoff_core::id::ObjectName;
use handoff_core::mapping::Mapping;
use handoff_core::registry::{Registry, shipped};
use handoff_hubspot::HubSpot;
use serde_json::{Value, json};

use crate::portal::{PORTAL, Portal, connector};

fn mapping() -> Mapping {
    let registry = Registry::load(shipped()).expect("shipped files are sound");
    registry.mapping("hubspot/h03-ae-to-onboarding").expect("shipped").clone()
}

/// A portal as deploy/hubspot leaves it.
fn answers() -> BTreeMap<&'static str, Value> {
    let mut properties: Vec<Value> =
        serde_json::from_str(include_str!("../../../../deploy/hubspot/properties/deals.json")).expect("JSON");
    // HubSpot's own.
    for (name, kind) in [
        ("dealstage", "enumeration"),
        ("hubspot_owner_id", "enumeration"),
        ("closedate", "datetime"),
        ("amount", "number"),
        ("deal_currency_code", "enumeration"),
    ] {
        properties.push(json!({ "name": name, "type": kind, "fieldType": "select" }));
    }
    let labels: Vec<Value> =
        serde_json::from_str(include_str!("../../../../deploy/hubspot/association-labels.json"))
            .expect("JSON");
    let stage = |id: &str, closed: bool, probability: &str| json!({ "id": id, "label": id, "archived": false, "metadata": { "isClosed": closed.to_string(), "probability": probability } });
    let stages = [
        stage("appointmentscheduled", false, "0.2"),
        stage("qualifiedtobuy", false, "0.4"),
        stage("presentationscheduled", false, "0.6"),
        stage("decisionmakerboughtin", false, "0.8"),
        stage("contractsent", false, "0.9"),
        stage("closedwon", true, "1.0"),
        stage("closedlost", true, "0.0"),
    ];
    [
        ("account", json!({ "portalId": PORTAL })),
        ("properties deals", json!({ "results": properties })),
        ("properties contacts", json!({ "results": [{ "name": "email", "type": "string" }] })),
        ("properties companies", json!({ "results": [{ "name": "domain", "type": "string" }] })),
        ("pipelines", json!({ "results": [{ "id": "default", "label": "Sales", "stages": stages }] })),
        ("labels", json!({ "results": labels })),
        ("owners", json!({ "results": [] })),
        ("pipeline_rules", json!({ "approvalStageRules": [{ "pipelineStageId": "contractsent" }] })),
    ]
    .into()
}

fn run(
    connector: &HubSpot,
    mapping: &Mapping,
    answer: impl Fn(&str) -> Option<(u16, Value)>,
) -> Result<CheckReport, Fault> {
    let plans: Vec<ReadPlan> = vec![read_plan(mapping)];
    let writes: Vec<(ObjectName, Vec<String>)> =
        vec![(mapping.object.clone(), mapping.write.gate.values().map(|gate| gate.field.clone()).collect())];
    let known = answers();
    let mut exchange = connector.check(std::slice::from_ref(mapping), &plans, &writes);
    conformance::drive(&mut *exchange, connector.spec(), |request| {
        let object = request.path.rsplit('/').next().expect("an object");
        let key = if request.name == "properties" {
            format!("properties {object}")
        } else {
            request.name.to_owned()
        };
        let (status, body) = answer(&key).unwrap_or_else(|| (200, known[key.as_str()].clone()));
        Portal::reply(status, &body)
    })
    .expect("the contract is kept")
}

fn in_words(report: &CheckReport) -> String {
    let line = |finding: &handoff_connector::CheckFinding| {
        let mark = if finding.error { "error " } else { "advice" };
        format!("{mark} {}: {}\n       {}\n", finding.place, finding.problem, finding.remedy)
    };
    let guard = |(mapping, guard): (&String, &Guard)| format!("guard  {mapping}: {guard:?}\n");
    report.findings.iter().map(line).chain(report.guards.iter().map(guard)).collect()
}

#[test]
fn the_shipped_mapping_fits_a_portal_as_it_is_deployed() {
    let report = run(&connector(), &mapping(), |_| None).expect("a report");
    let errors: Vec<_> = report.findings.iter().filter(|finding| finding.error).collect();
    assert_eq!(errors, Vec::<&handoff_connector::CheckFinding>::new());
    let text = in_words(&report);
    assert!(text.contains("H3 where on_bypass = \"revert\"") && text.contains("else H4"), "{text}");
}

#[test]
fn d12_d13_everything_that_would_be_wrong_is_named() {
    let mut mapping = mapping();
    mapping
        .stage
        .names
        .insert("commit".into(), vec!["contractsent".into(), "closedwon".into(), "4711".into()]);
    mapping.stage.names.insert("closed_won".into(), vec!["closedlost".into()]);
    mapping.stage.names.remove(&"closed_lost".into());
    mapping.decision.accept = "Yes".to_owned();
    mapping.people.receiver.field = "handoff_status".to_owned();
    mapping.write.gate.get_mut(&"commission".into()).expect("a gate").cleared_at =
        Some("handoff_number".to_owned());
    let mut properties = answers()["properties deals"].clone();
    let rows = properties["results"].as_array_mut().expect("rows");
    rows.retain(|row| row["name"] != "handoff_success_target");
    rows.push(json!({ "name": "handoff_number", "type": "number", "fieldType": "number" }));
    for row in rows.iter_mut().filter(|row| row["name"] == "handoff_stage_open") {
        row["calculated"] = json!(true);
    }
    let report = run(&connector(), &mapping, |name| match name {
        "properties deals" => Some((200, properties.clone())),
        "labels" => Some((200, json!({ "results": [{ "label": "Champion", "typeId": 77 }] }))),
        _ => None,
    });
    insta::assert_snapshot!(in_words(&report.expect("a report")));
}

#[test]
fn d12_a_missing_scope_costs_what_it_is_for_and_is_named() {
    let refused = json!({ "category": "MISSING_SCOPES", "errors": [{ "context": { "requiredGranularScopes": ["crm.schemas.deals.read"] } }] });
    let report = run(&connector(), &mapping(), |name| {
        matches!(name, "pipelines" | "owners" | "labels").then(|| (403, refused.clone()))
    });
    let text = in_words(&report.expect("a report"));
    assert_eq!(text.matches("crm.schemas.deals.read").count(), 4, "{text}");
    assert!(text.contains("error  deals: the pipelines cannot be read"), "{text}");
    assert!(text.contains("advice deals.contacts: the association labels cannot be read"), "{text}");
}

#[test]
fn d12_without_the_right_to_splits_the_scope_and_the_edition_are_named() {
    let mut mapping = mapping();
    let splits = json!({ "related": "deal_splits", "payee": "hubspot_owner_id", "percent": "hs_deal_split_percentage" });
    mapping.pay.as_mut().expect("pay").splits = Some(serde_json::from_value(splits).expect("splits"));
    let told = json!({ "status": "COMPLETE", "results": [], "numErrors": 1, "errors": [{ "category": "OBJECT_NOT_FOUND" }] });
    let check = |mapping: &Mapping, status: u16, body: &Value| {
        let report = run(&connector(), mapping, |name| (name == "splits").then(|| (status, body.clone())));
        report.expect("a report")
    };
    let errors = |report: &CheckReport| report.findings.iter().filter(|finding| finding.error).count();
    assert_eq!(errors(&check(&mapping, 207, &told)), 0, "splits are no associated object");
    let refused = json!({ "category": "MISSING_SCOPES", "errors": [{ "context": { "requiredGranularScopes": ["crm.dealsplits.read_write"] } }] });
    let text = in_words(&check(&mapping, 403, &refused));
    assert!(text.contains("error  deals.deal_splits: who shares a deal cannot be read (deal splits: MISSING_SCOPES: crm.dealsplits.read_write)"), "{text}");
    assert!(text.contains("deal splits need Sales Hub Enterprise"), "{text}");
    let other = check(&mapping, 400, &json!({ "category": "VALIDATION_ERROR" }));
    assert_eq!(errors(&other), 0, "perhaps only because nobody has this deal");
    assert!(in_words(&other).contains("advice deals.deal_splits: nothing tells whether"));
    mapping.pay.as_mut().and_then(|pay| pay.splits.as_mut()).expect("splits").percent =
        "percentage".to_owned();
    let text = in_words(&check(&mapping, 207, &told));
    assert!(
        text.contains("error  deals.deal_splits.percentage: a deal split has no such property"),
        "{text}"
    );
}

#[test]
fn d11_a_token_of_another_portal_is_not_checked_further() {
    let other = json!({ "portalId": 99 });
    let fault = run(&connector(), &mapping(), |name| (name == "account").then(|| (200, other.clone())));
    assert!(matches!(fault, Err(Fault::Denied { .. })));
}

#[test]
fn the_rung_that_holds_is_named() {
    let with = |kind: &str, rules: (u16, Value)| {
        let mut mapping = mapping();
        mapping.enforcement =
            Some(serde_json::from_value(json!({ "kind": kind, "name": "x" })).expect("enforcement"));
        let report = run(&connector(), &mapping, |name| (name == "pipeline_rules").then(|| rules.clone()))
            .expect("a report");
        let rung = ["H1:", "H2:", "H3:", "H4:"]
            .into_iter()
            .find(|rung| report.findings.iter().any(|one| one.problem.starts_with(rung)));
        (rung, report.guards.values().next().copied())
    };
    let approval = json!({ "approvalStageRules": [{ "pipelineStageId": "contractsent" }] });
    assert_eq!(with("approval_rule", (200, approval)), (Some("H1:"), Some(Guard::Active)));
    assert_eq!(
        with("approval_rule", (200, json!({ "approvalStageRules": [] }))),
        (Some("H4:"), Some(Guard::Missing))
    );
    assert_eq!(with("approval_rule", (403, json!({ "category": "MISSING_SCOPES" }))), (Some("H4:"), None));
    assert_eq!(with("required_property", (500, json!(null))), (Some("H2:"), None));
}
