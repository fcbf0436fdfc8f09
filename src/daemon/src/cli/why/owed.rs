//! What people owe a handoff, and how their tasks stand.

use std::fmt::Write as _;

use super::super::output::plain;
use super::moment;
use crate::api::model::OwedRow;

pub(super) fn owed(text: &mut String, owed: &[OwedRow]) {
    if owed.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n  owed");
    for row in owed {
        let _ = writeln!(text, "    {}", line(row));
    }
}

fn line(row: &OwedRow) -> String {
    let role = row.role.as_ref().map(|role| plain(&role.replace('_', " ")));
    let who = match (&row.owner, role) {
        (Some(owner), Some(role)) => format!("{} as {role}", plain(owner)),
        (Some(owner), None) => plain(owner),
        (None, role) if row.task == "nobody" => format!("nobody holds the role {}", role.unwrap_or_default()),
        (None, role) => format!("the role {}", role.unwrap_or_default()),
    };
    let due = row.due.map(|due| format!(", until {}", moment(due))).unwrap_or_default();
    let task = match row.task.as_str() {
        "open" => ", task open".to_owned(),
        "ordered" => ", task on its way".to_owned(),
        "on a list" => ", on a list of that person".to_owned(),
        "quiet" => ", task waits for the quiet hours to end".to_owned(),
        "cap" => ", task waits for the next day".to_owned(),
        "nobody" => ", no task: nobody would see it".to_owned(),
        "refused" => ", no task: the CRM refuses it".to_owned(),
        "none" => String::new(),
        other => format!(", task {}", plain(other)),
    };
    let record = row.record.as_ref().map(|record| format!(" ({})", plain(record))).unwrap_or_default();
    format!("{}: {who}{due}{task}{record}", plain(&row.title))
}
