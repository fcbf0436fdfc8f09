//! Checks of a mapping against those loaded before it.

use std::collections::BTreeMap;

use crate::lint::Complaint;
use crate::lint::mapping::write_targets;
use crate::mapping::Mapping;
use crate::registry::quoted;

/// What a mapping may not share with `others`: its name, and any field it writes, unless it serves the same contract and motion on the same
/// object: then it is another version, or another way of reading, and nobody governs by both.
pub fn among<'m>(mapping: &Mapping, others: impl Iterator<Item = &'m Mapping>) -> Vec<Complaint> {
    let mut found = Vec::new();
    let mut written: BTreeMap<String, &str> = BTreeMap::new();
    for other in others {
        if other.mapping == mapping.mapping {
            let message = format!("there are two mappings {}", quoted(&mapping.mapping));
            found.push(Complaint::new(&["mapping"], message, "give each its own name"));
        }
        if other.connector != mapping.connector || other.object != mapping.object {
            continue;
        }
        if other.contract == mapping.contract && other.motion == mapping.motion {
            // Two versions live side by side in the same CRM fields, because open handoffs stay on theirs; so may two ways of reading one
            // version, of which only one can be governed by.
            continue;
        }
        written.extend(
            write_targets(other).into_iter().map(|(_, name)| (name.to_lowercase(), other.mapping.as_str())),
        );
    }
    for (at, name) in write_targets(mapping) {
        if let Some(other) = written.get(&name.to_lowercase()) {
            let at: Vec<&str> = at.iter().map(String::as_str).collect();
            let message = format!("{} is written by mapping {} too", quoted(name), quoted(other));
            found.push(Complaint::new(&at, message, "give each mapping its own CRM fields"));
        }
    }
    found
}
