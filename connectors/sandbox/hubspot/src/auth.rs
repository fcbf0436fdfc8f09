//! Tokens: service keys and private apps, OAuth with refresh, introspection and revocation.

use std::collections::{BTreeMap, BTreeSet};

use handoff_sandbox_host::{Call, Reply};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::{Error, Refusal, state::State, when};

/// Life of an access token in seconds.
pub(crate) const LIFETIME: i64 = 1_800;

/// An OAuth app.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Client id.
    pub client_id: String,
    /// Client secret.
    pub client_secret: String,
    /// Number of the app, as `INTEGRATION` history names it.
    pub app_id: u64,
    /// What people read.
    #[serde(default)]
    pub name: String,
    /// The redirect address that codes are bound to; any when absent.
    #[serde(default)]
    pub redirect_uri: Option<String>,
    /// Scopes granted on installation; every scope when empty.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Whether each refresh makes a new refresh token and ends the old one.
    #[serde(default)]
    pub rotate_refresh_tokens: bool,
}

impl std::fmt::Debug for App {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("App").field("app_id", &self.app_id).finish_non_exhaustive()
    }
}

/// A static token: a service key or a private app's.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaticToken {
    /// The token.
    pub token: String,
    /// Number of the app, as `INTEGRATION` history names it.
    pub app_id: u64,
    /// What people read.
    #[serde(default)]
    pub name: String,
    /// Scopes; every scope when empty.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// E-mail address of the user it acts for, at user level.
    #[serde(default)]
    pub user: Option<String>,
}

impl std::fmt::Debug for StaticToken {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("StaticToken").field("app_id", &self.app_id).finish_non_exhaustive()
    }
}

/// What a token allows.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) app: u64,
    pub(crate) name: String,
    client_id: Option<String>,
    pub(crate) user: Option<u64>,
    pub(crate) user_level: bool,
    scopes: Option<BTreeSet<String>>,
    expires: Option<i64>,
}

impl Grant {
    /// Whether it counts to the account's daily limit.
    pub(crate) fn is_private(&self) -> bool {
        self.client_id.is_none()
    }

    pub(crate) fn has_any(&self, wanted: &[String]) -> bool {
        self.scopes
            .as_ref()
            .is_none_or(|scopes| wanted.is_empty() || wanted.iter().any(|scope| scopes.contains(scope)))
    }

    fn scope_list(&self) -> Vec<String> {
        match &self.scopes {
            Some(scopes) => scopes.iter().cloned().collect(),
            None => crate::seed::SCOPES.iter().map(|scope| (*scope).to_owned()).collect(),
        }
    }
}

/// A code or a refresh token.
#[derive(Debug, Clone)]
struct Installation {
    client_id: String,
    user: u64,
}

/// Apps and everything they hold.
#[derive(Debug)]
pub(crate) struct Sessions {
    pub(crate) apps: BTreeMap<String, App>,
    tokens: BTreeMap<String, Grant>,
    codes: BTreeMap<String, Installation>,
    refresh: BTreeMap<String, Installation>,
    pub(crate) lifetime: i64,
    serial: u64,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            apps: BTreeMap::new(),
            tokens: BTreeMap::new(),
            codes: BTreeMap::new(),
            refresh: BTreeMap::new(),
            lifetime: LIFETIME,
            serial: 0,
        }
    }
}

impl State {
    /// Adds or replaces a static token.
    pub(crate) fn put_token(&mut self, wish: &StaticToken) -> Result<(), Error> {
        let user = match &wish.user {
            Some(name) => Some(self.user(name)?.id),
            None => None,
        };
        let grant = Grant {
            app: wish.app_id,
            name: wish.name.clone(),
            client_id: None,
            user,
            user_level: user.is_some(),
            scopes: (!wish.scopes.is_empty()).then(|| wish.scopes.iter().cloned().collect()),
            expires: None,
        };
        self.sessions.tokens.insert(wish.token.clone(), grant);
        Ok(())
    }

    /// Takes a token away; whether it was there.
    pub(crate) fn revoke_token(&mut self, token: &str) -> bool {
        self.sessions.tokens.remove(token).is_some() | self.sessions.refresh.remove(token).is_some()
    }

    /// Ends every access token of OAuth apps; how many there were.
    pub(crate) fn kill_tokens(&mut self) -> usize {
        let before = self.sessions.tokens.len();
        self.sessions.tokens.retain(|_, grant| grant.client_id.is_none());
        before - self.sessions.tokens.len()
    }

    /// Forgets every refresh token; how many there were.
    pub(crate) fn kill_refresh_tokens(&mut self) -> usize {
        std::mem::take(&mut self.sessions.refresh).len()
    }

    /// The code that a person's consent gives an app.
    pub(crate) fn authorize(&mut self, client_id: &str, user: &str) -> Result<String, Error> {
        let user = self.user(user)?.id;
        if !self.sessions.apps.contains_key(client_id) {
            return Err(Error::unknown("app", client_id));
        }
        let code = self.secret("code");
        self.sessions.codes.insert(code.clone(), Installation { client_id: client_id.to_owned(), user });
        Ok(code)
    }

    fn secret(&mut self, what: &str) -> String {
        self.sessions.serial += 1;
        let serial = self.sessions.serial;
        format!("na1-{what}-{serial:08}-{:064x}", u128::from(serial) * 0x9e37_79b9_7f4a_7c15_f39c)
    }

    /// What the bearer of a call may do.
    pub(crate) fn grant(&self, call: &Call) -> Result<Grant, Refusal> {
        let header = call.header("authorization").unwrap_or_default();
        let token = header.strip_prefix("Bearer ").or_else(|| header.strip_prefix("bearer "));
        let grant =
            token.and_then(|token| self.sessions.tokens.get(token.trim())).ok_or_else(Refusal::no_token)?;
        let now = self.now();
        match grant.expires {
            Some(at) if at <= now => Err(Refusal::expired((now - at) / 1000, &when::iso(at))),
            Some(_) | None => Ok(grant.clone()),
        }
    }

    fn open(&mut self, app: &App, user: Option<u64>) -> String {
        let token = self.secret("access");
        let grant = Grant {
            app: app.app_id,
            name: app.name.clone(),
            client_id: Some(app.client_id.clone()),
            user,
            user_level: false,
            scopes: (!app.scopes.is_empty()).then(|| app.scopes.iter().cloned().collect()),
            expires: Some(self.now().saturating_add(self.sessions.lifetime.saturating_mul(1000))),
        };
        self.sessions.tokens.insert(token.clone(), grant);
        token
    }
}

fn oauth_error(error: &str, status: &str, description: &str) -> Refusal {
    Refusal::new(400, "", description)
        .and("error", error)
        .and("error_description", description)
        .and("status_word", status)
}

/// `POST /oauth/…/token`.
pub(crate) fn token(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let mut form = call.form();
    if call.segments.get(1).is_some_and(|version| version == "v1") {
        // Version 1 alone read the query, too.
        form.extend(call.params.iter().cloned());
    }
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let app = client(state, &field)?;
    match field("grant_type") {
        Some("authorization_code") => {
            let code = field("code").unwrap_or_default();
            let bad = || oauth_error("invalid_grant", "BAD_AUTH_CODE", "missing or unknown auth code");
            let known = state.sessions.codes.get(code).filter(|known| known.client_id == app.client_id);
            let installation = known.cloned().ok_or_else(bad)?;
            if app.redirect_uri.is_some() && app.redirect_uri.as_deref() != field("redirect_uri") {
                return Err(oauth_error(
                    "invalid_grant",
                    "BAD_REDIRECT_URI",
                    "missing or unknown redirect_uri",
                ));
            }
            state.sessions.codes.remove(code);
            let refresh = state.secret("refresh");
            state.sessions.refresh.insert(refresh.clone(), installation.clone());
            Ok(granted(state, &app, installation.user, &refresh))
        }
        Some("refresh_token") => {
            let old = field("refresh_token").unwrap_or_default().to_owned();
            let known = state.sessions.refresh.get(&old).filter(|known| known.client_id == app.client_id);
            let installation = known.cloned().ok_or_else(|| {
                let words = "refresh token is invalid, expired or revoked";
                oauth_error("invalid_grant", "BAD_REFRESH_TOKEN", words)
            })?;
            let refresh = if app.rotate_refresh_tokens {
                state.sessions.refresh.remove(&old);
                let fresh = state.secret("refresh");
                state.sessions.refresh.insert(fresh.clone(), installation.clone());
                fresh
            } else {
                old
            };
            Ok(granted(state, &app, installation.user, &refresh))
        }
        Some("client_credentials") => {
            let token = state.open(&app, None);
            Ok(Reply::json(
                200,
                &json!({
                    "access_token": token, "expires_in": state.sessions.lifetime, "token_type": "bearer",
                    "token_use": "client_credentials",
                }),
            ))
        }
        _ => Err(oauth_error("unsupported_grant_type", "BAD_GRANT_TYPE", "missing or unknown grant_type")),
    }
}

fn client<'a>(state: &State, field: &dyn Fn(&str) -> Option<&'a str>) -> Result<App, Refusal> {
    let app = field("client_id").and_then(|id| state.sessions.apps.get(id));
    let app =
        app.ok_or_else(|| oauth_error("invalid_client", "BAD_CLIENT_ID", "missing or unknown client id"))?;
    if field("client_secret") != Some(&app.client_secret) {
        return Err(oauth_error("invalid_client", "BAD_CLIENT_SECRET", "missing or invalid client secret"));
    }
    Ok(app.clone())
}

fn granted(state: &mut State, app: &App, user: u64, refresh: &str) -> Reply {
    let token = state.open(app, Some(user));
    let scopes = state.sessions.tokens.get(&token).map(Grant::scope_list).unwrap_or_default();
    Reply::json(
        200,
        &json!({
            "access_token": token, "refresh_token": refresh, "expires_in": state.sessions.lifetime,
            "token_type": "bearer", "token_use": "access_token", "hub_id": state.portal_id, "user_id": user,
            "scopes": scopes,
        }),
    )
}

/// `POST …/token/introspect`.
pub(crate) fn introspect(state: &State, call: &Call) -> Result<Reply, Refusal> {
    let form = call.form();
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    client(state, &field)?;
    let token = field("token").unwrap_or_default();
    let now = state.now();
    let body = match (state.sessions.tokens.get(token), state.sessions.refresh.get(token)) {
        (Some(grant), _) if grant.expires.is_none_or(|at| at > now) => describe(state, token, grant),
        (_, Some(installation)) => json!({
            "active": true, "token_use": "refresh_token", "hub_id": state.portal_id,
            "client_id": installation.client_id, "user_id": installation.user, "token_type": "refresh_token",
        }),
        _ => json!({"active": false}),
    };
    Ok(Reply::json(200, &body))
}

fn describe(state: &State, token: &str, grant: &Grant) -> Json {
    let left = grant.expires.map(|at| (at - state.now()) / 1000);
    let user = grant.user.and_then(|user| state.users.get(&user)).map(|user| user.email.clone());
    json!({
        "active": true, "token_use": "access_token", "hub_id": state.portal_id, "app_id": grant.app, "token": token,
        "client_id": grant.client_id, "scopes": grant.scope_list(), "user_id": grant.user, "user": user,
        "expires_in": left, "token_type": "access", "hub_domain": "northwind-peak.example",
    })
}

/// `POST …/token/revoke`.
pub(crate) fn revoke(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let form = call.form();
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    client(state, &field)?;
    state.revoke_token(field("token").unwrap_or_default());
    Ok(Reply::empty(204))
}

/// Addresses of version 1 and 2 that describe or delete a token.
pub(crate) fn token_info(state: &mut State, call: &Call) -> Result<Reply, Refusal> {
    let unknown = || Refusal::new(404, "", "missing or invalid access token");
    match call.parts().as_slice() {
        ["oauth", "v1", "access-tokens", token] => {
            let grant = state.sessions.tokens.get(*token).ok_or_else(unknown)?;
            Ok(Reply::json(200, &describe(state, token, grant)))
        }
        ["oauth", "v1", "refresh-tokens", token] if call.method == http::Method::DELETE => {
            state.revoke_token(token);
            Ok(Reply::empty(204))
        }
        ["oauth", "v1", "refresh-tokens", token] => {
            let known = state.sessions.refresh.get(*token).ok_or_else(unknown)?;
            Ok(Reply::json(
                200,
                &json!({
                    "token": token, "client_id": known.client_id, "hub_id": state.portal_id, "user_id": known.user,
                    "token_type": "refresh",
                }),
            ))
        }
        _ => {
            let body: Json = serde_json::from_slice(&call.body).map_err(|_| Refusal::bad_json())?;
            let token = ["tokenKey", "token"].iter().find_map(|name| body.get(name)?.as_str());
            let grant = token.and_then(|token| state.sessions.tokens.get(token)).ok_or_else(unknown)?;
            Ok(Reply::json(
                200,
                &json!({
                    "userId": grant.user, "hubId": state.portal_id, "appId": grant.app, "scopes": grant.scope_list(),
                }),
            ))
        }
    }
}
