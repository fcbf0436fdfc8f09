//! The daemon and its commands: the only crate that names concrete connectors, stores and the clock.

pub mod config;
