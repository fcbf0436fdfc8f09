//! `/oauth2/authorize` and `/oauth2/generate-customer-token`.

use handoff_sandbox_host::{Call, Reply};
use serde_json::{Value as Json, json};

use super::{Code, SCOPES, pair};
use crate::{state::State, tripwire::Wire};

/// Seconds that a code lives.
const CODE_LIFE: i64 = 600;

/// A refusal of the token endpoint: status, error, description.
type Refused = (u16, &'static str, &'static str);

/// Sends the browser back with a code, or with the admin's refusal.
pub(crate) fn authorize(state: &mut State, call: &Call) -> Reply {
    let given = |name: &str| call.param(name).unwrap_or_default();
    let (client_id, redirect_uri) = (given("client_id"), given("redirect_uri"));
    let Some(app) = state.access.apps.get(client_id) else {
        return Reply::html(400, "<html><body>Unknown client_id</body></html>");
    };
    let known = app.redirect_uris.is_empty() || app.redirect_uris.iter().any(|uri| uri == redirect_uri);
    let Some(mut target) = url::Url::parse(redirect_uri).ok().filter(|_| known) else {
        return Reply::html(400, "<html><body>Invalid redirect_uri</body></html>");
    };
    let scopes: Vec<String> = given("scope").split_whitespace().map(str::to_owned).collect();
    let error = if given("response_type") != "code" {
        Some("unsupported_response_type")
    } else if scopes.is_empty() || scopes.iter().any(|scope| !SCOPES.contains(&scope.as_str())) {
        Some("invalid_scope")
    } else if state.access.approves {
        None
    } else {
        Some("access_denied")
    };
    if let Some(error) = error {
        target.query_pairs_mut().append_pair("error", error);
    } else {
        let code = state.access.secret("code");
        let entry = Code {
            client_id: client_id.to_owned(),
            redirect_uri: redirect_uri.to_owned(),
            scopes,
            expires_at: state.second().saturating_add(CODE_LIFE),
        };
        state.access.codes.insert(code.clone(), entry);
        target.query_pairs_mut().append_pair("code", &code);
    }
    if let Some(echo) = call.param("state") {
        target.query_pairs_mut().append_pair("state", echo);
    }
    Reply::empty(302).with("Location", target.to_string())
}

/// Gives a pair of tokens for a code or a refresh token; parameters in the query or in a form body.
pub(crate) fn token(state: &mut State, call: &Call) -> Reply {
    match grant(state, call) {
        Ok(body) => Reply::json(200, &body).with("Cache-Control", "no-store"),
        Err((status, error, description)) => {
            Reply::json(status, &json!({"error": error, "error_description": description}))
        }
    }
}

fn grant(state: &mut State, call: &Call) -> Result<Json, Refused> {
    let form = call.form();
    let given = |name: &str| {
        let sent = form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        call.param(name).or(sent).unwrap_or_default().to_owned()
    };
    let stranger = (401, "invalid_client", "Client authentication failed");
    let basic = call.header("authorization").and_then(|header| header.strip_prefix("Basic ")).and_then(pair);
    let (client_id, secret) = basic.ok_or(stranger)?;
    let app = state.access.apps.get(&client_id).ok_or(stranger)?;
    if app.client_secret != secret {
        return Err(stranger);
    }
    let now = state.second();
    let scopes = match given("grant_type").as_str() {
        "authorization_code" => {
            let code = state.access.codes.remove(&given("code"));
            let code = code.ok_or((400, "invalid_grant", "The code is unknown or was used"))?;
            if code.client_id != client_id || code.redirect_uri != given("redirect_uri") {
                return Err((400, "invalid_grant", "The code was issued to another client or redirect_uri"));
            }
            if code.expires_at <= now {
                return Err((400, "invalid_grant", "The code has expired"));
            }
            code.scopes
        }
        "refresh_token" => refreshed(state, call, &given("refresh_token"))?,
        _ => return Err((400, "unsupported_grant_type", "grant_type is not supported")),
    };
    let tokens = state.access.open(scopes.clone(), now);
    Ok(json!({
        "access_token": tokens.access_token, "refresh_token": tokens.refresh_token,
        "expires_in": tokens.expires_in, "token_type": "bearer", "scope": scopes.join(" "),
        "api_base_url_for_customer": state.customer_base_url(),
    }))
}

/// Spends a refresh token and ends the access token that came with it; its scopes.
fn refreshed(state: &mut State, call: &Call, token: &str) -> Result<Vec<String>, Refused> {
    if !state.access.refresh_from.admit(state.access.caller) {
        return Err((403, "access_denied", "IP address is not trusted"));
    }
    let Some(refresh) = state.access.refresh.get_mut(token) else {
        return Err((400, "invalid_grant", "The refresh token is unknown"));
    };
    if refresh.spent {
        state.wires.touch(Wire::SpentRefreshToken, call.number, "token: a refresh token came twice");
        return Err((400, "invalid_grant", "The refresh token was used"));
    }
    refresh.spent = true;
    let (access, scopes) = (refresh.access.clone(), refresh.scopes.clone());
    if let Some(session) = state.access.sessions.get_mut(&access) {
        session.alive = false;
    }
    Ok(scopes)
}

impl State {
    /// What the token endpoint says to call from then on.
    pub(crate) fn customer_base_url(&self) -> String {
        let Some(host) = &self.access.customer_host else { return self.base_url.clone() };
        let Ok(mut url) = url::Url::parse(&self.base_url) else { return self.base_url.clone() };
        if url.set_host(Some(host)).is_err() {
            return self.base_url.clone();
        }
        url.as_str().trim_end_matches('/').to_owned()
    }
}
