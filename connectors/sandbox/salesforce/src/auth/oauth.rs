//! `/services/oauth2/*` and `/id/*`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::hmac;
use serde_json::{Value as Json, json};

use super::jwt::Assertion;
use crate::{
    ids::Id,
    state::State,
    value::Value,
    wire::{Call, Reply},
};

type Refusal = (u16, &'static str, &'static str);

/// `POST /services/oauth2/token`.
pub(crate) fn token(state: &mut State, call: &Call) -> Reply {
    let form = call.form();
    let outcome = grant(state, call, &form);
    match outcome {
        Ok(body) => Reply::json(200, &body).with("Cache-Control", "no-store"),
        Err((status, error, description)) => {
            Reply::json(status, &json!({"error": error, "error_description": description}))
        }
    }
}

fn field<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn grant(state: &mut State, call: &Call, form: &[(String, String)]) -> Result<Json, Refusal> {
    match field(form, "grant_type") {
        Some("client_credentials") => {
            let client = client(state, call, form)?;
            let run_as = state.sessions.apps.get(&client).and_then(|app| app.run_as.clone());
            let user = run_as.and_then(|name| state.user_named(&name));
            let user = user.ok_or((400, "invalid_grant", "no client credentials user enabled"))?;
            open(state, user, &client, false)
        }
        Some("urn:ietf:params:oauth:grant-type:jwt-bearer") => {
            let (user, client) = asserted(state, form)?;
            open(state, user, &client, false)
        }
        Some("refresh_token") => refreshed(state, call, form),
        Some("password") => {
            let client = client(state, call, form)?;
            let name = field(form, "username").unwrap_or_default();
            let password = field(form, "password").unwrap_or_default();
            let user =
                state.log_in(name, password).ok_or((400, "invalid_grant", "authentication failure"))?;
            open(state, user, &client, true)
        }
        _ => Err((400, "unsupported_grant_type", "grant type not supported")),
    }
}

/// The authenticated connected app: HTTP Basic, or id and secret in the form.
fn client(state: &State, call: &Call, form: &[(String, String)]) -> Result<String, Refusal> {
    let basic =
        call.header("authorization").and_then(|header| header.strip_prefix("Basic ")).and_then(|text| {
            let decoded = String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()?;
            let (id, secret) = decoded.split_once(':')?;
            let plain =
                |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
            Some((plain(id), plain(secret)))
        });
    let (id, secret) = match basic {
        Some(pair) => pair,
        None => (
            field(form, "client_id").unwrap_or_default().to_owned(),
            field(form, "client_secret").unwrap_or_default().to_owned(),
        ),
    };
    match state.sessions.apps.get(&id) {
        None => Err((400, "invalid_client_id", "client identifier invalid")),
        Some(app) if app.client_secret != secret => {
            Err((400, "invalid_client", "invalid client credentials"))
        }
        Some(_) => Ok(id),
    }
}

fn asserted(state: &State, form: &[(String, String)]) -> Result<(Id, String), Refusal> {
    let assertion = Assertion::parse(field(form, "assertion").unwrap_or_default()).ok_or((
        400,
        "invalid_grant",
        "invalid assertion",
    ))?;
    let claims = &assertion.claims;
    let app = state.sessions.apps.get(&claims.iss).ok_or((
        400,
        "invalid_client_id",
        "client identifier invalid",
    ))?;
    if !app.public_key_pem.as_deref().is_some_and(|key| assertion.is_signed_by(key)) {
        return Err((400, "invalid_grant", "invalid assertion"));
    }
    let audience = claims.aud.as_str().unwrap_or_default().trim_end_matches('/');
    let known =
        ["https://login.salesforce.com", "https://test.salesforce.com", state.base_url.trim_end_matches('/')];
    if !known.contains(&audience) {
        return Err((400, "invalid_grant", "audience is invalid"));
    }
    let now = state.second();
    match claims.expires_at() {
        Some(at) if at > now && at <= now + 330 => {}
        _ => return Err((400, "invalid_grant", "expired authorization code")),
    }
    let user =
        state.user_named(&claims.sub).ok_or((400, "invalid_grant", "user hasn't approved this consumer"))?;
    if !state.is_active(user) {
        return Err((400, "inactive_user", "user is inactive"));
    }
    Ok((user, claims.iss.clone()))
}

fn refreshed(state: &mut State, call: &Call, form: &[(String, String)]) -> Result<Json, Refusal> {
    let given = field(form, "refresh_token").unwrap_or_default().to_owned();
    let dead = (400, "invalid_grant", "expired access/refresh token");
    let refresh = state.sessions.refresh.get(&given).cloned().ok_or(dead)?;
    let id = field(form, "client_id").unwrap_or(&refresh.client_id).to_owned();
    if id != refresh.client_id {
        return Err((400, "invalid_client_id", "client identifier invalid"));
    }
    if field(form, "client_secret").is_some() || call.header("authorization").is_some() {
        client(state, call, form)?;
    }
    let rotate = state.sessions.apps.get(&id).is_some_and(|app| app.rotate_refresh_tokens);
    if rotate {
        state.sessions.end(&given);
        return open(state, refresh.user, &id, true);
    }
    open(state, refresh.user, &id, false)
}

fn open(state: &mut State, user: Id, client: &str, with_refresh: bool) -> Result<Json, Refusal> {
    if !state.is_active(user) {
        return Err((400, "inactive_user", "user is inactive"));
    }
    let now = state.second();
    let token = state.sessions.open(state.org_id, user, client, now);
    let id = identity_url(state, user);
    let issued_at = state.now().as_millisecond().to_string();
    let secret = state.sessions.apps.get(client).map(|app| app.client_secret.clone()).unwrap_or_default();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = STANDARD.encode(hmac::sign(&key, format!("{id}{issued_at}").as_bytes()));
    let mut body = json!({
        "access_token": token, "signature": signature, "token_format": "opaque", "scope": "api refresh_token",
        "instance_url": state.base_url, "id": id, "token_type": "Bearer", "issued_at": issued_at,
    });
    if with_refresh && let Some(body) = body.as_object_mut() {
        body.insert("refresh_token".to_owned(), json!(state.sessions.open_refresh(user, client, &token)));
    }
    Ok(body)
}

fn identity_url(state: &State, user: Id) -> String {
    format!("{}/id/{}/{user}", state.base_url, state.org_id)
}

/// `/services/oauth2/revoke`: 200 without body, or the vendor's form-encoded refusal.
pub(crate) fn revoke(state: &mut State, call: &Call) -> Reply {
    let form = call.form();
    let token = field(&form, "token").or_else(|| call.param("token")).unwrap_or_default().to_owned();
    if state.sessions.end(&token) {
        return Reply::html(200, "");
    }
    Reply::text(
        400,
        "application/x-www-form-urlencoded",
        "error=unsupported_token_type&error_description=this%20token%20type%20is%20not%20supported",
    )
}

/// `/services/oauth2/introspect`.
pub(crate) fn introspect(state: &State, call: &Call) -> Reply {
    let form = call.form();
    if let Err((status, error, description)) = client(state, call, &form) {
        return Reply::json(status, &json!({"error": error, "error_description": description}));
    }
    let session = field(&form, "token").and_then(|token| state.sessions.live(token, state.second()));
    let body = session.map_or_else(
        || json!({"active": false}),
        |session| {
            json!({
                "active": true, "scope": "api", "client_id": session.client_id, "token_type": "access_token",
                "username": state.user_field(session.user, "Username").to_plain(),
                "sub": identity_url(state, session.user), "iat": session.issued_at, "nbf": session.issued_at,
                "exp": session.expires_at,
            })
        },
    );
    Reply::json(200, &body)
}

fn bearer(call: &Call) -> Option<&str> {
    call.header("authorization")
        .and_then(|header| header.split_once(' '))
        .map(|(_, token)| token)
        .or_else(|| call.param("oauth_token"))
}

/// `/services/oauth2/userinfo`.
pub(crate) fn userinfo(state: &State, call: &Call) -> Reply {
    let Some(session) = bearer(call).and_then(|token| state.sessions.live(token, state.second())) else {
        return Reply::html(403, "Bad_OAuth_Token");
    };
    let text = |name: &str| state.user_field(session.user, name).to_json();
    Reply::json(
        200,
        &json!({
            "sub": identity_url(state, session.user), "user_id": session.user, "organization_id": state.org_id,
            "preferred_username": text("Username"), "name": text("Name"), "email": text("Email"),
            "active": state.is_active(session.user), "user_type": "STANDARD",
        }),
    )
}

/// `/id/{org}/{user}`.
pub(crate) fn identity(state: &State, call: &Call) -> Reply {
    if bearer(call).and_then(|token| state.sessions.live(token, state.second())).is_none() {
        return Reply::html(403, "Bad_OAuth_Token");
    }
    let wanted = (
        call.segments.get(1).and_then(|id| Id::parse(id)),
        call.segments.get(2).and_then(|id| Id::parse(id)),
    );
    let (Some(org), Some(user)) = wanted else { return Reply::html(404, "Bad_Id") };
    if org != state.org_id || !state.logins.contains_key(&user) {
        return Reply::html(404, "Bad_Id");
    }
    let text = |name: &str| state.user_field(user, name).to_json();
    let rest = format!("{}/services/data/v{{version}}/", state.base_url);
    Reply::json(
        200,
        &json!({
            "id": identity_url(state, user), "asserted_user": true, "user_id": user, "organization_id": org,
            "username": text("Username"), "display_name": text("Name"), "email": text("Email"),
            "active": state.is_active(user), "user_type": "STANDARD",
            "urls": {"rest": rest, "query": format!("{rest}query/"), "sobjects": format!("{rest}sobjects/")},
        }),
    )
}

impl State {
    /// The user with that user name.
    pub(crate) fn user_named(&self, name: &str) -> Option<Id> {
        self.logins.keys().copied().find(|id| {
            self.user_field(*id, "Username").as_str().is_some_and(|known| known.eq_ignore_ascii_case(name))
        })
    }

    /// A field of a user's row.
    pub(crate) fn user_field(&self, user: Id, field: &str) -> Value {
        self.row(user).map_or(Value::Null, |(_, row)| self.value("User", row, field))
    }

    /// Whether the user may log in at all.
    pub(crate) fn is_active(&self, user: Id) -> bool {
        self.user_field(user, "IsActive") == Value::Bool(true)
    }

    /// The user with that name and password (a security token may follow the password).
    pub(crate) fn log_in(&self, name: &str, password: &str) -> Option<Id> {
        let user = self.user_named(name)?;
        let login = self.logins.get(&user)?;
        let fits = !login.password.is_empty() && password.starts_with(login.password.as_str());
        (fits && self.is_active(user)).then_some(user)
    }
}
