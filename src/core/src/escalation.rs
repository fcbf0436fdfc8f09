//! Handoff 05, the return path: four timers in both directions, the echo to the sender, who wrote the impact statement, who told the
//! customer. Pure: what is due follows from terms, state, what was seen and the time.

mod authorship;
mod echo;
mod similar;
mod timers;

pub use authorship::troubles;
pub use echo::{block, in_place};
pub use similar::resembles;
pub(crate) use timers::end_of;
pub use timers::{acknowledge_by, advance, close_by, look_again};
