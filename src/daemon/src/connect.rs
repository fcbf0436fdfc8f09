//! The only place that names concrete connectors: what the configuration calls a connection becomes one.

use std::sync::Arc;
use std::time::Duration;

use handoff_connector::{Connector as _, Sink, Window};
use handoff_core::id::ConnectionId;
use handoff_salesforce::{Salesforce, SalesforceConfig};
use handoff_transport::{
    AllowedHosts, ClientCredentials, ClientStyle, DayCount, HttpConfig, HttpWire, JwtBearer, JwtConfig,
    Ledger, LedgerError, OauthConfig, Parts, RefreshToken, Secret, SessionConfig, TokenSource, TokenVault,
    Transport, TransportConfig, VaultError,
};
use thiserror::Error;
use url::Url;

use crate::config::{Auth, Connection, SecretRef};
use crate::journal::Journal;
use crate::link::{Connect, Connected, Equipment, Purpose};
use crate::memory::{BUDGET, Rows, TOKEN};
use crate::secret::{self, SecretError};

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
    #[error("connection {connection}: there is no connector named {connector}; there is: salesforce")]
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
    /// Salesforce needs to know which org it is.
    #[error("connection {connection}: org_id is missing; copy it from Setup, Company Information")]
    NoOrg {
        /// The connection.
        connection: ConnectionId,
    },
    /// The Salesforce connector refuses the configuration.
    #[error(transparent)]
    Salesforce {
        /// Why.
        source: handoff_salesforce::ConfigError,
    },
    /// A secret cannot be read.
    #[error("connection {connection}: {source}")]
    Secret {
        /// The connection.
        connection: ConnectionId,
        /// Which and why.
        source: SecretError,
    },
    /// The login URL is not a URL.
    #[error("connection {connection}: login_url is not an https address")]
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
        match config.connector.as_str() {
            "salesforce" => salesforce(id, config, equipment),
            other => Err(ConnectError::NoConnector { connection: id.clone(), connector: other.to_owned() }),
        }
    }
}

fn salesforce(
    id: &ConnectionId,
    config: &Connection,
    equipment: Equipment,
) -> Result<Connected, ConnectError> {
    let refused = |source| ConnectError::Salesforce { source };
    let org = config.org_id.clone().ok_or_else(|| ConnectError::NoOrg { connection: id.clone() })?;
    let mut own = SalesforceConfig::new(id.clone(), org.clone());
    if let Some(version) = &config.api_version {
        own.api_version.clone_from(version);
    }
    own.overlap = Duration::from_secs(u64::from(config.overlap_seconds));
    let connector = Arc::new(Salesforce::new(own).map_err(refused)?);
    let url = Url::parse(&config.login_url)
        .map_err(|_not_a_url| ConnectError::LoginUrl { connection: id.clone() })?;
    let hosts = hosts(&url, &["*.my.salesforce.com", "*.salesforce.com"]);
    let wire = HttpWire::new(HttpConfig {
        hosts: hosts.clone(),
        connect_timeout: Duration::from_secs(5),
        body_cap: BODY_CAP,
        extra_roots: Vec::new(),
    })
    .map_err(|source| ConnectError::Http { connection: id.clone(), source })?;
    let token_url = url.join("/services/oauth2/token");
    let token_url = token_url.map_err(|_not_a_url| ConnectError::LoginUrl { connection: id.clone() })?;
    let tokens = tokens(id, &config.auth, &token_url, Arc::clone(&equipment.vault))?;
    let daily = connector.spec().budgets.iter().find(|budget| budget.window == Window::Rolling24h);
    let share = u32::from(config.daily_share_percent.clamp(1, 100));
    let limits = daily.map(|budget| {
        let limit = u64::from(budget.limit).saturating_mul(u64::from(share)) / 100;
        (budget.name.to_owned(), u32::try_from(limit).unwrap_or(u32::MAX).max(1))
    });
    let own = TransportConfig {
        connection: id.to_string(),
        base_url: url,
        hosts,
        session: SessionConfig { org_id: Some(org), assumed_lifetime: Some(Duration::from_hours(1)) },
        limits: limits.into_iter().collect(),
        timeout: CALL,
        attempts: ATTEMPTS,
    };
    let parts = Parts {
        connector: Arc::<Salesforce>::clone(&connector),
        wire: Arc::new(wire),
        tokens,
        clock: equipment.clock,
        chance: equipment.chance,
        ledger: equipment.ledger,
        observer: equipment.observer,
    };
    let transport = Transport::new(own, parts);
    let transport = transport.map_err(|source| ConnectError::Transport { connection: id.clone(), source })?;
    let sink: Option<Arc<dyn Sink>> =
        if equipment.writes { Some(Arc::<Salesforce>::clone(&connector)) } else { None };
    let purpose = Purpose::Crm { source: Arc::<Salesforce>::clone(&connector), sink };
    Ok(Connected { purpose, inbound: Some(connector), transport })
}

/// The login host and the vendor's own names. Loopback only where the login URL itself is on loopback.
fn hosts(url: &Url, vendor: &[&str]) -> AllowedHosts {
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    let own = url.host_str().map(str::to_ascii_lowercase);
    let names = own.into_iter().chain(vendor.iter().map(|name| (*name).to_owned())).collect();
    AllowedHosts { names, allow_loopback: loopback }
}

fn tokens(
    id: &ConnectionId,
    auth: &Auth,
    token_url: &Url,
    vault: Arc<dyn TokenVault>,
) -> Result<Arc<dyn TokenSource>, ConnectError> {
    let read = |from: &SecretRef| {
        secret::read(from).map_err(|source| ConnectError::Secret { connection: id.clone(), source })
    };
    let client = |client_id: &SecretRef, client_secret: Option<&SecretRef>| {
        Ok(OauthConfig {
            token_url: token_url.clone(),
            client_id: read(client_id)?.expose().clone(),
            client_secret: client_secret.map(read).transpose()?,
            style: ClientStyle::Form,
            scopes: Vec::new(),
            timeout: CALL,
        })
    };
    Ok(match auth {
        Auth::ClientCredentials { client_id, client_secret } => {
            Arc::new(ClientCredentials::new(client(client_id, Some(client_secret))?))
        }
        Auth::JwtBearer { client_id, username, audience, private_key } => {
            let config = JwtConfig {
                token_url: token_url.clone(),
                client_id: read(client_id)?.expose().clone(),
                subject: username.clone(),
                audience: audience.clone(),
                private_key: read(private_key)?,
                timeout: CALL,
            };
            let bearer = JwtBearer::new(config);
            Arc::new(bearer.map_err(|source| ConnectError::Key { connection: id.clone(), source })?)
        }
        Auth::RefreshToken { client_id, client_secret, refresh_token } => {
            let first = read(refresh_token)?;
            Arc::new(RefreshToken::new(client(client_id, client_secret.as_ref())?, vault, Some(first)))
        }
    })
}

/// Daily counts in the memory. Not flushed: what a crash loses is corrected by the vendor's meter.
pub(crate) struct RowsLedger {
    rows: Arc<Rows>,
    connection: ConnectionId,
}

impl RowsLedger {
    pub(crate) fn new(rows: Arc<Rows>, connection: ConnectionId) -> Self {
        Self { rows, connection }
    }

    fn key(&self, budget: &str) -> String {
        format!("{BUDGET}{}/{budget}", self.connection)
    }
}

impl Ledger for RowsLedger {
    fn load(&self, budget: &str) -> Result<Option<DayCount>, LedgerError> {
        let row = self.rows.get_now(&self.key(budget));
        let row = row.map_err(|error| LedgerError { detail: error.to_string() })?;
        Ok(row.and_then(|row| serde_json::from_slice(&row).ok()))
    }

    fn save(&self, budget: &str, count: &DayCount) -> Result<(), LedgerError> {
        let row = serde_json::to_vec(count).map_err(|error| LedgerError { detail: error.to_string() })?;
        self.rows.note(self.key(budget), row);
        Ok(())
    }
}

/// Rotated refresh tokens, sealed, in the memory.
pub(crate) struct RowsVault {
    rows: Arc<Rows>,
    journal: Arc<Journal>,
    connection: ConnectionId,
}

impl RowsVault {
    pub(crate) fn new(rows: Arc<Rows>, journal: Arc<Journal>, connection: ConnectionId) -> Self {
        Self { rows, journal, connection }
    }

    fn key(&self) -> String {
        format!("{TOKEN}{}", self.connection)
    }
}

impl TokenVault for RowsVault {
    fn load(&self) -> Result<Option<Secret<String>>, VaultError> {
        let failed = |detail: String| VaultError { detail };
        let Some(row) = self.rows.get_now(&self.key()).map_err(|error| failed(error.to_string()))? else {
            return Ok(None);
        };
        let plain = self.journal.open_row(&self.key(), &row);
        let plain =
            plain.ok_or_else(|| failed("the stored token does not belong to this keyring".to_owned()))?;
        let text =
            String::from_utf8(plain).map_err(|_bytes| failed("the stored token is not text".to_owned()))?;
        Ok(Some(Secret::new(text)))
    }

    fn store(&self, token: &Secret<String>) -> Result<(), VaultError> {
        let failed = |error: &dyn std::error::Error| VaultError { detail: error.to_string() };
        let sealed =
            self.journal.seal_row(&self.key(), token.expose().as_bytes()).map_err(|error| failed(&error))?;
        self.journal.keys_durable().map_err(|error| failed(&error))?;
        self.rows.put_now(self.key(), sealed).map_err(|error| failed(&error))
    }
}
