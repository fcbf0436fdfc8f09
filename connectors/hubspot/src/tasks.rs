//! Tasks: opened by our unique property, so that opening twice is opening once; changed and closed by their id.
//!
//! What is denied here is told row by row: a right that is missing for tasks must never keep a gate from being written.

use std::collections::{BTreeMap, VecDeque};

use handoff_connector::{Exchange, Fault, Lane, Reply, Request, Step, TaskSeen};
use handoff_core::id::{ActorId, ObjectName, RecordId};
use handoff_core::task::{Act, Shape, TaskWrite};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::id::{HsId, is_object, is_property};
use crate::row::Batch;
use crate::spec::{BATCH, ONE_CALL};
use crate::{Api, ask};

/// The object.
pub(crate) const TASKS: &str = "tasks";
/// A task that is to be done.
const OPEN: &str = "NOT_STARTED";
/// A task that is done.
const CLOSED: &str = "COMPLETED";

/// The object, and every property that is written.
pub(crate) fn fields(key: &str) -> (ObjectName, Vec<String>) {
    let fields =
        ["hs_task_subject", "hs_task_body", "hs_task_status", "hs_timestamp", "hubspot_owner_id", key];
    (ObjectName::from(TASKS), fields.map(str::to_owned).to_vec())
}

/// One task to send.
#[derive(Debug, Clone)]
struct Row {
    at: usize,
    id: String,
    properties: Map<String, Value>,
}

impl Row {
    fn trace(&self) -> String {
        format!("task-{}", self.at)
    }
}

/// What is sent together.
#[derive(Debug, Clone)]
enum Job {
    /// Found or created by our property.
    Open(Vec<Row>),
    /// Found by id.
    Change(Vec<Row>),
    /// Tasks to records of this object: place of the write, task, record.
    Associate(String, Vec<(usize, HsId, HsId)>),
}

/// The conversation behind [`handoff_connector::Tasks::put`].
pub(crate) struct Put {
    api: Api,
    key: String,
    writes: Vec<TaskWrite>,
    outcomes: Vec<Option<Result<RecordId, Fault>>>,
    queue: VecDeque<Job>,
}

impl Put {
    pub(crate) fn new(api: Api, key: &str, writes: &[TaskWrite]) -> Self {
        let (mut opened, mut others) = (Vec::new(), Vec::new());
        let mut outcomes = Vec::with_capacity(writes.len());
        for (at, write) in writes.iter().enumerate() {
            match row_of(at, key, write) {
                Ok(row) => {
                    outcomes.push(None);
                    let opens = matches!(write.act, Act::Open(_));
                    if opens { &mut opened } else { &mut others }.push(row);
                }
                Err(fault) => outcomes.push(Some(Err(fault))),
            }
        }
        // Closings and changes first: they make room on a list before it grows.
        let changes = others.chunks(BATCH).map(|rows| Job::Change(rows.to_vec()));
        let queue = changes.chain(opened.chunks(BATCH).map(|rows| Job::Open(rows.to_vec()))).collect();
        Self { api, key: key.to_owned(), writes: writes.to_vec(), outcomes, queue }
    }

    /// The outcomes, once nothing is left to send.
    pub(crate) fn finished(&self) -> Option<Vec<Result<RecordId, Fault>>> {
        let lost = || Fault::Protocol { detail: "a task without an answer".to_owned() };
        self.queue
            .is_empty()
            .then(|| self.outcomes.iter().map(|one| one.clone().unwrap_or_else(|| Err(lost()))).collect())
    }

    fn settle(&mut self, at: usize, outcome: Result<RecordId, Fault>) {
        if let Some(slot) = self.outcomes.get_mut(at) {
            *slot = Some(outcome);
        }
    }

    /// What became of a batch: a batch that is refused as a whole is halved until the bad row stands alone.
    fn written(&mut self, mut rows: Vec<Row>, opens: bool, reply: &Reply) -> Result<(), Fault> {
        let job = if opens { Job::Open } else { Job::Change };
        let batch = match Batch::parse(reply) {
            Ok(batch) => batch,
            Err(Fault::Refused { .. } | Fault::Protocol { .. }) if rows.len() > 1 => {
                let second = rows.split_off(rows.len() / 2);
                self.queue.push_front(job(second));
                self.queue.push_front(job(rows));
                return Ok(());
            }
            Err(fault @ (Fault::Denied { .. } | Fault::Refused { .. } | Fault::Protocol { .. })) => {
                for row in &rows {
                    self.settle(row.at, Err(fault.clone()));
                }
                return Ok(());
            }
            Err(fault) => return Err(fault),
        };
        let mut about: BTreeMap<String, Vec<(usize, HsId, HsId)>> = BTreeMap::new();
        for row in &rows {
            match of_row(&batch, row, opens) {
                Ok(task) => {
                    self.settle(row.at, Ok(task.record()));
                    let record = self.writes.get(row.at).filter(|_| opens).and_then(record);
                    if let Some((object, record)) = record {
                        about.entry(object).or_default().push((row.at, task, record));
                    }
                }
                Err(fault) => self.settle(row.at, Err(fault)),
            }
        }
        for (object, pairs) in about {
            self.queue.push_front(Job::Associate(object, pairs));
        }
        Ok(())
    }

    /// A task that hangs on nothing is of no use: what is not associated counts as refused, and is sent again as a whole.
    fn associated(&mut self, pairs: &[(usize, HsId, HsId)], reply: &Reply) -> Result<(), Fault> {
        let body = match crate::error::body(reply) {
            Ok(body) => body,
            Err(
                fault @ (Fault::Denied { .. } | Fault::Refused { .. } | Fault::Protocol { .. } | Fault::Gone),
            ) => {
                let detail = format!("the task cannot be associated with its record ({fault})");
                for (at, _, _) in pairs {
                    self.settle(*at, Err(Fault::Refused { detail: detail.clone() }));
                }
                return Ok(());
            }
            Err(fault) => return Err(fault),
        };
        let errors = body.get("errors").and_then(Value::as_array).map_or(0, Vec::len);
        let told = body.get("results").and_then(Value::as_array).map_or(0, Vec::len);
        if errors > 0 || told < pairs.len() {
            // Which of them it is, HubSpot does not always say: each for itself.
            if let [(at, ..)] = pairs {
                let detail = "the task cannot be associated with its record".to_owned();
                self.settle(*at, Err(Fault::Refused { detail }));
            } else {
                let object =
                    pairs.first().and_then(|(at, ..)| self.writes.get(*at)).and_then(record).map(|one| one.0);
                for pair in pairs {
                    self.queue.push_front(Job::Associate(object.clone().unwrap_or_default(), vec![*pair]));
                }
            }
        }
        Ok(())
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

fn of_row(batch: &Batch, row: &Row, opens: bool) -> Result<HsId, Fault> {
    let (trace, id) = (row.trace(), &row.id);
    let named = batch.errors.iter().find(|error| error.traces.contains(&trace) || error.ids.contains(id));
    if let Some(error) = named {
        let fault = error.of_row();
        let elsewhere = opens && fault == Fault::Gone;
        let refused = || Fault::Refused { detail: "HubSpot does not find what the task names".to_owned() };
        return Err(if elsewhere { refused() } else { fault });
    }
    let found = batch.rows.iter().find(|found| found.trace.as_ref() == Some(&trace));
    let found = found.or_else(|| batch.rows.iter().find(|found| found.id.to_string() == *id));
    if let Some(found) = found {
        return Ok(found.id);
    }
    let nameless = batch.errors.iter().find(|error| error.traces.is_empty() && error.ids.is_empty());
    Err(nameless.map_or_else(
        || Fault::Protocol { detail: "a batch that says nothing about one of its rows".to_owned() },
        crate::error::ApiError::of_row,
    ))
}

/// The record that a task is about.
fn record(write: &TaskWrite) -> Option<(String, HsId)> {
    let (Act::Open(shape) | Act::Change(shape)) = &write.act else { return None };
    let about = shape.about.as_ref()?;
    Some((about.object.0.clone(), HsId::parse(about.record.as_str())?))
}

fn row_of(at: usize, key: &str, write: &TaskWrite) -> Result<Row, Fault> {
    let refused = |detail: &str| Fault::Refused { detail: detail.to_owned() };
    if !is_property(key) {
        return Err(refused("the property of our key is not an internal name"));
    }
    let known = write.task.as_ref().and_then(|task| HsId::parse(task.as_str()));
    let (id, properties) = match &write.act {
        Act::Open(shape) => {
            let about = shape.about.as_ref();
            if about.is_some_and(|about| !is_object(about.object.as_str())) {
                return Err(refused("the object of the mapping is not an internal name"));
            }
            let mut properties = words(shape, write.since)?;
            properties.insert("hs_task_status".to_owned(), json!(OPEN));
            (write.id.clone(), properties)
        }
        Act::Change(shape) => (known.ok_or(Fault::Gone)?.to_string(), words(shape, write.since)?),
        Act::Close => {
            let properties = Map::from_iter([("hs_task_status".to_owned(), json!(CLOSED))]);
            (known.ok_or(Fault::Gone)?.to_string(), properties)
        }
    };
    Ok(Row { at, id, properties })
}

fn words(shape: &Shape, since: Timestamp) -> Result<Map<String, Value>, Fault> {
    let owner = shape.owner.as_str().strip_prefix("owner:").and_then(HsId::parse);
    let owner = owner
        .ok_or_else(|| Fault::Refused { detail: "the owner is not an owner of this portal".to_owned() })?;
    // HubSpot insists on a due date.
    let due = shape.due.unwrap_or(since).strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string();
    Ok(Map::from_iter([
        ("hubspot_owner_id".to_owned(), json!(owner.to_string())),
        ("hs_task_subject".to_owned(), json!(shape.title)),
        ("hs_task_body".to_owned(), json!(html(&shape.text))),
        ("hs_timestamp".to_owned(), json!(due)),
    ]))
}

/// Plain words as HubSpot shows them.
fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' => out.push_str("<br>"),
            plain => out.push(plain),
        }
    }
    out
}

/// What HubSpot's editor makes of plain words, as plain lines again: a break or the end of a block ends a line, all other markup is dropped.
fn plain(html: &str) -> String {
    const ENDS: [&str; 7] = ["br", "/p", "/div", "/li", "/h1", "/h2", "/h3"];
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (text, tag) = rest.split_at(at);
        out.push_str(text);
        // A bracket that nothing closes is a bracket.
        let Some(end) = tag.find('>') else {
            rest = tag;
            break;
        };
        let (tag, after) = tag.split_at(end);
        let name = tag.trim_start_matches('<').to_ascii_lowercase();
        let name = name.split(|c: char| c.is_whitespace()).next().unwrap_or_default();
        let name = if name == "/" { name } else { name.trim_end_matches('/') };
        if ENDS.contains(&name) {
            out.push('\n');
        }
        rest = after.strip_prefix('>').unwrap_or(after);
    }
    out.push_str(rest);
    // The ampersand last, so that what was written as an entity stays one.
    [("&lt;", "<"), ("&gt;", ">"), ("&nbsp;", " "), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .into_iter()
        .fold(out, |text, (entity, plain)| text.replace(entity, plain))
}

impl Exchange for Put {
    type Output = Vec<Result<RecordId, Fault>>;

    fn request(&mut self) -> Request {
        let base = self.api.dialect.objects(TASKS);
        match self.queue.front() {
            Some(Job::Open(rows)) => {
                let input = |row: &Row| {
                    json!({
                        "id": row.id, "idProperty": self.key, "properties": row.properties, "objectWriteTraceId": row.trace(),
                    })
                };
                let body = json!({ "inputs": rows.iter().map(input).collect::<Vec<_>>() });
                ask::post(format!("{base}/batch/upsert"), body, Lane::Read, ONE_CALL, "put_tasks")
            }
            Some(Job::Change(rows)) => {
                let input = |row: &Row| json!({ "id": row.id, "properties": row.properties, "objectWriteTraceId": row.trace() });
                let body = json!({ "inputs": rows.iter().map(input).collect::<Vec<_>>() });
                ask::post(format!("{base}/batch/update"), body, Lane::Read, ONE_CALL, "change_tasks")
            }
            Some(Job::Associate(object, pairs)) => {
                let path = self.api.dialect.associations(TASKS, object);
                let input = |(_, task, record): &(usize, HsId, HsId)| json!({ "from": { "id": task.to_string() }, "to": { "id": record.to_string() } });
                let body = json!({ "inputs": pairs.iter().map(input).collect::<Vec<_>>() });
                ask::post(
                    format!("{path}/batch/associate/default"),
                    body,
                    Lane::Read,
                    ONE_CALL,
                    "associate_tasks",
                )
            }
            None => ask::get(self.api.dialect.account().to_owned(), Lane::Read, ONE_CALL, "account"),
        }
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<Self::Output>, Fault> {
        // Taken only once it is answered: a conversation that ends here may be asked for the same request again.
        let job = self.queue.front().cloned();
        if let Some(job) = job {
            let rest = self.queue.clone();
            self.queue.pop_front();
            let done = match job {
                Job::Open(rows) => self.written(rows, true, reply),
                Job::Change(rows) => self.written(rows, false, reply),
                Job::Associate(_, pairs) => self.associated(&pairs, reply),
            };
            if let Err(fault) = done {
                self.queue = rest;
                return Err(fault);
            }
        }
        Ok(self.finished().map_or(Step::Continue, Step::Done))
    }
}

/// The conversation behind [`handoff_connector::Tasks::find`]: a batch read by our property, which sees what was written a moment ago.
pub(crate) struct Find {
    api: Api,
    key: String,
    ids: Vec<String>,
    asked: usize,
    found: BTreeMap<String, TaskSeen>,
}

impl Find {
    pub(crate) fn new(api: Api, key: &str, ids: &[String]) -> Self {
        Self { api, key: key.to_owned(), ids: ids.to_vec(), asked: 0, found: BTreeMap::new() }
    }

    fn batch(&self) -> &[String] {
        let end = self.asked.saturating_add(BATCH).min(self.ids.len());
        self.ids.get(self.asked..end).unwrap_or_default()
    }
}

impl Exchange for Find {
    type Output = Vec<Option<TaskSeen>>;

    fn request(&mut self) -> Request {
        let inputs: Vec<Value> = self.batch().iter().map(|id| json!({ "id": id })).collect();
        let properties = [self.key.as_str(), "hs_task_status", "hs_task_body", "hs_updated_by_user_id"];
        let body = json!({ "inputs": inputs, "idProperty": self.key, "properties": properties });
        let base = self.api.dialect.objects(TASKS);
        ask::post(format!("{base}/batch/read"), body, Lane::Read, ONE_CALL, "find_tasks")
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<Self::Output>, Fault> {
        let batch = Batch::parse(reply).map_err(own)?;
        if let Some(fault) = batch.trouble() {
            return Err(own(fault));
        }
        for row in &batch.rows {
            let text = |name: &str| row.properties.get(name).and_then(Value::as_str);
            let open = text("hs_task_status") != Some(CLOSED);
            if let Some(id) = text(&self.key) {
                let by = text("hs_updated_by_user_id").and_then(HsId::parse);
                self.found.entry(id.to_owned()).or_insert(TaskSeen {
                    record: row.id.record(),
                    open,
                    text: plain(text("hs_task_body").unwrap_or_default()),
                    by: by.map(|by| ActorId(format!("user:{by}"))),
                });
            }
        }
        self.asked = self.asked.saturating_add(BATCH);
        if self.asked < self.ids.len() {
            return Ok(Step::Continue);
        }
        Ok(Step::Done(self.ids.iter().map(|id| self.found.get(id).cloned()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::{html, plain};

    #[test]
    fn words_come_back_as_they_were_written_and_as_the_editor_leaves_them() {
        for text in ["One\nTwo & three < four > five\n", "", "a &amp; b", "no line"] {
            assert_eq!(plain(&html(text)), text);
        }
        let edited =
            "<p style=\"margin:0\">Pain: too <b>slow</b>&nbsp;now</p><div>Budget:<br/>none</div>2 < 3";
        assert_eq!(plain(edited), "Pain: too slow now\nBudget:\nnone\n2 < 3");
    }
}
