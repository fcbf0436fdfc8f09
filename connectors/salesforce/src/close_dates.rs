//! Changes of an opportunity's close date, from the stage history: it is always on (facts: one row per change of amount, probability, stage or
//! close date), while field history holds twenty fields at most.

use std::collections::BTreeMap;

use handoff_connector::Fault;
use handoff_core::extract::{FieldChange, RawRecord, ReadPlan};
use handoff_core::id::ActorId;
use serde_json::Value;

use crate::id::SfId;
use crate::row;

/// The standard field of the stage.
pub(crate) const STAGE: &str = "StageName";
/// The standard field.
pub(crate) const FIELD: &str = "CloseDate";

/// Whether the plan asks for its history.
pub(crate) fn wanted(plan: &ReadPlan) -> bool {
    plan.object.as_str() == "Opportunity" && plan.history.contains(FIELD)
}

/// The query for these opportunities; with the stage, where the past is asked for.
pub(crate) fn question(ids: &str, past: bool) -> String {
    let stage = if past { "StageName, " } else { "" };
    format!(
        "SELECT Id, OpportunityId, {stage}CloseDate, CreatedDate, CreatedById FROM OpportunityHistory \
         WHERE OpportunityId IN {ids} ORDER BY CreatedDate, Id"
    )
}

/// Adds the changes of a field to the records' history. Each row says how the deal stood after a save; what differs from the row before was
/// changed.
pub(crate) fn take(field: &str, rows: &[Value], found: &mut BTreeMap<SfId, RawRecord>) -> Result<(), Fault> {
    let mut before: BTreeMap<SfId, Value> = BTreeMap::new();
    for one in rows {
        let parts =
            row::id(one, "OpportunityId").zip(row::time(one, "CreatedDate")).zip(row::id(one, "CreatedById"));
        let Some(((deal, at), by)) = parts else {
            let detail = "a row of stage history without deal, author or time".to_owned();
            return Err(Fault::Protocol { detail });
        };
        let date = row::at(one, field).unwrap_or_default();
        let Some(old) = before.insert(deal.clone(), date.clone()).filter(|old| *old != date) else {
            continue;
        };
        let change = FieldChange {
            id: row::own_id(one)?.as_str().to_owned(),
            field: field.to_owned(),
            old: Some(old),
            new: Some(date),
            by: ActorId(by.as_str().to_owned()),
            at,
        };
        if let Some(record) = found.get_mut(&deal) {
            record.history.get_or_insert_default().push(change);
        }
    }
    for record in found.values_mut() {
        if let Some(history) = &mut record.history {
            history.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        }
    }
    Ok(())
}
