//! The sandbox over real HTTP, as any client sees it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

mod associations;
mod control;
mod faults;
mod journey;
mod limits;
mod login;
mod records;
mod rules;
mod schema;
mod search;
mod splits;
mod support;
mod webhooks;
