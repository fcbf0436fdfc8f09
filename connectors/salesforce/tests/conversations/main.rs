//! Whole conversations with a small org that has state.

#![expect(clippy::expect_used, clippy::panic, reason = "a test's own tools may fail loudly")]

mod census;
mod changes;
mod check;
mod contract;
mod org;
mod parents;
mod read;
mod revert;
mod tasks;
mod write;
