//! Gong as conversations: recorded calls, what was said in them, signed hints. No I/O, and no way to write.
//!
//! A call appears in the API only some time after it was held and keeps its old start, and there is no filter on when it appeared. So each
//! pass reads the whole look-back window again; a page's cursor lives within one pass only. Calls that somebody linked to another CRM record
//! have a feed with a time of its own, which is read at the end of each pass.

mod answer;
mod ask;
mod call;
mod check;
mod inbound;
mod key;
mod lookup;
mod page;
mod pass;
mod proof;
mod spec;
mod transcript;

use std::time::Duration;

use handoff_connector::{
    CallPage, Calls, CheckReport, Connector, Cursor, Delivery, DeliveryId, Exchange, Inbound, InboundReply,
    Meter, Rejected, Reply, Spec,
};
use handoff_core::evidence::{Call, Transcript};
use handoff_core::extract::ReadPlan;
use handoff_core::id::{ConnectionId, ObjectName, RecordRef};
use handoff_core::mapping::Mapping;
use jiff::Timestamp;
use thiserror::Error;

pub use key::{BadKey, check_key};
pub use spec::{DEFAULT_LOOKBACK, LONGEST_LOOKBACK, OBJECT};

use proof::Address;

/// How deliveries of an automation rule prove where they come from: "Authentication" of the rule's webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// "Signed JWT header": the configured secrets are the rules' public keys as "Show public key" gives them.
    Signature,
    /// "URL includes key": the configured secrets are keys that stand in the address.
    KeyInAddress,
}

/// How a Gong company is spoken to.
#[derive(Debug, Clone)]
pub struct GongConfig {
    /// The connection that calls are named by.
    pub connection: ConnectionId,
    /// Only calls of this workspace (its id, decimal digits); `None` = all that we may see.
    pub workspace: Option<String>,
    /// How far back each pass reads, one minute to [`LONGEST_LOOKBACK`]: longer than a call needs to appear.
    pub lookback: Duration,
    /// How deliveries prove where they come from.
    pub proof: Proof,
    /// The public address that Gong calls, as the automation rule names it; without it no signed delivery is let in.
    pub webhook_url: Option<String>,
}

impl GongConfig {
    /// Defaults: all workspaces, seven days, signed deliveries, no address for them.
    pub fn new(connection: ConnectionId) -> Self {
        Self {
            connection,
            workspace: None,
            lookback: DEFAULT_LOOKBACK,
            proof: Proof::Signature,
            webhook_url: None,
        }
    }
}

/// What is wrong with a [`GongConfig`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The workspace's id.
    #[error("workspace of connection {connection} is not a workspace id: those are decimal digits")]
    Workspace {
        /// The connection.
        connection: ConnectionId,
    },
    /// The look-back window.
    #[error("the look-back window of connection {connection} must be between one minute and 90 days")]
    Lookback {
        /// The connection.
        connection: ConnectionId,
    },
    /// The public address.
    #[error("webhook_url of connection {connection} is not a web address; copy it from the automation rule")]
    WebhookUrl {
        /// The connection.
        connection: ConnectionId,
    },
}

/// What every conversation needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) workspace: Option<String>,
    pub(crate) lookback: Duration,
}

/// The Gong connector of one company.
#[derive(Debug, Clone)]
pub struct Gong {
    api: Api,
    connection: ConnectionId,
    proof: Proof,
    address: Option<Address>,
}

impl Gong {
    /// Checks the configuration; nothing is sent.
    pub fn new(config: GongConfig) -> Result<Self, ConfigError> {
        let GongConfig { connection, workspace, lookback, proof, webhook_url } = config;
        let digits = |id: &String| (1..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit());
        if !workspace.as_ref().is_none_or(digits) {
            return Err(ConfigError::Workspace { connection });
        }
        if !(Duration::from_mins(1)..=LONGEST_LOOKBACK).contains(&lookback) {
            return Err(ConfigError::Lookback { connection });
        }
        let address = webhook_url.as_deref().map(Address::parse);
        if address == Some(None) {
            return Err(ConfigError::WebhookUrl { connection });
        }
        Ok(Self { api: Api { workspace, lookback }, connection, proof, address: address.flatten() })
    }
}

impl Connector for Gong {
    fn spec(&self) -> &'static Spec {
        &spec::SPEC
    }

    /// Whether users, calls, transcripts, the workspace and the feed of re-linked calls are readable; mappings do not matter.
    fn check(
        &self,
        _mappings: &[Mapping],
        _plans: &[ReadPlan],
        _writes: &[(ObjectName, Vec<String>)],
    ) -> Box<dyn Exchange<Output = CheckReport>> {
        Box::new(check::Check::new(self.api.clone()))
    }

    /// Gong tells no remaining budget.
    fn meter(&self, _reply: &Reply) -> Meter {
        Meter::new()
    }
}

impl Calls for Gong {
    fn calls(&self, cursor: &Cursor, now: Timestamp) -> Box<dyn Exchange<Output = CallPage>> {
        Box::new(pass::Pass::new(self.api.clone(), cursor, now))
    }

    fn read_calls(&self, ids: &[String]) -> Box<dyn Exchange<Output = Vec<Option<Call>>>> {
        lookup::of(self.api.clone(), &lookup::CALLS, ids)
    }

    fn transcripts(&self, ids: &[String]) -> Box<dyn Exchange<Output = Vec<Option<Transcript>>>> {
        lookup::of(self.api.clone(), &lookup::TRANSCRIPTS, ids)
    }
}

impl Inbound for Gong {
    fn verify(
        &self,
        delivery: Delivery<'_>,
        secrets: &[&[u8]],
        now: Timestamp,
    ) -> Result<DeliveryId, Rejected> {
        inbound::verify(self, delivery, secrets, now)
    }

    fn hints(&self, delivery: Delivery<'_>) -> Result<Vec<RecordRef>, Rejected> {
        inbound::hints(&self.connection, delivery)
    }

    fn acknowledgement(&self) -> InboundReply {
        InboundReply { content_type: "application/json", body: "{}".to_owned() }
    }
}
