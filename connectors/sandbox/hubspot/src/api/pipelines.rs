//! Pipelines and stages over HTTP.

use handoff_sandbox_host::{Call, Reply};
use serde_json::{Value as Json, json};

use super::{Answer, Dialect, body, object_of};
use crate::{
    Refusal,
    pipelines::{PipelineSpec, StageSpec},
    schema::ObjectIx,
    state::State,
};

pub(super) fn answer(state: &mut State, call: &Call, rest: &[&str], dialect: Dialect) -> Answer {
    let [object, rest @ ..] = rest else { return Err(Refusal::no_such_address()) };
    let object = object_of(state, object)?;
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            let all: Vec<Json> = state
                .pipelines
                .get(&object)
                .into_iter()
                .flatten()
                .filter(|pipeline| !pipeline.archived)
                .map(PipelineSpec::json)
                .collect();
            Ok(Reply::json(200, &json!({"results": all})))
        }
        ("GET", [id]) => Ok(Reply::json(200, &pipeline(state, object, id)?.json())),
        ("GET", [_, "audit"] | [_, "stages", _, "audit"]) => Ok(Reply::json(200, &json!({"results": []}))),
        ("GET", [id, "stages"]) => {
            let shown = pipeline(state, object, id)?.json();
            Ok(Reply::json(200, &json!({"results": shown.get("stages")})))
        }
        ("GET", [id, "stages", stage]) => {
            let shown = pipeline(state, object, id)?.json();
            let found = shown.get("stages").and_then(Json::as_array).and_then(|stages| {
                stages.iter().find(|known| known.get("id").and_then(Json::as_str) == Some(stage))
            });
            Ok(Reply::json(200, found.ok_or_else(Refusal::no_record)?))
        }
        ("POST", []) => {
            let spec: PipelineSpec = body(call)?;
            if spec.stages.is_empty() || spec.label.is_empty() {
                return Err(Refusal::validation("label, displayOrder and stages are required"));
            }
            let id = state.put_pipeline(object, spec);
            Ok(Reply::json(201, &pipeline(state, object, &id)?.json()))
        }
        ("POST", [id, "stages"]) => {
            let mut spec = pipeline(state, object, id)?.clone();
            spec.stages.push(body::<StageSpec>(call)?);
            state.put_pipeline(object, spec);
            let stage = pipeline(state, object, id)?.json();
            let last = stage.get("stages").and_then(Json::as_array).and_then(|stages| stages.last()).cloned();
            Ok(Reply::json(201, &last.unwrap_or_default()))
        }
        ("PATCH", [id]) => {
            let mut spec = pipeline(state, object, id)?.clone();
            let body: Json = body(call)?;
            if let Some(label) = body.get("label").and_then(Json::as_str) {
                label.clone_into(&mut spec.label);
            }
            state.put_pipeline(object, spec);
            Ok(Reply::json(200, &pipeline(state, object, id)?.json()))
        }
        ("PATCH", [id, "stages", stage]) => {
            let mut spec = pipeline(state, object, id)?.clone();
            let body: Json = body(call)?;
            let known =
                spec.stages.iter_mut().find(|known| known.id == *stage).ok_or_else(Refusal::no_record)?;
            if let Some(label) = body.get("label").and_then(Json::as_str) {
                label.clone_into(&mut known.label);
            }
            if let Some(map) = body.get("metadata").and_then(Json::as_object) {
                for (name, value) in map {
                    known.metadata.insert(name.clone(), crate::values::text(value).unwrap_or_default());
                }
            }
            state.put_pipeline(object, spec);
            Ok(Reply::json(200, &pipeline(state, object, id)?.json()))
        }
        ("DELETE", [id, "stages", stage]) => {
            let mut spec = pipeline(state, object, id)?.clone();
            if checks_usage(call, dialect) && is_used(state, object, stage) {
                return Err(in_use(stage));
            }
            spec.stages.retain(|known| known.id != *stage);
            state.put_pipeline(object, spec);
            Ok(Reply::empty(204))
        }
        ("DELETE", [id]) => {
            let mut spec = pipeline(state, object, id)?.clone();
            let used = spec.stages.iter().find(|stage| is_used(state, object, &stage.id));
            if let Some(stage) = used.filter(|_| checks_usage(call, dialect)) {
                return Err(in_use(&stage.id));
            }
            spec.archived = true;
            state.put_pipeline(object, spec);
            Ok(Reply::empty(204))
        }
        _ => Err(Refusal::no_such_address()),
    }
}

fn pipeline<'a>(state: &'a State, object: ObjectIx, id: &str) -> Result<&'a PipelineSpec, Refusal> {
    state.pipeline(object, id).ok_or_else(Refusal::no_record)
}

fn checks_usage(call: &Call, dialect: Dialect) -> bool {
    ["validateReferencesBeforeDelete", "validateDealStageUsagesBeforeDelete"]
        .iter()
        .find_map(|name| call.param(name))
        .map_or(dialect == Dialect::September, |text| text.eq_ignore_ascii_case("true"))
}

fn is_used(state: &State, object: ObjectIx, stage: &str) -> bool {
    let Some(position) = state.stage_of(object) else { return false };
    let table = state.tables.get(object);
    table.is_some_and(|table| {
        table.rows().any(|record| record.archived_at.is_none() && record.value(position) == Some(stage))
    })
}

fn in_use(stage: &str) -> Refusal {
    Refusal::validation(format!("Stage {stage} is used by records")).sub("PipelineError.STAGE_ID_IN_USE")
}
