//! The metadata types, with the attributes this project uses.

use crate::schema::{FieldSchema, FieldType};

/// A custom field's type as metadata names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
pub enum MetadataFieldType {
    /// Text of at most 255 characters.
    Text,
    /// Text of at most 255 characters, shown on several lines.
    TextArea,
    /// Long text.
    LongTextArea,
    /// One value of a list.
    Picklist,
    /// Several values of a list.
    MultiselectPicklist,
    /// A checkbox.
    Checkbox,
    /// A number with `precision` digits, `scale` of them after the point.
    Number,
    /// Money.
    Currency,
    /// A percentage.
    Percent,
    /// A calendar date.
    Date,
    /// An instant.
    DateTime,
    /// The id of another record.
    Lookup,
    /// The id of the owning record.
    MasterDetail,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A web address.
    Url,
}

impl MetadataFieldType {
    /// The describe type of such a field.
    pub fn field_type(self) -> FieldType {
        match self {
            Self::Text => FieldType::String,
            Self::TextArea | Self::LongTextArea => FieldType::TextArea,
            Self::Picklist => FieldType::Picklist,
            Self::MultiselectPicklist => FieldType::MultiPicklist,
            Self::Checkbox => FieldType::Boolean,
            Self::Number => FieldType::Double,
            Self::Currency => FieldType::Currency,
            Self::Percent => FieldType::Percent,
            Self::Date => FieldType::Date,
            Self::DateTime => FieldType::DateTime,
            Self::Lookup | Self::MasterDetail => FieldType::Reference,
            Self::Email => FieldType::Email,
            Self::Phone => FieldType::Phone,
            Self::Url => FieldType::Url,
        }
    }
}

/// One value of a picklist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PicklistValue {
    /// API name: what records hold.
    pub full_name: String,
    /// What people read.
    pub label: String,
    /// Whether new records get it.
    pub default: bool,
}

/// A custom field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomField {
    /// The object it is on.
    pub object: String,
    /// API name.
    pub full_name: String,
    /// What people read.
    pub label: String,
    /// Type.
    pub field_type: MetadataFieldType,
    /// What it is for, for admins.
    pub description: Option<String>,
    /// What it is for, shown to whoever fills it in.
    pub inline_help_text: Option<String>,
    /// Whether each change is kept in the field history.
    pub track_history: bool,
    /// Whether a save without a value is refused.
    pub required: bool,
    /// Whether it is an external id.
    pub external_id: bool,
    /// Whether no two records may share a value.
    pub unique: bool,
    /// Default value: `true` or `false` for a checkbox, else a formula such as `0`.
    pub default_value: Option<String>,
    /// Longest text, in characters.
    pub length: Option<u32>,
    /// Lines shown, for long text and multi-select picklists.
    pub visible_lines: Option<u32>,
    /// Digits of a number.
    pub precision: Option<u32>,
    /// Digits after the point.
    pub scale: Option<u32>,
    /// Picklist values, in order.
    pub values: Vec<PicklistValue>,
    /// Whether values outside the list are refused.
    pub restricted: bool,
    /// For a lookup: the object pointed to.
    pub reference_to: Option<String>,
    /// For a lookup: child relationship name on that object, without `__r`.
    pub relationship_name: Option<String>,
}

impl CustomField {
    /// The field as queries and formulas see it, in the storage column `slot`. A custom lookup `Foo__c` is walked as
    /// `Foo__r`.
    pub fn schema(&self, slot: usize) -> FieldSchema {
        let mut field = FieldSchema::new(self.full_name.clone(), self.field_type.field_type(), slot);
        if field.field_type == FieldType::Reference {
            field.relationship = self.full_name.strip_suffix("__c").map(|stem| format!("{stem}__r"));
            field.refers_to = self.reference_to.iter().cloned().collect();
        }
        field.filterable = self.field_type != MetadataFieldType::LongTextArea;
        field
    }
}

/// A validation rule: the save is refused when the formula is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValidationRule {
    /// The object it is on.
    pub object: String,
    /// API name.
    pub full_name: String,
    /// Whether it is evaluated.
    pub active: bool,
    /// What it is for, for admins.
    pub description: Option<String>,
    /// The formula.
    pub formula: String,
    /// What the user reads when refused.
    pub message: String,
    /// The field the message is shown at.
    pub display_field: Option<String>,
}

/// Rights on one field.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
pub struct FieldPermission {
    /// `Object.Field`.
    pub field: String,
    /// Whether the holder may change it.
    pub editable: bool,
    /// Whether the holder may see it.
    pub readable: bool,
}

/// Rights on one object.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectPermission {
    /// API name of the object.
    pub object: String,
    /// Create.
    pub allow_create: bool,
    /// Read.
    pub allow_read: bool,
    /// Edit.
    pub allow_edit: bool,
    /// Delete.
    pub allow_delete: bool,
    /// See every record, whatever sharing says.
    pub view_all_records: bool,
    /// Change every record, whatever sharing says.
    pub modify_all_records: bool,
}

/// A permission set: rights granted to whoever it is assigned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionSet {
    /// API name.
    pub full_name: String,
    /// What people read.
    pub label: String,
    /// What it is for.
    pub description: Option<String>,
    /// Rights on fields.
    pub field_permissions: Vec<FieldPermission>,
    /// Rights on objects.
    pub object_permissions: Vec<ObjectPermission>,
    /// API names of granted custom permissions.
    pub custom_permissions: Vec<String>,
    /// Names of granted user permissions, e.g. `ApiEnabled`.
    pub user_permissions: Vec<String>,
}

/// A custom permission, which formulas read as `$Permission.Name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomPermission {
    /// API name.
    pub full_name: String,
    /// What people read.
    pub label: String,
    /// What it is for.
    pub description: Option<String>,
}

/// A custom object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomObject {
    /// API name.
    pub full_name: String,
    /// What people read.
    pub label: String,
    /// What people read of several.
    pub plural_label: String,
    /// Who sees records by default, e.g. `ReadWrite`.
    pub sharing_model: String,
    /// Whether fields may keep a history.
    pub enable_history: bool,
    /// Whether tasks and events may hang on its records.
    pub enable_activities: bool,
}
