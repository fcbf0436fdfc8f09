//! Governance, pure: contracts, packages, decisions, gates. No clock, no I/O, no randomness.
//!
//! Desired gate flags are a pure function of (pinned contract, handoff state, now). Handoff state is a fold over an append-only log.
//! [`decide::decide`] is the only birthplace of events, [`handoff::Handoff::evolve`] folds them, [`gate::evaluate`] says which gates are
//! open, [`plan::plan`] says what to write.

pub mod account;
pub mod beside;
pub mod break_glass;
pub mod carried;
pub mod clearance;
pub mod completeness;
pub mod concrete;
pub mod contract;
pub mod decide;
pub mod digest;
pub mod escalation;
pub mod event;
pub mod evidence;
pub mod exception;
pub mod extract;
pub mod feed;
pub mod first_touch;
pub mod gate;
pub mod handoff;
pub mod icp;
pub mod id;
pub mod journal;
pub mod lifecycle;
pub mod lint;
pub mod mapping;
pub mod motion;
pub mod obligation;
pub mod observation;
pub mod outage;
pub mod package_diff;
pub mod package_versions;
pub mod past;
pub mod pay;
pub mod plan;
pub mod quality;
pub mod reask;
pub mod registry;
pub mod schema;
pub mod seat;
pub mod sla;
pub mod task;
pub mod twin;
pub mod value;
pub mod words;
