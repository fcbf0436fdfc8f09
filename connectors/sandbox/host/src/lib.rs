//! What every vendor sandbox shares: a loopback HTTP server with faults around the truth, and a clock.
//!
//! A sandbox implements [`Face`] on its handle, binds with [`Server::bind`] and serves. What a vendor says stays with
//! the vendor's crate; this crate knows HTTP, time, planted faults and the control interface's common parts.

mod clock;
pub mod control;
mod fault;
pub mod fiction;
pub mod load;
mod outbound;
mod server;
mod wire;

pub use clock::{Clock, SharedTime};
pub use fault::{Effect, Fault, Faults, Matching, Planned};
pub use outbound::outbound_client;
pub use server::{Bound, Face, ListenError, Server, Traffic};
pub use wire::{Call, Reply, http_date};
