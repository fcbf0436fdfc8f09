//! What is sent together.

use std::collections::{BTreeMap, BTreeSet};

use handoff_connector::{Lane, Request};
use handoff_core::plan::{Plan, Write};
use serde_json::{Map, Value, json};

use crate::id::HsId;
use crate::read::inputs;
use crate::row::modified_property;
use crate::spec::{BATCH, HISTORY_BATCH, ONE_CALL};
use crate::{Api, ask};

/// One record to write.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Place of its plan.
    pub(super) at: usize,
    /// The record.
    pub(super) id: HsId,
    /// Property = value, as our JSON.
    pub(super) writes: BTreeMap<String, Value>,
    /// Whether this takes an opening back.
    pub(super) withdrawing: bool,
    /// Whether HubSpot wrote another record than the one named: the one that it was merged into.
    pub(super) elsewhere: bool,
    /// How often it was tried again.
    pub(super) tries: u8,
}

impl Row {
    /// The row that takes this opening back. A plan that does not say how is undone to what stood before.
    pub(super) fn withdrawal(&self, plan: &Plan) -> Self {
        let writes = if plan.withdraw.is_empty() {
            plan.writes.iter().map(|write| (write.field.clone(), write.from.clone())).collect()
        } else {
            values(&plan.withdraw)
        };
        Self { writes, withdrawing: true, tries: 0, ..self.clone() }
    }

    /// Our mark of the row in its batch.
    pub(super) fn trace(&self) -> String {
        format!("plan-{}", self.at)
    }
}

/// Field = value; a later write of the same field wins.
pub(super) fn values(writes: &[Write]) -> BTreeMap<String, Value> {
    writes.iter().map(|write| (write.field.clone(), write.to.clone())).collect()
}

/// What a job does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Reads what its rows hang on.
    Check,
    /// Writes.
    Write,
    /// Reads back what was written.
    ReadBack,
}

/// Rows of one object that are sent together.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) object: String,
    pub(super) phase: Phase,
    /// The rows; no record stands there twice.
    pub(super) rows: Vec<Row>,
}

/// Rows by object. A record that stands twice goes into a later job, for a batch that names it twice is refused as a whole.
pub(super) fn jobs(rows: Vec<Row>, plans: &[Plan]) -> Vec<Job> {
    let mut jobs: Vec<Job> = Vec::new();
    for row in rows {
        let Some(plan) = plans.get(row.at) else { continue };
        let (object, checked) = (plan.target.object.as_str(), plan.only_if.is_some());
        let (phase, size) = if checked { (Phase::Check, HISTORY_BATCH) } else { (Phase::Write, BATCH) };
        // Plans of one record stay in their order, so no later row slips into an earlier job.
        let after = jobs
            .iter()
            .rposition(|job| job.rows.iter().any(|other| other.id == row.id))
            .map_or(0, |at| at + 1);
        let fits = |job: &&mut Job| job.object == object && job.phase == phase && job.rows.len() < size;
        match jobs.iter_mut().skip(after).find(fits) {
            Some(job) => job.rows.push(row),
            None => jobs.push(Job { object: object.to_owned(), phase, rows: vec![row] }),
        }
    }
    jobs
}

impl Job {
    /// Rows that are written without looking first.
    pub(super) fn new(object: &str, rows: Vec<Row>) -> Self {
        Self { object: object.to_owned(), phase: Phase::Write, rows }
    }

    /// Where a job begins that is sent again.
    pub(super) fn first_phase(&self, plans: &[Plan]) -> Phase {
        let hangs = |row: &Row| plans.get(row.at).is_some_and(|plan| plan.only_if.is_some());
        if self.rows.iter().any(hangs) { Phase::Check } else { Phase::Write }
    }

    pub(super) fn request(&self, api: &Api, plans: &[Plan], lane: Lane) -> Request {
        let withdrawing = self.rows.iter().any(|row| row.withdrawing);
        let lane = if withdrawing { Lane::GateClose } else { lane };
        let base = api.dialect.objects(&self.object);
        let ids: Vec<HsId> = self.rows.iter().map(|row| row.id).collect();
        match self.phase {
            Phase::Check => {
                let names = self.columns(plans);
                let history: BTreeSet<&String> = self
                    .plans(plans)
                    .filter_map(|plan| plan.only_if.as_ref())
                    .map(|one| &one.field)
                    .collect();
                let body =
                    json!({ "inputs": inputs(&ids), "properties": names, "propertiesWithHistory": history });
                ask::post(format!("{base}/batch/read"), body, lane, ONE_CALL, "check_entry")
            }
            Phase::Write => {
                let known = api.known.find(&self.object).unwrap_or_default();
                let input = |row: &Row| {
                    let values = row
                        .writes
                        .iter()
                        .filter_map(|(name, value)| Some((name.clone(), known.write(name, value)?)));
                    let values: Map<String, Value> = values.collect();
                    json!({ "id": row.id.to_string(), "properties": values, "objectWriteTraceId": row.trace() })
                };
                let rows: Vec<Value> = self.rows.iter().map(input).collect();
                ask::post(format!("{base}/batch/update"), json!({ "inputs": rows }), lane, ONE_CALL, "apply")
            }
            Phase::ReadBack => {
                let body = json!({ "inputs": inputs(&ids), "properties": self.columns(plans) });
                ask::post(format!("{base}/batch/read"), body, lane, ONE_CALL, "read_back")
            }
        }
    }

    fn plans<'a>(&'a self, plans: &'a [Plan]) -> impl Iterator<Item = &'a Plan> {
        self.rows.iter().filter_map(|row| plans.get(row.at))
    }

    /// The stamp and everything that the plans write, withdraw or expect.
    fn columns(&self, plans: &[Plan]) -> BTreeSet<String> {
        let mut columns = BTreeSet::from([modified_property(&self.object).to_owned()]);
        for plan in self.plans(plans) {
            columns.extend(plan.writes.iter().chain(&plan.withdraw).map(|write| write.field.clone()));
            columns.extend(plan.expect.keys().filter(|name| crate::id::is_property(name)).cloned());
            columns.extend(plan.only_if.iter().map(|only_if| only_if.field.clone()));
        }
        columns
    }
}
