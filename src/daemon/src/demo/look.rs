//! What is seen: the sandbox's records and writes, and the daemon's ledger where only it can hold an answer.

use handoff_core::event::Event;
use handoff_sandbox_salesforce::{Act, FieldChange, Id, SaveError};
use jiff::ToSpan as _;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::{DemoError, Stage};

/// The object of the story.
pub(super) const DEAL: &str = "Opportunity";

impl Stage {
    pub(super) fn text(&self, id: Id, field: &str) -> String {
        match self.org().field(id, field) {
            Value::String(text) => text,
            Value::Null => String::new(),
            other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                other.to_string()
            }
        }
    }

    pub(super) fn flag(&self, id: Id, field: &str) -> bool {
        self.org().field(id, field) == Value::Bool(true)
    }

    pub(super) fn cleared(&self, id: Id) -> bool {
        self.flag(id, "Handoff_03_Commission_Open__c")
    }

    pub(super) fn missing(&self, id: Id) -> String {
        self.text(id, "Handoff_03_Missing__c")
    }

    pub(super) fn queued(&self, id: Id) -> bool {
        self.flag(id, "Handoff_03_In_Queue__c")
    }

    pub(super) fn save(&self, user: &str, id: Id, fields: &Value) -> Result<(), DemoError> {
        self.org().act(&Act::update(user, DEAL, id, fields))?;
        Ok(())
    }

    /// What the CRM refused a save with; `None` = it saved.
    pub(super) fn refused(
        &self,
        user: &str,
        id: Id,
        fields: &Value,
    ) -> Result<Option<Vec<SaveError>>, DemoError> {
        match self.org().act(&Act::update(user, DEAL, id, fields)) {
            Ok(_) => Ok(None),
            Err(handoff_sandbox_salesforce::Error::Refused(errors)) => Ok(Some(errors)),
            Err(other) => Err(other.into()),
        }
    }

    /// The date that many days from now.
    pub(super) fn days(&self, days: i64) -> String {
        self.org().now().to_zoned(TimeZone::UTC).date().saturating_add(days.days()).to_string()
    }

    /// How many writes after the first `since` opened the commission flag of a record, as the sandbox received them.
    pub(super) fn openings(&self, since: usize, id: Id) -> usize {
        let opens = |change: &FieldChange| {
            change.field == "Handoff_03_Commission_Open__c"
                && change.new == Value::Bool(true)
                && change.old != Value::Bool(true)
        };
        let writes = self.org().writes();
        let good = writes.iter().skip(since).filter(|write| write.id == Some(id) && write.status == "ok");
        good.filter(|write| write.fields.iter().any(opens)).count()
    }

    /// The events of a deal in the ledger, oldest first.
    pub(super) async fn ledger(&self, id: Id) -> Result<Vec<Event>, DemoError> {
        let stream = format!("h03-ae-to-onboarding/main/sf/{DEAL}/{id}");
        let detail = self.app.view().handoff(&stream).await?;
        let entries = detail.map(|detail| detail.entries).unwrap_or_default();
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
