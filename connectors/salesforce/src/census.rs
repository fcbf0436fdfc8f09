//! Every record of an object, page by page in id order.

use handoff_connector::{ChangePage, Changed, Cursor, Exchange, Fault, Lane, Reply, Request, Step};
use handoff_core::extract::ReadPlan;
use handoff_core::id::{ObjectName, RecordRef};
use serde_json::{Value, json};

use crate::composite;
use crate::id::SfId;
use crate::spec::ONE_CALL;
use crate::{Api, error, row, soql, stamp};

/// Field of the cursor that holds the last id read.
const AFTER: &str = "after";

/// The conversation behind [`handoff_connector::Source::census`].
pub(crate) struct Census {
    api: Api,
    object: ObjectName,
    after: Option<SfId>,
    question: String,
}

impl Census {
    /// A cursor that cannot be read starts the walk again.
    pub(crate) fn new(api: Api, plan: &ReadPlan, cursor: &Cursor) -> Self {
        let after = cursor.0.get(AFTER).and_then(Value::as_str).and_then(|id| SfId::parse(id).ok());
        let question = question(&api, plan, after.as_ref());
        Self { api, object: plan.object.clone(), after, question }
    }

    fn page(&self, reply: &Reply) -> Result<ChangePage, Fault> {
        let page = row::page(error::body(reply)?)?;
        // Fewer rows than asked for may also mean that the rows are wide: the server then names a next page, which is asked for by id.
        let more = page.next.is_some() || page.rows.len() >= self.api.page_size;
        let mut changed = Vec::with_capacity(page.rows.len());
        let mut last = None;
        for found in &page.rows {
            let id = row::own_id(found)?;
            if self.after.as_ref() == Some(&id) {
                return Err(repeats(&self.object));
            }
            let record = RecordRef {
                connection: self.api.connection.clone(),
                object: self.object.clone(),
                record: id.record(),
            };
            changed.push(Changed { record, stamp: row::time(found, "SystemModstamp") });
            last = Some(id);
        }
        if more && last.is_none() {
            return Err(repeats(&self.object));
        }
        let next = last.or_else(|| self.after.clone());
        let next = next.map_or_else(Cursor::beginning, |id| Cursor(json!({ AFTER: id.as_str() })));
        Ok(ChangePage { changed, next, more })
    }
}

fn repeats(object: &ObjectName) -> Fault {
    Fault::Protocol { detail: format!("the pages of {object} do not advance: the server repeats itself") }
}

fn question(api: &Api, plan: &ReadPlan, after: Option<&SfId>) -> String {
    let mut text = soql::select(["Id", "SystemModstamp"], plan.object.as_str());
    let stages = &plan.interesting_stages;
    let conditions = [
        after.map(|id| format!("Id > {}", soql::quote(id.as_str()))),
        api.since.map(|since| format!("SystemModstamp >= {}", stamp::soql(since))),
        (!stages.is_empty())
            .then(|| format!("{} IN {}", plan.stage_field, soql::list(stages.iter().map(String::as_str)))),
    ];
    let conditions: Vec<String> = conditions.into_iter().flatten().collect();
    if !conditions.is_empty() {
        text.push_str(" WHERE ");
        text.push_str(&conditions.join(" AND "));
    }
    format!("{text} ORDER BY Id LIMIT {}", api.page_size)
}

impl Exchange for Census {
    type Output = ChangePage;

    fn request(&mut self) -> Request {
        // queryAll, because a deleted record has to be read too.
        let path = soql::url(&self.api.base, "queryAll", &self.question);
        composite::get(path, Lane::Backfill, ONE_CALL, "census")
    }

    fn reply(&mut self, reply: &Reply) -> Result<Step<ChangePage>, Fault> {
        self.page(reply).map(Step::Done)
    }
}
