//! The vendor's addresses in every dialect, and who may call them.

mod associations;
mod batch;
mod objects;
mod owners;
mod pipelines;
mod properties;
mod rules;
mod schemas;
mod search;
mod splits;

use handoff_sandbox_host::{Call, Reply};
use http::Method;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::{
    Refusal, auth,
    auth::Grant,
    fault::Action,
    record::{ActorKind, Origin},
    schema::ObjectIx,
    state::{Actor, State},
};

type Answer = Result<Reply, Refusal>;

/// Which generation of addresses a call uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `/v1` … `/v4`.
    Legacy,
    /// `/2026-03`.
    March,
    /// `/2026-09`: writes obey required properties.
    September,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Area {
    Objects,
    Associations,
    Properties,
    Schemas,
    Validations,
    Pipelines,
    Rules,
    Owners,
    Splits,
    Account,
    Token,
    TokenInfo,
}

struct Route<'a> {
    area: Area,
    dialect: Dialect,
    rest: Vec<&'a str>,
}

fn dialect(text: &str) -> Option<Dialect> {
    match text {
        "v1" | "v2" | "v3" | "v4" => Some(Dialect::Legacy),
        "2026-03" => Some(Dialect::March),
        "2026-09" => Some(Dialect::September),
        _ => None,
    }
}

fn route(call: &Call) -> Option<Route<'_>> {
    let parts = call.parts();
    let (area, version, rest): (Area, &str, &[&str]) = match parts.as_slice() {
        ["oauth", "v2", "private-apps", ..] => (Area::TokenInfo, "v2", &[]),
        ["oauth", "v1", "access-tokens" | "refresh-tokens", _] => (Area::TokenInfo, "v1", &[]),
        ["oauth", version, "token", rest @ ..] => (Area::Token, version, rest),
        ["crm", "objects", version, "deals", "splits", rest @ ..] | ["deal-splits", version, rest @ ..] => {
            (Area::Splits, version, rest)
        }
        ["account-info", version, rest @ ..] => (Area::Account, version, rest),
        ["crm-object-schemas", version, "schemas", rest @ ..]
        | ["crm", version @ "v3", "schemas", rest @ ..] => (Area::Schemas, version, rest),
        ["crm", version @ ("v3" | "v4"), area, rest @ ..] | ["crm", area, version, rest @ ..] => {
            (area_of(area)?, version, rest)
        }
        _ => return None,
    };
    Some(Route { area, dialect: dialect(version)?, rest: rest.to_vec() })
}

fn area_of(name: &str) -> Option<Area> {
    Some(match name {
        "objects" => Area::Objects,
        "associations" => Area::Associations,
        "properties" => Area::Properties,
        "property-validations" => Area::Validations,
        "pipelines" => Area::Pipelines,
        "pipelines-rules" => Area::Rules,
        "owners" => Area::Owners,
        _ => return None,
    })
}

/// The endpoint kind of a call, as counters and faults name it.
pub(crate) fn kind_of(call: &Call) -> &'static str {
    let Some(route) = route(call) else { return "other" };
    let method = call.method.as_str();
    match (route.area, route.rest.as_slice()) {
        (Area::Token, ["introspect"]) => "introspect",
        (Area::Token, ["revoke"]) => "revoke",
        (Area::Token, _) => "token",
        (Area::TokenInfo, _) => "token_info",
        (Area::Objects, [_, "search"]) => "search",
        (Area::Objects, [_, "merge"]) => "merge",
        (Area::Objects, [_, "gdpr-delete"]) => "privacy_delete",
        (Area::Objects, [_, "batch", step]) => match *step {
            "read" => "batch_read",
            "create" => "batch_create",
            "update" => "batch_update",
            "upsert" => "batch_upsert",
            "archive" => "batch_archive",
            _ => "other",
        },
        (Area::Objects, [_, _, "associations", ..]) => match method {
            "GET" => "associations_list",
            "DELETE" => "associations_archive",
            _ => "associations_create",
        },
        (Area::Objects, [_]) => {
            if method == "POST" {
                "create"
            } else {
                "list"
            }
        }
        (Area::Objects, [_, _]) => match method {
            "PATCH" => "update",
            "DELETE" => "archive",
            _ => "read",
        },
        (Area::Associations, [_, _, "batch", "read"]) => "associations_read",
        (Area::Associations, [_, _, "labels", ..]) => "associations_labels",
        (Area::Associations, [_, _, "batch", "archive"] | [_, _, "batch", "labels", "archive"]) => {
            "associations_archive"
        }
        (Area::Associations, [_, _, "batch", ..]) => "associations_create",
        (Area::Properties, [_, "groups", ..]) => "property_groups",
        (Area::Properties, [_, "batch", "read"]) => "properties",
        (Area::Properties, _) => match method {
            "GET" => "properties",
            _ => "properties_write",
        },
        (Area::Schemas, _) => match method {
            "GET" => "schemas",
            _ => "schemas_write",
        },
        (Area::Validations, _) => "property_validations",
        (Area::Pipelines, _) => match method {
            "GET" => "pipelines",
            _ => "pipelines_write",
        },
        (Area::Rules, [_, _, "approvals", ..]) => "approvals",
        (Area::Rules, _) => "pipeline_rules",
        (Area::Owners, _) => "owners",
        (Area::Splits, _) => "splits",
        (Area::Account, ["details"]) => "account",
        (Area::Account, _) => "api_usage",
        (Area::Objects | Area::Associations, _) => "other",
    }
}

/// The true answer.
pub(crate) fn answer(state: &mut State, call: &Call, kind: &str, action: Option<&Action>) -> Reply {
    state.count(kind);
    if let Some(Action::PartialFailure { ids }) = action {
        state.failing = ids.iter().copied().collect();
    }
    let reply = answered(state, call, kind);
    state.failing.clear();
    reply
}

fn answered(state: &mut State, call: &Call, kind: &str) -> Reply {
    let Some(route) = route(call) else { return Refusal::no_such_address().reply(call.number) };
    let open = match (route.area, route.rest.as_slice()) {
        (Area::Token, ["introspect"]) => Some(auth::introspect(state, call)),
        (Area::Token, ["revoke"]) => Some(auth::revoke(state, call)),
        (Area::Token, _) => Some(auth::token(state, call)),
        (Area::TokenInfo, _) => Some(auth::token_info(state, call)),
        _ => None,
    };
    if let Some(answer) = open {
        return answer.unwrap_or_else(|refusal| refusal.reply(call.number));
    }
    let grant = match state.grant(call) {
        Ok(grant) => grant,
        Err(refusal) => return refusal.reply(call.number),
    };
    let search = kind == "search";
    let now = state.now();
    let left = match state.limits.charge(grant.app, grant.is_private(), search, now) {
        Ok(left) => left,
        Err(refusal) => {
            let reply = refusal.reply(call.number);
            return if search { reply } else { state.limits.dress(reply, 0, grant.is_private()) };
        }
    };
    let reply = permitted(state, call, &route, &grant).unwrap_or_else(|refusal| refusal.reply(call.number));
    if search { reply } else { state.limits.dress(reply, left, grant.is_private()) }
}

fn permitted(state: &mut State, call: &Call, route: &Route<'_>, grant: &Grant) -> Answer {
    let wanted = scopes(state, call, route);
    if !grant.has_any(&wanted) {
        return Err(Refusal::scopes(&wanted));
    }
    let actor = actor(call, route, grant);
    match route.area {
        Area::Objects => objects::answer(state, call, &actor, &route.rest, route.dialect),
        Area::Associations => associations::answer(state, call, &actor, &route.rest),
        Area::Properties => properties::answer(state, call, &route.rest),
        Area::Schemas => schemas::answer(state, call, &route.rest),
        Area::Validations => Ok(Reply::json(200, &json!({"results": []}))),
        Area::Pipelines => pipelines::answer(state, call, &route.rest, route.dialect),
        Area::Rules => rules::answer(state, call, &route.rest),
        Area::Owners => owners::answer(state, call, &route.rest),
        Area::Splits => splits::answer(state, call, &route.rest),
        Area::Account => account(state, &route.rest),
        Area::Token | Area::TokenInfo => Err(Refusal::no_such_address()),
    }
}

fn actor(call: &Call, route: &Route<'_>, grant: &Grant) -> Actor {
    let origin = std::sync::Arc::new(Origin {
        source_type: "INTEGRATION".to_owned(),
        source_id: Some(grant.app.to_string()),
        label: Some(grant.name.clone()).filter(|name| !name.is_empty()),
        user: grant.user.filter(|_| grant.user_level),
    });
    Actor {
        kind: if grant.user_level { ActorKind::UserApi } else { ActorKind::Api },
        user: grant.user.filter(|_| grant.user_level),
        app: Some(grant.app),
        enforced: route.dialect == Dialect::September,
        request: call.number,
        origin,
    }
}

/// Scopes of which the call needs one.
fn scopes(state: &State, call: &Call, route: &Route<'_>) -> Vec<String> {
    let stem = |name: &str| {
        state
            .schema
            .find(name)
            .and_then(|object| state.schema.object(object))
            .map_or("custom", |kind| kind.scope())
    };
    let object = |name: &str, step: &str| {
        if stem(name) == "tickets" {
            "tickets".to_owned()
        } else {
            format!("crm.objects.{}.{step}", stem(name))
        }
    };
    let schema = |name: &str, step: &str| {
        if stem(name) == "tickets" {
            "tickets".to_owned()
        } else {
            format!("crm.schemas.{}.{step}", stem(name))
        }
    };
    let reads = call.method == Method::GET || matches!(route.rest.last(), Some(&("read" | "search")));
    let step = if reads { "read" } else { "write" };
    match (route.area, route.rest.as_slice()) {
        (Area::Objects, [name, ..]) => vec![object(name, step)],
        (Area::Associations, [from, _, "labels", ..]) if step == "read" => vec![object(from, "read")],
        (Area::Associations, [from, ..]) => vec![object(from, step)],
        (Area::Properties | Area::Pipelines | Area::Validations, [name, ..]) if reads => {
            vec![schema(name, "read"), object(name, "read")]
        }
        (Area::Properties | Area::Pipelines | Area::Validations, [name, ..]) => vec![schema(name, "write")],
        (Area::Schemas, _) if reads => {
            vec!["crm.schemas.custom.read".to_owned(), "crm.objects.custom.read".to_owned()]
        }
        (Area::Schemas, _) => vec!["crm.schemas.custom.write".to_owned()],
        (Area::Rules, [_, _, "approvals", ..]) => vec![format!("crm.pipelines.approval.{step}")],
        (Area::Rules, [_, _, "stage-edit-permissions"]) => {
            vec![format!("crm.pipelines.stage_permissions.{step}")]
        }
        (Area::Rules, _) => vec![format!("crm.pipelines.governance.{step}")],
        (Area::Owners, _) => vec!["crm.objects.owners.read".to_owned()],
        (Area::Splits, _) => vec!["crm.dealsplits.read_write".to_owned()],
        (Area::Account, ["details"]) => vec!["oauth".to_owned()],
        _ => Vec::new(),
    }
}

fn account(state: &State, rest: &[&str]) -> Answer {
    match rest {
        ["details"] => Ok(Reply::json(
            200,
            &json!({
                "portalId": state.portal_id, "accountType": "STANDARD", "timeZone": "UTC", "companyCurrency": "EUR",
                "additionalCurrencies": ["USD", "GBP"], "utcOffset": "+00:00", "utcOffsetMilliseconds": 0,
                "uiDomain": "app.hubspot.com", "dataHostingLocation": "na1",
            }),
        )),
        ["api-usage", "daily"] | ["api-usage", "daily", "private-apps"] => {
            Ok(Reply::json(200, &state.limits.json(state.now())))
        }
        _ => Err(Refusal::no_such_address()),
    }
}

fn object_of(state: &State, name: &str) -> Result<ObjectIx, Refusal> {
    state.schema.find(name).ok_or_else(|| Refusal::no_object(name))
}

fn body<'a, T: Deserialize<'a>>(call: &'a Call) -> Result<T, Refusal> {
    serde_json::from_slice(&call.body).map_err(|_| Refusal::bad_json())
}

/// `true` in any of the spellings that official clients send.
fn flag(call: &Call, name: &str) -> bool {
    call.param(name).is_some_and(|text| text.eq_ignore_ascii_case("true"))
}

/// A parameter that repeats, or lists its values by commas.
fn list(call: &Call, name: &str) -> Vec<String> {
    call.params
        .iter()
        .filter(|(key, _)| key == name)
        .flat_map(|(_, value)| value.split(','))
        .map(str::trim)
        .filter(|value| !value.is_empty())
        .map(ToOwned::to_owned)
        .collect()
}

/// An id as bodies write it: a string or a number.
fn id_text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    }
}

/// The list under `inputs`, at most `most` long.
fn inputs(body: &Json, most: usize) -> Result<&[Json], Refusal> {
    let list = body.get("inputs").and_then(Json::as_array);
    let list = list.ok_or_else(|| Refusal::validation("Invalid input JSON: inputs is missing"))?;
    if list.len() > most {
        let message = format!(
            "The maximum number of inputs supported in a batch request is {most}. Received: {}",
            list.len()
        );
        return Err(Refusal::validation(message));
    }
    Ok(list)
}

/// The envelope of a batch answer: `whole` when nothing failed, 207 otherwise.
fn batched(state: &State, whole: u16, results: &[Json], errors: &[Json]) -> Reply {
    let now = crate::when::iso(state.now());
    let mut out = json!({"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now});
    if errors.is_empty() {
        return Reply::json(whole, &out);
    }
    if let Some(map) = out.as_object_mut() {
        map.insert("numErrors".to_owned(), json!(errors.len()));
        map.insert("errors".to_owned(), json!(errors));
    }
    Reply::json(207, &out)
}
