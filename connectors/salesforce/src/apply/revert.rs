//! Putting a stage back: the record and its newest history row are read right before, and the write holds only for that version.

use handoff_connector::{Applied, Fault};
use handoff_core::plan::{Plan, StageEntry};
use http::Method;
use serde_json::json;

use super::job::Row;
use super::outcome;
use crate::changes::offers_no_history;
use crate::composite::{Sub, SubReply};
use crate::relations::{history_names, history_of};
use crate::{Api, row, soql, stamp};

/// One plan that holds only while the stage stands as it was seen.
pub(super) struct Revert {
    pub(super) row: Row,
    object: String,
    /// The version that was read right before, as an HTTP date; `None` = not read yet.
    version: Option<String>,
}

impl Revert {
    pub(super) fn new(row: Row, plan: &Plan) -> Self {
        Self { row, object: plan.target.object.0.clone(), version: None }
    }

    /// Reads the record and the newest history row of its stage, then writes and reads back.
    pub(super) fn subs(&self, api: &Api, plan: &Plan) -> Vec<Sub> {
        let id = soql::quote(self.row.id.as_str());
        let record = |columns: Vec<&str>| {
            let fixed = ["Id", "SystemModstamp"].into_iter();
            let select = soql::select(fixed.chain(columns), &self.object);
            soql::url(&api.base, "query", &format!("{select} WHERE Id = {id}"))
        };
        let only_if = plan.only_if.as_ref();
        let Some(version) = &self.version else {
            let stage = only_if.map(|only_if| only_if.field.as_str());
            let columns = stage.into_iter().chain(plan.expect.keys().map(String::as_str)).collect();
            let (table, key) = history_of(&self.object);
            let names = soql::list(stage.into_iter().flat_map(history_names));
            let newest = format!(
                "SELECT Id FROM {table} WHERE {key} = {id} AND Field IN {names} ORDER BY CreatedDate DESC, Id DESC LIMIT 1"
            );
            let history = soql::url(&api.base, "query", &newest);
            return vec![Sub::get("stands", record(columns)), Sub::get("entered", history)];
        };
        let write = Sub::with_body(
            "back",
            Method::PATCH,
            format!("{}/sobjects/{}/{}", api.base, self.object, self.row.id.as_str()),
            json!(self.row.fields),
        );
        let written = self.row.fields.keys().map(String::as_str).collect();
        vec![Sub { unmodified_since: Some(version.clone()), ..write }, Sub::get("read0", record(written))]
    }

    /// The outcome, or `None` while the write is still to be sent.
    pub(super) fn take(&mut self, plan: &Plan, answers: &[SubReply]) -> Option<Result<Applied, Fault>> {
        let [first, second] = answers else {
            return Some(Err(Fault::Protocol { detail: "two questions without two answers".to_owned() }));
        };
        if self.version.is_some() {
            return Some(outcome::put_back(plan, &self.row.id, first, second));
        }
        match self.stands(plan, first, second) {
            Ok(version) => {
                self.version = Some(version);
                None
            }
            Err(fault) => Some(Err(fault)),
        }
    }

    /// The version to write on, if all is as it was decided on.
    fn stands(&self, plan: &Plan, record: &SubReply, history: &SubReply) -> Result<String, Fault> {
        let found = outcome::read_back(record, &self.row.id)?;
        let Some(StageEntry { field, value, entry }) = &plan.only_if else { return Err(Fault::Stale) };
        if offers_no_history(history) {
            return Err(Fault::Refused { detail: "the object keeps no field history".to_owned() });
        }
        let newest = row::page(history.ok()?.clone())?.rows.first().and_then(|newest| row::id(newest, "Id"));
        let same_entry = newest.is_some_and(|newest| newest.as_str() == entry);
        let same_stage = row::text(&found, field).as_ref() == Some(value);
        let expected = plan.expect.iter().all(|(field, value)| outcome::is(&found, field, value));
        if !same_entry || !same_stage || !expected {
            return Err(Fault::Stale);
        }
        row::time(&found, "SystemModstamp").and_then(stamp::http_date).ok_or(Fault::Stale)
    }
}
