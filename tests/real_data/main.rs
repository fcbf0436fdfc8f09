//! Real data through the real wire: what the daemon says of it has to equal what was counted outside the daemon.
//!
//! The data sets are not part of this repository. Where they are missing, each test says so and is skipped.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test stops at the first surprise and listens for single events"
)]

mod bpi;
mod chain;
mod contracts;
mod data;
mod desk;
mod fivetran;
mod helpdesk;
mod marketo;
mod olist;
mod usage;
mod wide;
mod zendesk;
