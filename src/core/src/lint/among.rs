//! Checks of a mapping against those loaded before it.

use std::collections::BTreeMap;

use crate::lint::Complaint;
use crate::lint::mapping::write_targets;
use crate::mapping::Mapping;
use crate::registry::quoted;

/// What a mapping may not share with `others`: its name, its contract version and motion on
/// the same object, and, unless it serves another version of the same contract, any field it writes.
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
            // Open handoffs stay on their version, so two versions of one contract live side by side in the same CRM fields.
            if other.version != mapping.version {
                continue;
            }
            let message = format!(
                "{} maps contract {} for motion {} on {} already",
                quoted(&other.mapping),
                mapping.contract,
                mapping.motion.candidates().first().map_or("", |motion| motion.as_str()),
                mapping.object
            );
            found.push(Complaint::new(&["contract"], message, "keep one of the two"));
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
