//! Tasks for people: what is owed is held against what is known, and the CRM's list is made to match. A stage of its own behind the
//! decisions, in the reading lane, so that a task never stands in a gate's way.

mod desk;
mod keep;
mod view;
mod work;

pub(crate) use desk::Desks;
pub use view::{OwedView, TasksView};
pub(crate) use view::{all as views, everything, told};
pub(crate) use work::{quiet, recover, spawn};
