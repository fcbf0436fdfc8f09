//! What objects and fields the org has: standard ones, those of a metadata package, and those added by a test.

pub(crate) mod describe;
mod spec;

use std::collections::BTreeMap;

pub use spec::{FieldSpec, FieldType, ObjectSpec, StageSpec};

use crate::Error;

/// Where a field's value is kept in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Id,
    IsDeleted,
    CreatedDate,
    CreatedById,
    LastModifiedDate,
    LastModifiedById,
    SystemModstamp,
    Stored(u16),
}

#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) spec: FieldSpec,
    pub(crate) slot: Slot,
}

impl Field {
    pub(crate) fn is_system(&self) -> bool {
        !matches!(self.slot, Slot::Stored(_))
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) spec: ObjectSpec,
    pub(crate) fields: Vec<Field>,
    index: BTreeMap<String, usize>,
    next_slot: u16,
}

impl Object {
    fn new(spec: ObjectSpec) -> Self {
        let mut object = Self { spec, fields: Vec::new(), index: BTreeMap::new(), next_slot: 0 };
        for (field, slot) in spec::system_fields() {
            if !object.spec.without.contains(&field.name) {
                object.push(Field { spec: field, slot });
            }
        }
        for field in std::mem::take(&mut object.spec.fields) {
            object.add(field);
        }
        object
    }

    pub(crate) fn name(&self) -> &str {
        &self.spec.name
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        let at = self.index.get(name).or_else(|| self.index.get(&name.to_ascii_lowercase()))?;
        self.fields.get(*at)
    }

    /// The field that holds the id of the record that owns the row.
    pub(crate) fn parent(&self) -> Option<&str> {
        let owner = self.fields.iter().find(|field| field.spec.cascade)?;
        Some(&owner.spec.name)
    }

    pub(crate) fn slot(&self, name: &str) -> Option<u16> {
        match self.field(name)?.slot {
            Slot::Stored(slot) => Some(slot),
            Slot::Id
            | Slot::IsDeleted
            | Slot::CreatedDate
            | Slot::CreatedById
            | Slot::LastModifiedDate
            | Slot::LastModifiedById
            | Slot::SystemModstamp => None,
        }
    }

    /// Adds or replaces a field; a replaced field keeps its values.
    pub(crate) fn add(&mut self, spec: FieldSpec) {
        let known = self.index.get(&spec.name.to_ascii_lowercase()).copied();
        if let Some(field) = known.and_then(|at| self.fields.get_mut(at)) {
            field.spec = spec;
            return;
        }
        let slot = Slot::Stored(self.next_slot);
        self.next_slot = self.next_slot.saturating_add(1);
        self.push(Field { spec, slot });
    }

    fn push(&mut self, field: Field) {
        self.index.insert(field.spec.name.to_ascii_lowercase(), self.fields.len());
        self.fields.push(field);
    }

    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let before = self.fields.len();
        self.fields.retain(|field| !field.spec.name.eq_ignore_ascii_case(name) || field.is_system());
        self.reindex();
        self.fields.len() < before
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) -> bool {
        let found = self.edit(from, |spec| to.clone_into(&mut spec.name));
        self.reindex();
        found
    }

    pub(crate) fn edit(&mut self, name: &str, change: impl FnOnce(&mut FieldSpec)) -> bool {
        let Some(at) = self.index.get(&name.to_ascii_lowercase()) else { return false };
        let Some(field) = self.fields.get_mut(*at).filter(|field| !field.is_system()) else { return false };
        change(&mut field.spec);
        true
    }

    fn reindex(&mut self) {
        self.index = self
            .fields
            .iter()
            .enumerate()
            .map(|(at, field)| (field.spec.name.to_ascii_lowercase(), at))
            .collect();
    }
}

/// Every object of the org; an object's position is the position of its table.
#[derive(Debug, Clone, Default)]
pub(crate) struct Schema {
    pub(crate) objects: Vec<Object>,
    index: BTreeMap<String, usize>,
}

impl Schema {
    /// The standard objects and their default opportunity stages.
    pub(crate) fn standard() -> Result<(Self, Vec<StageSpec>), Error> {
        let file: spec::File = toml::from_str(include_str!("standard.toml"))
            .map_err(|source| Error::Schema { detail: source.to_string() })?;
        let mut schema = Self::default();
        for object in file.object {
            schema.add_object(object);
        }
        Ok((schema, file.stage))
    }

    pub(crate) fn add_object(&mut self, spec: ObjectSpec) -> usize {
        if let Some(at) = self.position(&spec.name) {
            if let Some(object) = self.objects.get_mut(at) {
                for field in spec.fields {
                    object.add(field);
                }
            }
            return at;
        }
        let at = self.objects.len();
        self.index.insert(spec.name.to_ascii_lowercase(), at);
        self.objects.push(Object::new(spec));
        at
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.index.get(name).or_else(|| self.index.get(&name.to_ascii_lowercase())).copied()
    }

    pub(crate) fn object(&self, name: &str) -> Option<&Object> {
        self.objects.get(self.position(name)?)
    }

    pub(crate) fn object_mut(&mut self, name: &str) -> Option<&mut Object> {
        let at = self.position(name)?;
        self.objects.get_mut(at)
    }

    pub(crate) fn by_prefix(&self, prefix: &str) -> Option<usize> {
        self.objects.iter().position(|object| object.spec.prefix == prefix)
    }

    /// A key prefix no object uses yet, in the range of custom objects.
    pub(crate) fn free_prefix(&self) -> String {
        let mut number = 0_u32;
        loop {
            let prefix = format!("a{number:02}");
            if number > 98 || self.by_prefix(&prefix).is_none() {
                return prefix;
            }
            number += 1;
        }
    }

    /// (child object position, lookup field) pairs whose lookups may point at `parent`.
    pub(crate) fn children_of(&self, parent: &str) -> Vec<(usize, &Field)> {
        let mut found = Vec::new();
        for (at, object) in self.objects.iter().enumerate() {
            for field in &object.fields {
                if field.spec.reference_to.iter().any(|target| target.eq_ignore_ascii_case(parent)) {
                    found.push((at, field));
                }
            }
        }
        found
    }
}
