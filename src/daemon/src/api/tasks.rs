//! What people owe, and the tasks that stand for it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::tasks::{OwedView, TasksView};

/// Tasks of one connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TasksRow {
    /// The connection.
    pub connection: String,
    /// Tasks that stand open, as far as we know.
    pub open: usize,
    /// Ordered, and not known to be carried out.
    pub ordered: usize,
    /// Owed without a task now, by reason: `quiet`, `cap`, `nobody` (its owner is switched off or a machine, or nobody holds the role), `refused`.
    pub waiting: BTreeMap<String, usize>,
    /// Roles that owe something and that nobody is found for who could act: name somebody in `[people.roles]`.
    #[serde(default)]
    pub vacant: Vec<String>,
    /// What the CRM says to those that it refuses, each once, at most ten.
    pub refusals: Vec<String>,
    /// Written since the start: `created`, `changed`, `closed`, `refused`.
    pub written: BTreeMap<String, u64>,
}

impl From<TasksView> for TasksRow {
    fn from(view: TasksView) -> Self {
        Self {
            connection: view.connection.0,
            open: view.open,
            ordered: view.ordered,
            waiting: view.waiting,
            vacant: view.vacant.into_iter().collect(),
            refusals: view.refusals,
            written: view.written,
        }
    }
}

/// Something that somebody owes a handoff now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwedRow {
    /// The handoff: `contract/motion/connection/object/record`.
    pub stream: String,
    /// What is owed, e.g. `fill`, `answer`, `mend`, `escalation`.
    pub kind: String,
    /// One line.
    pub title: String,
    /// Who owes it; absent = a role that nobody is found for.
    pub owner: Option<String>,
    /// The role, where it is owed by a role.
    pub role: Option<String>,
    /// Until when.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due: Option<Timestamp>,
    /// How its task stands: `open`, `ordered`, `on a list`, `deleted by its owner`, `none`; or why there is none yet: `quiet`, `cap`, `nobody`,
    /// `refused`.
    pub task: String,
    /// The CRM's id of the task, once known.
    pub record: Option<String>,
}

impl From<OwedView> for OwedRow {
    fn from(view: OwedView) -> Self {
        let owed = view.owed;
        let vacant = owed.role.is_some() && !owed.owner.active;
        Self {
            stream: view.stream,
            kind: owed.kind.as_str().to_owned(),
            title: owed.title,
            owner: (!vacant).then(|| owed.owner.person.0.clone()),
            role: owed.role,
            due: owed.due,
            task: view.task.to_owned(),
            record: view.record.map(|record| record.0),
        }
    }
}
