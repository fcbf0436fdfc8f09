//! Reading from a CRM.

use std::collections::BTreeMap;

use handoff_core::extract::{RawRecord, ReadPlan};
use handoff_core::id::{ObjectName, RecordId, RecordRef};
use handoff_core::mapping::Mapping;
use handoff_core::past::PastRecord;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Exchange, Meter, Reply, Spec};

/// What every connector can say about itself.
pub trait Connector: Send + Sync {
    /// The connector as data.
    fn spec(&self) -> &'static Spec;

    /// Compares what the mappings need with what the CRM offers to our user: objects, fields, types, access, picklist values, stages,
    /// rules, and who else may write a gate. `plans` is what is read for the mappings, `writes` every field that is written.
    fn check(
        &self,
        mappings: &[Mapping],
        plans: &[ReadPlan],
        writes: &[(ObjectName, Vec<String>)],
    ) -> Box<dyn Exchange<Output = CheckReport>>;

    /// The CRM's object for tasks and every field of it that is written, for [`Connector::check`]; `key` = the unique field that holds what a
    /// task stands for. `None` = there are no tasks that we can write.
    fn task_fields(&self, _key: &str) -> Option<(ObjectName, Vec<String>)> {
        None
    }

    /// The vendor's meters in a reply, if it carries any.
    fn meter(&self, reply: &Reply) -> Meter;
}

/// A connector that can be read.
pub trait Source: Connector {
    /// Reads these records (one object, at most [`Spec::read_batch`]) with everything the plan names: fields, related rows, answers from
    /// field history. The result is in request order; `None` = gone or not visible; deleted or merged records come back marked.
    fn read(
        &self,
        plan: &ReadPlan,
        records: &[RecordRef],
    ) -> Box<dyn Exchange<Output = Vec<Option<RawRecord>>>>;

    /// The next page of records that changed at or after the cursor. May repeat, must not omit: overlap, late commits, equal stamps,
    /// deletes, related rows (mapped to their parent).
    fn changes(&self, plan: &ReadPlan, cursor: &Cursor) -> Box<dyn Exchange<Output = ChangePage>>;

    /// Every record of interest, for the daily reconciliation: pages in id order, archived or deleted ones included where the vendor lists
    /// them; the cursor serves this walk only. May repeat, must not omit.
    fn census(&self, plan: &ReadPlan, cursor: &Cursor) -> Box<dyn Exchange<Output = ChangePage>>;

    /// These records (one object, at most [`Spec::read_batch`]) with everything that the CRM tells of their past: changes of every field that the
    /// plan names, since when it keeps them, and when child rows came to be. In request order; `None` = gone or not visible.
    fn history(
        &self,
        plan: &ReadPlan,
        records: &[RecordRef],
    ) -> Box<dyn Exchange<Output = Vec<Option<PastRecord>>>>;

    /// A page of the records that anything may have happened to since then (`None` = ever), in id order, lost ones included where the vendor
    /// lists them; the cursor serves this walk only. May repeat, must not omit.
    fn history_list(
        &self,
        plan: &ReadPlan,
        since: Option<Timestamp>,
        cursor: &Cursor,
    ) -> Box<dyn Exchange<Output = ChangePage>>;

    /// About how many records [`Source::history_list`] will name, for progress; `None` = the vendor does not say.
    fn history_size(
        &self,
        plan: &ReadPlan,
        since: Option<Timestamp>,
    ) -> Box<dyn Exchange<Output = Option<u64>>>;

    /// A record id as another system writes it, in this vendor's canonical form; `None` = not an id of this vendor. Whether the record is of
    /// the right object and exists is for the caller to find out.
    fn record_id(&self, written: &str) -> Option<RecordId>;

    /// Who these user ids are.
    fn users(&self, ids: &[String]) -> Box<dyn Exchange<Output = Vec<ActingUser>>>;

    /// The users behind these logins (e-mail or user name, without case), as far as the CRM knows them; one login may stand for several. Their
    /// ids are those that an owner field holds.
    fn people(&self, logins: &[String]) -> Box<dyn Exchange<Output = Vec<ActingUser>>>;

    /// The id of the user that our own session acts as.
    fn whoami(&self) -> Box<dyn Exchange<Output = String>>;
}

/// Where reading of one object stands. Opaque outside its connector; kept as JSON in the memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub serde_json::Value);

impl Cursor {
    /// Reads from the beginning (or from a date that the connector takes from the plan's `since`).
    pub fn beginning() -> Self {
        Self(serde_json::Value::Null)
    }
}

/// One changed record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The record to re-read.
    pub record: RecordRef,
    /// The vendor's stamp of the change, if told; with the id it identifies a change for the books.
    pub stamp: Option<Timestamp>,
}

/// A page of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangePage {
    /// Records to re-read; a record may appear again on later pages.
    pub changed: Vec<Changed>,
    /// Stored only after every record of the page has its outcome on disk.
    pub next: Cursor,
    /// Whether another page is waiting now.
    pub more: bool,
}

/// A CRM user as far as governing needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActingUser {
    /// Vendor's user id, in its canonical (18-character) form.
    pub id: String,
    /// Login or e-mail, lower case; the default key of a person.
    pub login: String,
    /// Name to show.
    pub name: String,
    /// Whether the user can still act.
    pub active: bool,
    /// Whether the user is a machine: integration licence, automated process, ourselves.
    pub machine: bool,
}

/// One finding of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckFinding {
    /// Whether running with it would be wrong (else it is advice).
    pub error: bool,
    /// Object and field or rule it is about, e.g. `Opportunity.Success_Metric__c`.
    pub place: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub remedy: String,
}

/// What a check found; empty = ready.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CheckReport {
    /// All findings, errors first.
    pub findings: Vec<CheckFinding>,
    /// How the CRM's own means of blocking stand, by mapping; absent = the mapping names none, or the CRM did not tell.
    pub guards: BTreeMap<String, Guard>,
}

/// How a native means of blocking stands, e.g. a validation rule. Whether that is right depends on the gate's mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// It blocks.
    Active,
    /// It is there and switched off.
    Inactive,
    /// It is not there.
    Missing,
}
