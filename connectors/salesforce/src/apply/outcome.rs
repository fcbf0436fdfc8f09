//! What became of a write, from values read back.

use std::collections::BTreeMap;

use handoff_connector::{Applied, Fault};
use handoff_core::extract::RecordVersion;
use handoff_core::plan::Plan;
use serde_json::Value;

use crate::composite::SubReply;
use crate::error;
use crate::id::SfId;
use crate::{row, stamp};

/// A plan that writes nothing.
pub(super) fn nothing(plan: &Plan) -> Applied {
    Applied { read_back: BTreeMap::new(), version: plan.guard.clone(), withdrawn: false }
}

/// Whether a row of a collection was written.
pub(super) fn of_row(result: &Value) -> Result<(), Fault> {
    match result.get("success").and_then(Value::as_bool) {
        Some(true) => Ok(()),
        Some(false) => Err(error::worst(&error::errors(result))
            .unwrap_or_else(|| Fault::Protocol { detail: "a row failed without an error".to_owned() })),
        None => Err(Fault::Protocol { detail: "a row that neither succeeded nor failed".to_owned() }),
    }
}

/// The record in the answer of a retrieve.
pub(super) fn retrieved(back: &SubReply, id: &SfId) -> Result<Value, Fault> {
    let rows = back.ok()?.as_array().ok_or_else(|| Fault::Protocol {
        detail: "a retrieve that does not answer with a list".to_owned(),
    })?;
    rows.iter().find(|found| row::id(found, "Id").as_ref() == Some(id)).cloned().ok_or(Fault::Gone)
}

/// The outcome of a write, from the record as it was read back.
pub(super) fn applied(plan: &Plan, found: &Value, withdrawn: bool) -> Applied {
    let written = plan.writes.iter().chain(&plan.withdraw).map(|write| &write.field);
    Applied {
        read_back: row::fields(found, written),
        version: row::time(found, "SystemModstamp").map(|stamp| RecordVersion { stamp }),
        withdrawn,
    }
}

/// What an opening came to.
pub(super) enum Opening {
    /// It stands, on the package that it was decided on.
    Stands(Applied),
    /// It was not made.
    Failed(Fault),
    /// It was made and may not stand: the package differs, or nobody can tell.
    MustGo,
}

/// Judges an opening by the answer to the write and the record read back behind it.
pub(super) fn opening(plan: &Plan, id: &SfId, answer: &SubReply, back: &SubReply) -> Opening {
    let found = read_back(back, id);
    let written = answer.status.is_success();
    if !written && answer.status.as_u16() != 412 {
        return Opening::Failed(answer.fault());
    }
    let found = match found {
        Ok(found) => found,
        Err(Fault::Gone) => return Opening::Failed(if written { Fault::Gone } else { Fault::Stale }),
        Err(_) if written => return Opening::MustGo,
        Err(_) => return Opening::Failed(Fault::Stale),
    };
    // A write whose answer was lost is sent again, and its own first success makes the version look stale: the values tell.
    let stands = plan.writes.iter().all(|write| is(&found, &write.field, &write.to));
    if !written && !stands {
        return Opening::Failed(Fault::Stale);
    }
    let ours = |field: &str| plan.writes.iter().any(|write| write.field.eq_ignore_ascii_case(field));
    let unchanged =
        plan.expect.iter().filter(|(field, _)| !ours(field)).all(|(field, value)| is(&found, field, value));
    if unchanged { Opening::Stands(applied(plan, &found, false)) } else { Opening::MustGo }
}

/// What putting a stage back came to. A write whose answer was lost is sent again, and its own first success makes the version look stale:
/// the values tell.
pub(super) fn put_back(plan: &Plan, id: &SfId, answer: &SubReply, back: &SubReply) -> Result<Applied, Fault> {
    let written = answer.status.is_success();
    if !written && answer.status.as_u16() != 412 {
        return Err(answer.fault());
    }
    let found = read_back(back, id)?;
    let stands = plan.writes.iter().all(|write| is(&found, &write.field, &write.to));
    if written || stands { Ok(applied(plan, &found, false)) } else { Err(Fault::Stale) }
}

pub(super) fn read_back(back: &SubReply, id: &SfId) -> Result<Value, Fault> {
    let page = row::page(back.ok()?.clone())?;
    page.rows.into_iter().find(|found| row::id(found, "Id").as_ref() == Some(id)).ok_or(Fault::Gone)
}

pub(super) fn is(found: &Value, field: &str, expected: &Value) -> bool {
    row::at(found, field).is_some_and(|value| same(&value, expected))
}

/// Whether two values are the same to the CRM: an empty text is `null`, 1 is 1.0, and a time may be spelt in several ways.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    let empty = |value: &Value| value.is_null() || value.as_str() == Some("");
    if empty(a) || empty(b) {
        return empty(a) && empty(b);
    }
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || a.as_f64().map(f64::to_bits) == b.as_f64().map(f64::to_bits)
        }
        (Value::String(a), Value::String(b)) => {
            a == b || stamp::parse(a).is_some_and(|stamp| stamp::parse(b) == Some(stamp))
        }
        _ => a == b,
    }
}
