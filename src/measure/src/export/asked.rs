//! What was told of questions that the customer had answered before. No words of a call, and nobody's name.

use handoff_core::evidence::CallRef;
use handoff_core::id::{FieldKey, HandoffId};
use handoff_core::journal::LogEntry;
use handoff_core::reask::Reask;
use jiff::Timestamp;

use super::table::{Cell, Row, Table};

/// What the columns hold.
#[derive(Default)]
struct Told<'a> {
    call: Option<&'a CallRef>,
    at: Option<Timestamp>,
    place: Option<(&'a FieldKey, u64)>,
    found: Option<&'a Reask>,
    stands: Option<bool>,
    source: Option<&'static str>,
    act: Option<&'a String>,
}

/// The rows of such an entry.
pub(super) fn rows(position: u64, entry: &LogEntry, rows: &mut Vec<Row>) {
    let Some(handoff) = entry.evidence() else { return };
    let mut index = 0;
    let mut put = |what: &str, told: Told<'_>| {
        rows.push(row(position, index, entry.at(), handoff, what, &told));
        index += 1;
    };
    if let LogEntry::ReaskSuggested { call, started, found, .. } = entry {
        put("scored", Told { call: Some(call), at: Some(*started), ..Told::default() });
        for found in found {
            let place = Some((&found.field, found.from_ms));
            put("suggested", Told { call: Some(call), place, found: Some(found), ..Told::default() });
        }
    } else if let LogEntry::ReaskAnswered { call, field, from_ms, confirmed, act, .. } = entry {
        let place = Some((field, *from_ms));
        let (call, stands, act) = (Some(call), Some(*confirmed), act.as_ref());
        put("answered", Told { call, place, stands, act, ..Told::default() });
    } else if let LogEntry::ReaskReported { source, stands, asked, .. } = entry {
        let (source, stands) = (Some(source.as_str()), Some(*stands));
        put("reported", Told { at: *asked, stands, source, ..Told::default() });
    } else if let LogEntry::EvidenceWithdrawn { call, .. } = entry {
        put("withdrawn", Told { call: Some(call), ..Told::default() });
    }
}

fn row(
    position: u64,
    index: usize,
    logged: Timestamp,
    handoff: &HandoffId,
    what: &str,
    told: &Told<'_>,
) -> Row {
    Row {
        table: Table::Reasks,
        cells: vec![
            Cell::count(position),
            Cell::count(index),
            Cell::moment(Some(logged)),
            Cell::text(handoff.stream()),
            Cell::text(&handoff.contract.0),
            Cell::text(&handoff.motion.0),
            Cell::count(handoff.cycle),
            Cell::text(what),
            Cell::maybe(told.call.map(CallRef::to_string)),
            Cell::moment(told.at),
            Cell::maybe(told.place.map(|(field, _)| &field.0)),
            told.place.map_or(Cell::Nothing, |(_, from)| Cell::count(from)),
            told.found.map_or(Cell::Nothing, |found| Cell::count(found.to_ms)),
            Cell::flag(told.found.map(|found| found.automatic)),
            Cell::flag(told.found.map(|found| found.strict)),
            Cell::flag(told.found.map(|found| found.complaint)),
            Cell::flag(told.stands),
            Cell::maybe(told.source),
            Cell::maybe(told.act),
        ],
    }
}
