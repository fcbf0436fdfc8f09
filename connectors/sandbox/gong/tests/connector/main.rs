//! The connector's conversations, led against the sandbox over real HTTP: what one side says, the other must understand.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failed expectation fails the test")]

mod deliveries;
mod login;
mod lookups;
mod nonsense;
mod passes;
mod seeded;
mod talk;
