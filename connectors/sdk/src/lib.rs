//! What every connector is: conversations without I/O, budgets as data, faults that name their remedy.
//!
//! A connector never sends. It says which [`Request`] comes next and reads the [`Reply`]; the transport sends, authenticates,
//! meters, retries and redacts. So a connector can be tested with plain values, and refusing writes is a type ([`ReadOnly`]),
//! not a flag that somebody forgets to look at.

mod calls;
mod common;
pub mod conformance;
mod exchange;
mod fault;
mod inbound;
mod sink;
mod source;
mod spec;
mod tasks;

pub use calls::{CallPage, Calls};
pub use common::{ANY_BUDGET, classify_common, retry_after};
pub use exchange::{Body, Exchange, Lane, Reply, Request, Step};
pub use fault::Fault;
pub use inbound::{Delivery, DeliveryId, Inbound, InboundReply, Rejected, address_carries, matches_any};
pub use sink::{Applied, ReadOnly, Sink};
pub use source::{
    ActingUser, ChangePage, Changed, CheckFinding, CheckReport, Connector, Cursor, Guard, Source,
};
pub use spec::{AuthKind, Budget, Meter, MeterReading, Scope, Spec, Window};
pub use tasks::{TaskSeen, Tasks};
