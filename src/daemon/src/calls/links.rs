//! From the records that a call is linked to, to the handoffs that it concerns.

use std::collections::BTreeSet;

use handoff_core::evidence::{Call, LinkKind};
use handoff_core::handoff::Phase;
use handoff_core::id::RecordRef;

use super::Listener;
use super::known::Link;
use crate::engine::Engine;

/// The links of a call in the spelling of the CRMs that are connected here.
pub(super) fn known_links(engine: &Engine, call: &Call) -> BTreeSet<Link> {
    let mut links = BTreeSet::new();
    for link in &call.links {
        for own in engine.links.values() {
            let Some(source) = own.purpose.source() else { continue };
            if source.spec().name != link.connector {
                continue;
            }
            if let Some(record) = source.record_id(&link.id) {
                links.insert(Link { connection: own.id.clone(), kind: link.kind, record });
            }
        }
    }
    links
}

/// Streams of all handoffs that links lead to, off or not. Where a deal is named, its account leads nowhere: the other deals of the account
/// were not what the call was about.
pub(super) fn streams(engine: &Engine, listener: &Listener, links: &BTreeSet<Link>) -> BTreeSet<String> {
    let deals: Vec<&Link> = links.iter().filter(|link| link.kind == LinkKind::Deal).collect();
    let mut streams = BTreeSet::new();
    if deals.is_empty() {
        for link in links {
            streams.extend(engine.snapshots.of_account(&link.connection, link.record.as_str()));
        }
    }
    for deal in deals {
        for object in engine.objects.iter().filter(|object| object.connection == deal.connection) {
            let record = RecordRef {
                connection: object.connection.clone(),
                object: object.object.clone(),
                record: deal.record.clone(),
            };
            streams.extend(object.rules.iter().flat_map(|rule| rule.streams(&record)));
        }
    }
    let wanted = |stream: &String| {
        engine.snapshots.summary(stream).is_some_and(|summary| {
            listener.ears.is_some()
                || listener.mappings.iter().any(|mapping| mapping.contract == summary.handoff.contract)
        })
    };
    streams.retain(wanted);
    streams
}

/// Those of them that are not off.
pub(super) fn targets(engine: &Engine, listener: &Listener, links: &BTreeSet<Link>) -> BTreeSet<String> {
    let mut targets = streams(engine, listener, links);
    targets.retain(|stream| {
        engine.snapshots.summary(stream).is_some_and(|summary| summary.phase != Phase::Voided)
    });
    targets
}
