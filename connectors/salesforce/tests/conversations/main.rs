//! Whole conversations with a small org that has state.

mod changes;
mod check;
mod contract;
mod org;
mod read;
mod write;
