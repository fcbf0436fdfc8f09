//! The whole daemon against a stateful CRM over real HTTP.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests only: a broken expectation ends the test")]

mod acceptors;
mod accounts;
mod attacks;
mod bulk;
mod calls_rows;
mod carried;
mod census;
mod clocks;
mod convergence;
mod deliveries;
mod directory;
mod dodges;
mod faults;
mod feed_command;
mod feeds;
mod finance;
mod floods;
mod gates;
mod hints;
mod hubspot_hints;
mod hubspot_login;
mod hubspot_rows;
mod interruptions;
mod live;
mod oddities;
mod overriding;
mod reasks;
mod records;
mod reverts;
mod scale;
mod shares;
mod sla;
mod steps;
mod switches;
mod tasks;
mod twins;
mod uninstalled;
mod walk;
mod wire;
