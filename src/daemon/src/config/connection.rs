//! A connection as an admin writes it.

use std::time::Duration;

use handoff_connector::AuthKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretRef;
use super::vendor::{self, Vendor};

/// One CRM org or portal, or one company's recorded calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// Connector name: `salesforce`, `hubspot` or `gong`.
    pub connector: String,
    /// Host to log in at and to call, e.g. `https://acme.my.salesforce.com` or `https://us-12345.api.gong.io`; absent = `https://api.hubapi.com` for HubSpot, the others have no default.
    #[serde(default)]
    pub login_url: Option<String>,
    /// How to log in.
    pub auth: Auth,
    /// API version; absent = the connector's.
    #[serde(default)]
    pub api_version: Option<String>,
    /// The org this must be (Salesforce: 18-character organization id; HubSpot: Hub ID); a token of another org is refused. Gong tells none.
    #[serde(default)]
    pub org_id: Option<String>,
    /// Secrets that prove webhook deliveries (Salesforce: a key in the address; HubSpot: the app's client secret; Gong: the automation rule's public key); two while one is rotated; empty = webhooks are refused.
    #[serde(default)]
    pub webhook_secrets: Vec<SecretRef>,
    /// The public address that the vendor sends deliveries to and signs; required with `webhook_secrets` where the vendor signs (HubSpot, Gong).
    #[serde(default)]
    pub webhook_url: Option<String>,
    /// How deliveries prove where they come from (Gong only).
    #[serde(default)]
    pub webhook_proof: WebhookProof,
    /// Our app's id as it stands behind our own writes in property history, digits (HubSpot only); absent = not known, and whatever app writes counts as a machine.
    #[serde(default)]
    pub app_id: Option<String>,
    /// Only calls of this workspace: its id (Gong only).
    #[serde(default)]
    pub workspace: Option<String>,
    /// Days that every pass over calls looks back (Gong only); absent = 7.
    #[serde(default)]
    pub lookback_days: Option<u16>,
    /// Seconds between polls; absent = 60, for Gong 900.
    #[serde(default)]
    pub poll_seconds: Option<u32>,
    /// Share of the org's daily API calls that this daemon may use, in percent; absent = 10, for Gong 50.
    #[serde(default)]
    pub daily_share_percent: Option<u8>,
    /// Seconds that every poll of a CRM looks back, for rows that became visible late.
    #[serde(default = "overlap_seconds")]
    pub overlap_seconds: u32,
}

fn overlap_seconds() -> u32 {
    600
}

impl Connection {
    /// A connection with everything else as if left out.
    pub fn new(connector: &str, login_url: &str, auth: Auth) -> Self {
        Self {
            connector: connector.to_owned(),
            login_url: Some(login_url.to_owned()),
            auth,
            api_version: None,
            org_id: None,
            webhook_secrets: Vec::new(),
            webhook_url: None,
            webhook_proof: WebhookProof::default(),
            app_id: None,
            workspace: None,
            lookback_days: None,
            poll_seconds: None,
            daily_share_percent: None,
            overlap_seconds: overlap_seconds(),
        }
    }

    /// What its vendor is like; `None` = there is no such connector.
    pub(crate) fn vendor(&self) -> Option<&'static Vendor> {
        vendor::find(&self.connector)
    }

    /// Where to call; `None` = it has to be written and is not.
    pub(crate) fn address(&self) -> Option<&str> {
        self.login_url.as_deref().or_else(|| self.vendor()?.address)
    }

    /// Time between polls.
    pub(crate) fn poll_every(&self) -> Duration {
        let default = self.vendor().map_or(60, |vendor| vendor.poll_seconds);
        Duration::from_secs(u64::from(self.poll_seconds.unwrap_or(default).max(1)))
    }

    /// Share of the org's daily calls, 1 to 100.
    pub(crate) fn daily_share(&self) -> u32 {
        let default = self.vendor().map_or(10, |vendor| vendor.daily_share_percent);
        u32::from(self.daily_share_percent.unwrap_or(default).clamp(1, 100))
    }
}

/// How a delivery proves where it comes from, where the vendor offers a choice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookProof {
    /// The vendor signs it.
    #[default]
    Signature,
    /// A key stands in the address.
    KeyInAddress,
}

/// How to log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    /// OAuth 2.0 client credentials (Salesforce).
    ClientCredentials {
        /// Consumer key.
        client_id: SecretRef,
        /// Consumer secret.
        client_secret: SecretRef,
    },
    /// OAuth 2.0 JWT bearer (Salesforce).
    JwtBearer {
        /// Consumer key.
        client_id: SecretRef,
        /// User to act as.
        username: String,
        /// Audience: the login host.
        audience: String,
        /// RSA private key, PEM (PKCS#8).
        private_key: SecretRef,
    },
    /// OAuth 2.0 refresh token (all).
    RefreshToken {
        /// Consumer key.
        client_id: SecretRef,
        /// Consumer secret, for confidential clients.
        #[serde(default)]
        client_secret: Option<SecretRef>,
        /// First refresh token; rotated ones are kept in the state directory.
        refresh_token: SecretRef,
        /// Token endpoint; absent = the vendor's.
        #[serde(default)]
        token_url: Option<String>,
    },
    /// A token that does not expire (HubSpot: service key or private app).
    StaticToken {
        /// The token.
        token: SecretRef,
    },
    /// An access key and its secret (Gong).
    AccessKey {
        /// The access key.
        key: SecretRef,
        /// Its secret.
        secret: SecretRef,
    },
}

impl Auth {
    /// What a connector's description calls it.
    pub(crate) fn kind(&self) -> AuthKind {
        match self {
            Self::ClientCredentials { .. } => AuthKind::ClientCredentials,
            Self::JwtBearer { .. } => AuthKind::JwtBearer,
            Self::RefreshToken { .. } => AuthKind::RefreshToken,
            Self::StaticToken { .. } => AuthKind::StaticToken,
            Self::AccessKey { .. } => AuthKind::AccessKey,
        }
    }

    /// Its secrets by key.
    pub(crate) fn secrets(&self) -> Vec<(&'static str, &SecretRef)> {
        match self {
            Self::ClientCredentials { client_id, client_secret } => {
                vec![("client_id", client_id), ("client_secret", client_secret)]
            }
            Self::JwtBearer { client_id, private_key, .. } => {
                vec![("client_id", client_id), ("private_key", private_key)]
            }
            Self::RefreshToken { client_id, client_secret, refresh_token, .. } => {
                let secret = client_secret.as_ref().map(|secret| ("client_secret", secret));
                let both = [("client_id", client_id), ("refresh_token", refresh_token)];
                both.into_iter().chain(secret).collect()
            }
            Self::StaticToken { token } => vec![("token", token)],
            Self::AccessKey { key, secret } => vec![("key", key), ("secret", secret)],
        }
    }
}

/// A way to log in as configuration writes it.
pub(crate) fn word(kind: AuthKind) -> &'static str {
    match kind {
        AuthKind::ClientCredentials => "client_credentials",
        AuthKind::JwtBearer => "jwt_bearer",
        AuthKind::RefreshToken => "refresh_token",
        AuthKind::StaticToken => "static_token",
        AuthKind::AccessKey => "access_key",
    }
}
