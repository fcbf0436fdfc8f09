//! The whole daemon against a stateful org over real HTTP.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests only: a broken expectation ends the test")]

mod census;
mod clocks;
mod convergence;
mod deliveries;
mod directory;
mod faults;
mod floods;
mod hints;
mod records;
mod reverts;
mod twins;
mod walk;
mod wire;
