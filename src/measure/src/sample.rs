//! Log entries for tests: one decided handoff each.

use std::collections::BTreeSet;

use handoff_core::contract::ContractRef;
use handoff_core::decide::Terms;
use handoff_core::digest::Digest;
use handoff_core::event::Event;
use handoff_core::id::{ActorId, ContractId, HandoffId, MotionId, PersonId, RecordRef};
use handoff_core::journal::LogEntry;
use handoff_core::observation::{Actor, Observation};
use jiff::{SignedDuration, Timestamp};

pub(crate) const CONTRACT: &str = "h03-ae-to-onboarding";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn actor(name: &str) -> Actor {
    Actor {
        id: ActorId::from(name),
        person: PersonId::from(name),
        machine: false,
        active: true,
        roles: BTreeSet::new(),
    }
}

/// A handoff of `sender`, complete at `completed`, first answered by `receiver` after `hours`, logged then.
pub(crate) fn answered(
    record: &str,
    completed: &str,
    hours: i64,
    (sender, receiver): (&str, &str),
    accepts: bool,
) -> LogEntry {
    let handoff = HandoffId {
        contract: ContractId::from(CONTRACT),
        motion: MotionId::from("main"),
        subject: RecordRef { connection: "sf".into(), object: "Opportunity".into(), record: record.into() },
        cycle: 1,
    };
    let contract =
        ContractRef { id: handoff.contract.clone(), version: 1, digest: Digest::of_bytes(b"text") };
    let completed = at(completed);
    let answered = completed + SignedDuration::from_hours(hours);
    let (act, by) = (format!("{record}-1"), actor(receiver));
    let answer = if accepts {
        Event::Accepted { act, by, at: answered, round: 1, behalf: None }
    } else {
        let (fields, reasons, reason) = Default::default();
        Event::Rejected { act, by, at: answered, round: 1, fields, reason, reasons }
    };
    let opened = Event::Opened {
        handoff: handoff.clone(),
        contract: contract.clone(),
        stage: "commit".into(),
        at: Some(completed - SignedDuration::from_hours(1)),
    };
    let seen = Observation { sender: Some(actor(sender)), ..Observation::gone(handoff.subject.clone()) };
    LogEntry::Decided {
        handoff,
        contract,
        terms: Terms::default(),
        at: answered,
        seen: Box::new(seen),
        events: vec![opened, Event::Completed { round: 1, at: completed }, answer],
    }
}
