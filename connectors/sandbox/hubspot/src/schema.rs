//! What objects and properties there are.

mod activities;
pub(crate) mod custom;
pub(crate) mod options;
pub(crate) mod standard;

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::when;

pub(crate) use custom::Custom;

/// Index of an object in the schema.
pub(crate) type ObjectIx = usize;
/// Index of a property in its object.
pub(crate) type PropIx = u16;

/// A property's type, as definitions name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PropertyType {
    /// Text.
    String,
    /// A decimal number.
    Number,
    /// A day.
    Date,
    /// An instant.
    Datetime,
    /// One or several of the options' values.
    Enumeration,
    /// `true` or `false`.
    Bool,
    /// A telephone number.
    PhoneNumber,
}

/// One choice of an enumeration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertyOption {
    /// What people read.
    pub label: String,
    /// What is stored.
    pub value: String,
    /// Position; -1 for last.
    #[serde(default = "last")]
    pub display_order: i64,
    /// Whether forms leave it out.
    #[serde(default)]
    pub hidden: bool,
}

const fn last() -> i64 {
    -1
}

/// A property definition, as `POST /properties` takes it and the vendor's flags besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PropertySpec {
    /// Internal name, lower snake case.
    pub name: String,
    /// What people read.
    pub label: String,
    /// Type of the values.
    #[serde(rename = "type")]
    pub kind: PropertyType,
    /// How people fill it in.
    pub field_type: String,
    /// Group it belongs to.
    pub group_name: String,
    /// Help text.
    #[serde(default)]
    pub description: String,
    /// Choices of an enumeration.
    #[serde(default)]
    pub options: Vec<PropertyOption>,
    /// Position; -1 for last.
    #[serde(default = "last")]
    pub display_order: i64,
    /// Whether two records may not have the same value.
    #[serde(default)]
    pub has_unique_value: bool,
    /// Whether the user interface leaves it out.
    #[serde(default)]
    pub hidden: bool,
    /// Whether forms may use it.
    #[serde(default)]
    pub form_field: bool,
    /// Whether the choices are kept elsewhere.
    #[serde(default)]
    pub external_options: bool,
    /// `OWNER` for user pickers.
    #[serde(default)]
    pub referenced_object_type: Option<String>,
    /// Whether the portal computes the value; read-only to everybody.
    #[serde(default)]
    pub calculated: bool,
    /// Whether nobody may write the value.
    #[serde(default)]
    pub read_only: bool,
    /// Whether the vendor defined it.
    #[serde(default)]
    pub hubspot_defined: bool,
    /// When it was archived, milliseconds since the epoch.
    #[serde(skip)]
    pub archived_at: Option<i64>,
    /// When it was made, milliseconds since the epoch.
    #[serde(skip)]
    pub created_at: i64,
    /// When its definition changed last, milliseconds since the epoch.
    #[serde(skip)]
    pub updated_at: i64,
    /// Where a value comes from that no history keeps.
    #[serde(skip)]
    pub(crate) derived: Option<Derived>,
}

/// Values that records have without anybody having written them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Derived {
    Id,
    Created,
    Modified,
    MergedIds,
}

impl PropertySpec {
    /// A writable property of the group `information` without options.
    pub fn new(name: &str, label: &str, kind: PropertyType, field_type: &str) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            kind,
            field_type: field_type.to_owned(),
            group_name: "information".to_owned(),
            description: String::new(),
            options: Vec::new(),
            display_order: -1,
            has_unique_value: false,
            hidden: false,
            form_field: false,
            external_options: false,
            referenced_object_type: None,
            calculated: false,
            read_only: false,
            hubspot_defined: false,
            archived_at: None,
            created_at: 0,
            updated_at: 0,
            derived: None,
        }
    }

    /// Whether several options may be chosen, joined by semicolons.
    pub fn is_multi(&self) -> bool {
        self.kind == PropertyType::Enumeration && self.field_type == "checkbox"
    }

    /// Whether values are ids of owners.
    pub fn is_owner(&self) -> bool {
        self.referenced_object_type.as_deref() == Some("OWNER")
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.calculated || self.read_only || self.derived.is_some()
    }

    /// The definition as the API shows it.
    pub(crate) fn json(&self) -> Json {
        let mut out = json!({
            "name": self.name, "label": self.label, "type": self.kind, "fieldType": self.field_type,
            "groupName": self.group_name, "description": self.description, "displayOrder": self.display_order,
            "options": self.options, "hasUniqueValue": self.has_unique_value, "hidden": self.hidden,
            "formField": self.form_field, "calculated": self.calculated, "externalOptions": self.external_options,
            "archived": self.archived_at.is_some(), "hubspotDefined": self.hubspot_defined,
            "createdAt": when::iso(self.created_at), "updatedAt": when::iso(self.updated_at),
            "dataSensitivity": "non_sensitive",
            "modificationMetadata": {
                "archivable": !self.hubspot_defined, "readOnlyDefinition": self.hubspot_defined,
                "readOnlyValue": self.is_locked(), "readOnlyOptions": self.hubspot_defined,
            },
        });
        if let Some(map) = out.as_object_mut() {
            if let Some(referenced) = &self.referenced_object_type {
                map.insert("referencedObjectType".to_owned(), json!(referenced));
            }
            if let Some(at) = self.archived_at {
                map.insert("archivedAt".to_owned(), json!(when::iso(at)));
            }
        }
        out
    }
}

/// A group of properties.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) label: String,
    pub(crate) display_order: i64,
}

/// One kind of record.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) type_id: Cow<'static, str>,
    /// `deals`; `p_<name>` of a custom object.
    pub(crate) plural: Cow<'static, str>,
    /// `deal`; the bare name of a custom object.
    pub(crate) singular: Cow<'static, str>,
    pub(crate) properties: Vec<PropertySpec>,
    pub(crate) groups: BTreeMap<String, Group>,
    /// Properties returned when none are asked for.
    pub(crate) defaults: Vec<String>,
    /// Properties of the pipeline and its stage.
    pub(crate) pipeline: Option<(&'static str, &'static str)>,
    /// Whether records can only be read.
    pub(crate) read_only: bool,
    /// What only an object that the portal defined itself has.
    pub(crate) custom: Option<Custom>,
    names: BTreeMap<String, PropIx>,
}

impl Object {
    /// A property that is not archived.
    pub(crate) fn find(&self, name: &str) -> Option<(PropIx, &PropertySpec)> {
        self.find_any(name).filter(|(_, spec)| spec.archived_at.is_none())
    }

    pub(crate) fn find_any(&self, name: &str) -> Option<(PropIx, &PropertySpec)> {
        let position = *self.names.get(name)?;
        Some((position, self.properties.get(usize::from(position))?))
    }

    pub(crate) fn position(&self, name: &str) -> Option<PropIx> {
        self.names.get(name).copied()
    }

    pub(crate) fn spec(&self, position: PropIx) -> Option<&PropertySpec> {
        self.properties.get(usize::from(position))
    }

    pub(crate) fn edit(&mut self, name: &str) -> Option<&mut PropertySpec> {
        let position = *self.names.get(name)?;
        self.properties.get_mut(usize::from(position))
    }

    /// Adds a definition, or puts it in the place of the one with its name.
    pub(crate) fn put(&mut self, spec: PropertySpec) {
        if let Some(known) = self.edit(&spec.name) {
            *known = spec;
            return;
        }
        if let Ok(position) = PropIx::try_from(self.properties.len()) {
            self.names.insert(spec.name.clone(), position);
            self.properties.push(spec);
        }
    }

    /// Gives a property another name; its values stay.
    pub(crate) fn rename(&mut self, from: &str, to: &str) -> bool {
        let Some(position) = self.names.remove(from) else { return false };
        self.names.insert(to.to_owned(), position);
        if let Some(spec) = self.properties.get_mut(usize::from(position)) {
            to.clone_into(&mut spec.name);
        }
        true
    }

    /// Scope stem: `crm.objects.<stem>.read`.
    pub(crate) fn scope(&self) -> &str {
        match &*self.plural {
            "notes" | "tasks" | "calls" | "emails" | "meetings" => "contacts",
            _ if self.custom.is_some() => "custom",
            other => other,
        }
    }

    /// Whether records of it are activities: things that happened with customers, or that are to be done.
    pub(crate) fn is_activity(&self) -> bool {
        matches!(&*self.plural, "notes" | "tasks" | "calls" | "emails" | "meetings")
    }

    /// The group that the vendor's own properties of it belong to.
    pub(crate) fn group(&self) -> String {
        match self.custom {
            Some(_) => format!("{}_information", self.singular),
            None => format!("{}information", self.singular),
        }
    }
}

/// Every object.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    pub(crate) objects: Vec<Object>,
    /// The portal's number, which is part of the full names of custom objects.
    pub(crate) portal: u64,
}

impl Schema {
    /// The vendor's objects with the properties that the sandbox knows.
    pub(crate) fn standard() -> Self {
        Self { objects: standard::objects(), portal: crate::seed::PORTAL_ID }
    }

    /// The object of a plural, singular or type id, case ignored; a custom object is found by its type id, its full name
    /// `p<portal>_<name>` and its short one, `p_<name>`.
    pub(crate) fn find(&self, name: &str) -> Option<ObjectIx> {
        let name = name.to_ascii_lowercase();
        self.objects.iter().position(|object| match &object.custom {
            None => *object.plural == *name || *object.singular == *name || *object.type_id == *name,
            Some(custom) => {
                custom.archived_at.is_none()
                    && (*object.plural == *name
                        || *object.type_id == *name
                        || custom::full_name(self.portal, &object.singular) == name)
            }
        })
    }

    pub(crate) fn object(&self, position: ObjectIx) -> Option<&Object> {
        self.objects.get(position)
    }
}
