//! What people owe a handoff, as tasks in their CRM: one for each thing, to the right person, whatever is lost on the way, closed when it is done.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests only: a broken expectation ends the test")]

mod concrete;
mod conduct;
mod crm;
mod ladder;
mod leaver;
mod loops;
