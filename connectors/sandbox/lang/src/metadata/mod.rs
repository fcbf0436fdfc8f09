//! An sfdx source folder: custom fields, validation rules, permission sets, custom permissions, custom objects.

mod embedded;
mod error;
mod lint;
mod package;
#[cfg(test)]
mod tests;
mod types;
mod xml;

pub use embedded::embedded;
pub use error::{LintFinding, MetadataError};
pub use package::Package;
pub use types::{
    CustomField, CustomObject, CustomPermission, FieldPermission, MetadataFieldType, ObjectPermission,
    PermissionSet, PicklistValue, ValidationRule,
};
