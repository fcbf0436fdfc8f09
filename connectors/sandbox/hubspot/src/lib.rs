//! HubSpot on loopback: stateful, wire-faithful, with faults on demand.
//!
//! [`Sandbox::start`] serves one portal over HTTP; [`Portal`] is the handle that a test or demo acts on it with. The
//! same control is served under `/_sandbox`. The portal enforces what the vendor enforces, for whom it enforces it
//! (types, required properties, pipeline rules, approvals, scopes, limits), lags where the vendor lags, and remembers
//! every write it received.

mod activity;
mod api;
mod approvals;
mod associations;
mod auth;
mod calculate;
mod control;
mod deliver;
mod error;
mod fault;
mod lifecycle;
mod limits;
mod load;
mod pipelines;
mod portal;
mod record;
mod refusal;
mod rules;
mod save;
mod schema;
pub mod seed;
mod server;
mod splits;
mod state;
mod table;
mod values;
mod webhooks;
mod when;

pub use approvals::Status as ApprovalStatus;
pub use auth::{App, StaticToken};
pub use error::Error;
pub use fault::{Action, Fault};
pub use handoff_sandbox_host::{Clock, Matching, load::Loaded};
pub use limits::LimitOptions;
pub use pipelines::{
    ApprovalRule, CreationRule, PipelineRules, PipelineSpec, RequiredRule, StagePermission, StageRule,
    StageSpec,
};
pub use portal::{Act, BulkDeal, Calls, NewUser, Portal};
pub use record::{ActorKind, JournalEntry, Operation, Origin, PropertyChange, WriteRecord};
pub use refusal::{Detail, Refusal};
pub use schema::{PropertyOption, PropertySpec, PropertyType};
pub use server::{PropertySource, Sandbox, SandboxOptions, Seed};
pub use state::WriteHook;
pub use webhooks::{Delivery, Subscription, WebhookMode, WebhookTarget, signature_v3};
