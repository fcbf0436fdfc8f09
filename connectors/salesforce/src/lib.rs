//! Salesforce as conversations: queries, composite reads, guarded writes, hints. No I/O.
//!
//! Reading costs as little as the vendor allows: one call tells what changed in one object, its children and its field history, one call
//! reads two hundred records with all of it, one call writes eight hundred. Gates are opened one record at a time, for the version that was
//! read, and every outcome is made from values read back.

mod apply;
mod census;
mod changes;
mod check;
mod close_dates;
mod composite;
mod cursor;
mod error;
mod id;
mod immediate;
mod inbound;
mod outbound_message;
mod past;
mod query;
mod read;
mod relations;
mod resolve;
mod row;
mod soql;
mod spec;
mod stamp;
mod tasks;
mod users;

use std::collections::BTreeSet;
use std::time::Duration;

use handoff_connector::{
    ActingUser, Applied, ChangePage, CheckReport, Connector, Cursor, Delivery, DeliveryId, Exchange, Fault,
    Inbound, InboundReply, Lane, Meter, Rejected, Reply, Sink, Source, Spec, TaskSeen, Tasks,
};
use handoff_core::extract::{RawRecord, ReadPlan};
use handoff_core::id::{ConnectionId, ObjectName, RecordId, RecordRef};
use handoff_core::mapping::Mapping;
use handoff_core::past::PastRecord;
use handoff_core::plan::Plan;
use handoff_core::task::TaskWrite;
use jiff::Timestamp;
use thiserror::Error;

pub use id::{IdError, SfId};
pub use spec::{DEFAULT_API_VERSION, DEFAULT_OVERLAP};

use immediate::Immediate;
use relations::Relations;

/// How a Salesforce org is spoken to.
#[derive(Debug, Clone)]
pub struct SalesforceConfig {
    /// The connection that records are named by.
    pub connection: ConnectionId,
    /// The org's id, 15 or 18 characters starting with `00D`; sessions and messages of any other org are refused.
    pub org_id: String,
    /// REST API version, e.g. `62.0`.
    pub api_version: String,
    /// How long a transaction may run and still be seen: each sweep starts this far behind the server's clock.
    pub overlap: Duration,
    /// Rows per page of `changes`, 1 to 2000.
    pub page_size: usize,
    /// Changes before this time are not looked for; `None` = all.
    pub since: Option<Timestamp>,
    /// API name of the only permission set that may edit gate fields.
    pub permission_set: String,
}

impl SalesforceConfig {
    /// Defaults for an org: API 62.0, ten minutes of overlap, pages of 2000, the shipped permission set.
    pub fn new(connection: ConnectionId, org_id: impl Into<String>) -> Self {
        Self {
            connection,
            org_id: org_id.into(),
            api_version: DEFAULT_API_VERSION.to_owned(),
            overlap: DEFAULT_OVERLAP,
            page_size: 2_000,
            since: None,
            permission_set: "Handoff_Integration".to_owned(),
        }
    }
}

/// What is wrong with a [`SalesforceConfig`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigError {
    /// The org's id.
    #[error("org_id of connection {connection}: {source}. Copy it from Setup, Company Information")]
    OrgId {
        /// The connection.
        connection: ConnectionId,
        /// What is wrong with it.
        source: IdError,
    },
    /// An id of something else than an org.
    #[error("org_id of connection {connection} is not an org's id: those start with 00D")]
    NotAnOrg {
        /// The connection.
        connection: ConnectionId,
    },
    /// The API version.
    #[error("api_version of connection {connection} must look like 62.0")]
    ApiVersion {
        /// The connection.
        connection: ConnectionId,
    },
    /// The page size.
    #[error("page_size of connection {connection} must be between 1 and 2000")]
    PageSize {
        /// The connection.
        connection: ConnectionId,
    },
}

/// What every conversation needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    /// `/services/data/v62.0`.
    pub(crate) base: String,
    pub(crate) connection: ConnectionId,
    pub(crate) overlap: Duration,
    pub(crate) page_size: usize,
    pub(crate) since: Option<Timestamp>,
    pub(crate) permission_set: String,
    pub(crate) relations: Relations,
    pub(crate) tracked: past::Tracked,
}

/// The Salesforce connector of one org.
#[derive(Debug, Clone)]
pub struct Salesforce {
    api: Api,
    org: SfId,
}

impl Salesforce {
    /// Checks the configuration; nothing is sent.
    pub fn new(config: SalesforceConfig) -> Result<Self, ConfigError> {
        let connection = config.connection;
        let org = SfId::parse(&config.org_id)
            .map_err(|source| ConfigError::OrgId { connection: connection.clone(), source })?;
        if !org.as_str().starts_with("00D") {
            return Err(ConfigError::NotAnOrg { connection });
        }
        let digits = |text: &str, most: usize| {
            (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !config
            .api_version
            .split_once('.')
            .is_some_and(|(major, minor)| digits(major, 3) && digits(minor, 1))
        {
            return Err(ConfigError::ApiVersion { connection });
        }
        if !(1..=2_000).contains(&config.page_size) {
            return Err(ConfigError::PageSize { connection });
        }
        let api = Api {
            base: format!("/services/data/v{}", config.api_version),
            connection,
            overlap: config.overlap,
            page_size: config.page_size,
            since: config.since,
            permission_set: config.permission_set,
            relations: Relations::default(),
            tracked: past::Tracked::default(),
        };
        Ok(Self { api, org })
    }
}

impl Connector for Salesforce {
    fn spec(&self) -> &'static Spec {
        &spec::SPEC
    }

    fn check(
        &self,
        mappings: &[Mapping],
        plans: &[ReadPlan],
        writes: &[(ObjectName, Vec<String>)],
    ) -> Box<dyn Exchange<Output = CheckReport>> {
        let mut check = check::Check::new(self.api.clone(), mappings, plans, writes);
        match check.finished() {
            Some(report) => Box::new(Immediate::done(report)),
            None => Box::new(check),
        }
    }

    fn task_fields(&self, key: &str) -> Option<(ObjectName, Vec<String>)> {
        Some(tasks::fields(key))
    }

    fn meter(&self, reply: &Reply) -> Meter {
        spec::meter(reply)
    }
}

impl Source for Salesforce {
    fn read(
        &self,
        plan: &ReadPlan,
        records: &[RecordRef],
    ) -> Box<dyn Exchange<Output = Vec<Option<RawRecord>>>> {
        if !soql::is_name(plan.object.as_str()) {
            return Box::new(Immediate::bad_object());
        }
        let read = read::Read::new(self.api.clone(), plan.clone(), records);
        if read.asks_nothing() {
            return Box::new(Immediate::done(vec![None; records.len()]));
        }
        Box::new(read)
    }

    fn changes(&self, plan: &ReadPlan, cursor: &Cursor) -> Box<dyn Exchange<Output = ChangePage>> {
        if !soql::is_name(plan.object.as_str()) {
            return Box::new(Immediate::bad_object());
        }
        Box::new(changes::Changes::new(self.api.clone(), plan.clone(), cursor.clone()))
    }

    fn census(&self, plan: &ReadPlan, cursor: &Cursor) -> Box<dyn Exchange<Output = ChangePage>> {
        if !soql::is_name(plan.object.as_str()) || !soql::is_name(&plan.stage_field) {
            return Box::new(Immediate::bad_object());
        }
        Box::new(census::Census::new(self.api.clone(), plan, cursor))
    }

    fn history(
        &self,
        plan: &ReadPlan,
        records: &[RecordRef],
    ) -> Box<dyn Exchange<Output = Vec<Option<PastRecord>>>> {
        if !soql::is_name(plan.object.as_str()) {
            return Box::new(Immediate::bad_object());
        }
        let past = past::Past::new(&self.api, plan, records);
        if past.asks_nothing() {
            return Box::new(Immediate::done(vec![None; records.len()]));
        }
        Box::new(past)
    }

    fn history_list(
        &self,
        plan: &ReadPlan,
        since: Option<Timestamp>,
        cursor: &Cursor,
    ) -> Box<dyn Exchange<Output = ChangePage>> {
        if !soql::is_name(plan.object.as_str()) || !soql::is_name(&plan.stage_field) {
            return Box::new(Immediate::bad_object());
        }
        let (api, plan) = past::all(&self.api, plan, since);
        Box::new(census::Census::new(api, &plan, cursor))
    }

    fn history_size(
        &self,
        plan: &ReadPlan,
        since: Option<Timestamp>,
    ) -> Box<dyn Exchange<Output = Option<u64>>> {
        if !soql::is_name(plan.object.as_str()) {
            return Box::new(Immediate::bad_object());
        }
        Box::new(past::Size::new(&self.api, plan, since))
    }

    fn record_id(&self, written: &str) -> Option<RecordId> {
        SfId::parse(written.trim()).ok().map(|id| id.record())
    }

    fn users(&self, ids: &[String]) -> Box<dyn Exchange<Output = Vec<ActingUser>>> {
        let ids: BTreeSet<SfId> = ids.iter().filter_map(|id| SfId::parse(id).ok()).collect();
        if ids.is_empty() {
            return Box::new(Immediate::done(Vec::new()));
        }
        let ids: Vec<SfId> = ids.into_iter().collect();
        Box::new(users::Users::new(self.api.clone(), &ids))
    }

    fn people(&self, logins: &[String]) -> Box<dyn Exchange<Output = Vec<ActingUser>>> {
        let logins: Vec<String> = logins.iter().filter(|login| !login.trim().is_empty()).cloned().collect();
        if logins.is_empty() {
            return Box::new(Immediate::done(Vec::new()));
        }
        Box::new(users::Users::by_login(self.api.clone(), &logins))
    }

    fn whoami(&self) -> Box<dyn Exchange<Output = String>> {
        Box::new(users::WhoAmI { org: self.org.clone() })
    }
}

impl Sink for Salesforce {
    fn apply(&self, plans: &[Plan], lane: Lane) -> Box<dyn Exchange<Output = Vec<Result<Applied, Fault>>>> {
        let apply = apply::Apply::new(self.api.clone(), plans, lane);
        match apply.finished() {
            Some(outcomes) => Box::new(Immediate::done(outcomes)),
            None => Box::new(apply),
        }
    }

    fn tasks(&self) -> Option<&dyn Tasks> {
        Some(self)
    }
}

impl Tasks for Salesforce {
    fn put(
        &self,
        key: &str,
        writes: &[TaskWrite],
    ) -> Box<dyn Exchange<Output = Vec<Result<RecordId, Fault>>>> {
        let put = tasks::Put::new(self.api.clone(), key, writes);
        match put.finished() {
            Some(outcomes) => Box::new(Immediate::done(outcomes)),
            None => Box::new(put),
        }
    }

    fn find(&self, key: &str, ids: &[String]) -> Box<dyn Exchange<Output = Vec<Option<TaskSeen>>>> {
        if ids.is_empty() {
            return Box::new(Immediate::done(Vec::new()));
        }
        if !soql::is_name(key) {
            return Box::new(Immediate::bad_object());
        }
        Box::new(tasks::Find::new(self.api.clone(), key, ids))
    }
}

impl Inbound for Salesforce {
    /// An outbound message carries no time, so `now` does not matter: a replay only causes a record to be read again.
    fn verify(
        &self,
        delivery: Delivery<'_>,
        secrets: &[&[u8]],
        _now: Timestamp,
    ) -> Result<DeliveryId, Rejected> {
        inbound::verify(&self.api, &self.org, delivery, secrets)
    }

    fn hints(&self, delivery: Delivery<'_>) -> Result<Vec<RecordRef>, Rejected> {
        inbound::hints(&self.api, &self.org, delivery)
    }

    fn acknowledgement(&self) -> InboundReply {
        inbound::acknowledgement()
    }
}
