//! The configuration file: strict TOML, every key documented here, secrets only by reference.

use std::collections::BTreeMap;
use std::path::PathBuf;

use handoff_core::contract::{Mode, OnBypass};
use handoff_core::id::{ConnectionId, ContractId, GateName};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod lint;
mod load;
pub mod reference;
#[cfg(test)]
mod tests;

/// Every field that a mapping writes.
pub(crate) fn written(mapping: &handoff_core::mapping::Mapping) -> Vec<&str> {
    lint::written(mapping)
}

pub use load::{ConfigError, Loaded, load, read, schema};

/// A configuration as an admin writes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Directory of log, keys and memory.
    pub state_dir: PathBuf,
    /// Directories with `contracts/` and `<connector>/` mapping files; absent = the shipped ones.
    #[serde(default)]
    pub mappings_dir: Option<PathBuf>,
    /// HTTP surface.
    #[serde(default)]
    pub http: Http,
    /// CRM connections by name.
    pub connection: BTreeMap<ConnectionId, Connection>,
    /// What is governed.
    pub govern: Vec<Govern>,
    /// Whose recorded calls are evidence.
    #[serde(default)]
    pub evidence: Vec<EvidenceSource>,
    /// Who is who.
    #[serde(default)]
    pub people: People,
    /// Audit log.
    #[serde(default)]
    pub audit: Audit,
}

/// HTTP surface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Address and port; loopback by default. Anything else needs `token`.
    pub listen: String,
    /// Bearer token for everything but health.
    pub token: Option<SecretRef>,
    /// Largest webhook body in bytes.
    pub max_body_bytes: usize,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8642".to_owned(), token: None, max_body_bytes: 1_048_576 }
    }
}

/// Where a secret lies; never the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretRef {
    /// Name of an environment variable.
    #[serde(default)]
    pub env: Option<String>,
    /// Path of a file that only its owner may read (systemd credential, Kubernetes secret).
    #[serde(default)]
    pub file: Option<PathBuf>,
}

/// One CRM org.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// Connector name: `salesforce`.
    pub connector: String,
    /// Login host, e.g. `https://acme.my.salesforce.com`.
    pub login_url: String,
    /// How to log in.
    pub auth: Auth,
    /// API version; absent = the connector's.
    #[serde(default)]
    pub api_version: Option<String>,
    /// The org this must be (Salesforce: 18-character organization id); a token of another org is refused.
    #[serde(default)]
    pub org_id: Option<String>,
    /// Secrets that webhook deliveries carry; two while one is rotated; empty = webhooks are refused.
    #[serde(default)]
    pub webhook_secrets: Vec<SecretRef>,
    /// Seconds between polls.
    #[serde(default = "poll_seconds")]
    pub poll_seconds: u32,
    /// Share of the org's daily API calls that this daemon may use, in percent.
    #[serde(default = "daily_share")]
    pub daily_share_percent: u8,
    /// Seconds that every poll looks back, for rows that became visible late.
    #[serde(default = "overlap_seconds")]
    pub overlap_seconds: u32,
}

fn poll_seconds() -> u32 {
    60
}

fn daily_share() -> u8 {
    10
}

fn overlap_seconds() -> u32 {
    600
}

/// How to log in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Auth {
    /// OAuth 2.0 client credentials.
    ClientCredentials {
        /// Consumer key.
        client_id: SecretRef,
        /// Consumer secret.
        client_secret: SecretRef,
    },
    /// OAuth 2.0 JWT bearer.
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
    /// OAuth 2.0 refresh token.
    RefreshToken {
        /// Consumer key.
        client_id: SecretRef,
        /// Consumer secret, for confidential clients.
        #[serde(default)]
        client_secret: Option<SecretRef>,
        /// First refresh token; rotated ones are kept in the state directory.
        refresh_token: SecretRef,
    },
}

/// One contract governed over one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Govern {
    /// The contract.
    pub contract: ContractId,
    /// The mapping, e.g. `salesforce/h03-ae-to-onboarding`.
    pub mapping: String,
    /// The connection.
    pub connection: ConnectionId,
    /// Deals that entered their stage before this moment are not governed.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub governed_since: Option<Timestamp>,
    /// Modes that differ from the contract's.
    #[serde(default)]
    pub mode: BTreeMap<GateName, Mode>,
    /// By-pass policies that differ from the contract's.
    #[serde(default)]
    pub on_bypass: BTreeMap<GateName, OnBypass>,
    /// Most records written per hour; more stops writing until somebody looks.
    #[serde(default)]
    pub max_writes_per_hour: Option<u32>,
}

/// Recorded calls of one connection as evidence for one contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EvidenceSource {
    /// The connection with the calls.
    pub connection: ConnectionId,
    /// The evidence mapping, e.g. `gong/h03-ae-to-onboarding`.
    pub mapping: String,
}

/// Who is who.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct People {
    /// Role → logins (e-mail or user name) that hold it; `["*"]` = every active human user.
    pub roles: BTreeMap<String, Vec<String>>,
    /// Person → all logins of that person, where one person has several.
    pub same_person: BTreeMap<String, Vec<String>>,
}

/// Audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// Origin line of checkpoints: unique per installation.
    pub origin: String,
}

impl Default for Audit {
    fn default() -> Self {
        Self { origin: "handoffd.example/audit".to_owned() }
    }
}
