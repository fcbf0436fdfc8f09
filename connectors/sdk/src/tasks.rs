//! Tasks for people in a CRM's own list of tasks.

use handoff_core::id::{ActorId, RecordId};
use handoff_core::task::TaskWrite;

use crate::{Connector, Exchange, Fault};

/// A task as the CRM has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskSeen {
    /// The CRM's id.
    pub record: RecordId,
    /// Whether it is still to be done.
    pub open: bool,
    /// Its words as plain lines, as they stand now: its owner may have written into them.
    pub text: String,
    /// Who touched it last, as histories name people, if the CRM tells it.
    pub by: Option<ActorId>,
}

/// A connector that can write tasks. `key` is always the unique field on the CRM's tasks that holds what a task stands for.
pub trait Tasks: Connector {
    /// Writes tasks, each for itself, results in request order: the CRM's id. At most [`crate::Spec::write_batch`]. Opening is by `key`, so
    /// that opening twice is opening once; changing and closing is by the CRM's id. A task without one that is to be changed or closed, or
    /// one that was deleted, is [`Fault::Gone`].
    fn put(
        &self,
        key: &str,
        writes: &[TaskWrite],
    ) -> Box<dyn Exchange<Output = Vec<Result<RecordId, Fault>>>>;

    /// Which of these are there, in request order, and how they stand: by what they stand for. For orders whose outcome is not known, and for
    /// what people write into a task.
    fn find(&self, key: &str, ids: &[String]) -> Box<dyn Exchange<Output = Vec<Option<TaskSeen>>>>;
}
