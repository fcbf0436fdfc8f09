//! Conversations with a small portal that answers as HubSpot documents.

#![expect(clippy::expect_used, clippy::panic, reason = "a test's own tools may fail loudly")]

mod beyond;
mod census;
mod changes;
mod check;
mod contract;
mod inbound;
mod people;
mod portal;
mod read;
mod splits;
mod tasks;
mod write;
