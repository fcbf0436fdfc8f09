//! The sandbox over real HTTP, as any client sees it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

mod control;
mod faults;
mod login;
mod objects;
mod outbound;
mod query;
mod rest;
mod rules;
mod support;
