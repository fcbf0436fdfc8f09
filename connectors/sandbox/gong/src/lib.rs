//! Gong on loopback: stateful, wire-faithful, with faults, forgeries and tripwires on demand.
//!
//! [`Sandbox::start`] serves one company over HTTP; [`Workspace`] is the handle that a test or demo acts on it with. The same
//! control is served under `/_sandbox`. The company answers as the vendor does, late and at times incompletely, and remembers what
//! a well-behaved client never does: see [`Wire`].

mod access;
mod api;
mod call;
mod control;
mod cursor;
mod envelope;
mod error;
mod fault;
mod ids;
mod limits;
mod load;
mod outbound;
mod people;
mod render;
mod sandbox;
pub mod seed;
mod settings;
mod sign;
mod state;
mod tripwire;
mod workspace;

pub use access::{AccessKey, App, Tokens, TrustedIps};
pub use call::{Affiliation, CallSpec, Link, Occurrence, Party, Passage, Sentence, Tracked};
pub use error::Error;
pub use fault::Action;
pub use handoff_sandbox_host::{Clock, Fault, Matching};
pub use limits::Pace;
pub use outbound::{Delivery, Firing, OutboundMode, Rule};
pub use people::{User, WorkspaceInfo};
pub use sandbox::{Sandbox, SandboxOptions, Seed};
pub use settings::{Association, Tracker};
pub use sign::{Signed, Variant};
pub use tripwire::{Tripped, Wire};
pub use workspace::{Attempt, Calls, JournalEntry, Workspace};
