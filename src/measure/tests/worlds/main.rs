//! Planted worlds: companies whose truth is known, so that what the numbers say can be held against it.

mod audits;
mod cohorts;
mod folded;
mod simulator;
