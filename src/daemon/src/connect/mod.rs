//! The only place that names concrete connectors: what the configuration calls a connection becomes one.

mod gong;
mod hubspot;
mod rows;
mod salesforce;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use handoff_connector::{Connector, Window};
use handoff_core::id::ConnectionId;
use handoff_transport::{
    AllowedHosts, HttpConfig, HttpWire, Parts, SessionConfig, TokenSource, Transport, TransportConfig,
};
use thiserror::Error;
use url::Url;

use crate::config::vendor::{self, Vendor};
use crate::config::{Auth, Connection};
use crate::link::{Connect, Connected, Equipment};
use crate::secret::SecretError;

pub(crate) use rows::{RowsLedger, RowsVault};

/// Longest answer of a vendor, in bytes.
const BODY_CAP: usize = 64 * 1024 * 1024;
/// Time for one call; Salesforce counts calls of 20 s and more against a limit of their own.
const CALL: Duration = Duration::from_secs(19);
/// How often one request is sent before its fault is the caller's.
const ATTEMPTS: u32 = 3;

/// A connection cannot be set up.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// No such connector.
    #[error("connection {connection}: there is no connector named {connector}; there are: {}", vendor::names().join(", "))]
    NoConnector {
        /// The connection.
        connection: ConnectionId,
        /// The connector asked for.
        connector: String,
    },
    /// Handoffs are governed where there is no CRM.
    #[error("connection {connection} holds recorded calls, no handoffs; govern over a CRM's connection")]
    NotACrm {
        /// The connection.
        connection: ConnectionId,
    },
    /// The vendor must be known to be the right org.
    #[error("connection {connection}: org_id is missing; copy it from the vendor's settings")]
    NoOrg {
        /// The connection.
        connection: ConnectionId,
    },
    /// The vendor does not know this way to log in.
    #[error("connection {connection}: {connector} does not know the configured kind of auth")]
    Auth {
        /// The connection.
        connection: ConnectionId,
        /// The connector.
        connector: &'static str,
    },
    /// The Salesforce connector refuses the configuration.
    #[error(transparent)]
    Salesforce {
        /// Why.
        source: handoff_salesforce::ConfigError,
    },
    /// The HubSpot connector refuses the configuration.
    #[error(transparent)]
    HubSpot {
        /// Why.
        source: handoff_hubspot::ConfigError,
    },
    /// The connector does not speak this version.
    #[error(
        "connection {connection}: api_version {version} is not spoken; write \"2026-09\" or \"v3\", or leave it out"
    )]
    Version {
        /// The connection.
        connection: ConnectionId,
        /// The version asked for.
        version: String,
    },
    /// The Gong connector refuses the configuration.
    #[error(transparent)]
    Gong {
        /// Why.
        source: handoff_gong::ConfigError,
    },
    /// A webhook secret is no key of an automation rule.
    #[error("connection {connection}: webhook_secrets: {source}")]
    WebhookKey {
        /// The connection.
        connection: ConnectionId,
        /// Why.
        source: handoff_gong::BadKey,
    },
    /// A secret cannot be read.
    #[error("connection {connection}: {source}")]
    Secret {
        /// The connection.
        connection: ConnectionId,
        /// Which and why.
        source: SecretError,
    },
    /// There is no address to call.
    #[error("connection {connection}: login_url or token_url is missing or not an https address")]
    LoginUrl {
        /// The connection.
        connection: ConnectionId,
    },
    /// The private key cannot be used.
    #[error("connection {connection}: the private key cannot be used")]
    Key {
        /// The connection.
        connection: ConnectionId,
        /// Why.
        source: handoff_transport::KeyError,
    },
    /// HTTP cannot be set up.
    #[error("connection {connection}: HTTP cannot be set up")]
    Http {
        /// The connection.
        connection: ConnectionId,
        /// Why.
        source: handoff_transport::HttpSetupError,
    },
    /// The transport cannot be set up.
    #[error("connection {connection}: {source}")]
    Transport {
        /// The connection.
        connection: ConnectionId,
        /// Why.
        source: handoff_transport::SetupError,
    },
}

/// Makes real connections.
#[derive(Debug, Clone, Copy, Default)]
pub struct Real;

impl Connect for Real {
    fn connect(
        &self,
        id: &ConnectionId,
        config: &Connection,
        equipment: Equipment,
    ) -> Result<Connected, ConnectError> {
        let unknown =
            || ConnectError::NoConnector { connection: id.clone(), connector: config.connector.clone() };
        let vendor = config.vendor().ok_or_else(unknown)?;
        let asked = Asked { id, config, vendor };
        match vendor.name {
            "salesforce" => salesforce::connect(asked, &equipment),
            "hubspot" => hubspot::connect(asked, &equipment),
            "gong" => gong::connect(asked, &equipment),
            _ => Err(unknown()),
        }
    }
}

/// What is asked for.
#[derive(Clone, Copy)]
struct Asked<'a> {
    id: &'a ConnectionId,
    config: &'a Connection,
    vendor: &'static Vendor,
}

impl Asked<'_> {
    fn bad_url(&self) -> ConnectError {
        ConnectError::LoginUrl { connection: self.id.clone() }
    }

    /// Where to call.
    fn base(&self) -> Result<Url, ConnectError> {
        let address = self.config.address().ok_or_else(|| self.bad_url())?;
        Url::parse(address).map_err(|_not_a_url| self.bad_url())
    }

    /// The token endpoint: the configured one, else `default` as seen from the base.
    fn token_url(&self, default: &str) -> Result<Url, ConnectError> {
        let configured = match &self.config.auth {
            Auth::RefreshToken { token_url, .. } => token_url.as_deref(),
            Auth::ClientCredentials { .. }
            | Auth::JwtBearer { .. }
            | Auth::StaticToken { .. }
            | Auth::AccessKey { .. } => None,
        };
        self.base()?.join(configured.unwrap_or(default)).map_err(|_not_a_url| self.bad_url())
    }

    /// A transport for this connector with this login.
    fn transport(
        &self,
        connector: Arc<dyn Connector>,
        tokens: (Arc<dyn TokenSource>, &Url),
        session: SessionConfig,
        equipment: &Equipment,
    ) -> Result<Transport, ConnectError> {
        let connection = || self.id.clone();
        if !connector.spec().auth.contains(&self.config.auth.kind()) {
            return Err(ConnectError::Auth { connection: connection(), connector: self.vendor.name });
        }
        let (tokens, token_url) = tokens;
        let base_url = self.base()?;
        let hosts = hosts(&[&base_url, token_url], self.vendor.hosts);
        let wire = HttpWire::new(HttpConfig {
            hosts: hosts.clone(),
            connect_timeout: Duration::from_secs(5),
            body_cap: BODY_CAP,
            extra_roots: Vec::new(),
        })
        .map_err(|source| ConnectError::Http { connection: connection(), source })?;
        let daily = connector.spec().budgets.iter().find(|budget| budget.window == Window::Rolling24h);
        let limits = daily.map(|budget| {
            let all = self.vendor.daily_calls.unwrap_or(budget.limit);
            let limit = u64::from(all).saturating_mul(u64::from(self.config.daily_share())) / 100;
            (budget.name.to_owned(), u32::try_from(limit).unwrap_or(u32::MAX).max(1))
        });
        let config = TransportConfig {
            connection: self.id.to_string(),
            base_url,
            hosts,
            session,
            limits: limits.into_iter().collect(),
            timeout: CALL,
            attempts: ATTEMPTS,
        };
        let parts = Parts {
            connector,
            wire: Arc::new(wire),
            tokens,
            clock: equipment.clock.clone(),
            chance: Arc::clone(&equipment.chance),
            ledger: Arc::clone(&equipment.ledger),
            observer: Arc::clone(&equipment.observer),
        };
        Transport::new(config, parts)
            .map_err(|source| ConnectError::Transport { connection: connection(), source })
    }
}

/// The configured hosts and the vendor's own names. Loopback only where a configured address itself is on loopback.
fn hosts(configured: &[&Url], vendor: &[&str]) -> AllowedHosts {
    let is_loopback = |url: &&Url| match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    let allow_loopback = configured.iter().any(is_loopback);
    let own = configured.iter().filter_map(|url| url.host_str()).map(str::to_ascii_lowercase);
    let mut names: Vec<String> = own.chain(vendor.iter().map(|name| (*name).to_owned())).collect();
    names.dedup();
    AllowedHosts { names, allow_loopback }
}
