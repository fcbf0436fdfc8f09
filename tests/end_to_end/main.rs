//! The whole daemon against a stateful CRM over real HTTP.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests only: a broken expectation ends the test")]

mod calls_rows;
mod census;
mod clocks;
mod convergence;
mod deliveries;
mod directory;
mod faults;
mod floods;
mod hints;
mod hubspot_hints;
mod hubspot_login;
mod hubspot_rows;
mod interruptions;
mod records;
mod reverts;
mod scale;
mod steps;
mod switches;
mod twins;
mod walk;
mod wire;
