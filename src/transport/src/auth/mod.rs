//! Proving who we are: how tokens are got, kept and renewed.

mod fixed;
mod jwt;
mod kept;
mod oauth;
mod reply;
mod session;
#[cfg(test)]
mod tests;
mod vault;

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use handoff_connector::Fault;
use jiff::Timestamp;
use url::Url;

pub use fixed::{AccessKey, StaticToken};
pub use jwt::{JwtBearer, JwtConfig, KeyError};
pub use oauth::{ClientCredentials, ClientStyle, OauthConfig, RefreshToken};
pub(crate) use session::{Session, SessionParts, Token};
pub use session::{SessionConfig, SessionStatus};
pub use vault::{TokenVault, VaultError};

use crate::redact::Secret;
use crate::wire::Wire;

/// The word before the credentials in `Authorization`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// A token (RFC 6750).
    Bearer,
    /// A name and a password, encoded (RFC 7617).
    Basic,
}

impl Scheme {
    /// As the header writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Basic => "Basic",
        }
    }
}

/// A token as the vendor granted it.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Sent in `Authorization`, after the scheme's word.
    pub access_token: Secret<String>,
    /// The scheme's word.
    pub scheme: Scheme,
    /// Where to call, if the vendor says so.
    pub instance_url: Option<Url>,
    /// The org that the token is for, if the vendor says so (Salesforce: the second segment of the `id` URL's path; HubSpot: `hub_id`).
    pub org_id: Option<String>,
    /// How long the token lives, if the vendor says so.
    pub lifetime: Option<Duration>,
}

/// Gets tokens. One call asks the vendor once; limits on how often are the session's.
pub trait TokenSource: Send + Sync {
    /// Asks for a new token. A rotated refresh token is durable before this returns.
    fn fetch(&self, wire: Arc<dyn Wire>, now: Timestamp) -> BoxFuture<'_, Result<Grant, Fault>>;
}
