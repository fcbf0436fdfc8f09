//! Calls as evidence against a stateful Salesforce on loopback and a telephone exchange that a test holds in its hand.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on is a failed test")]

mod calls;
mod phone;
mod world;
