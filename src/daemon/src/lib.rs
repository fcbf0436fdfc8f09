//! handoffd: governs revenue handoffs in a CRM. A library so that tests drive what the binary runs.

pub mod app;
pub mod books;
pub mod clock;
pub mod config;
pub mod connect;
mod directory;
mod due;
mod engine;
mod execute;
pub mod failpoint;
pub mod fatal;
pub mod govern;
pub mod ingress;
mod journal;
pub mod link;
mod memory;
pub mod parked;
mod poll;
pub mod reconcile;
pub mod secret;
pub mod shutdown;
mod snapshots;
mod start;
pub mod view;
