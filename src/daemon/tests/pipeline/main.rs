//! The whole walk against a stateful Salesforce on loopback, over real HTTP, on a clock that stands still.

mod story;
mod world;
