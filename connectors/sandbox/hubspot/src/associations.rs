//! Links between records, with their types and labels, in both directions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use crate::{
    Refusal,
    record::Operation,
    schema::{ObjectIx, Schema},
    state::{Actor, State},
};

/// A record and its object.
pub(crate) type Place = (ObjectIx, u64);

/// Whether a user defined it, and its number.
pub(crate) type TypeKey = (bool, u32);

/// One type of link from one object to another.
#[derive(Debug, Clone)]
pub(crate) struct LinkType {
    pub(crate) from: ObjectIx,
    pub(crate) to: ObjectIx,
    pub(crate) key: TypeKey,
    pub(crate) label: Option<String>,
    /// Number of the same link seen from the other side.
    inverse: u32,
}

impl LinkType {
    pub(crate) fn json(&self) -> Json {
        json!({"category": category(self.key.0), "typeId": self.key.1, "label": self.label})
    }
}

pub(crate) fn category(user_defined: bool) -> &'static str {
    if user_defined { "USER_DEFINED" } else { "HUBSPOT_DEFINED" }
}

/// From, to, number there, number back, label.
const STANDARD: [(&str, &str, u32, u32, Option<&str>); 33] = [
    ("contacts", "companies", 279, 280, None),
    ("contacts", "companies", 1, 2, Some("Primary")),
    ("deals", "contacts", 3, 4, None),
    ("deals", "companies", 341, 342, None),
    ("deals", "companies", 5, 6, Some("Primary")),
    ("tickets", "contacts", 16, 15, None),
    ("tickets", "companies", 339, 340, None),
    ("tickets", "companies", 26, 25, Some("Primary")),
    ("deals", "tickets", 27, 28, None),
    ("contacts", "contacts", 449, 449, None),
    ("companies", "companies", 450, 450, None),
    ("deals", "deals", 451, 451, None),
    ("tickets", "tickets", 452, 452, None),
    ("notes", "contacts", 202, 201, None),
    ("notes", "companies", 190, 189, None),
    ("notes", "deals", 214, 213, None),
    ("notes", "tickets", 228, 227, None),
    ("tasks", "contacts", 204, 203, None),
    ("tasks", "companies", 192, 191, None),
    ("tasks", "deals", 216, 215, None),
    ("tasks", "tickets", 230, 229, None),
    ("emails", "contacts", 198, 197, None),
    ("emails", "companies", 186, 185, None),
    ("emails", "deals", 210, 209, None),
    ("emails", "tickets", 224, 223, None),
    ("meetings", "contacts", 200, 199, None),
    ("meetings", "companies", 188, 187, None),
    ("meetings", "deals", 212, 211, None),
    ("meetings", "tickets", 226, 225, None),
    ("calls", "contacts", 194, 193, None),
    ("calls", "companies", 182, 181, None),
    ("calls", "deals", 206, 205, None),
    ("calls", "tickets", 220, 219, None),
];

/// Leads of the sales workspace: the number from the lead's side; back it is the next one.
const LEADS: [(&str, u32, Option<&str>); 7] = [
    ("contacts", 608, None),
    ("contacts", 578, Some("Primary")),
    ("companies", 610, None),
    ("calls", 596, None),
    ("emails", 598, None),
    ("meetings", 600, None),
    ("tasks", 646, None),
];

/// Linked records of one object, each with the types of its link.
pub(crate) type Linked = BTreeMap<u64, BTreeSet<TypeKey>>;

/// Every link of the portal.
#[derive(Debug, Default)]
pub(crate) struct Links {
    types: Vec<LinkType>,
    map: BTreeMap<(ObjectIx, u64, ObjectIx), Linked>,
    /// Numbers given out so far.
    pub(crate) serial: u64,
    labels: u32,
}

impl Links {
    pub(crate) fn standard(schema: &Schema) -> Self {
        let mut links = Self::default();
        for (from, to, there, back, label) in STANDARD {
            if let (Some(from), Some(to)) = (schema.find(from), schema.find(to)) {
                links.add_type(from, to, (false, there), back, label);
            }
        }
        for (to, there, label) in LEADS {
            if let (Some(from), Some(to)) = (schema.find("leads"), schema.find(to)) {
                links.add_type(from, to, (false, there), there + 1, label);
            }
        }
        let mut next = 1_001;
        for from in 0..schema.objects.len() {
            for to in from..schema.objects.len() {
                if links.plain(from, to).is_none() {
                    links.add_type(from, to, (false, next), next + 1, None);
                    next += 2;
                }
            }
        }
        links
    }

    fn add_type(&mut self, from: ObjectIx, to: ObjectIx, key: TypeKey, back: u32, label: Option<&str>) {
        let label = label.map(ToOwned::to_owned);
        self.types.push(LinkType { from, to, key, label: label.clone(), inverse: back });
        if from != to || key.1 != back {
            self.types.push(LinkType { from: to, to: from, key: (key.0, back), label, inverse: key.1 });
        }
    }

    /// The plain link that a custom object's schema brings.
    pub(crate) fn add_plain(&mut self, from: ObjectIx, to: ObjectIx) {
        if self.plain(from, to).is_none() {
            self.labels += 2;
            self.add_type(from, to, (true, self.labels - 1), self.labels, None);
        }
    }

    /// Types from or to an object.
    pub(crate) fn touching(&self, object: ObjectIx) -> impl Iterator<Item = &LinkType> {
        self.types.iter().filter(move |known| known.from == object || known.to == object)
    }

    /// Adds a label that means the same from both sides; its types, there and back.
    pub(crate) fn add_label(
        &mut self,
        from: ObjectIx,
        to: ObjectIx,
        label: &str,
        back: Option<&str>,
    ) -> Vec<Json> {
        self.labels += 2;
        let (there, inverse) = (self.labels - 1, self.labels);
        self.add_type(from, to, (true, there), inverse, Some(label));
        if let Some(back) = back
            && let Some(last) = self.types.last_mut()
        {
            last.label = Some(back.to_owned());
        }
        self.types.iter().filter(|known| known.key.0 && known.key.1 >= there).map(LinkType::json).collect()
    }

    pub(crate) fn rename_label(&mut self, from: ObjectIx, to: ObjectIx, id: u32, label: &str) -> bool {
        let known = self
            .types
            .iter_mut()
            .find(|known| known.from == from && known.to == to && known.key == (true, id));
        known.map(|known| known.label = Some(label.to_owned())).is_some()
    }

    pub(crate) fn remove_label(&mut self, from: ObjectIx, to: ObjectIx, id: u32) {
        let key = (true, id);
        let inverse = self.find(from, to, key).map(|known| (true, known.inverse));
        self.types.retain(|known| {
            let there = (known.from, known.to, known.key) == (from, to, key);
            let back = (known.from, known.to, Some(known.key)) == (to, from, inverse);
            !there && !back
        });
        for ((object, _, other), linked) in &mut self.map {
            for keys in linked.values_mut() {
                if (*object, *other) == (from, to) {
                    keys.remove(&key);
                } else if let Some(inverse) = inverse.filter(|_| (*object, *other) == (to, from)) {
                    keys.remove(&inverse);
                }
            }
        }
    }

    pub(crate) fn types(&self, from: ObjectIx, to: ObjectIx) -> impl Iterator<Item = &LinkType> {
        self.types.iter().filter(move |known| known.from == from && known.to == to)
    }

    pub(crate) fn find(&self, from: ObjectIx, to: ObjectIx, key: TypeKey) -> Option<&LinkType> {
        self.types(from, to).find(|known| known.key == key)
    }

    /// The type of a label, `Primary` among them; case counts.
    pub(crate) fn labelled(&self, from: ObjectIx, to: ObjectIx, label: &str) -> Option<TypeKey> {
        self.types(from, to).find(|known| known.label.as_deref() == Some(label)).map(|known| known.key)
    }

    /// The type without a label.
    pub(crate) fn plain(&self, from: ObjectIx, to: ObjectIx) -> Option<TypeKey> {
        self.types(from, to).find(|known| known.label.is_none()).map(|known| known.key)
    }

    pub(crate) fn of(&self, object: ObjectIx, id: u64, other: ObjectIx) -> Option<&Linked> {
        self.map.get(&(object, id, other))
    }

    pub(crate) fn linked(&self, object: ObjectIx, id: u64, other: ObjectIx) -> Vec<u64> {
        self.of(object, id, other).map(|linked| linked.keys().copied().collect()).unwrap_or_default()
    }

    /// Adds types to a link, making it when it is not there; whether anything changed.
    pub(crate) fn add(&mut self, from: Place, to: Place, keys: &[TypeKey]) -> bool {
        let mut all: BTreeSet<TypeKey> = keys.iter().copied().collect();
        all.extend(self.plain(from.0, to.0));
        if let Some(primary) = self.labelled(from.0, to.0, "Primary") {
            let taken = self
                .of(from.0, from.1, to.0)
                .is_some_and(|linked| linked.iter().any(|(id, keys)| *id != to.1 && keys.contains(&primary)));
            if all.contains(&primary) && taken {
                // A record has one primary company: the new one takes the place.
                for other in self.linked(from.0, from.1, to.0) {
                    self.drop_key(from, (to.0, other), primary);
                }
            } else if !taken && from.0 != to.0 && self.is_towards_company(from.0, to.0) {
                all.insert(primary);
            }
        }
        let mut changed = false;
        for key in all {
            let inverse = self.find(from.0, to.0, key).map(|known| (key.0, known.inverse));
            changed |=
                self.map.entry((from.0, from.1, to.0)).or_default().entry(to.1).or_default().insert(key);
            if let Some(inverse) = inverse {
                self.map.entry((to.0, to.1, from.0)).or_default().entry(from.1).or_default().insert(inverse);
            }
        }
        changed
    }

    /// The primary label is of the side that has one company.
    fn is_towards_company(&self, from: ObjectIx, to: ObjectIx) -> bool {
        self.labelled(from, to, "Primary").is_some_and(|key| [1, 5, 26].contains(&key.1))
    }

    fn drop_key(&mut self, from: Place, to: Place, key: TypeKey) -> bool {
        let inverse = self.find(from.0, to.0, key).map(|known| (key.0, known.inverse));
        let mut dropped = false;
        if let Some(keys) = self.map.get_mut(&(from.0, from.1, to.0)).and_then(|linked| linked.get_mut(&to.1))
        {
            dropped = keys.remove(&key);
        }
        if let Some(inverse) = inverse
            && let Some(keys) =
                self.map.get_mut(&(to.0, to.1, from.0)).and_then(|linked| linked.get_mut(&from.1))
        {
            keys.remove(&inverse);
        }
        dropped
    }

    /// Removes a link, or only some of its types; whether anything changed.
    pub(crate) fn remove(&mut self, from: Place, to: Place, keys: Option<&[TypeKey]>) -> bool {
        if let Some(keys) = keys {
            return keys.iter().filter(|key| self.drop_key(from, to, **key)).count() > 0;
        }
        if let Some(linked) = self.map.get_mut(&(to.0, to.1, from.0)) {
            linked.remove(&from.1);
        }
        self.map.get_mut(&(from.0, from.1, to.0)).is_some_and(|linked| linked.remove(&to.1).is_some())
    }

    /// Removes every link of a record; where they led.
    pub(crate) fn drop_all(&mut self, object: ObjectIx, id: u64) -> Vec<Place> {
        let range = (object, id, 0)..=(object, id, ObjectIx::MAX);
        let ends: Vec<Place> = self
            .map
            .range(range)
            .flat_map(|((_, _, other), linked)| linked.keys().map(|id| (*other, *id)))
            .collect();
        for end in &ends {
            self.remove((object, id), *end, None);
        }
        ends
    }

    /// Gives the links of `gone` to `survivor`.
    pub(crate) fn merge(&mut self, object: ObjectIx, survivor: u64, gone: u64) {
        let range = (object, gone, 0)..=(object, gone, ObjectIx::MAX);
        let links: Vec<(Place, Vec<TypeKey>)> = self
            .map
            .range(range)
            .flat_map(|((_, _, other), linked)| {
                linked.iter().map(|(id, keys)| ((*other, *id), keys.iter().copied().collect()))
            })
            .collect();
        self.drop_all(object, gone);
        for (end, keys) in links {
            self.add((object, survivor), end, &keys);
        }
    }
}

impl State {
    /// Links two records; `keys` are types from the first to the second, the plain one when empty.
    pub(crate) fn associate(
        &mut self,
        actor: &Actor,
        from: Place,
        to: Place,
        keys: &[TypeKey],
    ) -> Result<(), Refusal> {
        let (from, to) = self.both(from, to)?;
        for key in keys {
            if self.links.find(from.0, to.0, *key).is_none() {
                return Err(Refusal::validation(format!("Invalid association type id {}", key.1)));
            }
        }
        if keys.is_empty() && self.links.plain(from.0, to.0).is_none() {
            return Err(Refusal::validation("No association is defined between these objects"));
        }
        self.log(actor, from.0, from.1, Operation::Associate);
        if self.links.add(from, to, keys) {
            self.linked_or_not(actor, from, to, false);
        }
        Ok(())
    }

    /// Unlinks two records, or takes types from their link.
    pub(crate) fn dissociate(
        &mut self,
        actor: &Actor,
        from: Place,
        to: Place,
        keys: Option<&[TypeKey]>,
    ) -> Result<(), Refusal> {
        let (from, to) = self.both(from, to)?;
        self.log(actor, from.0, from.1, Operation::Associate);
        if self.links.remove(from, to, keys) {
            self.linked_or_not(actor, from, to, true);
        }
        Ok(())
    }

    fn both(&self, from: Place, to: Place) -> Result<(Place, Place), Refusal> {
        let live = |place: Place| {
            let record = self.record(place.0, place.1).filter(|record| record.archived_at.is_none());
            record.map(|record| (place.0, record.id)).ok_or_else(Refusal::no_record)
        };
        Ok((live(from)?, live(to)?))
    }

    fn linked_or_not(&mut self, actor: &Actor, from: Place, to: Place, removed: bool) {
        let plural = self.schema.object(to.0).map_or_else(String::new, |kind| kind.plural.to_string());
        let now = self.now();
        let what = vec![format!("association:{plural}:{}", to.1)];
        self.note(from.0, from.1, Operation::Associate, now, what, &actor.origin);
        self.recount(from.0, from.1, to.0);
        self.recount(to.0, to.1, from.0);
        self.roll_up(from.0, to);
        self.roll_up(to.0, from);
        self.tell_link(from, to, removed, &actor.origin);
        self.tell_link(to, from, removed, &actor.origin);
    }
}
