//! Kills of a real process that governs a real org, and what must hold afterwards.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests only: a broken expectation ends the test")]

mod frozen;
mod named;
mod past;
mod process;
mod random;
mod secrets;
mod stage;
mod tasks;
