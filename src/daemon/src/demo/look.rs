//! One governed record on the stage: what is seen of it in the CRM; the daemon's ledger where only it can hold an answer.

use handoff_core::beside::Happening;
use handoff_core::event::Event;
use handoff_core::id::{FieldKey, ObjectName, PartKey, RecordId, RecordRef};
use handoff_core::mapping::{GateWrite, Mapping};
use handoff_core::value::Value as Answer;
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::calls::PlaceView;
use crate::view::{Detail, Filter};

use super::crm::{Crm, Fields, Saved, Task};
use super::{DemoError, Stage, fill};

/// One governed record in one CRM.
pub(super) struct Record<'a> {
    pub(super) stage: &'a Stage,
    pub(super) crm: &'a dyn Crm,
    /// Where its handoff lives.
    pub(super) mapping: &'a Mapping,
    pub(super) id: String,
}

/// The text of a value; nothing is the empty text.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => other.to_string(),
    }
}

impl Record<'_> {
    /// The CRM's name of its object.
    pub(super) fn object(&self) -> &str {
        self.mapping.object.as_str()
    }

    /// How the daemon names it.
    pub(super) fn record(&self) -> RecordRef {
        let object: ObjectName = self.mapping.object.clone();
        RecordRef { connection: self.crm.connection().clone(), object, record: RecordId(self.id.clone()) }
    }

    fn stands(&self, field: &str) -> Value {
        self.crm.stands(self.object(), &self.id, field)
    }

    pub(super) fn text(&self, field: &str) -> String {
        text_of(&self.stands(field))
    }

    /// The text of a field that a mapping may leave out.
    pub(super) fn optional(&self, field: Option<&String>) -> String {
        field.map(|field| self.text(field)).unwrap_or_default()
    }

    /// The fields of a gate.
    pub(super) fn gate(&self, gate: &str) -> Option<&GateWrite> {
        self.mapping.write.gate.iter().find(|(name, _)| name.as_str() == gate).map(|(_, write)| write)
    }

    /// Whether a gate's flag stands open.
    pub(super) fn is_open(&self, gate: &str) -> bool {
        self.gate(gate).is_some_and(|write| self.stands(&write.field) == write.open)
    }

    pub(super) fn cleared(&self) -> bool {
        self.is_open("commission")
    }

    pub(super) fn queued(&self) -> bool {
        self.is_open("receiver_queue")
    }

    pub(super) fn missing(&self) -> String {
        self.optional(self.mapping.write.note.missing.as_ref())
    }

    pub(super) fn status(&self) -> String {
        self.optional(self.mapping.write.note.status.as_ref())
    }

    /// The brief as it stands on the record; `None` = the mapping writes none.
    pub(super) fn brief(&self) -> Option<String> {
        let field = self.mapping.beside.as_ref().and_then(|beside| beside.brief.as_ref())?;
        Some(self.text(field))
    }

    /// The stage as the CRM names it.
    pub(super) fn stage_value(&self) -> String {
        self.text(&self.mapping.stage.field)
    }

    /// The receiver's answer as it stands.
    pub(super) fn answer(&self) -> String {
        self.text(&self.mapping.decision.field)
    }

    /// The save that moves the record to the first CRM value of one of our stages.
    pub(super) fn to_stage(&self, ours: &str) -> Fields {
        fill::to_stage(self.mapping, ours)
    }

    /// The save that answers "accept", or takes the answer away.
    pub(super) fn accept(&self, answer: bool) -> Fields {
        fill::accept(self.mapping, answer)
    }

    /// The save that sends fields of the contract back.
    pub(super) fn reject(&self, fields: &str, reason: &str) -> Fields {
        fill::reject(self.mapping, fields, reason)
    }

    /// A save that has to go through.
    pub(super) fn save(&self, who: &str, fields: &Fields) -> Result<(), DemoError> {
        match self.crm.edit(who, self.object(), &self.id, fields)? {
            Saved::Done => Ok(()),
            Saved::Refused(words) => Err(DemoError::Refused { crm: self.crm.vendor(), words }),
        }
    }

    /// What the CRM refused a save with; `None` = it saved.
    pub(super) fn refused(&self, who: &str, fields: &Fields) -> Result<Option<String>, DemoError> {
        Ok(match self.crm.edit(who, self.object(), &self.id, fields)? {
            Saved::Done => None,
            Saved::Refused(words) => Some(words),
        })
    }

    /// The tasks that hang on the deal, as the CRM lists them.
    pub(super) fn tasks(&self) -> Result<Vec<Task>, DemoError> {
        match &self.mapping.write.task {
            Some(task) => self.crm.tasks(&self.id, &task.id),
            None => Ok(Vec::new()),
        }
    }

    /// How many writes after the first `since` opened the commission flag, as the sandbox received them.
    pub(super) fn openings(&self, since: usize) -> usize {
        self.gate("commission").map_or(0, |write| self.crm.flips(since, &self.id, &write.field).0)
    }

    /// The date that many days from now.
    pub(super) fn days(&self, days: i64) -> String {
        self.crm.now().to_zoned(TimeZone::UTC).date().saturating_add(days.days()).to_string()
    }

    /// The stream of the record's handoff under its mapping's contract, if one was opened.
    pub(super) fn stream(&self) -> Option<String> {
        let contract = Some(self.mapping.contract.clone());
        let filter = Filter { record: Some(self.record()), contract, ..Filter::default() };
        let all = self.stage.app.view().handoffs(&filter);
        all.into_iter().next().map(|summary| summary.stream)
    }

    async fn detail(&self) -> Result<Option<Detail>, DemoError> {
        let Some(stream) = self.stream() else { return Ok(None) };
        Ok(self.stage.app.view().handoff(&stream).await?)
    }

    /// A part of the package as the daemon read it.
    pub(super) async fn read(&self, field: &str, part: &str) -> Result<Option<Answer>, DemoError> {
        let package = self.detail().await?.and_then(|detail| detail.state).map(|state| state.package);
        let parts = package.as_ref().and_then(|package| package.get(&FieldKey::from(field)));
        Ok(parts.and_then(|parts| parts.get(&PartKey::from(part))).map(|found| found.value.clone()))
    }

    /// The names of what happened beside the package, oldest first.
    pub(super) async fn happened(&self) -> Result<Vec<Happening>, DemoError> {
        let events = self.ledger().await?.into_iter();
        Ok(events
            .filter_map(|event| if let Event::Beside { what } = event { Some(what) } else { None })
            .collect())
    }

    /// What a part of the package says in the CRM.
    pub(super) fn said(&self, field: &str, part: &str) -> String {
        let place = fill::fields(self.mapping, &[(field, part, "")]);
        place.keys().next().map(|field| self.text(field)).unwrap_or_default()
    }

    /// The places of calls that may speak of the record's fields.
    pub(super) async fn evidence(&self) -> Result<Vec<PlaceView>, DemoError> {
        Ok(self.detail().await?.map(|detail| detail.evidence).unwrap_or_default())
    }

    /// The events of the record's handoff in the ledger, oldest first.
    pub(super) async fn ledger(&self) -> Result<Vec<Event>, DemoError> {
        let entries = self.detail().await?.map(|detail| detail.entries).unwrap_or_default();
        let entries = entries.into_iter().filter_map(|entry| entry.entry);
        Ok(entries
            .flat_map(|entry| entry.handoff().map_or_else(Vec::new, |(_, events)| events.to_vec()))
            .collect())
    }
}

pub(super) fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

pub(super) fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

pub(super) fn pay(cleared: bool) -> &'static str {
    if cleared { "cleared" } else { "held" }
}

pub(super) fn or_nothing(text: &str) -> &str {
    if text.is_empty() { "nothing" } else { text }
}
