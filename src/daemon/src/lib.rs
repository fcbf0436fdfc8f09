//! handoffd: governs revenue handoffs in a CRM. A library so that tests drive what the binary runs.

pub mod app;
pub mod books;
pub mod clock;
pub mod config;
mod connect;
mod directory;
mod due;
mod engine;
mod execute;
pub mod failpoint;
pub mod fatal;
mod govern;
pub mod ingress;
mod journal;
mod link;
mod memory;
mod parked;
mod poll;
mod reconcile;
pub mod secret;
pub mod shutdown;
mod snapshots;
mod start;
pub mod view;
