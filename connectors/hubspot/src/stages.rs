//! What people call the stages of an object's pipelines. Records hold the stages' ids; only words for people need the labels, so that a
//! portal that does not tell them costs nothing but the labels.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use handoff_connector::{Fault, Lane, Reply, Request};
use handoff_core::extract::{FieldChange, ReadPlan};
use serde_json::Value;

use crate::spec::ONE_CALL;
use crate::{Api, ask, error};

/// Longest label that is shown.
const LONGEST: usize = 200;

/// The label of each stage by its id.
type Labels = BTreeMap<String, String>;

/// Labels learnt so far, by object; shared by all conversations of a connector, and asked for once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stages(Arc<RwLock<BTreeMap<String, Arc<Labels>>>>);

impl Stages {
    fn find(&self, object: &str) -> Option<Arc<Labels>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(object).cloned()
    }

    /// Whether records that are read with this plan stand in stages whose labels were not asked for yet.
    pub(crate) fn lacks(&self, plan: &ReadPlan) -> bool {
        self.find(plan.object.as_str()).is_none() && fields(plan).next().is_some()
    }

    /// Labels of the stages that a record stands in or stood in, by field.
    pub(crate) fn of(
        &self,
        plan: &ReadPlan,
        stands: &BTreeMap<String, Value>,
        history: &[FieldChange],
    ) -> BTreeMap<String, Labels> {
        let Some(known) = self.find(plan.object.as_str()) else { return BTreeMap::new() };
        let one = |field: &'static str| {
            let rows = history.iter().filter(|row| row.field == field);
            let stood = rows.flat_map(|row| row.old.iter().chain(&row.new));
            let ids = stands.get(field).into_iter().chain(stood).filter_map(Value::as_str);
            let labels: Labels = ids.filter_map(|id| Some((id.to_owned(), known.get(id)?.clone()))).collect();
            (!labels.is_empty()).then(|| (field.to_owned(), labels))
        };
        fields(plan).filter_map(one).collect()
    }
}

/// Whether a property is one by which HubSpot moves records along a pipeline; any other one has its stages as choices.
pub(crate) fn are_named_by(field: &str) -> bool {
    FIELDS.contains(&field)
}

const FIELDS: [&str; 2] = ["dealstage", "hs_pipeline_stage"];

fn fields(plan: &ReadPlan) -> impl Iterator<Item = &'static str> {
    FIELDS.into_iter().filter(move |field| plan.stage_field == *field || plan.fields.contains(*field))
}

/// The question for an object's pipelines.
pub(crate) fn request(api: &Api, object: &str, lane: Lane) -> Request {
    ask::get(api.dialect.pipelines(object), lane, ONE_CALL, "pipelines")
}

/// Learns the labels from the answer. An answer that cannot be had is remembered as none; only what may work later is a fault.
pub(crate) fn learn(api: &Api, object: &str, reply: &Reply) -> Result<(), Fault> {
    let labels = match error::body(reply) {
        Ok(body) => labels(&body),
        Err(Fault::Denied { .. } | Fault::Gone | Fault::Refused { .. } | Fault::Protocol { .. }) => {
            Labels::new()
        }
        Err(fault @ (Fault::Transient { .. } | Fault::Throttled { .. } | Fault::Expired | Fault::Stale)) => {
            return Err(fault);
        }
    };
    let mut known = api.stages.0.write().unwrap_or_else(PoisonError::into_inner);
    known.insert(object.to_owned(), Arc::new(labels));
    Ok(())
}

fn labels(body: &Value) -> Labels {
    let list = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned();
    let pipelines = list(body, "results").unwrap_or_default();
    let stages = pipelines.iter().flat_map(|pipeline| list(pipeline, "stages").unwrap_or_default());
    stages.filter_map(|stage| Some((text(&stage, "id")?, text(&stage, "label")?))).collect()
}

fn text(stage: &Value, name: &str) -> Option<String> {
    let text = stage.get(name)?.as_str()?;
    let plain: String = text.chars().filter(|each| !each.is_control()).take(LONGEST).collect();
    let plain = plain.trim();
    (!plain.is_empty()).then(|| plain.to_owned())
}
