//! Parts that are carried from other handoffs under this daemon: which those are, and how they stand.

use std::collections::BTreeSet;

use handoff_core::carried::{CarriedSeen, Named, Standing, Wanted, carry, wanted};
use handoff_core::extract::RawRecord;
use handoff_core::handoff::Handoff;
use handoff_core::id::{ContractId, RecordRef};
use handoff_core::value::Sourced;

use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::govern::{Governed, Rule};

/// What the record's carried parts say. Blocks.
pub(crate) fn seen(
    engine: &Engine,
    rule: &Rule,
    raw: &RawRecord,
) -> Result<Vec<(CarriedSeen, Option<Sourced>)>, Fatal> {
    seen_by(engine, rule, raw, |contract, record| handoff(engine, contract, record))
}

/// The same with handoffs that are looked up elsewhere. Blocks.
pub(crate) fn seen_by(
    engine: &Engine,
    rule: &Rule,
    raw: &RawRecord,
    mut handoff: impl FnMut(&ContractId, &RecordRef) -> Result<Option<Handoff>, Fatal>,
) -> Result<Vec<(CarriedSeen, Option<Sourced>)>, Fatal> {
    let mut all = Vec::new();
    for wanted in wanted(&rule.mapping, raw) {
        let records = named(engine, &wanted, &raw.record);
        let mut best: Option<(RecordRef, Option<Handoff>)> = None;
        for record in records {
            let found = handoff(wanted.contract, &record)?;
            let better = match (&best, &found) {
                (None, _) | (Some((_, None)), Some(_)) => true,
                (Some((_, Some(known))), Some(found)) => {
                    found.acceptance_holds() && !known.acceptance_holds()
                }
                (Some(_), None) => false,
            };
            if better {
                best = Some((record, found));
            }
        }
        let (record, found) = best.map_or((None, None), |(record, found)| (Some(record), found));
        all.push(carry(&wanted, record, found.as_ref()));
    }
    Ok(all)
}

/// Whether everything that was carried into this handoff stands as it was seen. Blocks.
pub(crate) fn stands(engine: &Engine, state: &Handoff) -> Result<bool, Fatal> {
    for seen in &state.carried {
        let Some(record) = &seen.record else { continue };
        if Standing::of(&seen.contract, handoff(engine, &seen.contract, record)?.as_ref()) != seen.standing {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Objects of this connection that the contract is governed on.
fn carriers<'e>(
    engine: &'e Engine,
    wanted: &'e Wanted<'_>,
    own: &'e RecordRef,
) -> impl Iterator<Item = &'e Governed> {
    engine.objects.iter().map(std::convert::AsRef::as_ref).filter(|object| {
        object.connection == own.connection
            && object.rules.iter().any(|rule| rule.mapping.contract == *wanted.contract)
    })
}

/// The records that are meant: an id may be one of several objects.
fn named(engine: &Engine, wanted: &Wanted<'_>, own: &RecordRef) -> BTreeSet<RecordRef> {
    match &wanted.named {
        Named::Nothing => BTreeSet::new(),
        Named::Record(record) => BTreeSet::from([record.clone()]),
        Named::Id(written) => {
            let source = engine.links.get(&own.connection).and_then(|link| link.purpose.source());
            let Some(record) = source.and_then(|source| source.record_id(written)) else {
                return BTreeSet::new();
            };
            let of = |object: &Governed| RecordRef {
                connection: own.connection.clone(),
                object: object.object.clone(),
                record: record.clone(),
            };
            carriers(engine, wanted, own).map(of).collect()
        }
    }
}

/// The handoff of a record under the contract; of several motions the accepted one.
pub(crate) fn handoff(
    engine: &Engine,
    contract: &ContractId,
    record: &RecordRef,
) -> Result<Option<Handoff>, Fatal> {
    let Some(object) = engine.object_of(record) else { return Ok(None) };
    let mut best: Option<Handoff> = None;
    let rules = object.rules.iter().filter(|rule| rule.mapping.contract == *contract);
    for stream in rules.flat_map(|rule| rule.streams(record)) {
        let Some(saved) = engine.snapshots.load_now(&stream)? else { continue };
        if best.as_ref().is_none_or(|known| saved.state.acceptance_holds() && !known.acceptance_holds()) {
            best = Some(saved.state);
        }
    }
    Ok(best)
}
