//! Whole-product tests: real wire, real kills, real data. This library is what they share.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "this crate holds tests only: a broken expectation ends the test"
)]

pub mod clock;
pub mod command;
pub mod crm;
pub mod door;
pub mod feed;
pub mod files;
pub mod governed;
pub mod play;
pub mod recompute;
pub mod stage;
pub mod story;
pub mod task;
