//! What became of a write, from values read back.

use std::collections::{BTreeMap, BTreeSet};

use handoff_connector::{Applied, Fault};
use handoff_core::extract::RecordVersion;
use handoff_core::plan::{Plan, same};
use serde_json::Value;

use super::job;
use crate::property::Definitions;
use crate::read::{changes, fields};
use crate::row::{self, Batch};

/// A plan that writes nothing.
pub(super) fn nothing(plan: &Plan) -> Applied {
    Applied { read_back: BTreeMap::new(), version: plan.guard.clone(), withdrawn: false }
}

/// What a batch says about one of its rows.
pub(super) enum Row {
    Written,
    /// Another record was written: the one that this was merged into.
    Elsewhere,
    Failed(Fault),
}

/// Finds a row's answer: by our mark, else by its id; an error by the same, else the one that names nobody.
pub(super) fn of_row(batch: &Batch, row: &job::Row) -> Row {
    let (trace, id) = (row.trace(), row.id.to_string());
    let marked = batch.rows.iter().find(|found| found.trace.as_ref() == Some(&trace));
    let answered = marked.or_else(|| batch.rows.iter().find(|found| found.id == row.id));
    let named = batch.errors.iter().find(|error| error.traces.contains(&trace) || error.ids.contains(&id));
    let nameless = || batch.errors.iter().find(|error| error.traces.is_empty() && error.ids.is_empty());
    match (answered, named) {
        (_, Some(error)) => Row::Failed(error.of_row()),
        (Some(found), None) if found.id == row.id => Row::Written,
        (Some(_), None) => Row::Elsewhere,
        (None, None) => Row::Failed(nameless().map_or_else(
            || Fault::Protocol { detail: "a batch that says nothing about one of its rows".to_owned() },
            crate::error::ApiError::of_row,
        )),
    }
}

/// Whether a by-passed stage stands as it was seen: its value, its newest history entry and the rest that the plan expects.
pub(super) fn still_stands(plan: &Plan, found: Option<&row::Row>, known: &Definitions) -> Result<(), Fault> {
    let Some(only_if) = &plan.only_if else { return Ok(()) };
    let found = found.ok_or(Fault::Gone)?;
    let history = changes(found, &BTreeSet::from([only_if.field.clone()]), known)?;
    let newest = history.last().is_some_and(|entry| entry.id == only_if.entry);
    let here = values(plan, found, known);
    let stage = here.get(&only_if.field) == Some(&Value::String(only_if.value.clone()));
    if newest && stage && expected(plan, &here) { Ok(()) } else { Err(Fault::Stale) }
}

/// What a write came to.
pub(super) enum Verdict {
    Stands(Applied),
    Failed(Fault),
    /// An opening that may not stand: the package differs, or nobody can tell.
    MustGo,
}

/// Judges a write by the record read back behind it.
pub(super) fn judge(
    plan: &Plan,
    row: &job::Row,
    found: Option<&row::Row>,
    object: &str,
    known: &Definitions,
) -> Verdict {
    let opening = plan.guard.is_some() && !row.withdrawing;
    let Some(found) = found else {
        return match (opening, row.elsewhere) {
            (true, _) => Verdict::MustGo,
            // The record was merged meanwhile: whoever reads it again is told into which.
            (false, true) => Verdict::Failed(Fault::Stale),
            (false, false) => Verdict::Failed(Fault::Gone),
        };
    };
    let here = values(plan, found, known);
    if opening {
        let stands = plan.writes.iter().all(|write| is(&here, &write.field, &write.to));
        if !stands || !expected(plan, &here) {
            return Verdict::MustGo;
        }
    }
    let written: BTreeSet<&String> =
        plan.writes.iter().chain(&plan.withdraw).map(|write| &write.field).collect();
    let version = found.stamp(object).map(|stamp| RecordVersion { stamp });
    let read_back = here.into_iter().filter(|(name, _)| written.contains(name)).collect();
    Verdict::Stands(Applied { read_back, version, withdrawn: row.withdrawing })
}

fn values(plan: &Plan, found: &row::Row, known: &Definitions) -> BTreeMap<String, Value> {
    let written = plan.writes.iter().chain(&plan.withdraw).map(|write| &write.field);
    let stage = plan.only_if.iter().map(|only_if| &only_if.field);
    let names: BTreeSet<String> = written.chain(plan.expect.keys()).chain(stage).cloned().collect();
    fields(found, &names, known)
}

/// Whether everything that the decision hung on stands as it was read, save what the plan itself writes.
fn expected(plan: &Plan, here: &BTreeMap<String, Value>) -> bool {
    let ours = |field: &str| plan.writes.iter().any(|write| write.field == field);
    plan.expect.iter().filter(|(field, _)| !ours(field)).all(|(field, value)| is(here, field, value))
}

fn is(here: &BTreeMap<String, Value>, field: &str, expected: &Value) -> bool {
    here.get(field).is_some_and(|value| same(value, expected))
}
