//! What changed between two packages, field by field and part by part, in words that hold no values.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::contract::Contract;
use crate::digest::Digest;
use crate::id::{FieldKey, PartKey};
use crate::value::{Package, Sourced, Value};

/// Fields named one by one in words; of more it is said how many.
const NAMED: usize = 12;
/// Hex digits that are kept of a value's digest: enough to tell two values of one part from each other.
const KEPT: usize = 16;

/// A package without its values: enough to say later what changed, little enough to be kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Outline(BTreeMap<FieldKey, BTreeMap<PartKey, String>>);

impl Outline {
    /// Of this package.
    pub fn of(package: &Package) -> Self {
        let print = |sourced: &Sourced| Digest::of(&sourced.value).0.chars().take(KEPT).collect();
        let parts = |parts: &BTreeMap<PartKey, Sourced>| {
            parts.iter().map(|(key, sourced)| (key.clone(), print(sourced))).collect()
        };
        Self(package.iter().map(|(key, field)| (key.clone(), parts(field))).collect())
    }

    /// What has to happen to this one to become the other.
    pub fn diff(&self, now: &Self) -> PackageDiff {
        let nothing = BTreeMap::new();
        let keys: BTreeSet<&FieldKey> = self.0.keys().chain(now.0.keys()).collect();
        let fields = keys.into_iter().filter_map(|key| {
            let (before, after) = (self.0.get(key).unwrap_or(&nothing), now.0.get(key).unwrap_or(&nothing));
            let diff = FieldDiff::between(before, after);
            (!diff.is_empty()).then(|| (key.clone(), diff))
        });
        PackageDiff { fields: fields.collect() }
    }
}

/// What changed between two packages.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PackageDiff {
    /// Fields with what changed in them; fields that stand as they did are absent.
    pub fields: BTreeMap<FieldKey, FieldDiff>,
}

/// What changed in one field.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FieldDiff {
    /// Parts that were empty and say something now.
    pub added: BTreeSet<PartKey>,
    /// Parts that say something else.
    pub changed: BTreeSet<PartKey>,
    /// Parts that said something and are empty now.
    pub emptied: BTreeSet<PartKey>,
}

impl FieldDiff {
    fn between(before: &BTreeMap<PartKey, String>, after: &BTreeMap<PartKey, String>) -> Self {
        let mut diff = Self::default();
        for (key, print) in after {
            match before.get(key) {
                None => drop(diff.added.insert(key.clone())),
                Some(known) if known != print => drop(diff.changed.insert(key.clone())),
                Some(_) => {}
            }
        }
        diff.emptied = before.keys().filter(|key| !after.contains_key(*key)).cloned().collect();
        diff
    }

    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.emptied.is_empty()
    }
}

impl PackageDiff {
    /// Between two packages; where a value was found does not count.
    pub fn between(before: &Package, after: &Package) -> Self {
        Outline::of(before).diff(&Outline::of(after))
    }

    /// Whether the two say the same.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// A line per field in the contract's order, e.g. `Success criteria: target changed; date added`. At most twelve lines, then how many
    /// more; labels only, never a value.
    pub fn lines(&self, contract: &Contract) -> Vec<String> {
        let known = contract.fields.iter().filter_map(|field| {
            let diff = self.fields.get(&field.key)?;
            let many = field.parts.len() > 1;
            Some(format!(
                "{}{}",
                field.label,
                diff.words(many, |part| { field.parts.get(part).and_then(|part| part.label.clone()) })
            ))
        });
        let unknown = self.fields.iter().filter(|(key, _)| contract.field(key).is_none());
        let unknown = unknown.map(|(key, diff)| format!("{key}{}", diff.words(true, |_| None)));
        let mut lines: Vec<String> = known.chain(unknown).collect();
        if lines.len() > NAMED {
            let more = lines.len() - NAMED;
            lines.truncate(NAMED);
            lines.push(format!("and {more} more"));
        }
        lines
    }
}

impl FieldDiff {
    /// `: target changed; date added` for a field with several parts, ` changed` for one with a single part.
    fn words(&self, many: bool, label: impl Fn(&PartKey) -> Option<String>) -> String {
        let sets = [(&self.added, "added"), (&self.changed, "changed"), (&self.emptied, "emptied")];
        if !many {
            let verb = sets.into_iter().find(|(set, _)| !set.is_empty()).map_or("changed", |(_, verb)| verb);
            return format!(" {verb}");
        }
        let named = |part: &PartKey| label(part).unwrap_or_else(|| part.as_str().replace('_', " "));
        let said: Vec<String> = sets
            .into_iter()
            .filter(|(set, _)| !set.is_empty())
            .map(|(set, verb)| {
                let names: Vec<String> = set.iter().map(&named).collect();
                format!("{} {verb}", names.join(", "))
            })
            .collect();
        format!(": {}", said.join("; "))
    }
}

/// How many things these fields say that the package did not say yet: parts that were empty, and rows of lists beyond those there were.
pub fn additions(package: &Package, set: &Package) -> u32 {
    let rows = |sourced: &Sourced| match &sourced.value {
        Value::List(rows) => rows.len(),
        Value::Text(_)
        | Value::Name(_)
        | Value::Number(_)
        | Value::Money { .. }
        | Value::Date(_)
        | Value::Choice(_)
        | Value::Person(_)
        | Value::Record(_)
        | Value::Flag(_)
        | Value::Series(_)
        | Value::Erased => 1,
    };
    let count: usize = set
        .iter()
        .flat_map(|(field, parts)| parts.iter().map(move |(part, sourced)| (field, part, sourced)))
        .map(|(field, part, sourced)| {
            let known = package.get(field).and_then(|parts| parts.get(part)).map_or(0, rows);
            rows(sourced).saturating_sub(known)
        })
        .sum();
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
