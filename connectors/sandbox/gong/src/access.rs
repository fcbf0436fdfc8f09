//! Who may call: access keys, OAuth tokens, trusted addresses, and the host a token belongs to.

mod network;
mod oauth;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use handoff_sandbox_host::Call;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(crate) use network::Networks;
pub(crate) use oauth::{authorize, token};

use crate::envelope::Refusal;

/// An access key, made by a tech admin.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessKey {
    /// The key: the user name of Basic authentication.
    pub key: String,
    /// Its secret: the password.
    pub secret: String,
    /// Its owner sees calls; one who does not gets the same 404 as an empty window.
    #[serde(default = "yes")]
    pub sees_calls: bool,
    /// When it stops working.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

const fn yes() -> bool {
    true
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("AccessKey").field("sees_calls", &self.sees_calls).finish_non_exhaustive()
    }
}

/// An OAuth app that the company granted access.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Client id.
    pub client_id: String,
    /// Client secret.
    pub client_secret: String,
    /// Where codes may be sent; anywhere when empty.
    #[serde(default)]
    pub redirect_uris: Vec<String>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("App").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// A pair of tokens, as the token endpoint gives it.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Tokens {
    /// For `Authorization: Bearer …`.
    pub access_token: String,
    /// Good for one refresh.
    pub refresh_token: String,
    /// Seconds that the access token lives.
    pub expires_in: i64,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Tokens").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

/// Addresses that may call, kept apart by what they call with; an empty list lets everyone in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrustedIps {
    /// With an access key: addresses, `a.b.c.d/n`, or `a-b`; of both families.
    pub keys: Vec<String>,
    /// With an OAuth access token.
    pub access_tokens: Vec<String>,
    /// With an OAuth refresh token.
    pub refresh_tokens: Vec<String>,
}

/// The scopes an app can ask for that its calls here need.
pub(crate) const SCOPES: [&str; 8] = [
    "api:calls:read:basic",
    "api:calls:read:extensive",
    "api:calls:read:transcript",
    "api:calls:read:media-url",
    "api:users:read",
    "api:workspaces:read",
    "api:settings:trackers:read",
    "api:crm-calls:manual-association:read",
];

#[derive(Clone)]
struct Session {
    scopes: Vec<String>,
    expires_at: i64,
    alive: bool,
}

#[derive(Clone)]
struct Refresh {
    access: String,
    scopes: Vec<String>,
    spent: bool,
}

#[derive(Clone)]
struct Code {
    client_id: String,
    redirect_uri: String,
    scopes: Vec<String>,
    expires_at: i64,
}

/// Keys, apps, and every token ever issued.
pub(crate) struct Access {
    pub(crate) keys: BTreeMap<String, AccessKey>,
    pub(crate) apps: BTreeMap<String, App>,
    /// The host that tokens are good on, without port; any when `None`.
    pub(crate) customer_host: Option<String>,
    /// Users and workspaces refuse bad credentials with 403, as the vendor's own description says.
    pub(crate) declared_403: bool,
    /// Where calls seem to come from.
    pub(crate) caller: IpAddr,
    pub(crate) keys_from: Networks,
    pub(crate) tokens_from: Networks,
    pub(crate) refresh_from: Networks,
    /// Seconds that access tokens issued from now on live.
    pub(crate) lifetime: i64,
    /// Whether the admin approves an app that asks.
    pub(crate) approves: bool,
    codes: BTreeMap<String, Code>,
    sessions: BTreeMap<String, Session>,
    refresh: BTreeMap<String, Refresh>,
    issued: u64,
}

impl Default for Access {
    fn default() -> Self {
        Self {
            keys: BTreeMap::new(),
            apps: BTreeMap::new(),
            customer_host: None,
            declared_403: false,
            caller: IpAddr::V4(Ipv4Addr::LOCALHOST),
            keys_from: Networks::default(),
            tokens_from: Networks::default(),
            refresh_from: Networks::default(),
            lifetime: 24 * 3_600,
            approves: true,
            codes: BTreeMap::new(),
            sessions: BTreeMap::new(),
            refresh: BTreeMap::new(),
            issued: 0,
        }
    }
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) sees_calls: bool,
}

impl Access {
    /// The caller of a vendor endpoint, or why he is refused.
    pub(crate) fn caller_of(&self, call: &Call, kind: &str, now: i64) -> Result<Caller, Refusal> {
        let denied = |text: &str| {
            let declared = self.declared_403 && matches!(kind, "users" | "users_extensive" | "workspaces");
            Refusal::new(if declared { 403 } else { 401 }, text)
        };
        let header = call.header("authorization").unwrap_or_default();
        if let Some(basic) = header.strip_prefix("Basic ") {
            let (key, secret) = pair(basic).ok_or_else(|| denied("Failed to verify credentials"))?;
            let known = self.keys.get(&key).filter(|known| known.secret == secret);
            let known = known.ok_or_else(|| denied("Failed to verify credentials"))?;
            if known.expires_at.is_some_and(|at| at.as_second() <= now) {
                return Err(denied("Access key has expired"));
            }
            self.trusted(&self.keys_from)?;
            return Ok(Caller { sees_calls: known.sees_calls });
        }
        let Some(token) = header.strip_prefix("Bearer ") else {
            return Err(denied("Failed to verify credentials"));
        };
        let session = self.sessions.get(token).filter(|session| session.alive);
        let session = session.ok_or_else(|| denied("access token has been revoked"))?;
        if !self.is_own_host(call) {
            return Err(denied("access token has been revoked"));
        }
        if session.expires_at <= now {
            return Err(denied("access token has expired"));
        }
        self.trusted(&self.tokens_from)?;
        match scope_of(kind) {
            Some(scope) if !session.scopes.iter().any(|held| held == scope) => {
                Err(Refusal::new(403, format!("Access denied: the token lacks the scope {scope}")))
            }
            Some(_) | None => Ok(Caller { sees_calls: true }),
        }
    }

    fn is_own_host(&self, call: &Call) -> bool {
        let Some(own) = &self.customer_host else { return true };
        let host = call.header("host").unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        name.eq_ignore_ascii_case(own)
    }

    fn trusted(&self, networks: &Networks) -> Result<(), Refusal> {
        if networks.admit(self.caller) { Ok(()) } else { Err(Refusal::new(403, "IP address is not trusted")) }
    }

    fn secret(&mut self, purpose: &str) -> String {
        self.issued += 1;
        URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{purpose}:{}", self.issued)))
    }

    /// A fresh pair of tokens.
    pub(crate) fn open(&mut self, scopes: Vec<String>, now: i64) -> Tokens {
        let tokens = Tokens {
            access_token: self.secret("access"),
            refresh_token: self.secret("refresh"),
            expires_in: self.lifetime,
        };
        let session =
            Session { scopes: scopes.clone(), expires_at: now.saturating_add(self.lifetime), alive: true };
        self.sessions.insert(tokens.access_token.clone(), session);
        let refresh = Refresh { access: tokens.access_token.clone(), scopes, spent: false };
        self.refresh.insert(tokens.refresh_token.clone(), refresh);
        tokens
    }

    /// Ends every access token; how many were alive.
    pub(crate) fn kill_access(&mut self) -> usize {
        let mut killed = 0;
        for session in self.sessions.values_mut().filter(|session| session.alive) {
            session.alive = false;
            killed += 1;
        }
        killed
    }

    /// Forgets every refresh token; how many there were.
    pub(crate) fn kill_refresh(&mut self) -> usize {
        let count = self.refresh.values().filter(|refresh| !refresh.spent).count();
        self.refresh.clear();
        count
    }
}

/// User name and password of Basic authentication.
fn pair(text: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()?;
    decoded.split_once(':').map(|(name, secret)| (name.to_owned(), secret.to_owned()))
}

fn scope_of(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "calls" | "call" => "api:calls:read:basic",
        "extensive" => "api:calls:read:extensive",
        "transcripts" => "api:calls:read:transcript",
        "users" | "users_extensive" => "api:users:read",
        "workspaces" => "api:workspaces:read",
        "trackers" => "api:settings:trackers:read",
        "associations" => "api:crm-calls:manual-association:read",
        _ => return None,
    })
}
