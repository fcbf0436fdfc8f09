//! Records: list, read, create, update, archive, merge.

use handoff_sandbox_host::{Call, Reply};
use serde_json::{Map, Value as Json, json};

use super::{Answer, Dialect, batch, body, flag, id_text, list, object_of, search};
use crate::{
    Refusal,
    associations::{Place, TypeKey},
    record::{Entry, Record},
    schema::{Derived, ObjectIx, PropertySpec},
    state::{Actor, State},
    when,
};

/// Which parts of a record are wanted.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub(super) properties: Vec<String>,
    pub(super) history: Vec<String>,
    pub(super) associations: Vec<String>,
}

impl Wanted {
    fn of(call: &Call) -> Self {
        Self {
            properties: list(call, "properties"),
            history: list(call, "propertiesWithHistory"),
            associations: list(call, "associations"),
        }
    }
}

pub(super) fn answer(
    state: &mut State,
    call: &Call,
    actor: &Actor,
    rest: &[&str],
    dialect: Dialect,
) -> Answer {
    let [name, rest @ ..] = rest else { return Err(Refusal::no_such_address()) };
    let object = object_of(state, name)?;
    match (call.method.as_str(), rest) {
        ("GET", []) => listed(state, call, object),
        ("POST", []) => create(state, call, actor, object),
        ("POST", ["search"]) => search::answer(state, call, object),
        ("POST", ["merge"]) => merge(state, call, actor, object),
        ("POST", ["gdpr-delete"]) => privacy_delete(state, call, actor, object),
        ("POST", ["batch", step]) => batch::answer(state, call, actor, object, step),
        (_, ["associations", "default", ..]) => Err(Refusal::no_such_address()),
        (_, [id, "associations", rest @ ..]) => {
            let from = (object, existing(state, object, id)?);
            super::associations::of_record(state, call, actor, from, rest, dialect)
        }
        ("GET", [id]) => {
            let record = found(state, call, object, id)?;
            Ok(Reply::json(200, &show(state, object, &record, &Wanted::of(call))))
        }
        ("PATCH", [id]) => update(state, call, actor, object, id),
        ("DELETE", [id]) => {
            let id = id.parse().map_err(|_| Refusal::not_an_id(id))?;
            state.archive(actor, object, id)?;
            Ok(Reply::empty(204))
        }
        _ => Err(Refusal::method()),
    }
}

fn existing(state: &State, object: ObjectIx, id: &str) -> Result<u64, Refusal> {
    let number: u64 = id.parse().map_err(|_| Refusal::not_an_id(id))?;
    let record = state.record(object, number).filter(|record| record.archived_at.is_none());
    Ok(record.ok_or_else(Refusal::no_record)?.id)
}

/// The record of a numeric id, or of a unique property's value.
pub(super) fn lookup(
    state: &State,
    object: ObjectIx,
    id: &str,
    property: Option<&str>,
) -> Result<Option<u64>, Refusal> {
    match property {
        None | Some("hs_object_id") => {
            let number: u64 = id.parse().map_err(|_| Refusal::not_an_id(id))?;
            Ok(state.record(object, number).map(|record| record.id))
        }
        Some(name) => {
            let kind = state.schema.object(object);
            let known = kind.and_then(|kind| kind.find(name)).filter(|(_, spec)| spec.has_unique_value);
            let (position, _) = known.ok_or_else(|| not_unique(state, object, name))?;
            Ok(state.unique.get(&(object, position, id.to_lowercase())).copied())
        }
    }
}

pub(super) fn not_unique(state: &State, object: ObjectIx, name: &str) -> Refusal {
    let type_id = state.schema.object(object).map_or("", |kind| &*kind.type_id);
    Refusal::validation(format!("Unable to perform update/upsert by non-unique {type_id} property {name}"))
}

fn found(state: &State, call: &Call, object: ObjectIx, id: &str) -> Result<std::sync::Arc<Record>, Refusal> {
    let number = lookup(state, object, id, call.param("idProperty"))?;
    let record = number.and_then(|number| state.record(object, number));
    let archived = flag(call, "archived");
    let record = record.filter(|record| record.archived_at.is_some() == archived);
    record.cloned().ok_or_else(Refusal::no_record)
}

fn listed(state: &State, call: &Call, object: ObjectIx) -> Answer {
    let wanted = Wanted::of(call);
    let most = if wanted.history.is_empty() { 100 } else { 50 };
    let limit: usize = match call.param("limit") {
        None => 10,
        Some(text) => text.parse().map_err(|_| Refusal::validation("limit must be a number"))?,
    };
    if limit == 0 || limit > most {
        return Err(Refusal::validation(format!("Limit is {limit}, but the maximum allowed is {most}")));
    }
    let after: u64 = match call.param("after") {
        None | Some("") => 0,
        Some(text) => text.parse().map_err(|_| Refusal::validation("Invalid paging cursor"))?,
    };
    let archived = flag(call, "archived");
    let table = state.tables.get(object).ok_or_else(Refusal::no_record)?;
    let mut rows: Vec<_> = table
        .after(after)
        .filter(|record| record.archived_at.is_some() == archived)
        .take(limit + 1)
        .collect();
    let more = rows.len() > limit;
    rows.truncate(limit);
    let results: Vec<Json> = rows.iter().map(|record| show(state, object, record, &wanted)).collect();
    let mut out = json!({"results": results});
    if let (true, Some(last), Some(map)) = (more, rows.last(), out.as_object_mut()) {
        map.insert("paging".to_owned(), json!({"next": next_page(state, call, &last.id.to_string())}));
    }
    Ok(Reply::json(200, &out))
}

/// The next page: its cursor and its absolute address.
pub(super) fn next_page(state: &State, call: &Call, after: &str) -> Json {
    let mut query: Vec<String> = call
        .params
        .iter()
        .filter(|(name, _)| name != "after")
        .map(|(name, value)| format!("{name}={}", escaped(value)))
        .collect();
    query.push(format!("after={}", escaped(after)));
    json!({"after": after, "link": format!("{}{}?{}", state.base_url, call.path, query.join("&"))})
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            let letter = char::from(byte);
            if letter.is_ascii_alphanumeric() || "-_.~".contains(letter) {
                letter.to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

fn properties(body: &Json) -> Result<Map<String, Json>, Refusal> {
    let properties = body.get("properties").and_then(Json::as_object);
    properties.cloned().ok_or_else(|| Refusal::validation("Invalid input JSON: properties is missing"))
}

fn create(state: &mut State, call: &Call, actor: &Actor, object: ObjectIx) -> Answer {
    let body: Json = body(call)?;
    let (reply, id) = create_one(state, actor, object, &body)?;
    let place = format!("{}{}/{id}", state.base_url, call.path.trim_end_matches('/'));
    Ok(Reply::json(201, &reply).with("location", place))
}

/// Creates one record with its links; the answer and the id.
pub(super) fn create_one(
    state: &mut State,
    actor: &Actor,
    object: ObjectIx,
    body: &Json,
) -> Result<(Json, u64), Refusal> {
    let asked = properties(body)?;
    let links = wanted_links(state, object, body)?;
    let trace = body.get("objectWriteTraceId").and_then(Json::as_str);
    let saved = state.save(actor, object, None, &asked, trace)?;
    for (to, keys) in links {
        state.associate(actor, (object, saved.id), to, &keys)?;
    }
    let wanted = Wanted { properties: asked.keys().cloned().collect(), ..Wanted::default() };
    let record = state.record(object, saved.id).cloned().ok_or_else(Refusal::no_record)?;
    Ok((with_extras(show(state, object, &record, &wanted), trace, &saved.warnings), saved.id))
}

/// The links that a create asks for.
fn wanted_links(state: &State, object: ObjectIx, body: &Json) -> Result<Vec<(Place, Vec<TypeKey>)>, Refusal> {
    let mut out = Vec::new();
    for wish in body.get("associations").and_then(Json::as_array).into_iter().flatten() {
        let id = wish.get("to").and_then(|to| to.get("id")).and_then(id_text);
        let id: u64 =
            id.and_then(|id| id.parse().ok()).ok_or_else(|| Refusal::validation("Invalid association"))?;
        let keys = super::associations::keys(wish.get("types"))?;
        let other = (0..state.schema.objects.len()).find(|other| {
            !keys.is_empty() && keys.iter().all(|key| state.links.find(object, *other, *key).is_some())
        });
        let other = other.ok_or_else(|| Refusal::validation("Invalid association type"))?;
        if state.record(other, id).is_none_or(|record| record.archived_at.is_some()) {
            return Err(Refusal::validation(format!("Object with id {id} to associate with does not exist")));
        }
        out.push(((other, id), keys));
    }
    Ok(out)
}

fn update(state: &mut State, call: &Call, actor: &Actor, object: ObjectIx, id: &str) -> Answer {
    let body: Json = body(call)?;
    let asked = properties(&body)?;
    let number = lookup(state, object, id, call.param("idProperty"))?.ok_or_else(Refusal::no_record)?;
    let shown = update_one(state, actor, object, number, &asked, None)?;
    Ok(Reply::json(200, &shown))
}

/// Updates one record; the answer.
pub(super) fn update_one(
    state: &mut State,
    actor: &Actor,
    object: ObjectIx,
    id: u64,
    asked: &Map<String, Json>,
    trace: Option<&str>,
) -> Result<Json, Refusal> {
    let saved = state.save(actor, object, Some(id), asked, trace)?;
    let wanted = Wanted { properties: asked.keys().cloned().collect(), ..Wanted::default() };
    let record = state.record(object, id).cloned().ok_or_else(Refusal::no_record)?;
    Ok(with_extras(show(state, object, &record, &wanted), trace, &saved.warnings))
}

fn with_extras(mut shown: Json, trace: Option<&str>, warnings: &[Json]) -> Json {
    if let Some(map) = shown.as_object_mut() {
        if let Some(trace) = trace {
            map.insert("objectWriteTraceId".to_owned(), json!(trace));
        }
        if !warnings.is_empty() {
            map.insert("warnings".to_owned(), json!(warnings));
        }
    }
    shown
}

fn merge(state: &mut State, call: &Call, actor: &Actor, object: ObjectIx) -> Answer {
    let body: Json = body(call)?;
    let id = |name: &str| {
        let text = body.get(name).and_then(id_text);
        text.and_then(|text| text.parse::<u64>().ok())
            .ok_or_else(|| Refusal::validation(format!("{name} is missing")))
    };
    let survivor = state.merge(actor, object, id("primaryObjectId")?, id("objectIdToMerge")?)?;
    let record = state.record(object, survivor).cloned().ok_or_else(Refusal::no_record)?;
    Ok(Reply::json(200, &show(state, object, &record, &Wanted::default())))
}

fn privacy_delete(state: &mut State, call: &Call, actor: &Actor, object: ObjectIx) -> Answer {
    let body: Json = body(call)?;
    let id =
        body.get("objectId").and_then(id_text).ok_or_else(|| Refusal::validation("objectId is missing"))?;
    let number = lookup(state, object, &id, body.get("idProperty").and_then(Json::as_str))?;
    state.privacy_delete(actor, object, number.ok_or_else(Refusal::no_record)?)?;
    Ok(Reply::empty(204))
}

/// A record as the API shows it.
pub(super) fn show(state: &State, object: ObjectIx, record: &Record, wanted: &Wanted) -> Json {
    let Some(kind) = state.schema.object(object) else { return Json::Null };
    let mut values = Map::new();
    let always = kind
        .properties
        .iter()
        .filter(|spec| matches!(spec.derived, Some(Derived::Id | Derived::Created | Derived::Modified)));
    for spec in always {
        values.insert(spec.name.clone(), json!(value(record, spec, 0)));
    }
    let names = if wanted.properties.is_empty() && wanted.history.is_empty() {
        &kind.defaults
    } else {
        &wanted.properties
    };
    for name in names.iter().chain(&wanted.history) {
        if let Some((position, spec)) = kind.find(name) {
            values.insert(name.clone(), json!(value(record, spec, position)));
        }
    }
    let mut out = json!({
        "id": record.id.to_string(), "properties": values, "createdAt": when::iso(record.created),
        "updatedAt": when::iso(record.modified), "archived": record.archived_at.is_some(),
        "url": format!("https://app.hubspot.com/contacts/{}/record/{}/{}", state.portal_id, kind.type_id, record.id),
    });
    let Some(map) = out.as_object_mut() else { return out };
    if let Some(at) = record.archived_at {
        map.insert("archivedAt".to_owned(), json!(when::iso(at)));
    }
    if !wanted.history.is_empty() {
        let histories: Map<String, Json> = wanted
            .history
            .iter()
            .filter_map(|name| Some((name.clone(), kind.find(name)?)))
            .map(|(name, (position, spec))| (name, history(state, record, spec, position)))
            .collect();
        map.insert("propertiesWithHistory".to_owned(), Json::Object(histories));
    }
    let links: Map<String, Json> =
        wanted.associations.iter().filter_map(|name| linked(state, object, record.id, name)).collect();
    if !links.is_empty() {
        map.insert("associations".to_owned(), Json::Object(links));
    }
    out
}

/// A property's value; `None` when unset.
pub(super) fn value(record: &Record, spec: &PropertySpec, position: u16) -> Option<String> {
    match spec.derived {
        None => record.value(position).map(ToOwned::to_owned),
        Some(Derived::Id) => Some(record.id.to_string()),
        Some(Derived::Created) => Some(when::iso(record.created)),
        Some(Derived::Modified) => Some(when::iso(record.modified)),
        Some(Derived::MergedIds) => {
            let ids: Vec<String> = record.merged.iter().map(ToString::to_string).collect();
            (!ids.is_empty()).then(|| ids.join(";"))
        }
    }
}

fn history(state: &State, record: &Record, spec: &PropertySpec, position: u16) -> Json {
    if spec.derived.is_some() {
        let at = if spec.derived == Some(Derived::Modified) { record.modified } else { record.created };
        let value = value(record, spec, position).unwrap_or_default();
        return json!([{"value": value, "timestamp": when::iso(at), "sourceType": "CALCULATED"}]);
    }
    let depth = state.switches.history_depth.unwrap_or(usize::MAX);
    let entries: Vec<Json> = record.history(position).take(depth).map(history_entry).collect();
    Json::from(entries)
}

fn history_entry(entry: &Entry) -> Json {
    let mut out = json!({
        "value": &*entry.value, "timestamp": when::iso(entry.at), "sourceType": entry.origin.source_type,
    });
    if let Some(map) = out.as_object_mut() {
        if let Some(id) = &entry.origin.source_id {
            map.insert("sourceId".to_owned(), json!(id));
        }
        if let Some(label) = &entry.origin.label {
            map.insert("sourceLabel".to_owned(), json!(label));
        }
        if let Some(user) = entry.origin.user {
            map.insert("updatedByUserId".to_owned(), json!(user));
        }
    }
    out
}

/// Links as lists and reads show them: ids with a type each.
fn linked(state: &State, object: ObjectIx, id: u64, name: &str) -> Option<(String, Json)> {
    let other = state.schema.find(name)?;
    let (from, to) = (state.schema.object(object)?, state.schema.object(other)?);
    let linked = state.links.of(object, id, other).filter(|linked| !linked.is_empty())?;
    let mut results = Vec::new();
    for (id, keys) in linked {
        for key in keys {
            let label = state.links.find(object, other, *key).and_then(|known| known.label.clone());
            let kind = match label {
                Some(label) if key.0 => label.to_lowercase().replace(' ', "_"),
                Some(_) => format!("{}_to_{}", from.singular, to.singular),
                None => format!("{}_to_{}_unlabeled", from.singular, to.singular),
            };
            results.push(json!({"id": id.to_string(), "type": kind}));
        }
    }
    Some((to.plural.to_string(), json!({"results": results})))
}
