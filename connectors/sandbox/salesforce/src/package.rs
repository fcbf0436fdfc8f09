//! Installing a metadata package: custom fields, objects, permission sets, validation rules.

use handoff_sandbox_lang::{
    formula::Formula,
    metadata::{CustomField, MetadataFieldType, Package},
};
use serde_json::Value as Json;

use crate::{
    Error,
    access::Rule,
    history,
    schema::{FieldSpec, FieldType, ObjectSpec},
    state::State,
};

/// Adds the package's objects, fields and permission sets.
pub(crate) fn install(state: &mut State, package: &Package) -> Result<(), Error> {
    for object in &package.objects {
        let mut name = FieldSpec::new("Name", FieldType::String);
        name.length = Some(80);
        name.name_field = true;
        let mut owner = FieldSpec::new("OwnerId", FieldType::Reference);
        owner.reference_to = vec!["User".to_owned(), "Group".to_owned()];
        owner.relationship = Some("Owner".to_owned());
        state.schema.add_object(ObjectSpec {
            name: object.full_name.clone(),
            prefix: state.schema.free_prefix(),
            plural: object.plural_label.clone(),
            writable: true,
            mergeable: false,
            hard_delete: false,
            history: object.enable_history.then(|| history::object_of(&object.full_name)),
            without: Vec::new(),
            fields: vec![name, owner],
        });
        if object.enable_history {
            let prefix = state.schema.free_prefix();
            state.schema.add_object(history::spec(&object.full_name, prefix));
        }
    }
    for object in package.objects.iter().filter(|object| object.enable_activities) {
        for activity in ["Task", "Event"] {
            let Some(activity) = state.schema.object_mut(activity) else { continue };
            activity.edit("WhatId", |spec| spec.reference_to.push(object.full_name.clone()));
        }
    }
    for field in &package.fields {
        let object = state
            .schema
            .object_mut(&field.object)
            .ok_or_else(|| Error::unknown("object of a packaged field", field.object.clone()))?;
        object.add(spec_of(field));
    }
    for set in &package.permission_sets {
        state.sets.0.insert(set.full_name.clone(), set.clone());
    }
    Ok(())
}

/// Compiles the package's validation rules against the schema in place.
pub(crate) fn compile_rules(state: &mut State, package: &Package) -> Result<(), Error> {
    for rule in &package.rules {
        let types = state
            .catalog
            .get(&rule.object.to_ascii_lowercase())
            .ok_or_else(|| Error::unknown("object of a validation rule", rule.object.clone()))?;
        let formula = Formula::compile(&rule.formula, types).map_err(|error| Error::Rule {
            rule: rule.full_name.clone(),
            object: rule.object.clone(),
            detail: error.to_string(),
        })?;
        state.rules.entry(rule.object.to_ascii_lowercase()).or_default().push(Rule {
            name: rule.full_name.clone(),
            active: rule.active,
            message: rule.message.clone(),
            display_field: rule.display_field.clone(),
            formula,
        });
    }
    Ok(())
}

fn spec_of(field: &CustomField) -> FieldSpec {
    let mut spec = FieldSpec::new(field.full_name.clone(), kind_of(field.field_type));
    spec.label = Some(field.label.clone());
    spec.length = field.length.and_then(|length| usize::try_from(length).ok());
    spec.required = field.required;
    spec.external_id = field.external_id;
    spec.unique = field.unique;
    spec.id_lookup = field.external_id;
    spec.track_history = field.track_history;
    spec.values = field.values.iter().map(|value| value.full_name.clone()).collect();
    spec.restricted = field.restricted;
    spec.default = default_of(field);
    spec.reference_to = field.reference_to.iter().cloned().collect();
    spec.guarded = !field.required && field.field_type != MetadataFieldType::MasterDetail;
    spec.cascade = field.field_type == MetadataFieldType::MasterDetail;
    if spec.kind == FieldType::Reference {
        spec.relationship = field.full_name.strip_suffix("__c").map(|stem| format!("{stem}__r"));
        spec.children = field.relationship_name.as_ref().map(|name| format!("{name}__r"));
    }
    if let (Some(precision), Some(scale)) = (field.precision, field.scale) {
        spec.precision = u8::try_from(precision).ok().zip(u8::try_from(scale).ok());
    }
    spec
}

fn default_of(field: &CustomField) -> Option<Json> {
    if let Some(value) = field.values.iter().find(|value| value.default) {
        return Some(Json::from(value.full_name.clone()));
    }
    let text = field.default_value.as_deref()?.trim();
    match field.field_type {
        MetadataFieldType::Checkbox => Some(Json::Bool(text.eq_ignore_ascii_case("true"))),
        MetadataFieldType::Number | MetadataFieldType::Currency | MetadataFieldType::Percent => {
            serde_json::from_str(text).ok()
        }
        MetadataFieldType::Text
        | MetadataFieldType::TextArea
        | MetadataFieldType::LongTextArea
        | MetadataFieldType::Picklist
        | MetadataFieldType::MultiselectPicklist
        | MetadataFieldType::Date
        | MetadataFieldType::DateTime
        | MetadataFieldType::Lookup
        | MetadataFieldType::MasterDetail
        | MetadataFieldType::Email
        | MetadataFieldType::Phone
        | MetadataFieldType::Url => Some(Json::from(text.trim_matches('"'))),
    }
}

const fn kind_of(kind: MetadataFieldType) -> FieldType {
    match kind {
        MetadataFieldType::Text => FieldType::String,
        MetadataFieldType::TextArea | MetadataFieldType::LongTextArea => FieldType::Textarea,
        MetadataFieldType::Picklist => FieldType::Picklist,
        MetadataFieldType::MultiselectPicklist => FieldType::Multipicklist,
        MetadataFieldType::Checkbox => FieldType::Boolean,
        MetadataFieldType::Number => FieldType::Double,
        MetadataFieldType::Currency => FieldType::Currency,
        MetadataFieldType::Percent => FieldType::Percent,
        MetadataFieldType::Date => FieldType::Date,
        MetadataFieldType::DateTime => FieldType::Datetime,
        MetadataFieldType::Lookup | MetadataFieldType::MasterDetail => FieldType::Reference,
        MetadataFieldType::Email => FieldType::Email,
        MetadataFieldType::Phone => FieldType::Phone,
        MetadataFieldType::Url => FieldType::Url,
    }
}
