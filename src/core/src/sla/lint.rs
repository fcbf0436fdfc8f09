//! What a well-formed calendar or clock may still get wrong.

use super::Calendar;
use crate::contract::{Contract, Sla};
use crate::lint::Complaint;
use crate::registry::quoted;

/// Most holidays of a calendar, and most steps of a ladder.
const MOST_HOLIDAYS: usize = 1_000;
const MOST_STEPS: usize = 10;

/// Everything wrong with a calendar, at `calendar.NAME`.
pub fn calendar(name: &str, calendar: &Calendar) -> Vec<Complaint> {
    let mut found = Vec::new();
    let mut tell = |key: &str, bad: bool, message: String, remedy: &str| {
        if bad {
            found.push(Complaint::new(&["calendar", name, key], message, remedy));
        }
    };
    tell(
        "zone",
        calendar.zone().is_none(),
        format!("there is no time zone {}", quoted(&calendar.zone)),
        "write an IANA name like \"Europe/Berlin\" or \"UTC\"",
    );
    tell(
        "hours",
        calendar.hours.is_empty(),
        "nobody ever works, so that nothing would ever be due".to_owned(),
        "name at least one day, e.g. mon = \"09:00-17:00\"",
    );
    tell(
        "holidays",
        calendar.holidays.len() > MOST_HOLIDAYS,
        format!("more than {MOST_HOLIDAYS} holidays"),
        "leave out the past ones",
    );
    found
}

/// Everything wrong with a contract's clock.
pub fn contract(contract: &Contract, found: &mut Vec<Complaint>) {
    let sla = &contract.sla;
    let mut tell = |key: &str, bad: bool, message: &str, remedy: &str| {
        if bad {
            found.push(Complaint::new(&["sla", key], message, remedy));
        }
    };
    let clockless =
        sla.accept_within_hours.is_none() && sla.remind_after.is_empty() && sla.escalate_after.is_none();
    tell(
        "calendar",
        sla.calendar.is_some() && clockless,
        "a calendar without a clock",
        "add accept_within_hours, or remove it",
    );
    tell(
        "remind_after",
        sla.remind_after.len() > MOST_STEPS,
        "more than 10 reminders",
        "nobody reads that many; keep the ones that help",
    );
    let rising = sla.remind_after.windows(2).all(|pair| matches!(pair, [first, second] if first < second));
    tell(
        "remind_after",
        !rising,
        "reminders do not come one after the other",
        "write them in order, each once",
    );
    let last = sla.remind_after.last();
    tell(
        "remind_after",
        last.is_some_and(|last| sla.escalate_after.is_some_and(|escalate| *last >= escalate)),
        "a reminder after the escalation",
        "remind before escalate_after",
    );
    escalation(sla, &mut tell);
    let opens = &contract.opens.when_stage_becomes;
    tell(
        "customer_stages",
        !sla.customer_stages.is_empty() && opens.iter().all(|stage| sla.customer_stages.contains(stage)),
        "every stage that opens the handoff waits for the customer",
        "name only the stages in which neither team can do anything",
    );
}

fn escalation(sla: &Sla, tell: &mut impl FnMut(&str, bool, &str, &str)) {
    tell(
        "escalate_to",
        sla.escalate_after.is_some() && sla.escalate_to.is_none(),
        "nobody is named for the escalation",
        "add escalate_to = \"a role\"",
    );
    tell(
        "escalate_after",
        sla.escalate_to.is_some() && sla.escalate_after.is_none(),
        "a role is named, but not when it is told",
        "add escalate_after = \"48h\"",
    );
    tell(
        "escalate_to",
        sla.escalate_to.as_ref().is_some_and(|role| role.trim().is_empty()),
        "the role is empty",
        "name a role of [people.roles]",
    );
}
