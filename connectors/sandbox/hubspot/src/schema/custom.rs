//! Objects that the portal defined itself.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{Group, Object, PropertyOption, PropertySpec, PropertyType, standard};
use crate::when;

/// What only a custom object has.
#[derive(Debug, Clone)]
pub(crate) struct Custom {
    /// Bare number behind `2-`.
    pub(crate) number: u64,
    pub(crate) labels: Labels,
    pub(crate) description: String,
    pub(crate) primary: String,
    pub(crate) secondary: Vec<String>,
    /// Properties that a new record must have.
    pub(crate) required: Vec<String>,
    pub(crate) searchable: Vec<String>,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) archived_at: Option<i64>,
}

/// `p<portal>_<name>`.
pub(crate) fn full_name(portal: u64, name: &str) -> String {
    format!("p{portal}_{name}")
}

/// What people read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Labels {
    pub(crate) singular: String,
    pub(crate) plural: String,
}

/// The body of `POST /schemas`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wish {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) labels: Labels,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) primary_display_property: String,
    #[serde(default)]
    pub(crate) secondary_display_properties: Vec<String>,
    #[serde(default)]
    pub(crate) required_properties: Vec<String>,
    #[serde(default)]
    pub(crate) searchable_properties: Vec<String>,
    #[serde(default)]
    pub(crate) properties: Vec<Property>,
    #[serde(default)]
    pub(crate) associated_objects: Vec<String>,
}

/// A property in the body of `POST /schemas`: type, field type and group may be left out.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Property {
    pub(crate) name: String,
    pub(crate) label: String,
    #[serde(default, rename = "type")]
    pub(crate) kind: Option<PropertyType>,
    #[serde(default)]
    pub(crate) field_type: Option<String>,
    #[serde(default)]
    pub(crate) group_name: Option<String>,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) options: Vec<PropertyOption>,
    #[serde(default)]
    pub(crate) display_order: Option<i64>,
    #[serde(default)]
    pub(crate) has_unique_value: bool,
    #[serde(default)]
    pub(crate) external_options: bool,
    #[serde(default)]
    pub(crate) referenced_object_type: Option<String>,
}

impl Property {
    fn spec(self, group: &str, now: i64) -> PropertySpec {
        let kind = self.kind.unwrap_or(PropertyType::String);
        let mut spec =
            PropertySpec::new(&self.name, &self.label, kind, self.field_type.as_deref().unwrap_or("text"));
        spec.group_name = self.group_name.unwrap_or_else(|| group.to_owned());
        spec.description = self.description;
        spec.options = self.options;
        spec.display_order = self.display_order.unwrap_or(-1);
        spec.has_unique_value = self.has_unique_value;
        spec.external_options = self.external_options;
        spec.referenced_object_type = self.referenced_object_type;
        (spec.created_at, spec.updated_at) = (now, now);
        spec
    }
}

/// Why a schema cannot be made.
pub(crate) fn wrong(wish: &Wish) -> Option<String> {
    let letter = |text: &str| text.starts_with(|first: char| first.is_ascii_alphabetic());
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if wish.name.is_empty() || wish.name.len() > 100 || !letter(&wish.name) || !plain(&wish.name) {
        return Some("The object name can only contain letters, numbers, and underscores".to_owned());
    }
    if wish.labels.singular.is_empty() || wish.properties.is_empty() {
        return Some("labels and properties are required".to_owned());
    }
    let known = |name: &String| wish.properties.iter().any(|property| property.name == *name);
    let named = wish.required_properties.iter().chain(&wish.searchable_properties);
    let shown = wish.secondary_display_properties.iter().chain(Some(&wish.primary_display_property));
    let stranger = named.chain(shown).find(|name| !name.is_empty() && !known(name));
    stranger.map(|name| format!("Property {name} is not defined on the object"))
}

/// The object that a wish describes.
pub(crate) fn object(wish: Wish, number: u64, now: i64) -> Object {
    let singular = wish.name.to_ascii_lowercase();
    let group = format!("{singular}_information");
    let mut object = Object {
        type_id: Cow::Owned(format!("2-{number}")),
        plural: Cow::Owned(format!("p_{singular}")),
        singular: Cow::Owned(singular),
        properties: Vec::new(),
        groups: BTreeMap::from([(
            group.clone(),
            Group { label: format!("{} information", wish.labels.singular), display_order: 0 },
        )]),
        defaults: ["hs_createdate", "hs_lastmodifieddate", "hs_object_id"]
            .into_iter()
            .map(ToOwned::to_owned)
            .chain(Some(wish.primary_display_property.clone()).filter(|name| !name.is_empty()))
            .collect(),
        pipeline: Some(("hs_pipeline", "hs_pipeline_stage")),
        read_only: false,
        custom: None,
        names: BTreeMap::new(),
    };
    standard::derive(&mut object, "hs_createdate", "hs_lastmodifieddate");
    for (name, label) in [("hs_pipeline", "Pipeline"), ("hs_pipeline_stage", "Pipeline Stage")] {
        object.put(standard::property(name, label, PropertyType::Enumeration, "select", &group));
    }
    object.put(standard::property("hubspot_owner_id", "Owner", PropertyType::Enumeration, "select", &group));
    for property in wish.properties {
        let spec = property.spec(&group, now);
        if !object.groups.contains_key(&spec.group_name) {
            let label = spec.group_name.clone();
            object.groups.insert(label.clone(), Group { label, display_order: -1 });
        }
        object.put(spec);
    }
    object.custom = Some(Custom {
        number,
        labels: wish.labels,
        description: wish.description,
        primary: wish.primary_display_property,
        secondary: wish.secondary_display_properties,
        required: wish.required_properties,
        searchable: wish.searchable_properties,
        created: now,
        updated: now,
        archived_at: None,
    });
    object
}

impl Object {
    /// The schema as the API shows it, `None` for the vendor's own objects; `associations` are its links.
    pub(crate) fn schema_json(&self, portal: u64, associations: &[Json]) -> Option<Json> {
        let custom = self.custom.as_ref()?;
        let properties: Vec<Json> = self
            .properties
            .iter()
            .filter(|spec| spec.archived_at.is_none())
            .map(PropertySpec::json)
            .collect();
        Some(json!({
            "id": custom.number.to_string(), "objectTypeId": self.type_id,
            "fullyQualifiedName": full_name(portal, &self.singular), "name": self.singular,
            "labels": {"singular": custom.labels.singular, "plural": custom.labels.plural},
            "description": custom.description, "metaType": "PORTAL_SPECIFIC", "portalId": portal,
            "primaryDisplayProperty": custom.primary,
            "secondaryDisplayProperties": custom.secondary, "requiredProperties": custom.required,
            "searchableProperties": custom.searchable, "properties": properties, "associations": associations,
            "archived": custom.archived_at.is_some(), "createdAt": when::iso(custom.created),
            "updatedAt": when::iso(custom.updated),
        }))
    }
}
