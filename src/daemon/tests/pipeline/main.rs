//! The whole walk against a stateful Salesforce on loopback, over real HTTP, on a clock that stands still.

#![expect(clippy::unwrap_used, reason = "a helper that cannot go on is a failed test")]

mod calls;
mod calls_gong;
mod deliveries;
mod interruptions;
mod kills;
mod load;
mod phone;
mod story;
mod switches;
mod world;
