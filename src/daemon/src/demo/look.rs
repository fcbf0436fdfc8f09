//! One deal on the stage: acted on in the CRM, and what is seen there; the daemon's ledger where only it can hold an answer.

use handoff_core::event::Event;
use handoff_core::mapping::GateWrite;
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::calls::PlaceView;

use super::crm::{Crm, Fields, Saved};
use super::{DemoError, Stage, fill};

/// One deal in one CRM.
pub(super) struct Deal<'a> {
    pub(super) stage: &'a Stage,
    pub(super) crm: &'a dyn Crm,
    pub(super) id: String,
}

impl Deal<'_> {
    pub(super) fn text(&self, field: &str) -> String {
        match self.crm.field(&self.id, field) {
            Value::String(text) => text,
            Value::Null => String::new(),
            other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                other.to_string()
            }
        }
    }

    /// The text of a field that a mapping may leave out.
    pub(super) fn optional(&self, field: Option<&String>) -> String {
        field.map(|field| self.text(field)).unwrap_or_default()
    }

    /// The fields of a gate.
    pub(super) fn gate(&self, gate: &str) -> Option<&GateWrite> {
        self.crm.mapping().write.gate.iter().find(|(name, _)| name.as_str() == gate).map(|(_, write)| write)
    }

    /// Whether a gate's flag stands open.
    pub(super) fn is_open(&self, gate: &str) -> bool {
        self.gate(gate).is_some_and(|write| self.crm.field(&self.id, &write.field) == write.open)
    }

    pub(super) fn cleared(&self) -> bool {
        self.is_open("commission")
    }

    pub(super) fn queued(&self) -> bool {
        self.is_open("receiver_queue")
    }

    pub(super) fn missing(&self) -> String {
        self.optional(self.crm.mapping().write.note.missing.as_ref())
    }

    pub(super) fn status(&self) -> String {
        self.optional(self.crm.mapping().write.note.status.as_ref())
    }

    /// The stage as the CRM names it.
    pub(super) fn stage_value(&self) -> String {
        self.text(&self.crm.mapping().stage.field)
    }

    /// The receiver's answer as it stands.
    pub(super) fn answer(&self) -> String {
        self.text(&self.crm.mapping().decision.field)
    }

    /// The save that moves the deal to the first CRM value of one of our stages.
    pub(super) fn to_stage(&self, ours: &str) -> Fields {
        fill::to_stage(self.crm.mapping(), ours)
    }

    /// The save that answers "accept", or takes the answer away.
    pub(super) fn accept(&self, answer: bool) -> Fields {
        fill::accept(self.crm.mapping(), answer)
    }

    /// The save that sends fields of the contract back.
    pub(super) fn reject(&self, fields: &str, reason: &str) -> Fields {
        fill::reject(self.crm.mapping(), fields, reason)
    }

    /// A save that has to go through.
    pub(super) fn save(&self, who: &str, fields: &Fields) -> Result<(), DemoError> {
        match self.crm.save(who, &self.id, fields)? {
            Saved::Done => Ok(()),
            Saved::Refused(words) => Err(DemoError::Refused { crm: self.crm.vendor(), words }),
        }
    }

    /// What the CRM refused a save with; `None` = it saved.
    pub(super) fn refused(&self, who: &str, fields: &Fields) -> Result<Option<String>, DemoError> {
        Ok(match self.crm.save(who, &self.id, fields)? {
            Saved::Done => None,
            Saved::Refused(words) => Some(words),
        })
    }

    /// How many writes after the first `since` opened the commission flag, as the sandbox received them.
    pub(super) fn openings(&self, since: usize) -> usize {
        self.gate("commission").map_or(0, |write| self.crm.flips(since, &self.id, &write.field).0)
    }

    /// The date that many days from now.
    pub(super) fn days(&self, days: i64) -> String {
        self.crm.now().to_zoned(TimeZone::UTC).date().saturating_add(days.days()).to_string()
    }

    /// The stream of the deal's handoff, if one was opened.
    pub(super) fn stream(&self) -> Option<String> {
        let own = |handoff: &handoff_core::id::HandoffId| {
            handoff.subject.connection == *self.crm.connection() && handoff.subject.record.as_str() == self.id
        };
        let all = self.stage.app.view().handoffs(&crate::view::Filter::default());
        all.into_iter().find(|summary| own(&summary.handoff)).map(|summary| summary.stream)
    }

    /// What a part of the package says in the CRM.
    pub(super) fn said(&self, field: &str, part: &str) -> String {
        let place = fill::fields(self.crm.mapping(), &[(field, part, "")]);
        place.keys().next().map(|field| self.text(field)).unwrap_or_default()
    }

    /// The places of calls that may speak of the deal's fields.
    pub(super) async fn evidence(&self) -> Result<Vec<PlaceView>, DemoError> {
        let Some(stream) = self.stream() else { return Ok(Vec::new()) };
        let detail = self.stage.app.view().handoff(&stream).await?;
        Ok(detail.map(|detail| detail.evidence).unwrap_or_default())
    }

    /// The deal's events in the ledger, oldest first.
    pub(super) async fn ledger(&self) -> Result<Vec<Event>, DemoError> {
        let Some(stream) = self.stream() else { return Ok(Vec::new()) };
        let detail = self.stage.app.view().handoff(&stream).await?;
        let entries = detail.map(|detail| detail.entries).unwrap_or_default();
        let entries = entries.into_iter().filter_map(|entry| entry.entry);
        Ok(entries
            .flat_map(|entry| entry.handoff().map_or_else(Vec::new, |(_, events)| events.to_vec()))
            .collect())
    }
}

/// The first CRM value of one of our stages.
pub(super) fn named_stage(crm: &dyn Crm, ours: &str) -> String {
    fill::stage(crm.mapping(), ours)
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
