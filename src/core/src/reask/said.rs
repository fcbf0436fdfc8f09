//! What a record says about re-asks beyond what is known: answers to what calls suggest, and reports of people.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::{Open, ReaskMapping, Reasks, ReportedBy, TagField};
use crate::contract::Contract;
use crate::evidence::CallRef;
use crate::exception::key;
use crate::extract::{Directory, FieldChange, RawRecord, plain_text};
use crate::id::{ActorId, FieldKey};

/// Something that a record says and that is not known yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A person answers a suggestion.
    Answer {
        /// The call.
        call: CallRef,
        /// The field.
        field: FieldKey,
        /// Where the question begins.
        from_ms: u64,
        /// Whether it was asked again.
        confirmed: bool,
        /// The person.
        by: String,
        /// The act: consumed once.
        act: String,
    },
    /// A mark or tag was set or taken away.
    Report {
        /// Whose word it is.
        source: ReportedBy,
        /// Whether it stands.
        stands: bool,
        /// The person, if the CRM tells it.
        by: Option<String>,
        /// When, as the CRM claims.
        asked: Option<Timestamp>,
    },
}

/// An answer as it stands in the pick-list.
struct Act {
    id: String,
    by: ActorId,
    at: Timestamp,
    confirmed: bool,
}

/// What the record says that is news. An answer is about everything that was suggested before it was given and waits still. Nothing of machines,
/// strangers and people who cannot act any more counts, but for the tag of a complaint, which a support desk may set.
pub fn said(
    mapping: &ReaskMapping,
    contract: &Contract,
    raw: &RawRecord,
    who: &dyn Directory,
    known: &Reasks,
) -> Vec<Said> {
    let mut said = answers(mapping, contract, raw, who, known);
    let reported = mapping.reported.as_ref().map(|tag| (ReportedBy::Receiver, tag));
    let complaint = mapping.complaint.as_ref().map(|tag| (ReportedBy::Customer, tag));
    said.extend(
        reported
            .into_iter()
            .chain(complaint)
            .filter_map(|(source, tag)| report(source, tag, raw, who, known)),
    );
    said
}

/// Whether an answer stands in the pick-list that had its effect, or that nothing waits for: it is emptied, so that the next one is an act of its
/// own.
pub fn is_taken(mapping: &ReaskMapping, contract: &Contract, raw: &RawRecord, known: &Reasks) -> bool {
    act(mapping, raw).is_some_and(|act| {
        known.acts.contains(&act.id) || meant(mapping, contract, raw, known, &act).is_empty()
    })
}

/// Whether nothing stands in the pick-list that could be an answer about re-asks.
pub fn is_no_answer(mapping: &ReaskMapping, raw: &RawRecord) -> bool {
    act(mapping, raw).is_none()
}

fn answers(
    mapping: &ReaskMapping,
    contract: &Contract,
    raw: &RawRecord,
    who: &dyn Directory,
    known: &Reasks,
) -> Vec<Said> {
    let Some(act) = act(mapping, raw).filter(|act| !known.acts.contains(&act.id)) else { return Vec::new() };
    let person = who.actor(&act.by);
    if !person.active || person.machine {
        return Vec::new();
    }
    meant(mapping, contract, raw, known, &act)
        .into_iter()
        .map(|open| Said::Answer {
            call: open.call.call.clone(),
            field: open.suggested.reask.field.clone(),
            from_ms: open.suggested.reask.from_ms,
            confirmed: act.confirmed,
            by: person.person.0.clone(),
            act: act.id.clone(),
        })
        .collect()
}

/// What an answer is about. A name that the contract does not know means that nobody knows what was meant.
fn meant<'a>(
    mapping: &ReaskMapping,
    contract: &Contract,
    raw: &RawRecord,
    known: &'a Reasks,
    act: &Act,
) -> Vec<Open<'a>> {
    let Some(fields) = named(mapping, contract, raw) else { return Vec::new() };
    let is_meant = |field: &FieldKey| fields.is_empty() || fields.contains(field);
    let mut open = known.open();
    // History knows whole seconds in some CRMs.
    open.retain(|open| {
        open.suggested.since.as_second() <= act.at.as_second() && is_meant(&open.suggested.reask.field)
    });
    open
}

/// The answer that stands in the pick-list, if history tells whose it is.
fn act(mapping: &ReaskMapping, raw: &RawRecord) -> Option<Act> {
    let stands = value(raw, &mapping.field).and_then(plain_text)?;
    let confirmed = match stands.trim() {
        text if text == mapping.confirm.trim() => true,
        text if text == mapping.dismiss.trim() => false,
        _ => return None,
    };
    let row = last(raw, &mapping.field)?;
    let spells = row.new.as_ref().and_then(plain_text).is_some_and(|text| text.trim() == stands.trim());
    spells.then(|| Act { id: row.id.clone(), by: row.by.clone(), at: row.at, confirmed })
}

/// What the multi-select names; `None` = something that the contract does not know.
fn named(mapping: &ReaskMapping, contract: &Contract, raw: &RawRecord) -> Option<BTreeSet<FieldKey>> {
    let text =
        mapping.fields.as_ref().and_then(|name| value(raw, name).and_then(plain_text)).unwrap_or_default();
    let names = text.split(';').map(str::trim).filter(|name| !name.is_empty());
    names.map(|name| key(contract, name)).collect()
}

fn report(
    source: ReportedBy,
    tag: &TagField,
    raw: &RawRecord,
    who: &dyn Directory,
    known: &Reasks,
) -> Option<Said> {
    // A field that cannot be read says nothing.
    let stands = tag.says(value(raw, &tag.field)?);
    let before = known.reports.get(&source).is_some_and(|reported| reported.stands);
    if stands == before {
        return None;
    }
    let row = last(raw, &tag.field);
    let by = row.map(|row| who.actor(&row.by));
    let counts = by.as_ref().is_none_or(|by| by.active && !by.machine) || source == ReportedBy::Customer;
    if !counts {
        return None;
    }
    let (by, asked) = (by.map(|by| by.person.0), row.map(|row| row.at));
    Some(Said::Report { source, stands, by, asked })
}

fn value<'a>(raw: &'a RawRecord, field: &str) -> Option<&'a Value> {
    raw.fields.get(field)
}

fn last<'a>(raw: &'a RawRecord, field: &str) -> Option<&'a FieldChange> {
    let rows = raw.history.iter().flatten().filter(|row| row.field == field);
    rows.max_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)))
}
