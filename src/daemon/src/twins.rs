//! The same deal in another CRM under this daemon: which handoffs have a say, and what they say.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::extract::RawRecord;
use handoff_core::handoff::Handoff;
use handoff_core::id::{ConnectionId, ContractId, RecordRef};
use handoff_core::twin::{TwinSeen, rival_seen, twin_seen};
use handoff_core::value::Package;
use serde_json::Value;

use crate::engine::Engine;
use crate::fatal::Fatal;
use crate::govern::Rule;

/// The record that this one names. An emptied or unreadable name frees nothing: the last one counts.
pub(crate) fn link(
    engine: &Engine,
    rule: &Rule,
    raw: Option<&RawRecord>,
    before: Option<&Handoff>,
) -> Option<RecordRef> {
    let known = before.and_then(|state| state.link.clone());
    let Some(twin) = &rule.mapping.twin else { return known };
    let written = raw.and_then(|raw| match raw.fields.get(&twin.field) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => None,
    });
    let named = written.and_then(|written| {
        let source = engine.links.get(&twin.connection)?.purpose.source()?;
        let record = source.record_id(&written)?;
        Some(RecordRef { connection: twin.connection.clone(), object: twin.object.clone(), record })
    });
    named.filter(|named| raw.is_none_or(|raw| raw.record != *named)).or(known)
}

/// What all other authorities over this deal say: those of the record that it names, and of the records that name it. Blocks.
pub(crate) fn seen(
    engine: &Engine,
    contract: &ContractId,
    record: &RecordRef,
    link: Option<&RecordRef>,
    package: &Package,
) -> Result<Vec<TwinSeen>, Fatal> {
    let mut streams: BTreeSet<String> = engine.snapshots.naming(record).into_keys().collect();
    streams.retain(|stream| stream.split('/').next() == Some(contract.as_str()));
    if let Some((link, object)) = link.and_then(|link| Some((link, engine.object_of(link)?))) {
        let rules = object.rules.iter().filter(|rule| rule.mapping.contract == *contract);
        streams.extend(rules.flat_map(|rule| rule.streams(link)));
    }
    let mut twins: BTreeMap<RecordRef, TwinSeen> = BTreeMap::new();
    for stream in streams {
        let Some(other) = engine.snapshots.load_now(&stream)? else { continue };
        let Some(twin) = twin_seen(package, &other.state).filter(|twin| twin.record != *record) else {
            continue;
        };
        // Several handoffs of one record: the worst word counts.
        let known = twins.get(&twin.record).is_some_and(|known| known.word >= twin.word);
        if !known {
            twins.insert(twin.record.clone(), twin);
        }
    }
    twins.extend(
        rivals(engine, contract, record, link)?.into_iter().map(|rival| (rival.record.clone(), rival)),
    );
    Ok(twins.into_values().collect())
}

/// Records that name the same deal as another record of their CRM does: those beside this one, and those that name this one. Blocks.
fn rivals(
    engine: &Engine,
    contract: &ContractId,
    record: &RecordRef,
    link: Option<&RecordRef>,
) -> Result<Vec<TwinSeen>, Fatal> {
    let claims = |named: &RecordRef| -> Result<BTreeMap<RecordRef, TwinSeen>, Fatal> {
        let mut claims = BTreeMap::new();
        for stream in engine.snapshots.naming(named).into_keys() {
            if stream.split('/').next() != Some(contract.as_str()) {
                continue;
            }
            let other = engine.snapshots.load_now(&stream)?;
            claims.extend(
                other.and_then(|other| rival_seen(&other.state)).map(|seen| (seen.record.clone(), seen)),
            );
        }
        Ok(claims)
    };
    let mut found = Vec::new();
    if let Some(link) = link {
        let own = |other: &RecordRef| other.connection == record.connection && other != record;
        found.extend(claims(link)?.into_values().filter(|seen| own(&seen.record)));
    }
    let naming = claims(record)?;
    let of =
        |connection: &ConnectionId| naming.keys().filter(|other| other.connection == *connection).count();
    found.extend(naming.values().filter(|seen| of(&seen.record.connection) > 1).cloned());
    Ok(found)
}

/// The records that look at this handoff.
pub(crate) fn onlookers(engine: &Engine, state: &Handoff) -> BTreeSet<RecordRef> {
    let naming = engine.snapshots.naming(&state.id.subject).into_values();
    naming.chain(state.link.clone()).chain(state.twins.iter().map(|twin| twin.record.clone())).collect()
}
