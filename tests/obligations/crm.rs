//! Tasks by what they stand for, and calls about tasks whose answers are lost.

use std::collections::BTreeSet;

use handoff_core::registry::shipped;
use handoff_sandbox_host::Matching;
use handoffd::config::Tasks;
use handoffd_tests::crm::Kind;
use handoffd_tests::governed::Governed;
use handoffd_tests::task::Task;

/// Nobody's list is shortened or delayed.
pub(crate) fn plenty() -> Tasks {
    Tasks { digest_above: 1_000, max_per_person_and_day: 1_000, ..Tasks::default() }
}

/// The shipped contract of handoff 03 with another clock and other roles.
pub(crate) fn contract(changes: &[(&str, &str)]) -> (String, String) {
    let path = "contracts/h03-ae-to-onboarding.v1.toml";
    let mut text = shipped().find(|(known, _)| *known == path).unwrap().1.to_owned();
    for (old, new) in changes {
        assert!(text.contains(old), "{old}");
        text = text.replacen(old, new, 1);
    }
    (path.to_owned(), text)
}

/// Open tasks of one kind of obligation about one record; no two tasks stand for the same thing.
pub(crate) fn open(world: &Governed, kind: Kind, about: &str, stands_for: &str) -> Vec<Task> {
    let mut tasks = world.tasks(kind);
    let keys: BTreeSet<&str> = tasks.iter().map(|task| task.key.as_str()).collect();
    assert_eq!(keys.len(), tasks.len(), "created twice: {tasks:?}");
    let prefix = format!("{stands_for}-");
    // A kind may begin as another one does; what follows is a digest.
    tasks.retain(|task| task.open && task.key.strip_prefix(&prefix).is_some_and(|id| !id.contains('-')));
    tasks.retain(|task| task.about.iter().any(|id| id == about));
    tasks
}

/// The only open task of one kind about one record, which is of this person.
pub(crate) fn one(world: &Governed, kind: Kind, about: &str, stands_for: &str, who: &str) -> Task {
    let found = open(world, kind, about, stands_for);
    let [task] = found.as_slice() else {
        panic!("{stands_for}: {found:?}; {:?}", world.handle().view().tasks())
    };
    assert_eq!(task.owner, world.owner(kind, who), "{task:?}");
    task.clone()
}

/// Nobody has an open task of this kind about this record.
pub(crate) fn none(world: &Governed, kind: Kind, about: &str, stands_for: &str) {
    assert_eq!(open(world, kind, about, stands_for), [], "{stands_for}");
}

/// The next answers about tasks never arrive, although what was asked is done.
pub(crate) fn lose_answers(world: &Governed, kind: Kind, times: u32) {
    match kind {
        Kind::Salesforce => {
            let on = Matching { body: Some("sobjects/Task/".to_owned()), ..Matching::default() };
            let action = handoff_sandbox_salesforce::Action::DropAfter;
            world.org().plant(handoff_sandbox_salesforce::Fault { on, skip: 0, times, action });
        }
        Kind::Hubspot => {
            let on = Matching { path: Some("/tasks/batch/upsert".to_owned()), ..Matching::default() };
            let action = handoff_sandbox_hubspot::Action::DropAfter;
            world.portal().plant(handoff_sandbox_hubspot::Fault { on, skip: 0, times, action });
        }
    }
}

/// The daemon ends while answers about tasks are lost, and comes back.
pub(crate) async fn interrupted(world: &mut Governed, crms: &[Kind], seconds: i64) {
    for kind in crms {
        lose_answers(world, *kind, 2);
    }
    world.advance(seconds);
    world.ride(5).await;
    world.restart().await;
    world.ride(5).await;
}
