//! Suites that every implementation of our traits must pass.
