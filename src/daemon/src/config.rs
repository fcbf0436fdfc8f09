//! The configuration file: strict TOML, every key documented here, secrets only by reference.

use std::collections::BTreeMap;
use std::path::PathBuf;

use handoff_core::contract::{Mode, OnBypass};
use handoff_core::id::{ConnectionId, ContractId, GateName, MotionId};
use handoff_core::sla::Calendar;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod concrete;
mod connection;
mod facts;
mod feed;
mod lint;
mod load;
mod rediscovery;
pub mod reference;
mod tasks;
#[cfg(test)]
mod tests;
pub(crate) mod vendor;

/// Every field that a mapping writes.
pub(crate) fn written(mapping: &handoff_core::mapping::Mapping) -> Vec<&str> {
    lint::written(mapping)
}

pub use concrete::{Assessment, Declared, Rollout, Tests};
pub use connection::{Auth, Connection, WebhookProof};
pub use facts::Facts;
pub use feed::{About, Feed};
pub use load::{ConfigError, Loaded, load, read, schema};
pub(crate) use rediscovery::accuracy;
pub use rediscovery::{Rediscovery, SENSITIVITY, SPECIFICITY};
pub use tasks::Tasks;

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
    /// Connections by name: CRMs, and recorded calls.
    pub connection: BTreeMap<ConnectionId, Connection>,
    /// What is governed.
    pub govern: Vec<Govern>,
    /// Whose recorded calls are evidence.
    #[serde(default)]
    pub evidence: Vec<EvidenceSource>,
    /// Questions that the customer had answered before, found in recorded calls; absent = no call is scored.
    #[serde(default)]
    pub rediscovery: Option<Rediscovery>,
    /// Tasks for people in their CRM's own list; absent = none is written.
    #[serde(default)]
    pub tasks: Option<Tasks>,
    /// Concrete tests that people answer from memory; absent = nobody is asked.
    #[serde(default)]
    pub tests: Option<Tests>,
    /// The self-assessment.
    #[serde(default)]
    pub assessment: Assessment,
    /// The ninety days.
    #[serde(default)]
    pub rollout: Rollout,
    /// Data from outside the CRM by name: `POST /feeds/NAME`.
    #[serde(default)]
    pub feed: BTreeMap<String, Feed>,
    /// Records of a CRM that tell of accounts beside handoffs.
    #[serde(default)]
    pub facts: Vec<Facts>,
    /// Who is who.
    #[serde(default)]
    pub people: People,
    /// Working hours by name; a contract names one in its `[sla]`.
    #[serde(default)]
    pub calendar: BTreeMap<String, Calendar>,
    /// Audit log.
    #[serde(default)]
    pub audit: Audit,
    /// Commission statements.
    #[serde(default)]
    pub commission: Commission,
    /// The numbers.
    #[serde(default)]
    pub scorecard: ScorecardSettings,
}

/// The numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ScorecardSettings {
    /// The fewest handoffs that a number of a person or team is made of; with fewer it is not told.
    pub minimum_n: u16,
    /// Teams by name: logins of the people in them. A team's numbers are those of its people together.
    pub team: BTreeMap<String, Vec<String>>,
}

impl Default for ScorecardSettings {
    fn default() -> Self {
        Self { minimum_n: 5, team: BTreeMap::new() }
    }
}

/// Commission statements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Commission {
    /// Weight of handoff quality in the factor that is exported for each sender, in percent: 5 to 10.
    pub quality_weight_percent: u8,
}

impl Default for Commission {
    fn default() -> Self {
        Self { quality_weight_percent: 5 }
    }
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
    /// The motion, if it is another than the mapping says: two CRMs of one company run one motion each.
    #[serde(default)]
    pub motion: Option<MotionId>,
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
    /// What a due re-unification does, if it is another than the contract says.
    #[serde(default)]
    pub reunify: Option<handoff_core::beside::Reunify>,
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
    /// Who answers for whom, and when. A delegate needs the receiving role himself, and never answers for a sender.
    pub delegate: Vec<Delegation>,
    /// Queues and teams that a record may name as receiver in a person's place, by a name of ours.
    pub queue: BTreeMap<String, Queue>,
}

/// Somebody answers for somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delegation {
    /// Login of the person who is away.
    pub of: String,
    /// Login of the person who answers.
    pub to: String,
    /// From this moment, e.g. `"2026-07-01T00:00:00+02:00"`; absent = always so far.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub from: Option<Timestamp>,
    /// Before this moment; absent = until further notice.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
}

/// A queue or team of a CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Queue {
    /// The CRM's id as its API tells it: Salesforce Group (18 characters), HubSpot team.
    pub id: String,
    /// Logins of its members; absent = everybody who holds the receiving role.
    #[serde(default)]
    pub members: Option<Vec<String>>,
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
