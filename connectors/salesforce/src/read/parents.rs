//! Records that lookups name: their ids, and the questions for what hangs on them.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::extract::{ReadPlan, relation_parts};

use super::Part;
use crate::id::SfId;
use crate::query::Queries;
use crate::{Api, row};

/// Most parents in one question; as many as records in one read.
const PARENTS: usize = 200;

/// The lookups of the records whose targets' children are read.
pub(super) fn lookups(plan: &ReadPlan) -> impl Iterator<Item = &str> {
    plan.related.keys().filter_map(|key| relation_parts(key).0)
}

/// The id beside each dotted field: on which record it was found.
pub(super) fn ids_beside(fields: &[&str]) -> BTreeSet<String> {
    let lookups = fields.iter().filter_map(|field| field.rsplit_once('.').map(|(lookups, _)| lookups));
    lookups.map(|lookups| format!("{lookups}.Id")).collect()
}

/// Lookup → record → the record that it names.
pub(super) fn named(
    plan: &ReadPlan,
    parts: &[Part],
    queries: &Queries,
) -> BTreeMap<String, BTreeMap<SfId, SfId>> {
    let mut named: BTreeMap<String, BTreeMap<SfId, SfId>> = BTreeMap::new();
    let records = parts.iter().enumerate().filter(|(_, part)| matches!(part, Part::Records(_)));
    let rows: Vec<_> = records.flat_map(|(at, _)| queries.rows(at)).collect();
    for lookup in lookups(plan) {
        let of = |one: &&serde_json::Value| Some((row::own_id(one).ok()?, row::id(one, lookup)?));
        named.insert(lookup.to_owned(), rows.iter().filter_map(of).collect());
    }
    named
}

/// The questions for the children of these parents.
pub(super) fn parts(api: &Api, plan: &ReadPlan, named: &BTreeMap<String, BTreeMap<SfId, SfId>>) -> Vec<Part> {
    let mut parts = Vec::new();
    for key in plan.related.keys() {
        let Some((Some(lookup), child)) = api.relations.planned(plan.object.as_str(), key) else { continue };
        let parents: BTreeSet<SfId> =
            named.get(lookup).into_iter().flat_map(BTreeMap::values).cloned().collect();
        let parents: Vec<SfId> = parents.into_iter().collect();
        for chunk in parents.chunks(PARENTS) {
            parts.push(Part::OfParent { key: key.clone(), child: child.clone(), parents: chunk.to_vec() });
        }
    }
    parts
}
