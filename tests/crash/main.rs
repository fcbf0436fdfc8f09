//! Kills of a real process.
