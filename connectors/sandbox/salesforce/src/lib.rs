//! Salesforce on loopback: stateful, wire-faithful, with faults on demand.
//!
//! [`Sandbox::start`] serves one org over HTTP; [`Org`] is the handle that a test or demo acts on it with. The same
//! control is served under `/_sandbox`. The org enforces what the vendor enforces (field permissions, validation rules
//! of a metadata package, limits, token life) and remembers every write it received.

mod access;
mod auth;
mod bulk;
mod control;
mod convert;
mod derive;
mod error;
mod fault;
mod history;
mod ids;
mod lifecycle;
mod limits;
mod load;
mod org;
mod outbound;
mod package;
mod people;
mod query;
mod record;
mod rest;
mod save;
mod schema;
pub mod seed;
mod server;
mod state;
mod table;
mod value;
mod wire;

pub use auth::App;
pub use error::Error;
pub use fault::{Action, Fault};
pub use handoff_sandbox_host::{Clock, Matching, load::Loaded};
pub use ids::Id;
pub use lifecycle::{Conversion, Converted};
pub use org::{Act, Calls, NewUser, Org};
pub use outbound::{Delivery, OutboundMode};
pub use record::{ActorKind, FieldChange, JournalEntry, Operation, SaveError, WriteRecord};
pub use schema::{FieldSpec, FieldType, ObjectSpec, StageSpec};
pub use server::{PackageSource, Sandbox, SandboxOptions, Seed};
pub use state::WriteHook;
pub use value::{Value, datetime_text};
