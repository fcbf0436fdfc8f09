//! What is sent together.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::plan::{Plan, Write};
use http::Method;
use serde_json::{Map, Value, json};

use crate::composite::Sub;
use crate::id::SfId;
use crate::spec::COLLECTION;
use crate::{Api, soql, stamp};

/// One record to write.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Place of its plan.
    pub(super) at: usize,
    /// The record.
    pub(super) id: SfId,
    /// Field = value.
    pub(super) fields: BTreeMap<String, Value>,
    /// Whether this takes an opening back.
    pub(super) withdrawing: bool,
    /// How often it was tried again.
    pub(super) tries: u8,
}

impl Row {
    /// The row that takes this opening back. A plan that does not say how is undone to what stood before.
    pub(super) fn withdrawal(&self, plan: &Plan) -> Self {
        let fields = if plan.withdraw.is_empty() {
            plan.writes.iter().map(|write| (write.field.clone(), write.from.clone())).collect()
        } else {
            values(&plan.withdraw)
        };
        Self { fields, withdrawing: true, tries: 0, ..self.clone() }
    }
}

/// Field = value; a later write of the same field wins.
pub(super) fn values(writes: &[Write]) -> BTreeMap<String, Value> {
    writes.iter().map(|write| (write.field.clone(), write.to.clone())).collect()
}

/// Rows of one object that are sent together.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// The object.
    pub(super) object: String,
    /// Whether each row holds only for the version that was read.
    pub(super) guarded: bool,
    /// Whether it is sent by itself, because a call that held it and others was not understood.
    pub(super) alone: bool,
    /// The rows, by id.
    pub(super) rows: Vec<Row>,
}

/// Rows by object and id: the same order in every call keeps two of them from waiting for each other's locks. A record that stands twice
/// goes into a later job, for a collection may name it once only.
fn grouped(rows: Vec<Row>, plans: &[Plan], size: usize, guarded: bool) -> Vec<Job> {
    let object = |row: &Row| plans.get(row.at).map_or("", |plan| plan.target.object.as_str()).to_owned();
    let mut rows: Vec<(String, Row)> = rows.into_iter().map(|row| (object(&row), row)).collect();
    rows.sort_by(|a, b| (&a.0, &a.1.id, a.1.at).cmp(&(&b.0, &b.1.id, b.1.at)));
    let mut jobs: Vec<Job> = Vec::new();
    for (object, row) in rows {
        let fits = |job: &Job| {
            job.object == object && job.rows.len() < size && job.rows.iter().all(|other| other.id != row.id)
        };
        match jobs.last_mut().filter(|job| fits(job)) {
            Some(job) => job.rows.push(row),
            None => jobs.push(Job { object, guarded, alone: false, rows: vec![row] }),
        }
    }
    jobs
}

/// Unconditional rows as collections.
pub(super) fn batches(rows: Vec<Row>, plans: &[Plan]) -> Vec<Job> {
    grouped(rows, plans, COLLECTION, false)
}

/// Openings as lists of single writes.
pub(super) fn guarded(rows: Vec<Row>, plans: &[Plan], size: usize) -> Vec<Job> {
    grouped(rows, plans, size, true)
}

/// The objects of a round, each once, in order.
pub(super) fn objects(round: &[Job]) -> Vec<String> {
    let mut objects: Vec<String> = Vec::new();
    for job in round {
        if !objects.contains(&job.object) {
            objects.push(job.object.clone());
        }
    }
    objects
}

/// What is read back of these rows: their stamp and everything that their plans write, withdraw or expect.
fn columns<'a>(rows: impl Iterator<Item = &'a Row>, plans: &[Plan]) -> BTreeSet<String> {
    let mut columns = BTreeSet::new();
    for plan in rows.filter_map(|row| plans.get(row.at)) {
        columns.extend(plan.writes.iter().chain(&plan.withdraw).map(|write| write.field.clone()));
        if plan.guard.is_some() {
            columns.extend(plan.expect.keys().cloned());
        }
    }
    columns
}

/// One read-back per object of a round of collections.
pub(super) fn read_backs(api: &Api, round: &[Job], plans: &[Plan]) -> Vec<Sub> {
    let one = |(at, object): (usize, String)| {
        let rows = || round.iter().filter(|job| job.object == object).flat_map(|job| &job.rows);
        let ids: BTreeSet<&str> = rows().map(|row| row.id.as_str()).collect();
        // A path to a parent cannot be retrieved this way, and nothing that is written is one.
        let written = columns(rows(), plans).into_iter().filter(|name| soql::is_name(name));
        let fields: BTreeSet<String> =
            written.chain(["Id".to_owned(), "SystemModstamp".to_owned()]).collect();
        Sub::with_body(
            format!("read{at}"),
            Method::POST,
            format!("{}/composite/sobjects/{object}", api.base),
            json!({ "ids": ids, "fields": fields }),
        )
    };
    objects(round).into_iter().enumerate().map(one).collect()
}

impl Job {
    /// All rows as one collection, each for itself.
    pub(super) fn collection(&self, api: &Api, at: usize) -> Sub {
        let record = |row: &Row| {
            let mut object = Map::new();
            object.insert("attributes".to_owned(), json!({ "type": self.object }));
            object.insert("id".to_owned(), json!(row.id.as_str()));
            object.extend(row.fields.iter().map(|(field, value)| (field.clone(), value.clone())));
            Value::Object(object)
        };
        let records: Vec<Value> = self.rows.iter().map(record).collect();
        Sub::with_body(
            format!("write{at}"),
            Method::PATCH,
            format!("{}/composite/sobjects", api.base),
            json!({ "allOrNone": false, "records": records }),
        )
    }

    /// Each row as a write of its own that holds only for the version that was read.
    pub(super) fn openings(&self, api: &Api, plans: &[Plan]) -> Vec<Sub> {
        let one = |(at, row): (usize, &Row)| {
            let guard = plans.get(row.at).and_then(|plan| plan.guard.as_ref());
            Sub {
                unmodified_since: guard.and_then(|guard| stamp::http_date(guard.stamp)),
                ..Sub::with_body(
                    format!("open{at}"),
                    Method::PATCH,
                    format!("{}/sobjects/{}/{}", api.base, self.object, row.id.as_str()),
                    json!(row.fields),
                )
            }
        };
        self.rows.iter().enumerate().map(one).collect()
    }

    /// Reads back what the openings wrote and the package that they were decided on.
    pub(super) fn read_back_query(&self, api: &Api, plans: &[Plan]) -> Sub {
        let columns = columns(self.rows.iter(), plans);
        let fixed = ["Id", "SystemModstamp"];
        let select = soql::select(fixed.into_iter().chain(columns.iter().map(String::as_str)), &self.object);
        let ids = soql::ids(self.rows.iter().map(|row| &row.id));
        Sub::get("read0", soql::url(&api.base, "query", &format!("{select} WHERE Id IN {ids}")))
    }
}
