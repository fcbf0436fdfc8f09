//! `/_sandbox`: the control interface over HTTP. Everything here is a method of [`Org`] as well.

use std::path::PathBuf;

use handoff_sandbox_host::control::{self, ClockWish};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::{
    Error,
    fault::Fault,
    ids::Id,
    org::{Act, NewUser, Org},
    outbound::OutboundMode,
    record::SaveError,
    schema::{FieldSpec, ObjectSpec},
    wire::{ApiError, Call, Reply},
};

type Done = Result<Json, Error>;

/// Answers a control request; refusals are REST error arrays, as a person in the org would read them.
pub(crate) async fn answer(org: &Org, call: &Call) -> Reply {
    let parts: Vec<&str> = call.segments.iter().skip(1).map(String::as_str).collect();
    if parts == ["outbound", "settled"] {
        org.outbound_settled().await;
        return Reply::json(200, &json!({"settled": true}));
    }
    let done = match call.method.as_str() {
        "GET" => read(org, call, &parts),
        "POST" | "DELETE" => write(org, call, &parts),
        _ => return ApiError::method(&call.method).reply(),
    };
    match done {
        Ok(body) => Reply::json(200, &body),
        Err(Error::Refused(errors)) => ApiError::save(errors).reply(),
        Err(error @ Error::Unknown { .. }) => ApiError::new(404, "NOT_FOUND", error.to_string()).reply(),
        Err(error) => ApiError::new(400, "BAD_REQUEST", error.to_string()).reply(),
    }
}

fn body<'a, T: Deserialize<'a>>(call: &'a Call) -> Result<T, Error> {
    control::body(call).map_err(Error::bad)
}

fn read(org: &Org, call: &Call, parts: &[&str]) -> Done {
    Ok(match parts {
        [] => json!({"sandbox": "salesforce", "org": org.id(), "now": org.now()}),
        ["clock"] => json!({"now": org.now()}),
        ["writes"] => {
            json!(
                org.writes().into_iter().filter(|write| write.seq > control::since(call)).collect::<Vec<_>>()
            )
        }
        ["journal"] => {
            json!(
                org.journal()
                    .into_iter()
                    .filter(|entry| entry.seq > control::since(call))
                    .collect::<Vec<_>>()
            )
        }
        ["calls"] => json!(org.calls()),
        ["deliveries"] => json!(org.deliveries()),
        ["faults"] => json!(org.faults()),
        ["permission_sets"] => json!(org.permission_sets()),
        ["query"] => json!(org.query(call.param("q").unwrap_or_default())?),
        ["record", id] => {
            let id = Id::parse(id).ok_or_else(|| Error::unknown("record", *id))?;
            org.get(id).ok_or_else(|| Error::unknown("record", id.to_string()))?
        }
        _ => return Err(Error::unknown("control endpoint", call.path.clone())),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneRecord {
    user: String,
    id: Id,
    #[serde(default)]
    changes: Json,
    #[serde(default)]
    losers: Vec<Id>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetOf {
    user: String,
    set: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldWish {
    object: String,
    #[serde(default)]
    add: Vec<FieldSpec>,
    #[serde(default)]
    remove: Option<String>,
    #[serde(default)]
    rename: Option<(String, String)>,
    #[serde(default)]
    read_only: Option<(String, bool)>,
    #[serde(default)]
    values: Option<(String, Vec<String>)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutboundWish {
    #[serde(default)]
    endpoints: Option<Vec<String>>,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    mode: Option<OutboundMode>,
    #[serde(default)]
    release: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rejection {
    id: Id,
    #[serde(default = "one")]
    times: u32,
    error: SaveError,
}

const fn one() -> u32 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stamps {
    id: Id,
    #[serde(default)]
    modified: Option<Timestamp>,
    #[serde(default)]
    stamp: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitWish {
    used: u64,
    allowed: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleWish {
    object: String,
    rule: String,
    active: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LoadWish {
    file: PathBuf,
    mapping: PathBuf,
}

fn write(org: &Org, call: &Call, parts: &[&str]) -> Done {
    match parts {
        ["act"] => Ok(json!({"id": org.act(&body::<Act>(call)?)?, "success": true})),
        ["users"] => Ok(json!({"id": org.create_user(&body::<NewUser>(call)?)?})),
        ["reset"] => org.reset().map(|()| json!({"reset": true})),
        ["forget"] => {
            org.forget();
            Ok(json!({}))
        }
        ["clock"] => Ok(body::<ClockWish>(call)?.grant(&mut org.lock().clock)),
        ["load"] => {
            let wish: LoadWish = body(call)?;
            Ok(json!(org.load(&wish.file, &wish.mapping)?))
        }
        ["delete" | "undelete" | "hard_delete" | "merge" | "clone" | "convert_lead" | "stamps"] => {
            records(org, call, parts)
        }
        ["permission_sets" | "token" | "app" | "tokens" | "token_lifetime" | "limit", ..] => {
            people(org, call, parts)
        }
        ["faults" | "locks" | "rejections" | "transactions" | "release", ..] => faults(org, call, parts),
        ["fields" | "objects" | "stages" | "rules"] => schema(org, call, parts),
        ["outbound"] => Ok(outbound(org, body(call)?)),
        _ => Err(Error::unknown("control endpoint", call.path.clone())),
    }
}

fn records(org: &Org, call: &Call, parts: &[&str]) -> Done {
    match parts {
        ["convert_lead"] => {
            let mut wish: Json = body(call)?;
            let user = wish.as_object_mut().and_then(|map| map.remove("user"));
            let user = user.as_ref().and_then(Json::as_str).ok_or_else(|| Error::bad("user is missing"))?;
            let conversion =
                serde_json::from_value(wish.clone()).map_err(|error| Error::bad(error.to_string()))?;
            Ok(json!(org.convert_lead(user, &conversion)?))
        }
        ["stamps"] => {
            let wish: Stamps = body(call)?;
            let second = |at: Option<Timestamp>| at.map(Timestamp::as_second);
            org.set_stamps(wish.id, second(wish.modified), second(wish.stamp)).map(|()| json!({}))
        }
        _ => {
            let wish: OneRecord = body(call)?;
            match parts {
                ["delete"] => org.delete(&wish.user, wish.id).map(|()| json!({})),
                ["undelete"] => org.undelete(&wish.user, wish.id).map(|()| json!({})),
                ["hard_delete"] => org.hard_delete(&wish.user, wish.id).map(|()| json!({})),
                ["merge"] => org.merge(&wish.user, wish.id, &wish.losers).map(|()| json!({})),
                _ => Ok(json!({"id": org.clone_record(&wish.user, wish.id, &wish.changes)?})),
            }
        }
    }
}

fn people(org: &Org, call: &Call, parts: &[&str]) -> Done {
    match parts {
        ["permission_sets", "assign"] => {
            let wish: SetOf = body(call)?;
            org.assign(&wish.user, &wish.set).map(|()| json!({}))
        }
        ["permission_sets", "unassign"] => {
            let wish: SetOf = body(call)?;
            org.unassign(&wish.user, &wish.set).map(|()| json!({}))
        }
        ["token"] => {
            let wish: Json = body(call)?;
            let user = wish.get("user").and_then(Json::as_str).unwrap_or_default();
            Ok(json!({"access_token": org.token_for(user)?}))
        }
        ["app"] => {
            org.set_app(body(call)?);
            Ok(json!({}))
        }
        ["tokens", "kill"] => Ok(json!({"killed": org.kill_tokens()})),
        ["tokens", "kill_refresh"] => Ok(json!({"killed": org.kill_refresh_tokens()})),
        ["token_lifetime"] => {
            let wish: Json = body(call)?;
            let seconds = wish.get("seconds").and_then(Json::as_i64);
            org.set_token_lifetime(seconds.ok_or_else(|| Error::bad("seconds is missing"))?);
            Ok(json!({}))
        }
        ["limit"] => {
            let wish: LimitWish = body(call)?;
            org.set_limit(wish.used, wish.allowed);
            Ok(json!({}))
        }
        _ => Err(Error::unknown("control endpoint", call.path.clone())),
    }
}

fn faults(org: &Org, call: &Call, parts: &[&str]) -> Done {
    let id = |json: &Json| {
        json.get("id").and_then(Json::as_str).and_then(Id::parse).ok_or_else(|| Error::bad("id is missing"))
    };
    match parts {
        ["faults"] if call.method == http::Method::DELETE => {
            org.clear_faults();
            Ok(json!({}))
        }
        ["faults", "clear"] => {
            org.clear_faults();
            Ok(json!({}))
        }
        ["faults"] => Ok(json!({"number": org.plant(body::<Fault>(call)?)})),
        ["release"] => {
            org.release();
            Ok(json!({}))
        }
        ["locks"] => {
            let wish: Json = body(call)?;
            if call.method == http::Method::DELETE {
                org.unlock_row(id(&wish)?);
            } else {
                org.lock_row(id(&wish)?);
            }
            Ok(json!({}))
        }
        ["rejections"] => {
            let wish: Rejection = body(call)?;
            org.reject_row(wish.id, wish.times, wish.error);
            Ok(json!({}))
        }
        ["transactions"] => Ok(json!({"transaction": org.open_transaction()})),
        ["transactions", number, step] => {
            let number = number.parse().map_err(|_| Error::unknown("open transaction", *number))?;
            match *step {
                "commit" => Ok(json!({"rows": org.commit_transaction(number)?})),
                "abort" => {
                    org.abort_transaction(number);
                    Ok(json!({}))
                }
                other => Err(Error::unknown("transaction step", other)),
            }
        }
        _ => Err(Error::unknown("control endpoint", call.path.clone())),
    }
}

fn schema(org: &Org, call: &Call, parts: &[&str]) -> Done {
    match parts {
        ["fields"] => {
            let wish: FieldWish = body(call)?;
            if !wish.add.is_empty() {
                org.add_fields(&wish.object, wish.add)?;
            }
            if let Some(field) = wish.remove {
                org.remove_field(&wish.object, &field)?;
            }
            if let Some((from, to)) = wish.rename {
                org.rename_field(&wish.object, &from, &to)?;
            }
            if let Some((field, read_only)) = wish.read_only {
                org.set_read_only(&wish.object, &field, read_only)?;
            }
            if let Some((field, values)) = wish.values {
                org.set_values(&wish.object, &field, values)?;
            }
            Ok(json!({}))
        }
        ["objects"] => {
            org.add_object(body::<ObjectSpec>(call)?);
            Ok(json!({}))
        }
        ["rules"] => {
            let wish: RuleWish = body(call)?;
            org.set_rule(&wish.object, &wish.rule, wish.active).map(|()| json!({}))
        }
        _ => {
            let wish: Json = body(call)?;
            let text = |name: &str| {
                wish.get(name).and_then(Json::as_str).ok_or_else(|| Error::bad("from and to are needed"))
            };
            Ok(json!({"renamed": org.rename_stage(text("from")?, text("to")?)?}))
        }
    }
}

fn outbound(org: &Org, wish: OutboundWish) -> Json {
    if let Some(endpoints) = wish.endpoints {
        org.set_outbound(endpoints, wish.fields);
    }
    if let Some(mode) = wish.mode {
        org.set_outbound_mode(mode);
    }
    if wish.release {
        org.release_outbound();
    }
    json!({})
}
