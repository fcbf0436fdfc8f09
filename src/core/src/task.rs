//! Tasks in a CRM that stand for obligations: which there are, which there shall be, and what to write so that they match.
//!
//! What is written is decided by [`plan()`] alone, from what is owed, what is known and the time. An order is in the log before it leaves the
//! process, so that after a crash nothing is created twice and nothing that was created is forgotten.

mod book;
mod plan;
mod quiet;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

pub use book::{Book, Known, Step, TaskChange};
pub use plan::{TaskPlan, Wait, Waiting, plan};
pub use quiet::{Quiet, QuietError, covers_the_day};

use crate::digest::Digest;
use crate::id::{ActorId, RecordId, RecordRef};
use crate::observation::Actor;

/// A task as it shall stand in the CRM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// The CRM's user whose task it is.
    pub owner: ActorId,
    /// One line.
    pub title: String,
    /// Plain words.
    pub text: String,
    /// Until when.
    pub due: Option<Timestamp>,
    /// The day of `due` in the zone of the configuration: many CRMs know only days.
    pub due_day: Option<Date>,
    /// The record that it is about; `None` = it is about several.
    pub about: Option<RecordRef>,
}

impl Shape {
    /// Tells one shape from another without repeating it.
    pub fn digest(&self) -> Digest {
        Digest::of(self)
    }
}

/// What is to be done with a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// It shall be there and open, whether it was created before or not.
    Open(Shape),
    /// It is there and shall read like this; whether it is open is the owner's business.
    Change(Shape),
    /// It is done.
    Close,
}

/// One task to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskWrite {
    /// What it stands for: the id of an obligation, or of a person's list of a day.
    pub id: String,
    /// The CRM's id, once known.
    pub task: Option<RecordId>,
    /// What is to be done.
    pub act: Act,
    /// When it was ordered first: stands in for a due date where a CRM insists on one.
    pub since: Timestamp,
    /// Obligation → its handoff's stream: itself, or all that a list holds.
    pub covers: BTreeMap<String, String>,
    /// Whose it is, as [`person`] names him.
    pub person: Digest,
    /// The day on which it counts towards its owner's cap.
    pub day: Date,
}

/// How many tasks people get and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// Where a day begins, and what the quiet hours are told in.
    pub zone: TimeZone,
    /// When no task is created or changed; closing one is never disturbing.
    pub quiet: Vec<Quiet>,
    /// More new tasks than this for one person on one day become one list; `None` = never.
    pub digest_above: Option<u32>,
    /// Most tasks created for one person on one day, lists included; what is beyond waits for the next day. `None` = no cap.
    pub most_per_day: Option<u32>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, quiet: Vec::new(), digest_above: None, most_per_day: None }
    }
}

/// A person by digest: enough to count his tasks, and nothing to read. The person and not the login, so that two logins do not get twice as
/// much.
pub fn person(actor: &Actor) -> Digest {
    Digest::of(&("person", &actor.person))
}
