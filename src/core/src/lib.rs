//! Governance, pure: contracts, packages, decisions, gates. No clock, no I/O, no randomness.
