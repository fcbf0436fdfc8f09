//! An sfdx source folder: custom fields, validation rules, permission sets, custom permissions, custom objects.

mod embedded;
mod error;
mod package;
mod types;

pub use embedded::embedded;
pub use error::{LintFinding, MetadataError};
pub use package::Package;
pub use types::{
    CustomField, CustomObject, CustomPermission, FieldPermission, MetadataFieldType, ObjectPermission,
    PermissionSet, PicklistValue, ValidationRule,
};
