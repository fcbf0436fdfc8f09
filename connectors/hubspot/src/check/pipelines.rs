//! Pipelines and their stages; what is won and lost is told by their settings, never by a name.

use std::collections::{BTreeMap, BTreeSet};

use handoff_connector::{CheckFinding, Fault};
use handoff_core::id::StageName;
use handoff_core::mapping::Mapping;
use serde_json::Value;

use super::{advice, wrong};
use crate::row;

/// What a stage means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Open,
    Won,
    Lost,
}

#[derive(Debug, Clone)]
struct Stage {
    pipeline: String,
    label: String,
    meaning: Meaning,
    archived: bool,
}

/// All pipelines of an object.
#[derive(Debug, Clone, Default)]
pub(super) struct Pipelines {
    ids: BTreeSet<String>,
    stages: BTreeMap<String, Stage>,
}

/// `isClosed` and `probability` of a deal stage, `ticketState` of a ticket's: won = closed and certain, lost = closed and hopeless.
fn meaning(metadata: Option<&Value>) -> Meaning {
    let spelt = |name: &str| match metadata.and_then(|metadata| metadata.get(name)) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let closed = spelt("isClosed").eq_ignore_ascii_case("true");
    match spelt("probability").parse::<f64>() {
        Ok(probability) if closed && probability >= 1.0 => Meaning::Won,
        Ok(probability) if closed && probability <= 0.0 => Meaning::Lost,
        Ok(_) | Err(_) => Meaning::Open,
    }
}

impl Pipelines {
    pub(super) fn parse(body: &Value) -> Result<Self, Fault> {
        let mut all = Self::default();
        for pipeline in row::results(body)? {
            let text = |value: &Value, name: &str| {
                value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            let flag = |value: &Value| value.get("archived").and_then(Value::as_bool).unwrap_or(false);
            let id = text(pipeline, "id");
            if id.is_empty() {
                return Err(Fault::Protocol { detail: "a pipeline without an id".to_owned() });
            }
            for stage in pipeline.get("stages").and_then(Value::as_array).into_iter().flatten() {
                let known = Stage {
                    pipeline: id.clone(),
                    label: text(stage, "label"),
                    meaning: meaning(stage.get("metadata")),
                    archived: flag(stage) || flag(pipeline),
                };
                all.stages.insert(text(stage, "id"), known);
            }
            all.ids.insert(id);
        }
        Ok(all)
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.ids.iter().map(String::as_str)
    }

    /// Pipelines with a won stage that the mapping names.
    pub(super) fn with_won(&self, mapping: &Mapping) -> BTreeSet<&str> {
        let named = mapping.stage.names.values().flatten().filter_map(|id| self.stages.get(id));
        named.filter(|stage| stage.meaning == Meaning::Won).map(|stage| stage.pipeline.as_str()).collect()
    }

    /// Stages that are named wrongly, not at all, or that are not there.
    pub(super) fn judge(&self, mapping: &Mapping) -> Vec<CheckFinding> {
        let place = format!("{}.{}", mapping.object, mapping.stage.field);
        let mut findings = Vec::new();
        for (name, ids) in &mapping.stage.names {
            for id in ids {
                findings.extend(self.named(&place, name, id));
            }
        }
        let ours: BTreeSet<&String> = mapping.stage.names.values().flatten().collect();
        for (id, stage) in self.stages.iter().filter(|(id, stage)| !ours.contains(id) && !stage.archived) {
            let what = if stage.meaning == Meaning::Won { "the won stage" } else { "the stage" };
            findings.push(advice(
                place.clone(),
                format!(
                    "the pipeline {} has {what} '{}' with the id {id}, which the mapping does not name: gates stay shut there",
                    stage.pipeline, stage.label
                ),
                "Add the id to [stage.names]",
            ));
        }
        findings
    }

    fn named(&self, place: &str, name: &StageName, id: &str) -> Option<CheckFinding> {
        let Some(stage) = self.stages.get(id) else {
            return Some(wrong(
                place,
                format!("the mapping names the stage '{id}', which no pipeline has"),
                "Correct [stage.names]: the values are stage ids, not labels (Settings, Objects, Deals, Pipelines)",
            ));
        };
        if stage.archived {
            return Some(wrong(
                place,
                format!("the stage '{id}' or its pipeline is archived"),
                "Take it out of [stage.names], or bring the pipeline back",
            ));
        }
        let said = match name.as_str() {
            "won" | "closed_won" => Some(Meaning::Won),
            "lost" | "closed_lost" => Some(Meaning::Lost),
            _ => None,
        };
        let told = match stage.meaning {
            Meaning::Open => "open",
            Meaning::Won => "won",
            Meaning::Lost => "lost",
        };
        let wrongly = said.map_or(stage.meaning == Meaning::Won, |said| said != stage.meaning);
        wrongly.then(|| {
            wrong(
                place,
                format!("the mapping calls the stage '{id}' {name}, but its pipeline's settings say that it is {told}"),
                "Move the id to the right name in [stage.names], or correct the stage's win probability",
            )
        })
    }
}

/// Whether the rules of a pipeline hold an approval.
pub(super) fn has_approval(body: &Value) -> bool {
    let rules = body.get("approvalStageRules").and_then(Value::as_array);
    rules.is_some_and(|rules| !rules.is_empty())
        || body.get("approvalStage").is_some_and(|one| !one.is_null())
}
