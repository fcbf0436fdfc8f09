//! Recorded calls as evidence: against a vendor that remembers what it was asked, and over the wire against a stateful Gong; beside a
//! stateful Salesforce, on clocks that stand still.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on is a failed test")]

mod by_hand;
mod gong;
mod phone;
mod reask;
mod story;
mod world;
