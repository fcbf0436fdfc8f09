//! Gong's conversations, against a company with state and against nonsense.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's own tools may fail loudly"
)]

mod check;
mod company;
mod contract;
mod deliveries;
mod lookup;
mod pass;
