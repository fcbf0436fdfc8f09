//! Who stands in for whom: the configuration's logins as persons.

use handoff_core::id::{ActorId, PersonId};
use handoff_core::observation::Actor;
use handoff_core::seat::{Delegate, Queue, Seats};

use crate::config::People;

/// The person behind a login.
pub(crate) fn person_of(people: &People, login: &str) -> PersonId {
    let login = login.trim();
    let same = |logins: &Vec<String>| logins.iter().any(|other| other.trim().eq_ignore_ascii_case(login));
    let person = people.same_person.iter().find(|(_, logins)| same(logins));
    PersonId(person.map_or_else(|| login.to_ascii_lowercase(), |(person, _)| person.clone()))
}

/// Delegates and queues as the core knows them.
pub(crate) fn seats(people: &People) -> Seats {
    let person = |login: &String| person_of(people, login);
    Seats {
        delegates: people
            .delegate
            .iter()
            .map(|delegation| Delegate {
                of: person(&delegation.of),
                to: person(&delegation.to),
                from: delegation.from,
                until: delegation.until,
            })
            .collect(),
        queues: people
            .queue
            .values()
            .map(|queue| {
                let members = queue.members.as_ref().map(|members| members.iter().map(person).collect());
                (ActorId(queue.id.clone()), Queue { members })
            })
            .collect(),
    }
}

/// A queue that a record names in a person's place. It answers nothing itself: its members do.
pub(crate) fn queue_actor(people: &People, id: &ActorId) -> Option<Actor> {
    let (name, _) = people.queue.iter().find(|(_, queue)| queue.id == id.as_str())?;
    Some(Actor {
        id: id.clone(),
        person: PersonId(format!("queue {name}")),
        machine: false,
        active: true,
        roles: people.roles.keys().cloned().collect(),
    })
}
