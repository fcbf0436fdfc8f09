//! HubSpot as conversations: search windows, batch reads with history, batch writes, signed hints. No I/O.
//!
//! Reading costs as little as the vendor allows: one search tells of two hundred changes, one batch reads fifty records with their history or a hundred
//! without, one batch writes a hundred. Every outcome of a write is made from values read back; an opening that meets another package than the
//! one it was decided on is withdrawn in the same conversation.

mod apply;
mod ask;
mod associations;
mod census;
mod changes;
mod check;
mod cursor;
mod custom;
mod dialect;
mod error;
mod event;
mod history;
mod id;
mod immediate;
mod inbound;
mod past;
mod property;
mod read;
mod row;
mod signature;
mod spec;
mod splits;
mod stages;
mod stamp;
mod tasks;
mod users;

use std::time::Duration;

use handoff_connector::{
    ActingUser, Applied, ChangePage, CheckReport, Connector, Cursor, Delivery, DeliveryId, Exchange, Fault,
    Inbound, InboundReply, Lane, Meter, Rejected, Reply, Sink, Source, Spec, TaskSeen, Tasks,
};
use handoff_core::extract::{RawRecord, ReadPlan, relation_parts};
use handoff_core::id::{ConnectionId, ObjectName, RecordId, RecordRef};
use handoff_core::mapping::Mapping;
use handoff_core::past::PastRecord;
use handoff_core::plan::Plan;
use handoff_core::task::TaskWrite;
use jiff::Timestamp;
use thiserror::Error;

pub use dialect::Dialect;
pub use id::HsId;
pub use spec::DEFAULT_OVERLAP;

use immediate::Immediate;
use property::Known;

/// How a HubSpot portal is spoken to.
#[derive(Debug, Clone)]
pub struct HubSpotConfig {
    /// The connection that records are named by.
    pub connection: ConnectionId,
    /// The portal's id (Hub ID), decimal; tokens and events of any other portal are refused.
    pub portal_id: String,
    /// The API version that is spoken.
    pub dialect: Dialect,
    /// How long the search index may lag behind and nothing is missed: each sweep starts this far behind the server's clock.
    pub overlap: Duration,
    /// Changes before this time are not looked for; `None` = all.
    pub since: Option<Timestamp>,
    /// The public address that HubSpot calls, exactly as it is configured there; `None` = webhooks are refused.
    pub webhook_url: Option<String>,
    /// Whether signatures of version 1 count too. They carry no time, so that a replay cannot be told: only for legacy private apps.
    pub accept_v1: bool,
    /// Our app's id, as it stands in property history behind our own writes; `None` = not known. It only names us: whatever app writes counts as
    /// a machine.
    pub app_id: Option<String>,
}

impl HubSpotConfig {
    /// Defaults for a portal: API 2026-09, five minutes of overlap, no webhooks.
    pub fn new(connection: ConnectionId, portal_id: impl Into<String>) -> Self {
        Self {
            connection,
            portal_id: portal_id.into(),
            dialect: Dialect::default(),
            overlap: DEFAULT_OVERLAP,
            since: None,
            webhook_url: None,
            accept_v1: false,
            app_id: None,
        }
    }
}

/// What is wrong with a [`HubSpotConfig`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The portal's id.
    #[error(
        "org_id of connection {connection} is not a portal's id. Copy the Hub ID from the account menu: digits only"
    )]
    Portal {
        /// The connection.
        connection: ConnectionId,
    },
    /// The app's id.
    #[error("app_id of connection {connection} is not an app's id: digits only")]
    App {
        /// The connection.
        connection: ConnectionId,
    },
    /// The address of webhooks.
    #[error(
        "webhook_url of connection {connection} must be the whole address that HubSpot calls: https://… without blanks or #"
    )]
    WebhookUrl {
        /// The connection.
        connection: ConnectionId,
    },
}

/// What every conversation needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) connection: ConnectionId,
    pub(crate) portal: HsId,
    pub(crate) app: Option<HsId>,
    pub(crate) dialect: Dialect,
    pub(crate) overlap: Duration,
    pub(crate) since: Option<Timestamp>,
    /// As HubSpot signs it.
    pub(crate) webhook_url: Option<String>,
    pub(crate) accept_v1: bool,
    pub(crate) known: Known,
    pub(crate) types: custom::Types,
    pub(crate) stages: stages::Stages,
}

/// The HubSpot connector of one portal.
#[derive(Debug, Clone)]
pub struct HubSpot {
    api: Api,
}

/// Whether a text can be the address of a webhook: https, or http on this machine.
fn is_webhook_url(url: &str) -> bool {
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    let scheme = url.starts_with("https://") || local.iter().any(|start| url.starts_with(start));
    scheme && url.len() <= 2_000 && url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

impl HubSpot {
    /// Checks the configuration; nothing is sent.
    pub fn new(config: HubSpotConfig) -> Result<Self, ConfigError> {
        let connection = config.connection;
        let portal = HsId::parse(&config.portal_id)
            .ok_or_else(|| ConfigError::Portal { connection: connection.clone() })?;
        let app = config.app_id.as_deref().map(HsId::parse);
        if app == Some(None) {
            return Err(ConfigError::App { connection });
        }
        if config.webhook_url.as_deref().is_some_and(|url| !is_webhook_url(url)) {
            return Err(ConfigError::WebhookUrl { connection });
        }
        let api = Api {
            connection,
            portal,
            app: app.flatten(),
            dialect: config.dialect,
            overlap: config.overlap,
            since: config.since,
            webhook_url: config.webhook_url.as_deref().map(signature::signed_url),
            accept_v1: config.accept_v1,
            known: Known::default(),
            types: custom::Types::default(),
            stages: stages::Stages::default(),
        };
        Ok(Self { api })
    }

    fn is_sound(plan: &ReadPlan) -> bool {
        let related = plan.related.keys().flat_map(|key| {
            let (of, related) = relation_parts(key);
            of.into_iter().chain([related])
        });
        let mut objects = std::iter::once(plan.object.as_str()).chain(related);
        objects.all(id::is_object) && id::is_property(&plan.stage_field)
    }
}

impl Connector for HubSpot {
    fn spec(&self) -> &'static Spec {
        &spec::SPEC
    }

    fn check(
        &self,
        mappings: &[Mapping],
        plans: &[ReadPlan],
        writes: &[(ObjectName, Vec<String>)],
    ) -> Box<dyn Exchange<Output = CheckReport>> {
        Box::new(check::Check::new(self.api.clone(), mappings, plans, writes))
    }

    fn task_fields(&self, key: &str) -> Option<(ObjectName, Vec<String>)> {
        Some(tasks::fields(key))
    }

    fn meter(&self, reply: &Reply) -> Meter {
        spec::meter(reply)
    }
}

impl Source for HubSpot {
    fn read(
        &self,
        plan: &ReadPlan,
        records: &[RecordRef],
    ) -> Box<dyn Exchange<Output = Vec<Option<RawRecord>>>> {
        if !Self::is_sound(plan) {
            return Box::new(Immediate::bad_object(self.api.clone()));
        }
        let read = read::Read::new(self.api.clone(), plan.clone(), records);
        if read.asks_nothing() {
            return Box::new(Immediate::done(self.api.clone(), vec![None; records.len()]));
        }
        Box::new(read)
    }

    fn changes(&self, plan: &ReadPlan, cursor: &Cursor) -> Box<dyn Exchange<Output = ChangePage>> {
        if !Self::is_sound(plan) {
            return Box::new(Immediate::bad_object(self.api.clone()));
        }
        Box::new(changes::Changes::new(self.api.clone(), plan.object.clone(), cursor))
    }

    fn census(&self, plan: &ReadPlan, cursor: &Cursor) -> Box<dyn Exchange<Output = ChangePage>> {
        if !Self::is_sound(plan) {
            return Box::new(Immediate::bad_object(self.api.clone()));
        }
        Box::new(census::Census::new(self.api.clone(), plan.clone(), cursor))
    }

    fn history(
        &self,
        plan: &ReadPlan,
        records: &[RecordRef],
    ) -> Box<dyn Exchange<Output = Vec<Option<PastRecord>>>> {
        if !Self::is_sound(plan) {
            return Box::new(Immediate::bad_object(self.api.clone()));
        }
        let past = past::Past::new(&self.api, plan, records);
        if past.asks_nothing() {
            return Box::new(Immediate::done(self.api.clone(), vec![None; records.len()]));
        }
        Box::new(past)
    }

    fn history_list(
        &self,
        plan: &ReadPlan,
        since: Option<Timestamp>,
        cursor: &Cursor,
    ) -> Box<dyn Exchange<Output = ChangePage>> {
        if !Self::is_sound(plan) {
            return Box::new(Immediate::bad_object(self.api.clone()));
        }
        let (api, plan) = past::all(&self.api, plan, since);
        Box::new(census::Census::new(api, plan, cursor))
    }

    fn history_size(
        &self,
        plan: &ReadPlan,
        since: Option<Timestamp>,
    ) -> Box<dyn Exchange<Output = Option<u64>>> {
        if !Self::is_sound(plan) {
            return Box::new(Immediate::bad_object(self.api.clone()));
        }
        Box::new(past::Size::new(&self.api, plan, since))
    }

    fn record_id(&self, written: &str) -> Option<RecordId> {
        HsId::parse(written.trim()).map(HsId::record)
    }

    fn users(&self, ids: &[String]) -> Box<dyn Exchange<Output = Vec<ActingUser>>> {
        let users = users::Users::new(self.api.clone(), ids);
        match users.finished() {
            Some(found) => Box::new(Immediate::done(self.api.clone(), found)),
            None => Box::new(users),
        }
    }

    fn people(&self, logins: &[String]) -> Box<dyn Exchange<Output = Vec<ActingUser>>> {
        let users = users::Users::by_login(self.api.clone(), logins);
        match users.finished() {
            Some(found) => Box::new(Immediate::done(self.api.clone(), found)),
            None => Box::new(users),
        }
    }

    fn whoami(&self) -> Box<dyn Exchange<Output = String>> {
        Box::new(users::WhoAmI { api: self.api.clone() })
    }
}

impl Sink for HubSpot {
    fn apply(&self, plans: &[Plan], lane: Lane) -> Box<dyn Exchange<Output = Vec<Result<Applied, Fault>>>> {
        let apply = apply::Apply::new(self.api.clone(), plans, lane);
        match apply.finished() {
            Some(outcomes) => Box::new(Immediate::done(self.api.clone(), outcomes)),
            None => Box::new(apply),
        }
    }

    fn tasks(&self) -> Option<&dyn Tasks> {
        Some(self)
    }
}

impl Tasks for HubSpot {
    fn put(
        &self,
        key: &str,
        writes: &[TaskWrite],
    ) -> Box<dyn Exchange<Output = Vec<Result<RecordId, Fault>>>> {
        let put = tasks::Put::new(self.api.clone(), key, writes);
        match put.finished() {
            Some(outcomes) => Box::new(Immediate::done(self.api.clone(), outcomes)),
            None => Box::new(put),
        }
    }

    fn find(&self, key: &str, ids: &[String]) -> Box<dyn Exchange<Output = Vec<Option<TaskSeen>>>> {
        if ids.is_empty() {
            return Box::new(Immediate::done(self.api.clone(), Vec::new()));
        }
        if !id::is_property(key) {
            return Box::new(Immediate::bad_object(self.api.clone()));
        }
        Box::new(tasks::Find::new(self.api.clone(), key, ids))
    }
}

impl Inbound for HubSpot {
    fn verify(
        &self,
        delivery: Delivery<'_>,
        secrets: &[&[u8]],
        now: Timestamp,
    ) -> Result<DeliveryId, Rejected> {
        inbound::verify(&self.api, delivery, secrets, now)
    }

    fn hints(&self, delivery: Delivery<'_>) -> Result<Vec<RecordRef>, Rejected> {
        inbound::hints(&self.api, delivery)
    }

    fn acknowledgement(&self) -> InboundReply {
        inbound::acknowledgement()
    }
}
