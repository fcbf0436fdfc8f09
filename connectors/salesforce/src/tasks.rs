//! Tasks: opened by our key, so that opening twice is opening once; changed and closed by their id.
//!
//! What is denied here is told row by row: a right that is missing for tasks must never keep a gate from being written.

use std::collections::{BTreeMap, VecDeque};

use handoff_connector::{Exchange, Fault, Lane, Reply, Request, Step, TaskSeen};
use handoff_core::id::{ActorId, ObjectName, RecordId};
use handoff_core::task::{Act, Shape, TaskWrite};
use http::Method;
use serde_json::{Map, Value, json};

use crate::composite::{self, Sub, SubReply};
use crate::id::SfId;
use crate::query::{Queries, Retry};
use crate::spec::{COLLECTION, HEAVY_SUBREQUESTS};
use crate::{Api, error, row, soql};

/// The object.
pub(crate) const TASK: &str = "Task";
/// What is wrong when a task is opened for something that is gone.
const NOT_THERE: &str = "the record or the user that the task names is not there, or our user may not see it";
/// A task that is to be done.
const OPEN: &str = "Not Started";
/// A task that is done.
const CLOSED: &str = "Completed";

/// The object, and every field that is written.
pub(crate) fn fields(key: &str) -> (ObjectName, Vec<String>) {
    let fields = ["Subject", "Description", "Status", "ActivityDate", "OwnerId", "WhatId", "WhoId", key];
    (ObjectName::from(TASK), fields.map(str::to_owned).to_vec())
}

/// One task to send.
#[derive(Debug, Clone)]
struct Row {
    at: usize,
    fields: Map<String, Value>,
}

/// Rows that are sent together.
#[derive(Debug, Clone)]
struct Job {
    /// Whether they are found by our key.
    by_key: bool,
    rows: Vec<Row>,
}

/// The conversation behind [`handoff_connector::Tasks::put`].
pub(crate) struct Put {
    api: Api,
    key: String,
    outcomes: Vec<Option<Result<RecordId, Fault>>>,
    queue: VecDeque<Job>,
}

impl Put {
    pub(crate) fn new(api: Api, key: &str, writes: &[TaskWrite]) -> Self {
        let (mut opened, mut others) = (Vec::new(), Vec::new());
        let mut outcomes = Vec::with_capacity(writes.len());
        for (at, write) in writes.iter().enumerate() {
            let by_key = matches!(write.act, Act::Open(_));
            match fields_of(key, write) {
                Ok(fields) => {
                    outcomes.push(None);
                    if by_key { &mut opened } else { &mut others }.push(Row { at, fields });
                }
                Err(fault) => outcomes.push(Some(Err(fault))),
            }
        }
        let jobs = |rows: &[Row], by_key| {
            let jobs = rows.chunks(COLLECTION).map(move |rows| Job { by_key, rows: rows.to_vec() });
            jobs.collect::<Vec<_>>()
        };
        // Closings and changes first: they make room on a list before it grows.
        let queue = jobs(&others, false).into_iter().chain(jobs(&opened, true)).collect();
        Self { api, key: key.to_owned(), outcomes, queue }
    }

    /// The outcomes, once nothing is left to send.
    pub(crate) fn finished(&self) -> Option<Vec<Result<RecordId, Fault>>> {
        let lost = || Fault::Protocol { detail: "a task without an answer".to_owned() };
        self.queue
            .is_empty()
            .then(|| self.outcomes.iter().map(|one| one.clone().unwrap_or_else(|| Err(lost()))).collect())
    }

    fn subs(&self) -> Vec<Sub> {
        let base = &self.api.base;
        let sub = |(at, job): (usize, &Job)| {
            let records: Vec<&Map<String, Value>> = job.rows.iter().map(|row| &row.fields).collect();
            let body = json!({ "allOrNone": false, "records": records });
            let url = if job.by_key {
                format!("{base}/composite/sobjects/{TASK}/{}", self.key)
            } else {
                format!("{base}/composite/sobjects")
            };
            Sub::with_body(format!("tasks{at}"), Method::PATCH, url, body)
        };
        self.queue.iter().take(HEAVY_SUBREQUESTS).enumerate().map(sub).collect()
    }

    fn settle(&mut self, row: &Row, outcome: Result<RecordId, Fault>) {
        if let Some(slot) = self.outcomes.get_mut(row.at) {
            *slot = Some(outcome);
        }
    }

    fn answered(&mut self, job: &Job, answer: &SubReply) {
        let results = match answer.ok() {
            Ok(body) => body.as_array().filter(|results| results.len() == job.rows.len()),
            Err(fault) => {
                let fault = if job.by_key { without_field(fault, &self.key) } else { fault };
                for row in &job.rows {
                    self.settle(row, Err(fault.clone()));
                }
                return;
            }
        };
        let Some(results) = results else {
            let detail = "a collection answered with another number of rows".to_owned();
            for row in &job.rows {
                self.settle(row, Err(Fault::Protocol { detail: detail.clone() }));
            }
            return;
        };
        for (row, result) in job.rows.iter().zip(results) {
            self.settle(row, of_row(result, job.by_key));
        }
    }
}

/// The field that finds our tasks is not there, which is not to say that a task is gone.
fn without_field(fault: Fault, key: &str) -> Fault {
    match fault {
        Fault::Gone => Fault::Denied {
            detail: format!("Task.{key} is not there, is no external id, or our user may not see it"),
            remedy: "Deploy deploy/salesforce and assign the permission set Handoff_Integration".to_owned(),
        },
        other @ (Fault::Transient { .. }
        | Fault::Throttled { .. }
        | Fault::Expired
        | Fault::Denied { .. }
        | Fault::Stale
        | Fault::Refused { .. }
        | Fault::Protocol { .. }) => other,
    }
}

/// A denial concerns tasks only.
fn own(fault: Fault) -> Fault {
    match fault {
        Fault::Denied { detail, remedy } => Fault::Refused { detail: format!("{detail}. {remedy}") },
        other @ (Fault::Transient { .. }
        | Fault::Throttled { .. }
        | Fault::Expired
        | Fault::Stale
        | Fault::Gone
        | Fault::Refused { .. }
        | Fault::Protocol { .. }) => other,
    }
}

fn of_row(result: &Value, by_key: bool) -> Result<RecordId, Fault> {
    let shape = || Fault::Protocol { detail: "a task that neither succeeded nor failed".to_owned() };
    match result.get("success").and_then(Value::as_bool) {
        Some(true) => Ok(row::id(result, "id").ok_or_else(shape)?.record()),
        Some(false) => {
            let fault = error::worst(&error::errors(result)).unwrap_or_else(shape);
            // What is not there is what it is about, or who shall have it.
            let elsewhere = by_key && fault == Fault::Gone;
            Err(if elsewhere { Fault::Refused { detail: NOT_THERE.to_owned() } } else { fault })
        }
        None => Err(shape()),
    }
}

fn fields_of(key: &str, write: &TaskWrite) -> Result<Map<String, Value>, Fault> {
    let mut fields = Map::new();
    fields.insert("attributes".to_owned(), json!({ "type": TASK }));
    let shape = match &write.act {
        Act::Open(shape) => {
            if !soql::is_name(key) {
                return Err(Fault::Refused { detail: "the field of our key is not an API name".to_owned() });
            }
            fields.insert(key.to_owned(), json!(write.id));
            fields.insert("Status".to_owned(), json!(OPEN));
            Some(shape)
        }
        Act::Change(shape) => Some(shape),
        Act::Close => {
            fields.insert("Status".to_owned(), json!(CLOSED));
            None
        }
    };
    if !matches!(write.act, Act::Open(_)) {
        let id = write.task.as_ref().and_then(|task| SfId::parse(task.as_str()).ok()).ok_or(Fault::Gone)?;
        fields.insert("Id".to_owned(), json!(id.as_str()));
    }
    if let Some(shape) = shape {
        words(shape, &mut fields)?;
    }
    Ok(fields)
}

fn words(shape: &Shape, fields: &mut Map<String, Value>) -> Result<(), Fault> {
    let owner = SfId::parse(shape.owner.as_str());
    let owner = owner
        .map_err(|_error| Fault::Refused { detail: "the owner is not a user of this org".to_owned() })?;
    fields.insert("OwnerId".to_owned(), json!(owner.as_str()));
    fields.insert("Subject".to_owned(), json!(shape.title));
    fields.insert("Description".to_owned(), json!(shape.text));
    fields.insert("ActivityDate".to_owned(), json!(shape.due_day.map(|day| day.to_string())));
    if let Some(about) = &shape.about {
        let id = SfId::parse(about.record.as_str())
            .map_err(|error| Fault::Refused { detail: error.to_string() })?;
        // People are named apart from things.
        let field = if matches!(about.object.as_str(), "Lead" | "Contact") { "WhoId" } else { "WhatId" };
        fields.insert(field.to_owned(), json!(id.as_str()));
    }
    Ok(())
}

impl Exchange for Put {
    type Output = Vec<Result<RecordId, Fault>>;

    fn request(&mut self) -> Request {
        composite::request(&self.api.base, &self.subs(), Lane::Read, "put_tasks")
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<Self::Output>, Fault> {
        let subs = self.subs();
        let answers = match composite::replies(reply, &subs) {
            Ok(answers) => answers,
            Err(fault @ (Fault::Denied { .. } | Fault::Refused { .. })) => {
                let jobs: Vec<Job> = self.queue.drain(..subs.len()).collect();
                for row in jobs.iter().flat_map(|job| &job.rows) {
                    self.settle(row, Err(fault.clone()));
                }
                return Ok(self.finished().map_or(Step::Continue, Step::Done));
            }
            Err(fault) => return Err(fault),
        };
        let jobs: Vec<Job> = self.queue.drain(..subs.len()).collect();
        for (job, answer) in jobs.iter().zip(&answers) {
            self.answered(job, answer);
        }
        Ok(self.finished().map_or(Step::Continue, Step::Done))
    }
}

/// The conversation behind [`handoff_connector::Tasks::find`].
pub(crate) struct Find {
    api: Api,
    key: String,
    ids: Vec<String>,
    batches: usize,
    queries: Queries,
}

impl Find {
    pub(crate) fn new(api: Api, key: &str, ids: &[String]) -> Self {
        let url = |ids: &[String]| {
            let select = soql::select(["Id", key, "IsClosed", "Description", "LastModifiedById"], TASK);
            let wanted = soql::list(ids.iter().map(String::as_str));
            soql::url(&api.base, "query", &format!("{select} WHERE {key} IN {wanted} ORDER BY Id"))
        };
        let urls: Vec<String> = ids.chunks(COLLECTION).map(url).collect();
        let batches = urls.len();
        Self { key: key.to_owned(), ids: ids.to_vec(), batches, queries: Queries::new(urls, "tasks"), api }
    }
}

impl Exchange for Find {
    type Output = Vec<Option<TaskSeen>>;

    fn request(&mut self) -> Request {
        self.queries.request(&self.api, Lane::Read)
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<Self::Output>, Fault> {
        if !self.queries.reply(reply, |_, _, answer| Retry::Fail(answer.fault())).map_err(own)? {
            return Ok(Step::Continue);
        }
        let mut found: BTreeMap<String, TaskSeen> = BTreeMap::new();
        for one in (0..self.batches).filter_map(|at| self.queries.take(at)).flatten() {
            let seen = TaskSeen {
                record: row::own_id(&one)?.record(),
                open: !row::flag(&one, "IsClosed"),
                text: row::text(&one, "Description").unwrap_or_default(),
                by: row::id(&one, "LastModifiedById").map(|id| ActorId(id.as_str().to_owned())),
            };
            if let Some(id) = row::text(&one, &self.key) {
                found.entry(id).or_insert(seen);
            }
        }
        Ok(Step::Done(self.ids.iter().map(|id| found.get(id).cloned()).collect()))
    }
}
