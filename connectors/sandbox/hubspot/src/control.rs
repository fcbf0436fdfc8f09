//! `/_sandbox`: the control interface over HTTP. Everything here is a method of [`Portal`] as well.

use std::path::PathBuf;

use handoff_sandbox_host::{
    Call, Reply,
    control::{self, ClockWish},
};
use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value as Json, json};

use crate::{
    Error, LimitOptions, PropertySpec, Refusal, RequiredRule, StaticToken,
    approvals::Status,
    fault::Fault,
    pipelines::{PipelineRules, PipelineSpec},
    portal::{Act, NewUser, Portal},
    webhooks::{Subscription, WebhookMode, WebhookTarget},
};

type Done = Result<Json, Error>;

/// Answers a control request; refusals are what a person in the portal would read.
pub(crate) async fn answer(portal: &Portal, call: &Call) -> Reply {
    let parts: Vec<&str> = call.segments.iter().skip(1).map(String::as_str).collect();
    if parts == ["outbound", "settled"] {
        portal.outbound_settled().await;
        return Reply::json(200, &json!({"settled": true}));
    }
    let done = match call.method.as_str() {
        "GET" => read(portal, call, &parts),
        "POST" | "DELETE" => write(portal, call, &parts),
        _ => return Refusal::method().reply(call.number),
    };
    match done {
        Ok(body) => Reply::json(200, &body),
        Err(Error::Refused(refusal)) => refusal.reply(call.number),
        Err(error @ Error::Unknown { .. }) => {
            Refusal::new(404, "NOT_FOUND", error.to_string()).reply(call.number)
        }
        Err(error) => Refusal::new(400, "BAD_REQUEST", error.to_string()).reply(call.number),
    }
}

fn body<T: DeserializeOwned>(call: &Call) -> Result<T, Error> {
    control::body(call).map_err(Error::bad)
}

fn read(portal: &Portal, call: &Call, parts: &[&str]) -> Done {
    let since = control::since(call);
    Ok(match parts {
        [] => json!({"sandbox": "hubspot", "portal": portal.id(), "now": portal.now()}),
        ["clock"] => json!({"now": portal.now()}),
        ["writes"] => {
            json!(portal.writes().into_iter().filter(|write| write.seq > since).collect::<Vec<_>>())
        }
        ["journal"] => {
            json!(portal.journal().into_iter().filter(|entry| entry.seq > since).collect::<Vec<_>>())
        }
        ["calls"] => json!(portal.calls()),
        ["deliveries"] => json!(portal.deliveries()),
        ["faults"] => json!(portal.faults()),
        ["ids", object] => json!(portal.ids(object)),
        ["record", object, id] => {
            let missing = || Error::unknown("record", *id);
            portal.get(object, id.parse().map_err(|_| missing())?).ok_or_else(missing)?
        }
        ["user", name] => {
            json!({"user_id": portal.user_id(name)?, "owner_id": portal.owner_id(name)?})
        }
        _ => return Err(Error::unknown("control endpoint", call.path.clone())),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneRecord {
    user: String,
    object: String,
    id: u64,
    #[serde(default)]
    loser: u64,
    #[serde(default)]
    to: Option<(String, u64)>,
    #[serde(default)]
    label: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stamps {
    object: String,
    id: u64,
    #[serde(default)]
    created: Option<Timestamp>,
    #[serde(default)]
    modified: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lock {
    object: String,
    id: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rejection {
    object: String,
    id: u64,
    #[serde(default = "one")]
    times: u32,
    refusal: Refusal,
}

const fn one() -> u32 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesWish {
    #[serde(default)]
    object: Option<String>,
    pipeline: String,
    rules: PipelineRules,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PropertyWish {
    object: String,
    #[serde(default)]
    add: Vec<PropertySpec>,
    #[serde(default)]
    archive: Option<(String, bool)>,
    #[serde(default)]
    rename: Option<(String, String)>,
    #[serde(default)]
    read_only: Option<(String, bool)>,
    #[serde(default)]
    restrict: Option<(String, bool)>,
    #[serde(default)]
    options: Option<(String, Vec<String>)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookWish {
    #[serde(default)]
    target: Option<WebhookTarget>,
    #[serde(default)]
    subscriptions: Vec<Subscription>,
    #[serde(default)]
    mode: Option<WebhookMode>,
    #[serde(default)]
    release: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SwitchWish {
    #[serde(default)]
    search_lag: Option<i64>,
    #[serde(default)]
    mis_sort: Option<bool>,
    #[serde(default)]
    check_always: Option<bool>,
    #[serde(default)]
    approvals_stop_apps: Option<bool>,
    #[serde(default)]
    history_depth: Option<usize>,
    #[serde(default)]
    portal_id: Option<u64>,
    #[serde(default)]
    limits: Option<LimitOptions>,
    #[serde(default)]
    used_today: Option<u64>,
    #[serde(default)]
    token_lifetime: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoadWish {
    file: PathBuf,
    mapping: PathBuf,
}

fn write(portal: &Portal, call: &Call, parts: &[&str]) -> Done {
    match parts {
        ["act"] => Ok(json!({"id": portal.act(&body::<Act>(call)?)?, "success": true})),
        ["reset"] => portal.reset().map(|()| json!({"reset": true})),
        ["forget"] => {
            portal.forget();
            Ok(json!({}))
        }
        ["clock"] => Ok(body::<ClockWish>(call)?.grant(&mut portal.lock().clock)),
        ["load"] => {
            let wish: LoadWish = body(call)?;
            Ok(json!(portal.load(&wish.file, &wish.mapping)?))
        }
        ["archive" | "restore" | "privacy_delete" | "merge" | "associate" | "dissociate" | "stamps"] => {
            records(portal, call, parts)
        }
        ["users" | "app" | "token" | "authorize" | "tokens", ..] => people(portal, call, parts),
        ["faults" | "locks" | "rejections" | "release", ..] => faults(portal, call, parts),
        ["properties" | "pipelines" | "rules" | "required" | "approve"] => schema(portal, call, parts),
        ["webhooks"] => Ok(webhooks(portal, body(call)?)),
        ["switches"] => Ok(switches(portal, &body(call)?)),
        _ => Err(Error::unknown("control endpoint", call.path.clone())),
    }
}

fn records(portal: &Portal, call: &Call, parts: &[&str]) -> Done {
    if parts == ["stamps"] {
        let wish: Stamps = body(call)?;
        return portal.set_stamps(&wish.object, wish.id, wish.created, wish.modified).map(|()| json!({}));
    }
    let wish: OneRecord = body(call)?;
    let (user, object, id) = (wish.user.as_str(), wish.object.as_str(), wish.id);
    let end = || {
        let to = wish.to.as_ref().ok_or_else(|| Error::bad("to is missing: [object, id]"))?;
        Ok::<(&str, u64), Error>((to.0.as_str(), to.1))
    };
    match parts {
        ["archive"] => portal.archive(user, object, id)?,
        ["restore"] => portal.restore(user, object, id)?,
        ["privacy_delete"] => portal.privacy_delete(user, object, id)?,
        ["merge"] => {
            portal.merge(user, object, id, wish.loser)?;
        }
        ["associate"] => portal.associate(user, (object, id), end()?, wish.label.as_deref())?,
        _ => portal.dissociate(user, (object, id), end()?, wish.label.as_deref())?,
    }
    Ok(json!({}))
}

fn people(portal: &Portal, call: &Call, parts: &[&str]) -> Done {
    match parts {
        ["users"] => {
            let (user, owner) = portal.create_user(&body::<NewUser>(call)?)?;
            Ok(json!({"user_id": user, "owner_id": owner}))
        }
        ["users", name, active @ ("activate" | "deactivate")] => {
            portal.set_active(name, *active == "activate").map(|()| json!({}))
        }
        ["app"] => {
            portal.set_app(body(call)?);
            Ok(json!({}))
        }
        ["token"] => portal.put_token(&body::<StaticToken>(call)?).map(|()| json!({})),
        ["authorize"] => {
            let wish: Json = body(call)?;
            let text = |name: &str| wish.get(name).and_then(Json::as_str).unwrap_or_default();
            Ok(json!({"code": portal.authorize(text("client_id"), text("user"))?}))
        }
        ["tokens", "kill"] => Ok(json!({"killed": portal.kill_tokens()})),
        ["tokens", "kill_refresh"] => Ok(json!({"killed": portal.kill_refresh_tokens()})),
        _ => Err(Error::unknown("control endpoint", call.path.clone())),
    }
}

fn faults(portal: &Portal, call: &Call, parts: &[&str]) -> Done {
    let delete = call.method == http::Method::DELETE;
    match parts {
        ["faults"] if delete => {
            portal.clear_faults();
            Ok(json!({}))
        }
        ["faults", "clear"] => {
            portal.clear_faults();
            Ok(json!({}))
        }
        ["faults"] => Ok(json!({"number": portal.plant(body::<Fault>(call)?)})),
        ["release"] => {
            portal.release();
            Ok(json!({}))
        }
        ["locks"] => {
            let wish: Lock = body(call)?;
            if delete {
                portal.unlock_record(&wish.object, wish.id)?;
            } else {
                portal.lock_record(&wish.object, wish.id)?;
            }
            Ok(json!({}))
        }
        ["rejections"] => {
            let wish: Rejection = body(call)?;
            portal.reject_record(&wish.object, wish.id, wish.times, wish.refusal).map(|()| json!({}))
        }
        _ => Err(Error::unknown("control endpoint", call.path.clone())),
    }
}

fn schema(portal: &Portal, call: &Call, parts: &[&str]) -> Done {
    match parts {
        ["properties"] => properties(portal, body(call)?),
        ["pipelines"] => {
            let mut wish: Json = body(call)?;
            let object = wish.as_object_mut().and_then(|map| map.remove("object"));
            let object = object.as_ref().and_then(Json::as_str).unwrap_or("deals");
            let spec: PipelineSpec =
                serde_json::from_value(wish).map_err(|error| Error::bad(error.to_string()))?;
            Ok(json!({"id": portal.put_pipeline(object, spec)?}))
        }
        ["rules"] => {
            let wish: RulesWish = body(call)?;
            let object = wish.object.as_deref().unwrap_or("deals");
            portal.set_rules(object, &wish.pipeline, wish.rules).map(|()| json!({}))
        }
        ["required"] => {
            portal.set_required(body::<Vec<RequiredRule>>(call)?);
            Ok(json!({}))
        }
        _ => {
            let wish: Json = body(call)?;
            let deal =
                wish.get("deal").and_then(Json::as_u64).ok_or_else(|| Error::bad("deal is missing"))?;
            let status: Status = serde_json::from_value(wish.get("status").cloned().unwrap_or_default())
                .map_err(|error| Error::bad(error.to_string()))?;
            portal.decide_approval(deal, status).map(|()| json!({}))
        }
    }
}

fn properties(portal: &Portal, wish: PropertyWish) -> Done {
    let object = wish.object.as_str();
    for spec in wish.add {
        portal.put_property(object, spec)?;
    }
    if let Some((name, archived)) = wish.archive {
        portal.archive_property(object, &name, archived)?;
    }
    if let Some((from, to)) = wish.rename {
        portal.rename_property(object, &from, &to)?;
    }
    if let Some((name, on)) = wish.read_only {
        portal.set_read_only(object, &name, on)?;
    }
    if let Some((name, on)) = wish.restrict {
        portal.restrict_property(object, &name, on)?;
    }
    if let Some((name, values)) = wish.options {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        portal.set_options(object, &name, &values)?;
    }
    Ok(json!({}))
}

fn webhooks(portal: &Portal, wish: WebhookWish) -> Json {
    if let Some(target) = wish.target {
        portal.set_webhook(Some(target));
    }
    let ids: Vec<u64> = wish.subscriptions.into_iter().map(|wish| portal.add_subscription(wish)).collect();
    if let Some(mode) = wish.mode {
        portal.set_webhook_mode(mode);
    }
    if wish.release {
        portal.release_webhooks();
    }
    json!({"subscriptions": ids})
}

fn switches(portal: &Portal, wish: &SwitchWish) -> Json {
    if let Some(millis) = wish.search_lag {
        portal.set_search_lag(millis);
    }
    if let Some(on) = wish.mis_sort {
        portal.set_mis_sort(on);
    }
    if let Some(on) = wish.check_always {
        portal.set_check_always(on);
    }
    if let Some(on) = wish.approvals_stop_apps {
        portal.set_approvals_stop_apps(on);
    }
    if let Some(depth) = wish.history_depth {
        portal.set_history_depth(Some(depth).filter(|depth| *depth > 0));
    }
    if let Some(id) = wish.portal_id {
        portal.set_id(id);
    }
    if let Some(limits) = wish.limits {
        portal.set_limits(limits);
    }
    if let Some(used) = wish.used_today {
        portal.set_used_today(used);
    }
    if let Some(seconds) = wish.token_lifetime {
        portal.set_token_lifetime(seconds);
    }
    json!({})
}
