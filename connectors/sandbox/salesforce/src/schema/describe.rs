//! Describe answers, as the asking user sees them.

use serde_json::{Value as Json, json};

use super::{Field, FieldType, Object, Slot};
use crate::{
    access::Login,
    rest::{Answer, Caller},
    state::State,
    value::{http_date, parse_http_date},
    wire::{ApiError, Call, Reply},
};

/// `GET /sobjects`.
pub(crate) fn global(state: &State, call: &Call, caller: &Caller) -> Reply {
    if is_fresh(state, call) {
        return Reply::empty(304);
    }
    let objects: Vec<Json> =
        state.schema.objects.iter().map(|object| summary(object, &caller.version)).collect();
    let body = json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects});
    dated(state, Reply::json(200, &body))
}

/// `GET /sobjects/{object}`.
pub(crate) fn basic(state: &State, name: &str, caller: &Caller) -> Answer {
    let object = state.schema.object(name).ok_or_else(ApiError::not_found)?;
    let body = json!({"objectDescribe": summary(object, &caller.version), "recentItems": []});
    Ok(Reply::json(200, &body))
}

/// `GET /sobjects/{object}/describe`: only fields the user may read.
pub(crate) fn object(state: &State, call: &Call, name: &str, caller: &Caller) -> Answer {
    let object = state.schema.object(name).ok_or_else(ApiError::not_found)?;
    if is_fresh(state, call) {
        return Ok(Reply::empty(304));
    }
    let login = state.logins.get(&caller.user).ok_or_else(ApiError::session)?;
    let fields: Vec<Json> = object
        .fields
        .iter()
        .filter(|field| login.can_read(object.name(), &field.spec))
        .map(|field| field_json(state, object, field, login))
        .collect();
    let children: Vec<Json> = state
        .schema
        .children_of(object.name())
        .into_iter()
        .filter_map(|(at, field)| Some((state.schema.objects.get(at)?, field)))
        .map(|(child, field)| {
            json!({
                "childSObject": child.name(), "field": field.spec.name, "relationshipName": field.spec.children,
                "cascadeDelete": field.spec.cascade, "restrictedDelete": false, "deprecatedAndHidden": false,
                "junctionIdListNames": [], "junctionReferenceTo": [],
            })
        })
        .collect();
    let mut body = summary(object, &caller.version);
    if let Some(body) = body.as_object_mut() {
        body.insert("fields".to_owned(), fields.into());
        body.insert("childRelationships".to_owned(), children.into());
        let master = json!({
            "recordTypeId": "012000000000000AAA", "name": "Master", "developerName": "Master", "available": true,
            "active": true, "defaultRecordTypeMapping": true, "master": true, "urls": {},
        });
        body.insert("recordTypeInfos".to_owned(), json!([master]));
        body.insert("supportedScopes".to_owned(), json!([{"label": "All", "name": "everything"}]));
    }
    Ok(dated(state, Reply::json(200, &body)))
}

fn is_fresh(state: &State, call: &Call) -> bool {
    call.header("if-modified-since")
        .and_then(parse_http_date)
        .is_some_and(|since| state.schema_changed_at <= since)
}

fn dated(state: &State, reply: Reply) -> Reply {
    let at = jiff::Timestamp::from_second(state.schema_changed_at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    reply.with("Last-Modified", http_date(at))
}

fn summary(object: &Object, version: &str) -> Json {
    let name = object.name();
    let base = format!("/services/data/v{version}/sobjects/{name}");
    let writable = object.spec.writable;
    json!({
        "name": name, "label": name.trim_end_matches("__c"), "labelPlural": object.spec.plural,
        "keyPrefix": object.spec.prefix, "custom": name.ends_with("__c"), "customSetting": false,
        "createable": writable, "updateable": writable, "deletable": writable, "undeletable": writable,
        "queryable": true, "retrieveable": true, "replicateable": true, "triggerable": writable,
        "searchable": writable, "layoutable": writable, "mergeable": object.spec.mergeable, "activateable": false,
        "deprecatedAndHidden": false, "feedEnabled": false, "mruEnabled": writable,
        "urls": {"sobject": base, "describe": format!("{base}/describe"), "rowTemplate": format!("{base}/{{ID}}")},
    })
}

fn field_json(state: &State, object: &Object, field: &Field, login: &Login) -> Json {
    let spec = &field.spec;
    let kind = spec.kind;
    let writable = object.spec.writable && login.can_edit(object.name(), spec);
    let long = spec.is_long_text();
    let length = if matches!(kind, FieldType::Id | FieldType::Reference) {
        18
    } else if kind.is_text() {
        spec.length.unwrap_or(255)
    } else {
        0
    };
    let (precision, scale) = match (kind, spec.precision) {
        (_, Some((precision, scale))) => (precision, scale),
        (FieldType::Currency | FieldType::Double, None) => (18, 2),
        (FieldType::Percent, None) => (3, 0),
        _ => (0, 0),
    };
    let defaulted =
        kind == FieldType::Boolean || spec.default.is_some() || spec.name == "OwnerId" || field.is_system();
    json!({
        "name": spec.name, "label": spec.label(), "type": kind.name(), "soapType": soap_type(kind),
        "length": length, "byteLength": length * 3, "precision": precision, "scale": scale,
        "digits": if kind == FieldType::Int { 8 } else { 0 },
        "nillable": !spec.required && kind != FieldType::Boolean && !field.is_system(),
        "createable": writable, "updateable": writable, "filterable": !long, "sortable": !long, "groupable": !long,
        "aggregatable": !long, "custom": spec.is_custom(), "calculated": spec.formula.is_some(),
        "calculatedFormula": spec.formula, "externalId": spec.external_id,
        "idLookup": spec.id_lookup || spec.external_id || field.slot == Slot::Id, "unique": spec.unique,
        "caseSensitive": spec.unique, "defaultValue": spec.default, "defaultedOnCreate": defaulted,
        "picklistValues": picklist(state, object, field), "restrictedPicklist": spec.restricted,
        "dependentPicklist": false, "controllerName": null, "referenceTo": spec.reference_to,
        "relationshipName": spec.relationship, "nameField": spec.name_field,
        "permissionable": !field.is_system() && !spec.required, "encrypted": false,
        "htmlFormatted": false, "inlineHelpText": null, "autoNumber": false, "deprecatedAndHidden": false,
        "cascadeDelete": spec.cascade, "restrictedDelete": false, "polymorphicForeignKey": spec.reference_to.len() > 1,
    })
}

fn picklist(state: &State, object: &Object, field: &Field) -> Vec<Json> {
    let values = if object.name() == "Opportunity" && field.spec.name == "StageName" {
        state.stage_names()
    } else {
        field.spec.values.clone()
    };
    let default = field.spec.default.as_ref().and_then(Json::as_str);
    values
        .iter()
        .map(|value| {
            json!({
                "active": true, "defaultValue": default == Some(value.as_str()), "label": value, "value": value,
                "validFor": null,
            })
        })
        .collect()
}

const fn soap_type(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Id | FieldType::Reference => "tns:ID",
        FieldType::Boolean => "xsd:boolean",
        FieldType::Int => "xsd:int",
        FieldType::Double | FieldType::Currency | FieldType::Percent => "xsd:double",
        FieldType::Date => "xsd:date",
        FieldType::Datetime => "xsd:dateTime",
        FieldType::AnyType => "xsd:anyType",
        FieldType::String
        | FieldType::Textarea
        | FieldType::Picklist
        | FieldType::Multipicklist
        | FieldType::Combobox
        | FieldType::Email
        | FieldType::Phone
        | FieldType::Url => "xsd:string",
    }
}

impl State {
    /// API names of the active opportunity stages, in order.
    pub(crate) fn stage_names(&self) -> Vec<String> {
        let Some(table) = self.table("OpportunityStage") else { return Vec::new() };
        let mut stages: Vec<(i64, String)> = table
            .rows()
            .filter(|row| self.value("OpportunityStage", row, "IsActive") == crate::Value::Bool(true))
            .map(|row| {
                let sort = self.value("OpportunityStage", row, "SortOrder");
                let order = if let crate::Value::Int(order) = sort { order } else { 0 };
                (order, self.value("OpportunityStage", row, "ApiName").to_plain())
            })
            .collect();
        stages.sort();
        stages.into_iter().map(|(_, name)| name).collect()
    }
}
