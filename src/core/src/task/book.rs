//! What is known of tasks: a fold over what was ordered and what became of it. Holds no words and no names.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Act, TaskWrite};
use crate::digest::Digest;
use crate::id::RecordId;

/// What happened to one task, as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum TaskChange {
    /// It shall be there and open. Durable before it is written.
    Ordered {
        /// What it stands for.
        id: String,
        /// Digest of how it shall read.
        shape: Digest,
        /// Obligation → its handoff's stream.
        covers: BTreeMap<String, String>,
        /// Whose it is.
        person: Digest,
        /// The day on which it counts.
        day: Date,
    },
    /// It shall read otherwise. Durable before it is written.
    Reworded {
        /// What it stands for.
        id: String,
        /// Digest of how it shall read.
        shape: Digest,
        /// Obligation → its handoff's stream.
        covers: BTreeMap<String, String>,
        /// Whose it is now.
        person: Digest,
    },
    /// It shall be closed. Durable before it is written.
    Closing {
        /// What it stands for.
        id: String,
    },
    /// The CRM has it as it was ordered last.
    Written {
        /// What it stands for.
        id: String,
        /// The CRM's id.
        record: RecordId,
    },
    /// It is not there: deleted in the CRM, or it never came to be.
    Gone {
        /// What it stands for.
        id: String,
    },
    /// The CRM refuses it as it was ordered last.
    Refused {
        /// What it stands for.
        id: String,
        /// The CRM's words about structure, never a record's values.
        why: String,
    },
}

impl TaskChange {
    /// What the task stands for.
    pub fn id(&self) -> &str {
        match self {
            Self::Ordered { id, .. }
            | Self::Reworded { id, .. }
            | Self::Closing { id }
            | Self::Written { id, .. }
            | Self::Gone { id }
            | Self::Refused { id, .. } => id,
        }
    }
}

/// What is being done with a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Ordered and not known to be there.
    Opening,
    /// There, and as ordered.
    Stands,
    /// There, and to be reworded.
    Changing,
    /// To be closed.
    Closing,
    /// Its owner deleted it while it stood for something: he is not given it again while that lasts.
    Dismissed,
    /// Closed or gone.
    Done,
}

/// One task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// What is being done with it.
    pub step: Step,
    /// The CRM's id, once known.
    pub record: Option<RecordId>,
    /// Digest of how it shall read.
    pub shape: Digest,
    /// Obligation → its handoff's stream.
    pub covers: BTreeMap<String, String>,
    /// Whose it is.
    pub person: Digest,
    /// The day on which it counts.
    pub day: Date,
    /// When it was ordered first.
    pub since: Timestamp,
    /// Since when and why the CRM refuses it as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<(Timestamp, String)>,
}

impl Known {
    /// Whether somebody may have it on his list.
    pub fn is_open(&self) -> bool {
        match self.step {
            Step::Opening | Step::Stands | Step::Changing => true,
            Step::Closing | Step::Dismissed | Step::Done => false,
        }
    }
}

/// All tasks of one connection by what they stand for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// Id → task.
    pub tasks: BTreeMap<String, Known>,
}

impl Book {
    /// Folds one change; what cannot be is left out.
    pub fn apply(&mut self, at: Timestamp, change: &TaskChange) {
        match change {
            TaskChange::Ordered { id, shape, covers, person, day } => {
                let before = self.tasks.remove(id);
                let record = before.and_then(|known| known.record);
                let (shape, covers, person) = (shape.clone(), covers.clone(), person.clone());
                let (step, day) = (Step::Opening, *day);
                let known = Known { step, record, shape, covers, person, day, since: at, refused: None };
                self.tasks.insert(id.clone(), known);
            }
            TaskChange::Reworded { id, shape, covers, person } => {
                let Some(known) = self.tasks.get_mut(id) else { return };
                known.shape.clone_from(shape);
                known.covers.clone_from(covers);
                known.person.clone_from(person);
                known.refused = None;
                if known.step == Step::Stands {
                    known.step = Step::Changing;
                }
            }
            TaskChange::Closing { id } => {
                if let Some(known) = self.tasks.get_mut(id) {
                    known.step = Step::Closing;
                    known.refused = None;
                }
            }
            TaskChange::Written { id, record } => {
                let Some(known) = self.tasks.get_mut(id) else { return };
                known.record = Some(record.clone());
                known.refused = None;
                known.step = match known.step {
                    Step::Opening | Step::Changing | Step::Stands => Step::Stands,
                    Step::Closing | Step::Dismissed | Step::Done => Step::Done,
                };
            }
            TaskChange::Gone { id } => {
                if let Some(known) = self.tasks.get_mut(id) {
                    known.step = match known.step {
                        Step::Changing | Step::Stands => Step::Dismissed,
                        Step::Opening | Step::Closing | Step::Dismissed | Step::Done => Step::Done,
                    };
                    known.refused = None;
                }
            }
            TaskChange::Refused { id, why } => {
                if let Some(known) = self.tasks.get_mut(id) {
                    known.refused = Some((at, why.clone()));
                }
            }
        }
    }

    /// What has to be in the log before this is written; `None` = it is there already, from before a crash or a failed write.
    pub fn order(&self, write: &TaskWrite) -> Option<TaskChange> {
        let known = self.tasks.get(&write.id);
        let (id, covers, person) = (write.id.clone(), write.covers.clone(), write.person.clone());
        let same = |shape: &Digest| {
            known.is_some_and(|known| {
                known.shape == *shape && known.covers == covers && known.person == write.person
            })
        };
        let step = known.map(|known| known.step);
        match &write.act {
            Act::Open(shape) => {
                let shape = shape.digest();
                let ordered = step == Some(Step::Opening) && same(&shape);
                (!ordered).then_some(TaskChange::Ordered { id, shape, covers, person, day: write.day })
            }
            Act::Change(shape) => {
                let shape = shape.digest();
                let ordered = step == Some(Step::Changing) && same(&shape);
                (!ordered).then_some(TaskChange::Reworded { id, shape, covers, person })
            }
            Act::Close => (step != Some(Step::Closing)).then_some(TaskChange::Closing { id }),
        }
    }

    /// Forgets tasks that are done and counted on an earlier day than this. What stands again later is ordered anew.
    pub fn forget(&mut self, today: Date) -> Vec<String> {
        let old = |known: &Known| known.step == Step::Done && known.day < today;
        let ids: Vec<String> =
            self.tasks.iter().filter(|(_, known)| old(known)).map(|(id, _)| id.clone()).collect();
        for id in &ids {
            self.tasks.remove(id);
        }
        ids
    }
}
