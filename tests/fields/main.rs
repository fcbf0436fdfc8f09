//! The 38 fields of the six contracts in each CRM, through the real daemon: filled, junk, missing by part, and the record that each value was found on.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests only: a broken expectation ends the test")]

mod hubspot;
mod proof;
mod salesforce;
