//! `/_sandbox`: the control interface over HTTP. Everything here is a method of [`Workspace`] as well.

use std::{net::IpAddr, path::PathBuf};

use handoff_sandbox_host::{
    Call, Fault, Reply,
    control::{ClockWish, body, since},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::{
    AccessKey, Action, App, CallSpec, Error, Firing, OutboundMode, Pace, Passage, Rule, Tracker, TrustedIps,
    User, Workspace, WorkspaceInfo,
};

type Done = Result<Json, Error>;

/// Answers a control request.
pub(crate) async fn answer(workspace: &Workspace, call: &Call) -> Reply {
    let all = call.parts();
    let parts = all.get(1..).unwrap_or_default();
    if parts == ["outbound", "settled"] {
        workspace.outbound_settled().await;
        return Reply::json(200, &json!({"settled": true}));
    }
    let refused = |status: u16, text: String| Reply::json(status, &json!({"errors": [text]}));
    let done = match call.method.as_str() {
        "GET" => read(workspace, call, parts),
        "POST" => write(workspace, call, parts),
        method => return refused(405, format!("{method} is not allowed; GET and POST are")),
    };
    match done {
        Ok(body) => Reply::json(200, &body),
        Err(error @ Error::Unknown { .. }) => refused(404, error.to_string()),
        Err(error) => refused(400, error.to_string()),
    }
}

fn read(workspace: &Workspace, call: &Call, parts: &[&str]) -> Done {
    Ok(match parts {
        [] => json!({"sandbox": "gong", "workspace": workspace.id(), "now": workspace.now()}),
        ["clock"] => json!({"now": workspace.now()}),
        ["writes"] => json!(workspace.writes()),
        ["tripped"] => json!(workspace.tripped()),
        ["journal"] => {
            let entries = workspace.journal().into_iter().filter(|entry| entry.seq > since(call));
            json!(entries.collect::<Vec<_>>())
        }
        ["calls"] => json!(workspace.calls()),
        ["held"] => json!(workspace.call_ids()),
        ["held", id] => json!(workspace.call(id).ok_or_else(|| Error::unknown("call", *id))?),
        ["associations"] => json!(workspace.associations()),
        ["deliveries"] => json!(workspace.deliveries()),
        ["faults"] => json!(workspace.faults()),
        ["rules", number, "public_key"] => json!({"public_key": workspace.public_key(numbered(number)?)?}),
        _ => return Err(Error::unknown("control endpoint", call.path.clone())),
    })
}

fn numbered(text: &str) -> Result<usize, Error> {
    text.parse().map_err(|_| Error::unknown("rule", text))
}

fn wish<'a, T: Deserialize<'a>>(call: &'a Call) -> Result<T, Error> {
    body(call).map_err(Error::bad)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Relink {
    call: String,
    user: String,
    #[serde(default = "salesforce")]
    system: String,
    #[serde(default)]
    account: Option<String>,
    #[serde(default)]
    deal: Option<String>,
}

fn salesforce() -> String {
    "Salesforce".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneCall {
    call: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Privacy {
    call: String,
    private: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTranscript {
    call: String,
    transcript: Vec<Passage>,
    #[serde(default)]
    at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Moments {
    call: String,
    #[serde(default)]
    processed: Option<Timestamp>,
    #[serde(default)]
    details: Option<Timestamp>,
    #[serde(default)]
    transcript: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Files {
    #[serde(default)]
    jsonl: Option<PathBuf>,
    #[serde(default)]
    webhook: Option<PathBuf>,
    #[serde(default)]
    transcripts: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allowance {
    #[serde(default)]
    pace: Option<Pace>,
    #[serde(default)]
    used: Option<u64>,
    #[serde(default)]
    per_day: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MannersWish {
    #[serde(default)]
    cursor_life: Option<i64>,
    #[serde(default)]
    details_lag: Option<i64>,
    #[serde(default)]
    unknown_fields: Option<bool>,
    #[serde(default)]
    utc_offset_hours: Option<i8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccessWish {
    #[serde(default)]
    key: Option<AccessKey>,
    #[serde(default)]
    delete_key: Option<String>,
    #[serde(default)]
    app: Option<App>,
    #[serde(default)]
    approves: Option<bool>,
    #[serde(default)]
    token_lifetime: Option<i64>,
    #[serde(default)]
    trusted: Option<TrustedIps>,
    #[serde(default)]
    appear_from: Option<IpAddr>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutboundWish {
    #[serde(default)]
    mode: Option<OutboundMode>,
    #[serde(default)]
    release: bool,
}

#[derive(Deserialize)]
struct FireWish {
    call: String,
    #[serde(flatten)]
    firing: Firing,
}

fn write(workspace: &Workspace, call: &Call, parts: &[&str]) -> Done {
    let done = json!({"done": true});
    match parts {
        ["clock"] => {
            let granted = wish::<ClockWish>(call)?.grant(&mut workspace.lock().clock);
            workspace.shared.wake.notify_one();
            return Ok(granted);
        }
        ["held"] => return Ok(json!({"id": workspace.add_call(wish::<CallSpec>(call)?)?})),
        ["held", "remove"] => workspace.remove_call(&wish::<OneCall>(call)?.call)?,
        ["private"] => {
            let wanted: Privacy = wish(call)?;
            workspace.set_private(&wanted.call, wanted.private)?;
        }
        ["moments"] => {
            let Moments { call, processed, details, transcript } = wish(call)?;
            workspace.set_moments(&call, processed, details, transcript)?;
        }
        ["transcripts"] => {
            let wanted: NewTranscript = wish(call)?;
            workspace.set_transcript(&wanted.call, wanted.transcript, wanted.at)?;
        }
        ["transcripts", "remove"] => workspace.delete_transcript(&wish::<OneCall>(call)?.call)?,
        ["relink"] => {
            let Relink { call, user, system, account, deal } = wish(call)?;
            workspace.relink(&call, &user, &system, account.as_deref(), deal.as_deref())?;
        }
        ["users"] => return Ok(json!({"id": workspace.add_user(wish::<User>(call)?)})),
        ["trackers"] => return Ok(json!({"id": workspace.add_tracker(wish::<Tracker>(call)?)})),
        ["workspaces"] => return Ok(json!({"id": workspace.add_workspace(wish::<WorkspaceInfo>(call)?)})),
        ["load"] => return load(workspace, &wish(call)?),
        ["token"] => return Ok(json!(workspace.grant())),
        ["tokens", "kill"] => return Ok(json!({"killed": workspace.kill_tokens()})),
        ["tokens", "kill_refresh"] => return Ok(json!({"killed": workspace.kill_refresh_tokens()})),
        ["access"] => access(workspace, wish(call)?)?,
        ["allowance"] => allowance(workspace, &wish(call)?),
        ["manners"] => manners(workspace, &wish(call)?)?,
        ["faults"] => return Ok(json!({"fault": workspace.plant(wish::<Fault<Action>>(call)?)})),
        ["faults", "clear"] => workspace.clear_faults(),
        ["release"] => workspace.release(),
        ["rules"] => return Ok(json!({"rule": workspace.add_rule(wish::<Rule>(call)?)?})),
        ["outbound"] => {
            let wanted: OutboundWish = wish(call)?;
            if let Some(mode) = wanted.mode {
                workspace.set_outbound_mode(mode);
            }
            if wanted.release {
                workspace.release_outbound();
            }
        }
        ["fire"] => {
            let wanted: FireWish = wish(call)?;
            workspace.fire(&wanted.call, wanted.firing)?;
        }
        ["forget"] => workspace.forget(),
        ["reset"] => workspace.reset()?,
        _ => return Err(Error::unknown("control endpoint", call.path.clone())),
    }
    Ok(done)
}

fn load(workspace: &Workspace, files: &Files) -> Done {
    let mut ids = Vec::new();
    if let Some(file) = &files.jsonl {
        ids.extend(workspace.load_jsonl(file)?);
    }
    if let Some(file) = &files.webhook {
        ids.push(workspace.load_webhook(file)?);
    }
    let transcripts = files.transcripts.as_ref().map(|file| workspace.load_transcripts(file)).transpose()?;
    Ok(json!({"ids": ids, "transcripts": transcripts}))
}

fn access(workspace: &Workspace, wanted: AccessWish) -> Result<(), Error> {
    if let Some(trusted) = &wanted.trusted {
        workspace.set_trusted(trusted)?;
    }
    if let Some(key) = wanted.key {
        workspace.set_key(key);
    }
    if let Some(key) = &wanted.delete_key {
        workspace.delete_key(key);
    }
    if let Some(app) = wanted.app {
        workspace.set_app(app);
    }
    if let Some(approves) = wanted.approves {
        workspace.set_approval(approves);
    }
    if let Some(seconds) = wanted.token_lifetime {
        workspace.set_token_lifetime(seconds);
    }
    if let Some(address) = wanted.appear_from {
        workspace.appear_from(address);
    }
    Ok(())
}

fn allowance(workspace: &Workspace, wanted: &Allowance) {
    if let Some(pace) = wanted.pace {
        workspace.set_pace(pace);
    }
    if wanted.used.is_some() || wanted.per_day.is_some() {
        workspace.set_limit(wanted.used.unwrap_or(0), wanted.per_day.unwrap_or(10_000));
    }
}

fn manners(workspace: &Workspace, wanted: &MannersWish) -> Result<(), Error> {
    if let Some(seconds) = wanted.cursor_life {
        workspace.set_cursor_life(seconds);
    }
    if let Some(seconds) = wanted.details_lag {
        workspace.set_details_lag(seconds);
    }
    if let Some(on) = wanted.unknown_fields {
        workspace.set_unknown_fields(on);
    }
    wanted.utc_offset_hours.map_or(Ok(()), |hours| workspace.set_utc_offset(hours))
}
