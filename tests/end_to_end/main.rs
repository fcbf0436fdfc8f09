//! The whole daemon against a stateful CRM over real HTTP.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests only: a broken expectation ends the test")]

mod calls_rows;
mod census;
mod clocks;
mod convergence;
mod deliveries;
mod directory;
mod faults;
mod finance;
mod floods;
mod hints;
mod hubspot_hints;
mod hubspot_login;
mod hubspot_rows;
mod interruptions;
mod oddities;
mod overriding;
mod records;
mod reverts;
mod scale;
mod sla;
mod steps;
mod switches;
mod tasks;
mod twins;
mod walk;
mod wire;
