//! Deal approvals: who waits, who passes without, who decided.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::{
    Error,
    calculate::compute,
    pipelines::ApprovalRule,
    record::{Origin, Record},
    schema::{ObjectIx, PropIx},
    state::State,
};

/// Where an approval stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Somebody has to decide.
    Pending,
    /// It may pass.
    Approved,
    /// It may not.
    Rejected,
    /// The rule's condition did not hold when the deal entered the stage.
    NoApprovalNeeded,
}

/// The latest approval of a deal.
#[derive(Debug, Clone)]
pub(crate) struct Approval {
    pub(crate) id: u64,
    pub(crate) stage: String,
    pub(crate) status: Status,
}

/// Whether a deal of these values has to ask.
pub(crate) fn needs(rule: &ApprovalRule, after: &dyn Fn(&str) -> Option<String>) -> bool {
    rule.conditional_approval_filter_branch.as_ref().is_none_or(|branch| holds(branch, after))
}

/// A filter branch as lists and workflows write it; what cannot be understood holds, so that the deal waits.
fn holds(branch: &Json, after: &dyn Fn(&str) -> Option<String>) -> bool {
    let list = |name: &str| branch.get(name).and_then(Json::as_array).cloned().unwrap_or_default();
    let any = branch.get("filterBranchType").or_else(|| branch.get("filterBranchOperator"));
    let any = any.and_then(Json::as_str) == Some("OR");
    let mut answers = list("filters")
        .iter()
        .map(|filter| filter_holds(filter, after))
        .chain(list("filterBranches").iter().map(|inner| holds(inner, after)))
        .collect::<Vec<bool>>()
        .into_iter();
    if any { answers.len() == 0 || answers.any(|answer| answer) } else { answers.all(|answer| answer) }
}

fn filter_holds(filter: &Json, after: &dyn Fn(&str) -> Option<String>) -> bool {
    let Some(property) = filter.get("property").and_then(Json::as_str) else { return true };
    let Some(operation) = filter.get("operation") else { return true };
    let value = after(property);
    let mut wanted: Vec<String> = Vec::new();
    for part in [operation.get("values"), operation.get("value")].into_iter().flatten() {
        match part.as_array() {
            Some(list) => wanted.extend(list.iter().filter_map(crate::values::text)),
            None => wanted.extend(crate::values::text(part)),
        }
    }
    let unset = operation.get("includeObjectsWithNoValueSet").and_then(Json::as_bool).unwrap_or(false);
    let named = |value: &String| wanted.contains(value);
    match operation.get("operator").and_then(Json::as_str) {
        Some("IS_ANY_OF" | "IS_EQUAL_TO" | "IS_EXACTLY" | "IS") => value.as_ref().map_or(unset, named),
        Some("IS_NONE_OF" | "IS_NOT_ANY_OF" | "IS_NOT_EQUAL_TO" | "IS_NOT") => {
            // Nothing is none of anything, unless the filter says that records without a value are left out.
            let left_out =
                operation.get("includeObjectsWithNoValueSet").and_then(Json::as_bool) == Some(false);
            value.as_ref().map_or(!left_out, |value| !named(value))
        }
        Some("IS_KNOWN") => value.is_some(),
        Some("IS_UNKNOWN") => value.is_none(),
        Some(_) | None => true,
    }
}

impl State {
    /// Begins an approval when a deal has entered a stage that asks for one.
    pub(crate) fn enter_approval_stage(
        &mut self,
        object: ObjectIx,
        before: Option<&Record>,
        record: &mut Record,
        at: i64,
        touched: &mut BTreeSet<PropIx>,
    ) {
        let Some(stage) = self.stage_of(object) else { return };
        if before.and_then(|record| record.value(stage)) == record.value(stage) {
            return;
        }
        self.begin_approval(object, record, at, touched);
    }

    /// Cancels what the deal waits for and begins anew, by the values it has now.
    fn begin_approval(
        &mut self,
        object: ObjectIx,
        record: &mut Record,
        at: i64,
        touched: &mut BTreeSet<PropIx>,
    ) -> Option<Approval> {
        let kind = self.schema.object(object).filter(|kind| kind.plural == "deals")?;
        let stage = record.value(kind.position("dealstage")?)?.to_owned();
        let pipeline = record.value(kind.position("pipeline")?)?.to_owned();
        let rule = self
            .rules
            .get(&(object, pipeline))?
            .approval_stage_rules
            .iter()
            .find(|rule| rule.pipeline_stage_id == stage)?;
        let after = |name: &str| {
            kind.position(name).and_then(|position| record.value(position)).map(ToOwned::to_owned)
        };
        let status = if needs(rule, &after) { Status::Pending } else { Status::NoApprovalNeeded };
        let approval = Approval { id: self.fresh_number(), stage, status };
        self.show_approval(object, record, &approval, at, touched);
        self.approvals.insert(record.id, approval.clone());
        Some(approval)
    }

    fn show_approval(
        &self,
        object: ObjectIx,
        record: &mut Record,
        approval: &Approval,
        at: i64,
        touched: &mut BTreeSet<PropIx>,
    ) {
        let Some(kind) = self.schema.object(object) else { return };
        let origin = Origin::new("APPROVALS", None, None);
        let status = json!(approval.status);
        let status = status.as_str().unwrap_or_default();
        touched.extend(compute(kind, record, at, "hs_latest_approval_status", status, &origin));
        let id = approval.id.to_string();
        touched.extend(compute(kind, record, at, "hs_latest_approval_status_approval_id", &id, &origin));
    }

    /// Restarts the approval of a deal, as `approvals/start` does.
    pub(crate) fn restart_approval(&mut self, object: ObjectIx, deal: u64) -> Option<Approval> {
        let mut record = Record::clone(self.record(object, deal)?);
        let (now, mut touched) = (self.now(), BTreeSet::new());
        let approval = self.begin_approval(object, &mut record, now, &mut touched)?;
        self.save_approval(object, record, now, &touched);
        Some(approval)
    }

    /// Decides the approval that a deal waits for.
    pub(crate) fn decide(&mut self, object: ObjectIx, deal: u64, status: Status) -> Result<(), Error> {
        let missing = || Error::unknown("approval of deal", deal.to_string());
        let mut record = Record::clone(self.record(object, deal).ok_or_else(missing)?);
        let approval = self.approvals.get_mut(&record.id).ok_or_else(missing)?;
        approval.status = status;
        let approval = approval.clone();
        let (now, mut touched) = (self.now(), BTreeSet::new());
        self.show_approval(object, &mut record, &approval, now, &mut touched);
        self.save_approval(object, record, now, &touched);
        Ok(())
    }

    fn save_approval(&mut self, object: ObjectIx, mut record: Record, now: i64, touched: &BTreeSet<PropIx>) {
        let origin: Arc<Origin> = Origin::new("APPROVALS", None, None);
        record.modified = now;
        self.commit(object, record, crate::Operation::Update, touched, &origin);
    }
}
