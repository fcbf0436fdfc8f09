//! Pipeline rules, stage permissions and approvals over HTTP.

use handoff_sandbox_host::{Call, Reply};
use http::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::{Answer, body, id_text, object_of};
use crate::{
    Refusal,
    approvals::Approval,
    pipelines::{PipelineRules, PipelineSpec},
    state::State,
};

pub(super) fn answer(state: &mut State, call: &Call, rest: &[&str]) -> Answer {
    let [object, pipeline, rest @ ..] = rest else { return Err(Refusal::no_such_address()) };
    let object = object_of(state, object)?;
    let spec = state.pipeline(object, pipeline).cloned().ok_or_else(Refusal::no_record)?;
    let key = (object, spec.id.clone());
    match (call.method.as_str(), rest) {
        ("GET", []) => Ok(shown(state.rules.get(&key))),
        ("PUT", []) => {
            let body: Json = body(call)?;
            let mut rules = PipelineRules {
                stage_permissions: state.rules.remove(&key).unwrap_or_default().stage_permissions,
                ..PipelineRules::default()
            };
            for name in ["noBackwardsMovementRule", "noSkippingStagesRule", "objectCreationRule"] {
                if body.pointer(&format!("/governanceValidationRules/{name}")).is_none() {
                    return Err(Refusal::validation(format!("{name} is required")));
                }
            }
            merge(&mut rules, &body)?;
            check(&rules, &spec)?;
            state.rules.insert(key.clone(), rules);
            Ok(shown(state.rules.get(&key)))
        }
        ("PATCH", []) => {
            let mut rules = state.rules.get(&key).cloned().unwrap_or_default();
            merge(&mut rules, &body(call)?)?;
            check(&rules, &spec)?;
            state.rules.insert(key.clone(), rules);
            Ok(shown(state.rules.get(&key)))
        }
        ("DELETE", []) => {
            state.rules.remove(&key);
            Ok(Reply::empty(204))
        }
        (_, ["stage-edit-permissions"]) => {
            if call.method == Method::PUT {
                let body: Json = body(call)?;
                let stages = part(&body, "stages")?.unwrap_or_default();
                state.rules.entry(key.clone()).or_default().stage_permissions = stages;
            }
            let stages = state.rules.get(&key).map(|rules| json!(rules.stage_permissions));
            Ok(Reply::json(200, &json!({"stages": stages.unwrap_or_else(|| json!([]))})))
        }
        ("GET", ["approvals", deal]) => {
            let id: u64 = deal.parse().map_err(|_| Refusal::not_an_id(deal))?;
            let id = state.record(object, id).ok_or_else(Refusal::no_record)?.id;
            Ok(Reply::json(200, &approval(id, state.approvals.get(&id))))
        }
        ("POST", ["approvals", "start"]) => {
            let body: Json = body(call)?;
            let id = body.get("objectId").and_then(id_text).and_then(|id| id.parse::<u64>().ok());
            let id = id.ok_or_else(|| Refusal::validation("objectId is missing"))?;
            let id = state.record(object, id).ok_or_else(Refusal::no_record)?.id;
            let begun = state.restart_approval(object, id);
            Ok(Reply::json(200, &approval(id, begun.as_ref())))
        }
        _ => Err(Refusal::no_such_address()),
    }
}

fn approval(deal: u64, known: Option<&Approval>) -> Json {
    match known {
        Some(known) => json!({
            "objectId": deal.to_string(), "approvalStatus": known.status, "approvalId": known.id.to_string(),
            "pipelineStageId": known.stage,
        }),
        None => json!({
            "objectId": deal.to_string(), "approvalStatus": "NOT_APPLICABLE", "approvalId": null,
            "pipelineStageId": null,
        }),
    }
}

fn shown(rules: Option<&PipelineRules>) -> Reply {
    let rules = rules.cloned().unwrap_or_default();
    Reply::json(
        200,
        &json!({
            "governanceValidationRules": {
                "noBackwardsMovementRule": rules.no_backwards_movement_rule,
                "noSkippingStagesRule": rules.no_skipping_stages_rule,
                "objectCreationRule": rules.object_creation_rule,
            },
            "approvalStageRules": rules.approval_stage_rules,
        }),
    )
}

fn part<T: DeserializeOwned>(body: &Json, name: &str) -> Result<Option<T>, Refusal> {
    body.get(name)
        .map(|value| serde_json::from_value(value.clone()))
        .transpose()
        .map_err(|_| Refusal::validation(format!("Invalid input JSON: {name}")))
}

fn merge(rules: &mut PipelineRules, body: &Json) -> Result<(), Refusal> {
    let empty = Json::Null;
    let governance = body.get("governanceValidationRules").unwrap_or(&empty);
    if let Some(rule) = part(governance, "noBackwardsMovementRule")? {
        rules.no_backwards_movement_rule = rule;
    }
    if let Some(rule) = part(governance, "noSkippingStagesRule")? {
        rules.no_skipping_stages_rule = rule;
    }
    if let Some(rule) = part(governance, "objectCreationRule")? {
        rules.object_creation_rule = rule;
    }
    if let Some(list) = part(body, "approvalStageRules")? {
        rules.approval_stage_rules = list;
    }
    Ok(())
}

fn check(rules: &PipelineRules, pipeline: &PipelineSpec) -> Result<(), Refusal> {
    for rule in [&rules.no_backwards_movement_rule, &rules.no_skipping_stages_rule] {
        if rule.enabled_for_all_stages && !rule.pipeline_stage_ids.is_empty() {
            return Err(Refusal::validation(
                "pipelineStageIds must be empty when enabledForAllStages is true",
            ));
        }
    }
    let named = rules
        .approval_stage_rules
        .iter()
        .map(|rule| &rule.pipeline_stage_id)
        .chain(&rules.object_creation_rule.pipeline_stage_ids)
        .chain(&rules.no_backwards_movement_rule.pipeline_stage_ids)
        .chain(&rules.no_skipping_stages_rule.pipeline_stage_ids);
    for stage in named {
        if pipeline.stage(stage).is_none() {
            return Err(Refusal::validation(format!("{stage} is no stage of pipeline {}", pipeline.id)));
        }
    }
    Ok(())
}
