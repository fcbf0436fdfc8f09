//! Motions: one account in two motions (handoff 06), re-unification, and what a signal means in each.
//! Pure: what is due follows from terms, state, what was seen and the time.

mod account;
mod owner;
mod reunion;
mod signal;
#[cfg(test)]
mod tests;
mod trigger;

pub use account::{Residence, Standing};
pub use owner::{primary, troubles};
pub use reunion::{advance, look_again, shuts};
pub use signal::{Action, Signal, SignalError, SignalTable, actions};
pub use trigger::{Comparison, Span, Trigger, TriggerError};

use crate::id::MotionId;

/// The motion of records whose motion nobody names. No rule may assign it.
pub const UNKNOWN: &str = "unknown";

/// The name under which a record of unknown motion is kept; its gates are shut.
pub fn unknown() -> MotionId {
    MotionId::from(UNKNOWN)
}
