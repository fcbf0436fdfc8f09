//! Tasks for people in their CRM's own list.

use handoff_core::task::{Quiet, Rules};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tasks for people in their CRM's own list: one per thing that somebody owes a handoff, closed when it is done. Without this section none is
/// ever written, whatever the mappings name: somebody's list of tasks is his own until an admin says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tasks {
    /// Time zone of `quiet`, of due days and of the day that caps count: a name of the IANA database, e.g. `Europe/Berlin`.
    pub zone: String,
    /// Hours in which no task is created or changed, e.g. `["18:00-08:00"]`; what waits is created when they end.
    pub quiet: Vec<String>,
    /// More new tasks than this for one person on one day become one task with a list.
    pub digest_above: u32,
    /// Most tasks created for one person on one day, lists included; what is beyond waits for the next day and `status` shows it.
    pub max_per_person_and_day: u32,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { zone: "UTC".to_owned(), quiet: Vec::new(), digest_above: 5, max_per_person_and_day: 20 }
    }
}

impl Tasks {
    /// As the planner needs them; `None` = the configuration is not sound.
    pub(crate) fn rules(&self) -> Option<Rules> {
        Some(Rules {
            zone: TimeZone::get(&self.zone).ok()?,
            quiet: self.quiet.iter().map(|text| text.parse::<Quiet>().ok()).collect::<Option<Vec<_>>>()?,
            digest_above: Some(self.digest_above),
            most_per_day: Some(self.max_per_person_and_day),
        })
    }
}
