//! Exactly one primary owner, during the cross-sell and after it.

use std::collections::{BTreeMap, BTreeSet};

use crate::beside::{BesideSeen, CrossMotion, PartRef, PrimaryIs, Trouble};
use crate::id::FieldKey;
use crate::observation::{Actor, Observation};
use crate::value::{Package, Value};

use super::trigger::Trigger;

/// The one primary owner: named in the package, and claimed by nobody else. `None` = nobody, or more than one.
pub fn primary<'a>(terms: &CrossMotion, beside: &'a BesideSeen) -> Option<&'a Actor> {
    let claimants = claimants(terms, beside);
    let mut people: BTreeMap<_, &Actor> = BTreeMap::new();
    for actor in claimants {
        people.entry(&actor.person).or_insert(actor);
    }
    let mut people = people.into_values();
    match (people.next(), people.next()) {
        (Some(owner), None) => Some(owner),
        (Some(_), Some(_)) | (None, _) => None,
    }
}

fn claimants<'a>(terms: &CrossMotion, beside: &'a BesideSeen) -> impl Iterator<Item = &'a Actor> {
    beside.persons.get(&terms.owner.0).into_iter().chain(beside.claims.values())
}

/// What stands in a cross-motion package and does not count, and why; nothing where the mapping names nothing beside the package: then nobody
/// can claim the relationship besides the package.
pub fn troubles(terms: &CrossMotion, seen: &Observation) -> BTreeMap<FieldKey, BTreeSet<Trouble>> {
    let Some(beside) = seen.beside.as_deref() else { return BTreeMap::new() };
    let mut troubles: BTreeMap<FieldKey, BTreeSet<Trouble>> = BTreeMap::new();
    let mut note = |field: FieldKey, trouble: Option<Trouble>| {
        if let Some(trouble) = trouble {
            troubles.entry(field).or_default().insert(trouble);
        }
    };
    if terms.owner.value(&seen.package).is_some() || !beside.claims.is_empty() {
        note(terms.owner.field(), owner_trouble(terms, seen, beside));
    }
    if let Some(text) = terms.trigger.value(&seen.package).and_then(Value::words) {
        note(terms.trigger.field(), trigger_trouble(text, beside));
    }
    if terms.owner_after.value(&seen.package).is_some() {
        let named = beside.persons.get(&terms.owner_after.0);
        let nobody = !named.is_some_and(|named| named.active && !named.machine);
        note(terms.owner_after.field(), nobody.then_some(Trouble::NoPrimaryOwner));
    }
    troubles
}

fn owner_trouble(terms: &CrossMotion, seen: &Observation, beside: &BesideSeen) -> Option<Trouble> {
    let people: BTreeSet<_> = claimants(terms, beside).map(|actor| &actor.person).collect();
    if people.len() > 1 {
        return Some(Trouble::TwoPrimaryOwners);
    }
    let Some(owner) = primary(terms, beside).filter(|owner| owner.active && !owner.machine) else {
        return Some(Trouble::NoPrimaryOwner);
    };
    let is = |other: &Option<Actor>| other.as_ref().is_some_and(|other| other.person == owner.person);
    let (sends, receives) = (is(&seen.sender), is(&seen.receiver));
    if !sends && !receives {
        return Some(Trouble::NoPrimaryOwner);
    }
    let mode = terms.mode.value(&seen.package)?.words()?;
    let fits = match terms.modes.get(mode.trim())? {
        PrimaryIs::Sender => sends,
        PrimaryIs::Receiver => receives,
        PrimaryIs::Either => true,
    };
    (!fits).then_some(Trouble::OwnerAgainstMode)
}

fn trigger_trouble(text: &str, beside: &BesideSeen) -> Option<Trouble> {
    match text.parse::<Trigger>() {
        Err(_not_a_trigger) => Some(Trouble::NotATrigger),
        Ok(Trigger::After { event, .. }) => {
            (!beside.known_moments.contains(&event)).then_some(Trouble::UnknownToTheMapping)
        }
        Ok(Trigger::While { measure, .. }) => {
            (!beside.known_measures.contains(&measure)).then_some(Trouble::UnknownToTheMapping)
        }
    }
}

/// The trigger that stands in the package, if it is one.
pub(super) fn trigger(part: &PartRef, package: &Package) -> Option<Trigger> {
    part.value(package)?.words()?.parse().ok()
}
