//! What a describe tells about the fields of an object.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// An object as our user sees it.
#[derive(Debug, Clone)]
pub(super) struct Describe {
    fields: BTreeMap<String, Field>,
    relationships: Vec<String>,
}

/// One field.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Field {
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) updateable: bool,
    #[serde(default)]
    pub(super) calculated: bool,
    #[serde(default)]
    pub(super) external_id: bool,
    #[serde(default)]
    pub(super) default_value: Value,
    #[serde(default)]
    pub(super) relationship_name: Option<String>,
    #[serde(default)]
    pub(super) reference_to: Vec<String>,
    #[serde(default)]
    picklist_values: Vec<Choice>,
}

#[derive(Debug, Clone, Deserialize)]
struct Choice {
    value: String,
    #[serde(default)]
    active: bool,
}

impl Field {
    /// The values that can be chosen now.
    pub(super) fn choices(&self) -> impl Iterator<Item = &str> {
        self.picklist_values.iter().filter(|choice| choice.active).map(|choice| choice.value.as_str())
    }

    /// Whether it is a list of choices.
    pub(super) fn is_picklist(&self) -> bool {
        matches!(self.kind.as_str(), "picklist" | "multipicklist" | "combobox")
    }
}

impl Describe {
    /// Reads a describe; a field that cannot be read is treated as absent. `None` = not a describe.
    pub(super) fn parse(body: &Value) -> Option<Self> {
        let rows = body.get("fields")?.as_array()?;
        let fields: Vec<Field> =
            rows.iter().filter_map(|one| serde_json::from_value(one.clone()).ok()).collect();
        let relationships = fields.iter().filter_map(|field| field.relationship_name.clone()).collect();
        let fields = fields.into_iter().map(|field| (field.name.to_lowercase(), field)).collect();
        Some(Self { fields, relationships })
    }

    /// A field by its API name, without case.
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.get(&name.to_lowercase())
    }

    /// Whether a field, or the first step of a path to a parent's field, is there.
    pub(super) fn knows(&self, path: &str) -> bool {
        match path.split_once('.') {
            None => self.field(path).is_some(),
            Some((parent, _)) => self.relationships.iter().any(|name| name.eq_ignore_ascii_case(parent)),
        }
    }
}
