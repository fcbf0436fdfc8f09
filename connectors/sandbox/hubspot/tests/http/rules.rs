use handoff_sandbox_hubspot::{
    Act, ActorKind, ApprovalRule, ApprovalStatus, Error, PipelineRules, RequiredRule, StagePermission,
    StageRule, seed,
};
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::support::{AE, LEAD, Site};

const NEW: &str = "/crm/objects/2026-09/deals";
const OLD: &str = "/crm/v3/objects/deals";

fn code(done: Result<u64, Error>) -> String {
    match done {
        Ok(_) => String::new(),
        Err(Error::Refused(refusal)) => refusal.code().to_owned(),
        Err(other) => panic!("{other}"),
    }
}

fn to(site: &Site, user: &str, deal: u64, stage: &str, kind: ActorKind) -> String {
    code(site.portal().act(&Act::update(user, "deals", deal, json!({"dealstage": stage})).by(kind)))
}

#[tokio::test]
async fn required_properties_stop_people_and_the_newest_dialect_only() {
    let site = Site::start().await;
    site.portal().set_required(vec![RequiredRule {
        object: "deals".into(),
        when: Some("dealstage".into()),
        values: vec!["closedwon".into()],
        require: vec!["handoff_clearance_id".into()],
    }]);
    let missing = "MISSING_CONDITIONAL_REQUIRED_PROPERTY";
    let win = json!({"properties": {"dealstage": "closedwon"}});
    let deal = site.deal("ui").await;
    assert_eq!(to(&site, AE, deal, "closedwon", ActorKind::Ui), missing);
    assert_eq!(to(&site, seed::ADMIN_USER, deal, "closedwon", ActorKind::Ui), missing);
    let refused = site.patch(&format!("{NEW}/{deal}"), &win).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, missing));
    let words = refused.json()["errors"][0]["message"].as_str().unwrap().to_owned();
    assert!(
        words.contains("is required because of a conditional property rule based on [Deal Stage]"),
        "{words}"
    );
    let march = site.patch(&format!("/crm/objects/2026-03/deals/{}", site.deal("m").await), &win).await;
    assert_eq!(march.status, 200, "2026-03 obeys nothing");
    assert_eq!(site.patch(&format!("{OLD}/{deal}"), &win).await.status, 200);
    let flag = json!({"properties": {"handoff_in_queue": "true"}});
    assert_eq!(
        site.patch(&format!("{NEW}/{deal}"), &flag).await.status,
        200,
        "the controlling property is not written"
    );
    site.portal().set_check_always(true);
    assert_eq!(site.patch(&format!("{NEW}/{deal}"), &flag).await.code(), missing);
    for kind in [ActorKind::Workflow, ActorKind::Import] {
        let deal = site.deal("w").await;
        assert_eq!(to(&site, AE, deal, "closedwon", kind), "");
    }
    let cleared = json!({"properties": {"dealstage": "closedwon", "handoff_clearance_id": "c1"}});
    assert_eq!(site.patch(&format!("{NEW}/{}", site.deal("c").await), &cleared).await.status, 200);
    site.portal().set_required(vec![RequiredRule {
        object: "deals".into(),
        when: None,
        values: vec![],
        require: vec!["amount".into()],
    }]);
    let made = site.post(NEW, &json!({"properties": {"dealname": "x"}})).await;
    assert_eq!((made.status, made.code().as_str()), (400, "MISSING_REQUIRED_PROPERTY"));
    assert_eq!(site.post(OLD, &json!({"properties": {"dealname": "x"}})).await.status, 201);
}

#[tokio::test]
async fn movement_rules_stop_people_but_not_admins_workflows_or_apps() {
    let site = Site::start().await;
    let rules = PipelineRules {
        no_skipping_stages_rule: StageRule { enabled_for_all_stages: true, pipeline_stage_ids: vec![] },
        no_backwards_movement_rule: StageRule {
            enabled_for_all_stages: false,
            pipeline_stage_ids: vec!["closedwon".into()],
        },
        object_creation_rule: handoff_sandbox_hubspot::CreationRule {
            pipeline_stage_ids: vec!["appointmentscheduled".into()],
        },
        ..PipelineRules::default()
    };
    site.portal().set_rules("deals", "default", rules).unwrap();
    let deal = site.deal("x").await;
    assert_eq!(to(&site, AE, deal, "contractsent", ActorKind::Ui), "NO_SKIPPING_STAGES");
    assert_eq!(to(&site, AE, deal, "qualifiedtobuy", ActorKind::Ui), "");
    assert_eq!(
        to(&site, AE, deal, "appointmentscheduled", ActorKind::Ui),
        "",
        "this stage may be left backwards"
    );
    assert_eq!(to(&site, AE, deal, "closedlost", ActorKind::Ui), "", "losing is always allowed");
    for (kind, user) in [
        (ActorKind::Workflow, ""),
        (ActorKind::Api, ""),
        (ActorKind::Import, AE),
        (ActorKind::Ui, seed::ADMIN_USER),
    ] {
        let deal = site.deal("y").await;
        assert_eq!(to(&site, user, deal, "closedwon", kind), "", "{kind:?}");
        assert_eq!(to(&site, AE, deal, "contractsent", ActorKind::Ui), "NO_BACKWARDS_MOVEMENT");
        assert_eq!(
            to(&site, AE, deal, "contractsent", ActorKind::UserApi),
            "NO_BACKWARDS_MOVEMENT",
            "an app with a user"
        );
        assert_eq!(to(&site, user, deal, "contractsent", kind), "");
    }
    let born_won = Act::create(AE, "deals", json!({"dealname": "z", "dealstage": "closedwon"}));
    assert_eq!(code(site.portal().act(&born_won)), "OBJECT_CREATION_STAGE");
}

#[tokio::test]
async fn restricted_stages_and_properties_let_only_the_named_edit() {
    let site = Site::start().await;
    let luis = site.portal().user_id(LEAD).unwrap();
    let permission = StagePermission {
        pipeline_stage_id: "closedwon".into(),
        permission_mode: "RESTRICTED".into(),
        team_ids: vec![],
        user_ids: vec![luis],
        super_admin: false,
    };
    site.portal()
        .set_rules(
            "deals",
            "default",
            PipelineRules { stage_permissions: vec![permission], ..PipelineRules::default() },
        )
        .unwrap();
    let deal = site.deal("x").await;
    assert_eq!(to(&site, AE, deal, "closedwon", ActorKind::Ui), "STAGE_EDIT_RESTRICTED");
    assert_eq!(to(&site, seed::ADMIN_USER, deal, "closedwon", ActorKind::Ui), "STAGE_EDIT_RESTRICTED");
    assert_eq!(to(&site, LEAD, deal, "closedwon", ActorKind::Ui), "");
    let edit = Act::update(AE, "deals", deal, json!({"amount": "1"}));
    assert_eq!(code(site.portal().act(&edit)), "STAGE_EDIT_RESTRICTED");
    site.portal().restrict_property("deals", "handoff_commission_eligible", true).unwrap();
    let flag = Act::update(LEAD, "deals", deal, json!({"handoff_commission_eligible": "true"}));
    assert_eq!(code(site.portal().act(&flag)), "FORBIDDEN");
    assert_eq!(code(site.portal().act(&flag.by(ActorKind::Workflow))), "", "workflows leak through");
}

#[tokio::test]
async fn approvals_hold_deals_whose_gate_is_not_open() {
    let site = Site::start().await;
    let path = "/crm/pipelines-rules/2026-09/0-3/default";
    let stage_rule = json!({"enabledForAllStages": false, "pipelineStageIds": []});
    let body = json!({
        "governanceValidationRules": {
            "noBackwardsMovementRule": stage_rule, "noSkippingStagesRule": stage_rule,
            "objectCreationRule": {"pipelineStageIds": []},
        },
        "approvalStageRules": [{
            "pipelineStageId": "contractsent", "approverUserIds": [1], "approvalMode": "ANY",
            "conditionalApprovalFilterBranch": {"filterBranchType": "AND", "filters": [{
                "filterType": "PROPERTY", "property": "handoff_gate",
                "operation": {"operator": "IS_NONE_OF", "values": ["ACCEPTED", "OVERRIDDEN"], "includeObjectsWithNoValueSet": true},
            }]},
        }],
    });
    assert_eq!(site.call(Method::PUT, path, &body).await.status, 200);
    let rules: ApprovalRule =
        serde_json::from_value(site.get(path).await.json()["approvalStageRules"][0].clone()).unwrap();
    assert_eq!(rules.pipeline_stage_id, "contractsent");
    let deal = site.deal("x").await;
    assert_eq!(
        to(&site, AE, deal, "closedwon", ActorKind::Ui),
        "APPROVAL_REQUIRED",
        "no way around the stage"
    );
    assert_eq!(to(&site, AE, deal, "contractsent", ActorKind::Ui), "");
    let status =
        || async { site.get(&format!("{path}/approvals/{deal}")).await.json()["approvalStatus"].clone() };
    assert_eq!(status().await, "PENDING");
    assert_eq!(
        site.portal().property("deals", deal, "hs_latest_approval_status").as_deref(),
        Some("PENDING")
    );
    assert_eq!(to(&site, AE, deal, "closedwon", ActorKind::Ui), "APPROVAL_REQUIRED");
    assert_eq!(to(&site, AE, deal, "closedlost", ActorKind::Ui), "", "losing needs nobody");
    assert_eq!(to(&site, AE, deal, "contractsent", ActorKind::Ui), "");
    let accepted = json!({"properties": {"handoff_gate": "ACCEPTED"}});
    assert_eq!(site.patch(&format!("{NEW}/{deal}"), &accepted).await.status, 200);
    assert_eq!(status().await, "PENDING", "only a start looks again");
    let started = site.post(&format!("{path}/approvals/start"), &json!({"objectId": deal})).await.json();
    assert_eq!(started["approvalStatus"], "NO_APPROVAL_NEEDED");
    assert_eq!(to(&site, AE, deal, "closedwon", ActorKind::Ui), "");
    let other = site.deal("y").await;
    assert_eq!(to(&site, "", other, "closedwon", ActorKind::Api), "", "apps pass");
    let born =
        Act::create("", "deals", json!({"dealname": "z", "dealstage": "closedwon"})).by(ActorKind::Workflow);
    assert_eq!(code(site.portal().act(&born)), "APPROVAL_REQUIRED", "but workflows cannot create beyond it");
    let third = site.deal("z").await;
    site.portal().set_approvals_stop_apps(true);
    let by_app =
        site.patch(&format!("{NEW}/{third}"), &json!({"properties": {"dealstage": "closedwon"}})).await;
    assert_eq!(by_app.code(), "APPROVAL_REQUIRED");
    assert_eq!(to(&site, AE, third, "contractsent", ActorKind::Ui), "");
    site.portal().decide_approval(third, ApprovalStatus::Approved).unwrap();
    assert_eq!(to(&site, AE, third, "closedwon", ActorKind::Ui), "");
    let none = site.get(&format!("{path}/approvals/{}", site.deal("n").await)).await.json();
    assert_eq!((&none["approvalStatus"], &none["approvalId"]), (&json!("NOT_APPLICABLE"), &Json::Null));
}

#[tokio::test]
async fn pipeline_rules_are_checked_on_the_way_in() {
    let site = Site::start().await;
    let path = "/crm/pipelines-rules/2026-09/deals/default";
    let all = json!({"enabledForAllStages": true, "pipelineStageIds": ["closedwon"]});
    let patch = json!({"governanceValidationRules": {"noBackwardsMovementRule": all}});
    assert_eq!(site.patch(path, &patch).await.status, 400);
    assert_eq!(site.call(Method::PUT, path, &json!({"governanceValidationRules": {}})).await.status, 400);
    let patch = json!({"governanceValidationRules": {"noSkippingStagesRule": {"enabledForAllStages": true, "pipelineStageIds": []}}});
    let shown = site.patch(path, &patch).await.json();
    assert_eq!(shown["governanceValidationRules"]["noSkippingStagesRule"]["enabledForAllStages"], true);
    let stages = json!({"stages": [{"pipelineStageId": "closedwon", "permissionMode": "RESTRICTED", "teamIds": [], "userIds": [], "superAdmin": true}]});
    assert_eq!(site.call(Method::PUT, &format!("{path}/stage-edit-permissions"), &stages).await.status, 200);
    assert_eq!(site.get(&format!("{path}/stage-edit-permissions")).await.json(), stages);
    assert_eq!(site.call(Method::DELETE, path, &Json::Null).await.status, 204);
    assert_eq!(site.get("/crm/pipelines-rules/2026-09/deals/nosuch").await.status, 404);
}
