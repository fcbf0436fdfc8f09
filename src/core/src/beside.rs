//! What happens beside the package: who told the customer, what the receiving team said, who claims the relationship, what moved.
//!
//! A look reads it through a mapping's `[beside]`, [`Beside`] remembers what it led to, [`Happening`] is what happened. What it means is
//! decided in [`crate::escalation`] (the return path), [`crate::motion`] (the shared account) and [`crate::first_touch`] (the lead).

mod duties;
mod event;
mod look;
mod mapping;
mod seen;
mod state;
mod terms;
pub mod words;

pub use duties::duties;
pub use event::{Because, EchoCause, Happening};
pub use look::users_named;
pub(crate) use look::{columns, fields, history_of, look};
pub(crate) use mapping::names;
pub use mapping::{
    BesideMapping, ClaimPath, EchoRecord, EchoWrite, Moment, Place, RelatedPlace, ResolvedStatus, RowsOf,
    SignalPath, TextRows,
};
pub use seen::{BesideSeen, Copied, Doing, MotionSeen, StatusSeen};
pub use state::{Assigned, Beside, Due, LoopClosed, ReturnPathState, SharedAccount, Steady, Touch};
pub use terms::{
    CrossMotion, FirstTouch, LowHealth, PartRef, PrimaryIs, ReturnPath, Reunify, Trouble, describe, disputes,
};
