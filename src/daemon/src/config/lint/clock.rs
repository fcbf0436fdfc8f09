//! Calendars: sane ones, and those that the contracts name.

use handoff_core::registry::{Registry, quoted, suggestion};
use handoff_core::sla::lint_calendar;

use super::Found;
use super::govern::governed;
use crate::config::Config;

pub(super) fn all(config: &Config, registry: &Registry, found: &mut Found) {
    for (name, calendar) in &config.calendar {
        found.complaints.extend(lint_calendar(name, calendar));
    }
    let known: Vec<&str> = config.calendar.keys().map(String::as_str).collect();
    for (id, contract) in governed(config, registry) {
        let index =
            config.govern.iter().position(|entry| entry.contract == *id).unwrap_or_default().to_string();
        let at = ["govern", &index, "contract"];
        let sla = &contract.sla;
        if let Some(name) = sla.calendar.as_ref().filter(|name| !config.calendar.contains_key(*name)) {
            let message = format!(
                "contract {} counts by calendar {}, which is not there",
                contract.contract,
                quoted(name)
            );
            found.wrong(&at, message, format!("{}; or add [calendar.{name}]", suggestion(name, &known)));
        }
        let fallback = contract.roles.fallback.as_ref();
        if let Some(role) = fallback.filter(|role| !config.people.roles.contains_key(*role)) {
            let message = format!(
                "contract {} falls back to the role {}, which nobody holds",
                contract.contract,
                quoted(role)
            );
            found.wrong(&at, message, format!("add [people.roles] {role} = [\"login\", …]"));
        }
        if let Some(role) = sla.escalate_to.as_ref().filter(|role| !config.people.roles.contains_key(*role)) {
            let message = format!(
                "contract {} escalates to the role {}, which nobody holds",
                contract.contract,
                quoted(role)
            );
            found.wrong(&at, message, format!("add [people.roles] {role} = [\"login\", …]"));
        }
    }
}
