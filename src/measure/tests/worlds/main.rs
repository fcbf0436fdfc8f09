//! Planted worlds: companies whose truth is known, so that what the numbers say can be held against it.

#![expect(clippy::unwrap_used, reason = "tests only: a broken expectation ends the test")]

mod audits;
mod cohorts;
mod company;
mod folded;
mod simulator;
