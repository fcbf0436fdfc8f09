//! The log that is the truth, the transparency tree over it, and the memory that can be rebuilt from it.
//!
//! The crate stores bytes and knows nothing of what they mean. [`state::State::open`] opens one state directory in the
//! only safe order; everything else is reached from there.

pub mod bodies;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod durable;
pub mod keyring;
pub mod log;
pub mod memory;
pub mod state;
pub mod tlog;
mod witness;

pub use durable::FileError;
