//! The readable form of objects and fields: the standard set, the control API and packages all use it.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::Slot;

/// Field types by their describe names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each variant is the describe type of the same name")]
pub enum FieldType {
    Id,
    String,
    Textarea,
    Picklist,
    Multipicklist,
    Combobox,
    Reference,
    Boolean,
    Int,
    Double,
    Currency,
    Percent,
    Date,
    Datetime,
    Email,
    Phone,
    Url,
    #[serde(rename = "anyType", alias = "anytype")]
    AnyType,
}

impl FieldType {
    /// The name used in describe answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::String => "string",
            Self::Textarea => "textarea",
            Self::Picklist => "picklist",
            Self::Multipicklist => "multipicklist",
            Self::Combobox => "combobox",
            Self::Reference => "reference",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Double => "double",
            Self::Currency => "currency",
            Self::Percent => "percent",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::AnyType => "anyType",
        }
    }

    /// Whether values of the type are text of bounded length.
    pub const fn is_text(self) -> bool {
        matches!(
            self,
            Self::String
                | Self::Textarea
                | Self::Picklist
                | Self::Multipicklist
                | Self::Combobox
                | Self::Email
                | Self::Phone
                | Self::Url
                | Self::AnyType
        )
    }
}

/// One field of an object.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldSpec {
    /// API name.
    pub name: String,
    /// Label; the API name when absent.
    #[serde(default)]
    pub label: Option<String>,
    /// Type.
    #[serde(rename = "type")]
    pub kind: FieldType,
    /// Most characters a text may have.
    #[serde(default)]
    pub length: Option<usize>,
    /// A create without it fails with `REQUIRED_FIELD_MISSING`.
    #[serde(default)]
    pub required: bool,
    /// Nobody writes it through the API.
    #[serde(default)]
    pub read_only: bool,
    /// It names the record.
    #[serde(default)]
    pub name_field: bool,
    /// It may be used in external-id paths.
    #[serde(default)]
    pub external_id: bool,
    /// Two rows may not share a value.
    #[serde(default)]
    pub unique: bool,
    /// Describe's `idLookup`.
    #[serde(default)]
    pub id_lookup: bool,
    /// Picklist values in order.
    #[serde(default)]
    pub values: Vec<String>,
    /// Other values than `values` are refused.
    #[serde(default)]
    pub restricted: bool,
    /// Value on create when none is given.
    #[serde(default)]
    pub default: Option<Json>,
    /// Objects a lookup may point at.
    #[serde(default)]
    pub reference_to: Vec<String>,
    /// Name of the parent in queries (`Account` for `AccountId`).
    #[serde(default)]
    pub relationship: Option<String>,
    /// Name of the child list on the parent (`OpportunityContactRoles`).
    #[serde(default)]
    pub children: Option<String>,
    /// Deleting the parent deletes this row.
    #[serde(default)]
    pub cascade: bool,
    /// Changes are kept in the field history object.
    #[serde(default)]
    pub track_history: bool,
    /// Read and edit need a permission set; otherwise everybody may.
    #[serde(default)]
    pub guarded: bool,
    /// Formula text of a calculated field.
    #[serde(default)]
    pub formula: Option<String>,
    /// Digits in all and after the point.
    #[serde(default)]
    pub precision: Option<(u8, u8)>,
}

impl FieldSpec {
    /// A plain nullable field that everybody may read and edit.
    pub fn new(name: impl Into<String>, kind: FieldType) -> Self {
        Self {
            name: name.into(),
            label: None,
            kind,
            length: None,
            required: false,
            read_only: false,
            name_field: false,
            external_id: false,
            unique: false,
            id_lookup: false,
            values: Vec::new(),
            restricted: false,
            default: None,
            reference_to: Vec::new(),
            relationship: None,
            children: None,
            cascade: false,
            track_history: false,
            guarded: false,
            formula: None,
            precision: None,
        }
    }

    /// Whether it is a custom field (`__c`).
    pub fn is_custom(&self) -> bool {
        self.name.ends_with("__c")
    }

    /// The label shown to people.
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    /// Long text: selectable, but not filterable, and without values in history.
    pub fn is_long_text(&self) -> bool {
        self.kind == FieldType::Textarea && self.length.unwrap_or(255) > 255
    }
}

/// One object type.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectSpec {
    /// API name.
    pub name: String,
    /// Three-character key prefix; chosen when empty.
    #[serde(default)]
    pub prefix: String,
    /// Plural label.
    #[serde(default)]
    pub plural: String,
    /// Rows may be written through the API.
    #[serde(default = "yes")]
    pub writable: bool,
    /// Rows may be merged.
    #[serde(default)]
    pub mergeable: bool,
    /// A delete bypasses the recycle bin.
    #[serde(default)]
    pub hard_delete: bool,
    /// Object that keeps its field history.
    #[serde(default)]
    pub history: Option<String>,
    /// System fields the object does not have.
    #[serde(default)]
    pub without: Vec<String>,
    /// Fields besides the system ones.
    #[serde(default)]
    pub fields: Vec<FieldSpec>,
}

const fn yes() -> bool {
    true
}

/// One opportunity stage.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageSpec {
    /// API name and label.
    pub name: String,
    /// Default probability in percent.
    pub probability: i64,
    /// Forecast category.
    pub forecast: String,
    /// Ends the deal.
    #[serde(default)]
    pub closed: bool,
    /// Ends it as won.
    #[serde(default)]
    pub won: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) object: Vec<ObjectSpec>,
    pub(crate) stage: Vec<StageSpec>,
}

pub(crate) fn system_fields() -> Vec<(FieldSpec, Slot)> {
    let plain = |name: &str, kind: FieldType, slot: Slot| {
        let mut spec = FieldSpec::new(name, kind);
        spec.read_only = true;
        (spec, slot)
    };
    let person = |name: &str, relationship: &str, slot: Slot| {
        let (mut spec, slot) = plain(name, FieldType::Reference, slot);
        spec.reference_to = vec!["User".to_owned()];
        spec.relationship = Some(relationship.to_owned());
        (spec, slot)
    };
    vec![
        plain("Id", FieldType::Id, Slot::Id),
        plain("IsDeleted", FieldType::Boolean, Slot::IsDeleted),
        plain("CreatedDate", FieldType::Datetime, Slot::CreatedDate),
        person("CreatedById", "CreatedBy", Slot::CreatedById),
        plain("LastModifiedDate", FieldType::Datetime, Slot::LastModifiedDate),
        person("LastModifiedById", "LastModifiedBy", Slot::LastModifiedById),
        plain("SystemModstamp", FieldType::Datetime, Slot::SystemModstamp),
    ]
}
