//! Property definitions and groups over HTTP.

use handoff_sandbox_host::{Call, Reply};
use serde_json::{Value as Json, json};

use super::{Answer, batched, body, flag, inputs, object_of};
use crate::{
    Refusal,
    schema::{Group, ObjectIx, PropertyOption, PropertySpec, PropertyType},
    state::State,
};

const UNIQUE: usize = 10;

pub(super) fn answer(state: &mut State, call: &Call, rest: &[&str]) -> Answer {
    let [object, rest @ ..] = rest else { return Err(Refusal::no_such_address()) };
    let object = object_of(state, object)?;
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            let archived = flag(call, "archived");
            let kind = state.schema.object(object);
            let results: Vec<Json> = kind
                .into_iter()
                .flat_map(|kind| &kind.properties)
                .filter(|spec| spec.archived_at.is_some() == archived)
                .map(PropertySpec::json)
                .collect();
            Ok(Reply::json(200, &json!({"results": results})))
        }
        ("POST", []) => {
            let shown = create(state, object, &body::<Json>(call)?)?;
            Ok(Reply::json(201, &shown))
        }
        (_, ["groups", rest @ ..]) => groups(state, call, object, rest),
        ("POST", ["batch", step]) => batch(state, call, object, step),
        ("GET", [name]) => Ok(Reply::json(200, &one(state, object, name)?)),
        ("PATCH", [name]) => {
            let body: Json = body(call)?;
            edit(state, object, name, &body)?;
            Ok(Reply::json(200, &one(state, object, name)?))
        }
        ("DELETE", [name]) => {
            archive(state, object, name);
            Ok(Reply::empty(204))
        }
        _ => Err(Refusal::no_such_address()),
    }
}

fn one(state: &State, object: ObjectIx, name: &str) -> Result<Json, Refusal> {
    let found = state.schema.object(object).and_then(|kind| kind.find(name));
    found.map(|(_, spec)| spec.json()).ok_or_else(|| {
        Refusal::new(404, "OBJECT_NOT_FOUND", format!("Property {name} does not exist"))
            .sub("Properties.PROPERTY_NOT_FOUND")
    })
}

fn create(state: &mut State, object: ObjectIx, body: &Json) -> Result<Json, Refusal> {
    let mut spec: PropertySpec = serde_json::from_value(body.clone())
        .map_err(|error| Refusal::validation(format!("Invalid input JSON: {error}")))?;
    let now = state.now();
    let kind = state.schema.object(object).ok_or_else(Refusal::no_record)?;
    if let Some((_, known)) = kind.find_any(&spec.name) {
        if known.archived_at.is_none() {
            let words = format!("A property named '{}' already exists.", spec.name);
            return Err(
                Refusal::new(409, "OBJECT_ALREADY_EXISTS", words).sub("Properties.PROPERTY_WITH_NAME_EXISTS")
            );
        }
        // The old definition comes back, whatever the new one says.
        let name = spec.name.clone();
        if let Some(known) = state.schema.objects.get_mut(object).and_then(|kind| kind.edit(&name)) {
            known.archived_at = None;
            known.updated_at = now;
        }
        return one(state, object, &name);
    }
    check(kind, &spec)?;
    (spec.created_at, spec.updated_at) = (now, now);
    spec.hubspot_defined = false;
    spec.calculated = spec.field_type == "calculation_equation";
    spec.read_only = spec.calculated;
    let name = spec.name.clone();
    if let Some(kind) = state.schema.objects.get_mut(object) {
        kind.put(spec);
    }
    one(state, object, &name)
}

fn check(kind: &crate::schema::Object, spec: &PropertySpec) -> Result<(), Refusal> {
    let lower = spec
        .name
        .chars()
        .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_');
    if spec.name.is_empty() || !lower || spec.name.len() > 100 {
        return Err(Refusal::validation(
            "The property name must be lower case letters, digits and underscores",
        ));
    }
    if !kind.groups.contains_key(&spec.group_name) {
        return Err(Refusal::validation(format!("Property group {} does not exist", spec.group_name)));
    }
    let fields: &[&str] = match spec.kind {
        PropertyType::String => &["text", "textarea", "html", "file", "phonenumber", "calculation_equation"],
        PropertyType::Number => &["number", "calculation_equation"],
        PropertyType::Date | PropertyType::Datetime => &["date"],
        PropertyType::Enumeration => {
            &["select", "radio", "checkbox", "booleancheckbox", "calculation_equation"]
        }
        PropertyType::Bool => &["booleancheckbox", "calculation_equation"],
        PropertyType::PhoneNumber => &["phonenumber"],
    };
    if !fields.contains(&&*spec.field_type) {
        return Err(Refusal::validation(format!("fieldType {} does not go with the type", spec.field_type)));
    }
    if spec.kind == PropertyType::Enumeration && spec.options.is_empty() && !spec.external_options {
        return Err(Refusal::validation("An enumeration needs options"));
    }
    let unique =
        kind.properties.iter().filter(|known| known.has_unique_value && !known.hubspot_defined).count();
    if spec.has_unique_value && unique >= UNIQUE {
        return Err(Refusal::validation(format!("At most {UNIQUE} properties may have unique values")));
    }
    Ok(())
}

fn edit(state: &mut State, object: ObjectIx, name: &str, body: &Json) -> Result<(), Refusal> {
    let now = state.now();
    one(state, object, name)?;
    let spec = state.schema.objects.get_mut(object).and_then(|kind| kind.edit(name));
    let Some(spec) = spec else { return Ok(()) };
    if spec.hubspot_defined {
        return Err(Refusal::validation(format!("The definition of {name} is read only")));
    }
    let text = |field: &str| body.get(field).and_then(Json::as_str).map(ToOwned::to_owned);
    spec.label = text("label").unwrap_or_else(|| spec.label.clone());
    spec.description = text("description").unwrap_or_else(|| spec.description.clone());
    spec.group_name = text("groupName").unwrap_or_else(|| spec.group_name.clone());
    spec.field_type = text("fieldType").unwrap_or_else(|| spec.field_type.clone());
    if let Some(options) = body.get("options") {
        // The list replaces what was there.
        spec.options = serde_json::from_value::<Vec<PropertyOption>>(options.clone())
            .map_err(|_| Refusal::validation("Invalid input JSON: options"))?;
    }
    spec.updated_at = now;
    Ok(())
}

fn archive(state: &mut State, object: ObjectIx, name: &str) {
    let now = state.now();
    let spec = state.schema.objects.get_mut(object).and_then(|kind| kind.edit(name));
    if let Some(spec) = spec.filter(|spec| !spec.hubspot_defined) {
        spec.archived_at = Some(now);
    }
}

fn batch(state: &mut State, call: &Call, object: ObjectIx, step: &str) -> Answer {
    let body: Json = body(call)?;
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in inputs(&body, 100)? {
        let name = input.get("name").and_then(Json::as_str).unwrap_or_default();
        let done = match step {
            "read" => one(state, object, name),
            "create" => create(state, object, input),
            "archive" => {
                archive(state, object, name);
                continue;
            }
            _ => return Err(Refusal::no_such_address()),
        };
        match done {
            Ok(shown) => results.push(shown),
            Err(refusal) => errors.push(refusal.with("name", vec![name.to_owned()]).json()),
        }
    }
    match step {
        "archive" => Ok(Reply::empty(204)),
        "create" => Ok(batched(state, 201, &results, &errors)),
        _ => Ok(batched(state, 200, &results, &errors)),
    }
}

fn groups(state: &mut State, call: &Call, object: ObjectIx, rest: &[&str]) -> Answer {
    let show = |name: &str, group: &Group| json!({"name": name, "label": group.label, "displayOrder": group.display_order, "archived": false});
    let kind = state.schema.objects.get_mut(object).ok_or_else(Refusal::no_record)?;
    match (call.method.as_str(), rest) {
        ("GET", []) => {
            let results: Vec<Json> = kind.groups.iter().map(|(name, group)| show(name, group)).collect();
            Ok(Reply::json(200, &json!({"results": results})))
        }
        ("GET", [name]) => {
            let group = kind.groups.get(*name).ok_or_else(Refusal::no_record)?;
            Ok(Reply::json(200, &show(name, group)))
        }
        ("POST", []) => {
            let body: Json = body(call)?;
            let text = |field: &str| body.get(field).and_then(Json::as_str).map(ToOwned::to_owned);
            let name = text("name").ok_or_else(|| Refusal::validation("name is missing"))?;
            if kind.groups.contains_key(&name) {
                let words = format!("A property group named '{name}' already exists.");
                return Err(Refusal::new(409, "OBJECT_ALREADY_EXISTS", words));
            }
            let display_order = body.get("displayOrder").and_then(Json::as_i64).unwrap_or(-1);
            let group = Group { label: text("label").unwrap_or_else(|| name.clone()), display_order };
            let shown = show(&name, &group);
            kind.groups.insert(name, group);
            Ok(Reply::json(201, &shown))
        }
        ("DELETE", [name]) => {
            kind.groups.remove(*name);
            Ok(Reply::empty(204))
        }
        _ => Err(Refusal::no_such_address()),
    }
}
