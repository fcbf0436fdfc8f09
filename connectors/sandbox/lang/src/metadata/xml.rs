//! One metadata file → one typed struct.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::MetadataError;
use super::types::{
    CustomField, CustomObject, CustomPermission, FieldPermission, MetadataFieldType, ObjectPermission,
    PermissionSet, PicklistValue, ValidationRule,
};

type Read<T> = Result<T, MetadataError>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FieldXml {
    full_name: String,
    label: Option<String>,
    #[serde(rename = "type")]
    field_type: MetadataFieldType,
    description: Option<String>,
    inline_help_text: Option<String>,
    #[serde(default)]
    track_history: bool,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    external_id: bool,
    #[serde(default)]
    unique: bool,
    default_value: Option<String>,
    length: Option<u32>,
    visible_lines: Option<u32>,
    precision: Option<u32>,
    scale: Option<u32>,
    value_set: Option<ValueSetXml>,
    reference_to: Option<String>,
    relationship_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValueSetXml {
    #[serde(default)]
    restricted: bool,
    value_set_definition: DefinitionXml,
}

#[derive(Deserialize)]
struct DefinitionXml {
    #[serde(default)]
    value: Vec<ValueXml>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValueXml {
    full_name: String,
    #[serde(default)]
    default: bool,
    label: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RuleXml {
    full_name: String,
    active: bool,
    description: Option<String>,
    error_condition_formula: String,
    error_message: String,
    error_display_field: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PermissionSetXml {
    label: String,
    description: Option<String>,
    #[serde(default)]
    field_permissions: Vec<FieldPermission>,
    #[serde(default)]
    object_permissions: Vec<ObjectPermission>,
    #[serde(default)]
    custom_permissions: Vec<GrantXml>,
    #[serde(default)]
    user_permissions: Vec<GrantXml>,
}

#[derive(Deserialize)]
struct GrantXml {
    enabled: bool,
    name: String,
}

#[derive(Deserialize)]
struct CustomPermissionXml {
    label: String,
    description: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectXml {
    label: String,
    plural_label: String,
    sharing_model: String,
    #[serde(default)]
    enable_history: bool,
    #[serde(default)]
    enable_activities: bool,
}

fn read<T: DeserializeOwned>(path: &str, text: &str, root: &str) -> Read<T> {
    let fail = |detail: String| MetadataError::Xml { path: path.to_owned(), detail };
    check_root(text, root).map_err(fail)?;
    quick_xml::de::from_str(text).map_err(|e| fail(e.to_string()))
}

/// The whole text is well-formed, has no document type (so no entity to expand) and the root its file name promises.
fn check_root(text: &str, root: &str) -> Result<(), String> {
    let mut reader = Reader::from_str(text);
    let mut found = false;
    let mut depth = 0_u32;
    loop {
        match reader.read_event().map_err(|e| e.to_string())? {
            Event::Start(start) => {
                if depth == 0 {
                    let name = start.name().as_ref().to_owned();
                    if found || name != root {
                        return Err(format!("the root element must be one <{root}>"));
                    }
                    found = true;
                }
                depth += 1;
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::DocType(_) => return Err("a document type is not allowed".to_owned()),
            Event::Eof if found && depth == 0 => return Ok(()),
            Event::Eof => return Err(format!("the root element <{root}> is missing or not closed")),
            Event::Empty(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::GeneralRef(_) => {}
        }
    }
}

pub(super) fn field(path: &str, text: &str, object: &str) -> Read<CustomField> {
    let xml: FieldXml = read(path, text, "CustomField")?;
    let set = xml.value_set;
    let restricted = set.as_ref().is_some_and(|s| s.restricted);
    let values = set.map(|s| s.value_set_definition.value).unwrap_or_default();
    let value = |v: ValueXml| PicklistValue { full_name: v.full_name, label: v.label, default: v.default };
    Ok(CustomField {
        object: object.to_owned(),
        full_name: xml.full_name,
        label: xml.label.unwrap_or_default(),
        field_type: xml.field_type,
        description: xml.description,
        inline_help_text: xml.inline_help_text,
        track_history: xml.track_history,
        required: xml.required,
        external_id: xml.external_id,
        unique: xml.unique,
        default_value: xml.default_value,
        length: xml.length,
        visible_lines: xml.visible_lines,
        precision: xml.precision,
        scale: xml.scale,
        values: values.into_iter().map(value).collect(),
        restricted,
        reference_to: xml.reference_to,
        relationship_name: xml.relationship_name,
    })
}

pub(super) fn rule(path: &str, text: &str, object: &str) -> Read<ValidationRule> {
    let xml: RuleXml = read(path, text, "ValidationRule")?;
    Ok(ValidationRule {
        object: object.to_owned(),
        full_name: xml.full_name,
        active: xml.active,
        description: xml.description,
        formula: xml.error_condition_formula,
        message: xml.error_message,
        display_field: xml.error_display_field,
    })
}

pub(super) fn permission_set(path: &str, text: &str, name: &str) -> Read<PermissionSet> {
    let xml: PermissionSetXml = read(path, text, "PermissionSet")?;
    let granted =
        |grants: Vec<GrantXml>| grants.into_iter().filter(|g| g.enabled).map(|g| g.name).collect::<Vec<_>>();
    Ok(PermissionSet {
        full_name: name.to_owned(),
        label: xml.label,
        description: xml.description,
        field_permissions: xml.field_permissions,
        object_permissions: xml.object_permissions,
        custom_permissions: granted(xml.custom_permissions),
        user_permissions: granted(xml.user_permissions),
    })
}

pub(super) fn custom_permission(path: &str, text: &str, name: &str) -> Read<CustomPermission> {
    let xml: CustomPermissionXml = read(path, text, "CustomPermission")?;
    Ok(CustomPermission { full_name: name.to_owned(), label: xml.label, description: xml.description })
}

pub(super) fn object(path: &str, text: &str, name: &str) -> Read<CustomObject> {
    let xml: ObjectXml = read(path, text, "CustomObject")?;
    Ok(CustomObject {
        full_name: name.to_owned(),
        label: xml.label,
        plural_label: xml.plural_label,
        sharing_model: xml.sharing_model,
        enable_history: xml.enable_history,
        enable_activities: xml.enable_activities,
    })
}
