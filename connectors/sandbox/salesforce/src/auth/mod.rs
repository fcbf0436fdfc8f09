//! Sessions, connected apps, and the log-in endpoints.

mod jwt;
mod oauth;
mod soap;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub(crate) use oauth::{identity, introspect, revoke, token, userinfo};
pub(crate) use soap::login as soap_login;

use crate::ids::Id;

/// A connected app.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// Consumer key.
    pub client_id: String,
    /// Consumer secret.
    pub client_secret: String,
    /// User name that client-credentials sessions run as.
    #[serde(default)]
    pub run_as: Option<String>,
    /// RSA public key (PEM, `PUBLIC KEY` or `RSA PUBLIC KEY`) that JWT assertions are verified with.
    #[serde(default)]
    pub public_key_pem: Option<String>,
    /// Refresh tokens rotate: each exchange ends the previous session and token.
    #[serde(default)]
    pub rotate_refresh_tokens: bool,
}

impl std::fmt::Debug for App {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("App").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

#[derive(Clone)]
pub(crate) struct Session {
    pub(crate) user: Id,
    pub(crate) client_id: String,
    pub(crate) issued_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) alive: bool,
}

#[derive(Clone)]
struct Refresh {
    user: Id,
    client_id: String,
    session: String,
}

/// Every session and refresh token ever issued.
pub(crate) struct Sessions {
    pub(crate) apps: BTreeMap<String, App>,
    pub(crate) lifetime: i64,
    pub(crate) seed: u64,
    all: BTreeMap<String, Session>,
    refresh: BTreeMap<String, Refresh>,
    issued: u64,
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            apps: BTreeMap::new(),
            lifetime: 2 * 3600,
            seed: 0,
            all: BTreeMap::new(),
            refresh: BTreeMap::new(),
            issued: 0,
        }
    }
}

impl Sessions {
    fn secret(&mut self, purpose: &str) -> String {
        self.issued += 1;
        let digest = Sha256::digest(format!("{purpose}:{}:{}", self.seed, self.issued));
        base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, digest)
    }

    /// A new session for a user; the access token.
    pub(crate) fn open(&mut self, org: Id, user: Id, client_id: &str, now: i64) -> String {
        let short = org.as_str().get(..15).unwrap_or_default().to_owned();
        let token = format!("{short}!AQ{}", self.secret("access"));
        let session = Session {
            user,
            client_id: client_id.to_owned(),
            issued_at: now,
            expires_at: now.saturating_add(self.lifetime),
            alive: true,
        };
        self.all.insert(token.clone(), session);
        token
    }

    fn open_refresh(&mut self, user: Id, client_id: &str, session: &str) -> String {
        let token = format!("5Aep{}", self.secret("refresh"));
        let refresh = Refresh { user, client_id: client_id.to_owned(), session: session.to_owned() };
        self.refresh.insert(token.clone(), refresh);
        token
    }

    /// The live session of a token.
    pub(crate) fn live(&self, token: &str, now: i64) -> Option<&Session> {
        self.all.get(token).filter(|session| session.alive && now < session.expires_at)
    }

    /// Whose session it is or was.
    pub(crate) fn user_of(&self, token: &str) -> Option<Id> {
        self.all.get(token).map(|session| session.user)
    }

    /// Ends every access token, of one user or of all; how many were alive.
    pub(crate) fn kill(&mut self, user: Option<Id>) -> usize {
        let mut killed = 0;
        for session in self.all.values_mut() {
            if session.alive && user.is_none_or(|user| session.user == user) {
                session.alive = false;
                killed += 1;
            }
        }
        killed
    }

    /// Forgets every refresh token.
    pub(crate) fn kill_refresh(&mut self) -> usize {
        let count = self.refresh.len();
        self.refresh.clear();
        count
    }

    /// Ends one token of either kind; false when it is unknown.
    fn end(&mut self, token: &str) -> bool {
        if let Some(refresh) = self.refresh.remove(token) {
            if let Some(session) = self.all.get_mut(&refresh.session) {
                session.alive = false;
            }
            return true;
        }
        self.all.get_mut(token).is_some_and(|session| {
            session.alive = false;
            true
        })
    }
}
