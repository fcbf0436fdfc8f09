//! What the vendor would refuse at deployment, found offline.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    CustomField, LintFinding, MetadataFieldType, ObjectPermission, Package, PermissionSet, ValidationRule,
};
use crate::formula::Formula;
use crate::schema::ObjectSchema;

/// The vendor's cap on tracked fields per object.
const MOST_TRACKED: usize = 20;

pub(super) fn lint(package: &Package, standard: &[ObjectSchema]) -> Vec<LintFinding> {
    let mut linter = Linter { package, objects: merged(package, standard), findings: Vec::new() };
    for field in &package.fields {
        linter.field(field);
    }
    for rule in &package.rules {
        linter.rule(rule);
    }
    for set in &package.permission_sets {
        linter.permission_set(set);
    }
    linter.tracked();
    linter.repeated();
    linter.findings
}

fn merged(package: &Package, standard: &[ObjectSchema]) -> BTreeMap<String, ObjectSchema> {
    let mut objects: BTreeMap<String, ObjectSchema> =
        standard.iter().map(|o| (o.name.to_ascii_lowercase(), o.clone())).collect();
    for field in &package.fields {
        for name in field.found_on() {
            let object =
                objects.entry(name.to_ascii_lowercase()).or_insert_with(|| ObjectSchema::new(name, []));
            object.push(field.schema(0));
        }
    }
    objects
}

struct Linter<'p> {
    package: &'p Package,
    objects: BTreeMap<String, ObjectSchema>,
    findings: Vec<LintFinding>,
}

fn field_path(field: &CustomField) -> String {
    format!("objects/{}/fields/{}.field-meta.xml", field.object, field.full_name)
}

fn set_path(set: &PermissionSet) -> String {
    format!("permissionsets/{}.permissionset-meta.xml", set.full_name)
}

impl Linter<'_> {
    fn found(&mut self, path: &str, detail: impl Into<String>) {
        self.findings.push(LintFinding { path: path.to_owned(), detail: detail.into() });
    }

    fn capped(&mut self, path: &str, what: &str, text: &str, most: usize) {
        let length = text.chars().count();
        if length > most {
            self.found(path, format!("{what} has {length} characters: shorten it to {most}"));
        }
    }

    fn field(&mut self, field: &CustomField) {
        let path = field_path(field);
        let stem = field.full_name.strip_suffix("__c");
        if !stem.is_some_and(is_api_name) {
            self.found(&path, "fullName must be letters, digits and single underscores, ending in __c");
        }
        if field.label.is_empty() {
            self.found(&path, "label is missing");
        }
        self.capped(&path, "label", &field.label, 40);
        self.capped(&path, "description", field.description.as_deref().unwrap_or_default(), 1_000);
        self.capped(&path, "inlineHelpText", field.inline_help_text.as_deref().unwrap_or_default(), 510);
        for detail in attributes(field) {
            self.found(&path, detail);
        }
        let mut values = BTreeSet::new();
        for value in &field.values {
            if value.full_name.is_empty() || !values.insert(value.full_name.to_lowercase()) {
                self.found(&path, "a picklist value is empty or listed twice");
            }
        }
    }

    fn rule(&mut self, rule: &ValidationRule) {
        let path =
            format!("objects/{}/validationRules/{}.validationRule-meta.xml", rule.object, rule.full_name);
        if !is_api_name(&rule.full_name) {
            self.found(&path, "fullName must be letters, digits and single underscores, a letter first");
        }
        self.capped(&path, "fullName", &rule.full_name, 40);
        self.capped(&path, "errorMessage", &rule.message, 255);
        self.capped(&path, "description", rule.description.as_deref().unwrap_or_default(), 255);
        if rule.message.trim().is_empty() {
            self.found(&path, "errorMessage is empty");
        }
        let Some(object) = self.objects.get(&rule.object.to_ascii_lowercase()) else {
            self.found(&path, format!("object {} is unknown", rule.object));
            return;
        };
        let misplaced = rule.display_field.as_ref().filter(|f| object.field(f).is_none()).cloned();
        let compiled = Formula::compile(&rule.formula, object);
        if let Some(field) = misplaced {
            self.found(&path, format!("errorDisplayField {field} does not exist on {}", rule.object));
        }
        match compiled {
            Err(error) => self.found(&path, error.to_string()),
            Ok(formula) if !formula.is_boolean() => self.found(&path, "the formula is not true or false"),
            Ok(formula) => {
                for name in formula.referenced_permissions() {
                    if !self.has_permission(name) {
                        self.found(&path, format!("custom permission {name} is not in the package"));
                    }
                }
            }
        }
    }

    fn has_permission(&self, name: &str) -> bool {
        self.package.custom_permissions.iter().any(|p| p.full_name == name)
    }

    fn permission_set(&mut self, set: &PermissionSet) {
        let path = set_path(set);
        self.capped(&path, "label", &set.label, 80);
        self.capped(&path, "description", set.description.as_deref().unwrap_or_default(), 255);
        let mut seen = BTreeSet::new();
        for permission in &set.field_permissions {
            let name = &permission.field;
            if !seen.insert(name) {
                self.found(&path, format!("{name} is listed twice"));
            }
            if permission.editable && !permission.readable {
                self.found(&path, format!("{name} is editable but not readable"));
            }
            self.permitted_field(&path, name);
        }
        for permission in &set.object_permissions {
            if !consistent(permission) {
                self.found(&path, format!("rights on {} need the rights they build on", permission.object));
            }
        }
        for name in &set.custom_permissions {
            if !self.has_permission(name) {
                self.found(&path, format!("custom permission {name} is not in the package"));
            }
        }
    }

    fn permitted_field(&mut self, path: &str, name: &str) {
        let Some((object, field)) = name.split_once('.') else {
            self.found(path, format!("{name} must be written as Object.Field"));
            return;
        };
        if let Some(custom) = self.package.field(object, field) {
            if custom.required || custom.field_type == MetadataFieldType::MasterDetail {
                self.found(
                    path,
                    format!("{name} is required or master-detail: such fields must not be listed"),
                );
            }
        } else if let Some(known) = self.objects.get(&object.to_ascii_lowercase())
            && known.field(field).is_none()
        {
            self.found(path, format!("field {name} does not exist"));
        }
    }

    fn tracked(&mut self) {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for field in self.package.fields.iter().filter(|f| f.track_history) {
            *counts.entry(&field.object).or_default() += 1;
        }
        for (object, count) in counts {
            if count > MOST_TRACKED {
                let detail =
                    format!("{count} fields have trackHistory: {MOST_TRACKED} is the limit per object");
                self.found(&format!("objects/{object}"), detail);
            }
        }
    }

    fn repeated(&mut self) {
        let mut seen = BTreeSet::new();
        for field in &self.package.fields {
            if !seen.insert((field.object.to_lowercase(), field.full_name.to_lowercase())) {
                self.found(&field_path(field), "the field is defined twice");
            }
        }
    }
}

/// Letters, digits and single underscores; a letter first, no underscore last.
fn is_api_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.contains("__")
        && !name.ends_with('_')
}

fn consistent(p: &ObjectPermission) -> bool {
    let reads = p.allow_read || !(p.allow_create || p.allow_edit || p.allow_delete || p.view_all_records);
    let edits = p.allow_edit || !(p.allow_delete || p.modify_all_records);
    let all = !p.modify_all_records || (p.view_all_records && p.allow_delete);
    reads && edits && all
}

/// What the field's type needs and does not have.
fn attributes(field: &CustomField) -> Vec<String> {
    let mut missing = Vec::new();
    let mut need = |held: bool, what: &str| {
        if !held {
            missing.push(format!("a {:?} field needs {what}", field.field_type));
        }
    };
    let within =
        |value: Option<u32>, least: u32, most: u32| value.is_some_and(|v| (least..=most).contains(&v));
    match field.field_type {
        MetadataFieldType::Text => need(within(field.length, 1, 255), "length from 1 to 255"),
        MetadataFieldType::LongTextArea => {
            need(within(field.length, 256, 131_072), "length from 256 to 131,072");
            need(within(field.visible_lines, 2, 50), "visibleLines from 2 to 50");
        }
        MetadataFieldType::Picklist => need(!field.values.is_empty(), "a value"),
        MetadataFieldType::MultiselectPicklist => {
            need(!field.values.is_empty(), "a value");
            need(within(field.visible_lines, 3, 10), "visibleLines from 3 to 10");
        }
        MetadataFieldType::Checkbox => {
            need(
                matches!(field.default_value.as_deref(), Some("true" | "false")),
                "defaultValue true or false",
            );
        }
        MetadataFieldType::Number | MetadataFieldType::Currency | MetadataFieldType::Percent => {
            need(within(field.precision, 1, 18), "precision from 1 to 18");
            need(
                field.scale.is_some_and(|s| field.precision.is_some_and(|p| s <= p)),
                "scale within precision",
            );
        }
        MetadataFieldType::Lookup | MetadataFieldType::MasterDetail => {
            need(field.reference_to.is_some(), "referenceTo");
            need(field.relationship_name.as_deref().is_some_and(is_api_name), "relationshipName");
        }
        MetadataFieldType::TextArea
        | MetadataFieldType::Date
        | MetadataFieldType::DateTime
        | MetadataFieldType::Email
        | MetadataFieldType::Phone
        | MetadataFieldType::Url => {}
    }
    missing
}
