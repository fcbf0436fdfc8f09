//! Who is behind a CRM's user id: the CRM's own word on the user, the configuration's on persons and roles. Nobody that is not known can do
//! anything that counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use handoff_connector::{ActingUser, Fault, Source};
use handoff_core::extract::{RawRecord, stranger};
use handoff_core::id::ActorId;
use handoff_core::mapping::Mapping;
use handoff_core::observation::Actor;
use handoff_transport::Transport;
use jiff::Timestamp;

use crate::config::People;
use crate::seats::{self, person_of};

/// How long the CRM's word on a user holds.
const FRESH: Duration = Duration::from_mins(10);
/// How soon a user that was not found is asked for again.
const RETRY: Duration = Duration::from_mins(1);
/// Users asked for at once.
const BATCH: usize = 200;
/// Most users remembered; beyond it the memory starts anew.
const MOST: usize = 100_000;

struct Known {
    user: Option<ActingUser>,
    asked: Timestamp,
}

/// The people of one connection.
pub(crate) struct Directory {
    people: People,
    users: RwLock<BTreeMap<String, Known>>,
    /// The user that our own session acts as.
    ourselves: RwLock<Option<String>>,
}

impl Directory {
    pub(crate) fn new(people: People) -> Self {
        Self { people, users: RwLock::new(BTreeMap::new()), ourselves: RwLock::new(None) }
    }

    /// Makes sure that all users in these records are known as of now.
    pub(crate) async fn meet(
        &self,
        source: &dyn Source,
        transport: &Transport,
        ids: BTreeSet<String>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        if self.ourselves.read().unwrap_or_else(PoisonError::into_inner).is_none() {
            let id = transport.run(source.whoami()).await?;
            *self.ourselves.write().unwrap_or_else(PoisonError::into_inner) = Some(id);
        }
        let is_queue = |id: &String| self.people.queue.values().any(|queue| queue.id == *id);
        let ids: Vec<String> = ids.into_iter().filter(|id| !is_queue(id) && self.is_stale(id, now)).collect();
        for chunk in ids.chunks(BATCH) {
            let found = transport.run(source.users(chunk)).await?;
            let mut users = self.users.write().unwrap_or_else(PoisonError::into_inner);
            if users.len() > MOST {
                users.clear();
            }
            for id in chunk {
                users.insert(id.clone(), Known { user: None, asked: now });
            }
            for user in found {
                users.insert(user.id.clone(), Known { user: Some(user), asked: now });
            }
        }
        Ok(())
    }

    fn is_stale(&self, id: &str, now: Timestamp) -> bool {
        let users = self.users.read().unwrap_or_else(PoisonError::into_inner);
        users.get(id).is_none_or(|known| {
            let holds = if known.user.is_some() { FRESH } else { RETRY };
            known.asked.checked_add(holds).is_ok_and(|until| until <= now)
        })
    }

    fn roles(&self, user: &ActingUser, machine: bool) -> BTreeSet<String> {
        let holds = |logins: &&Vec<String>| {
            logins.iter().any(|login| {
                (login == "*" && user.active && !machine) || login.eq_ignore_ascii_case(&user.login)
            })
        };
        let roles = self.people.roles.iter().filter(|(_, logins)| holds(logins));
        roles.map(|(role, _)| role.clone()).collect()
    }
}

impl handoff_core::extract::Directory for Directory {
    fn actor(&self, id: &ActorId) -> Actor {
        if let Some(queue) = seats::queue_actor(&self.people, id) {
            return queue;
        }
        let users = self.users.read().unwrap_or_else(PoisonError::into_inner);
        let Some(user) = users.get(id.as_str()).and_then(|known| known.user.as_ref()) else {
            return stranger(id);
        };
        let ourselves = self.ourselves.read().unwrap_or_else(PoisonError::into_inner);
        let machine = user.machine || ourselves.as_deref() == Some(id.as_str());
        Actor {
            id: id.clone(),
            person: person_of(&self.people, &user.login),
            machine,
            active: user.active,
            roles: self.roles(user, machine),
        }
    }
}

/// All users that a record names: its people, and everybody in its history.
pub(crate) fn named<'a>(
    raw: &RawRecord,
    mappings: impl IntoIterator<Item = &'a Mapping>,
) -> BTreeSet<String> {
    let mut ids: BTreeSet<String> = raw.history.iter().flatten().map(|change| change.by.0.clone()).collect();
    ids.extend(raw.last_modified.iter().map(|(_, by)| by.0.clone()));
    for mapping in mappings {
        for field in [&mapping.people.sender.field, &mapping.people.receiver.field] {
            ids.extend(raw.fields.get(field).and_then(|value| value.as_str()).map(str::to_owned));
        }
    }
    ids.retain(|id| !id.trim().is_empty());
    ids
}

#[cfg(test)]
mod tests {
    use handoff_core::extract::Directory as _;

    use super::*;

    fn directory() -> Directory {
        let roles = BTreeMap::from([
            ("onboarding_lead".to_owned(), vec!["Rosa@acme.test".to_owned()]),
            ("everyone".to_owned(), vec!["*".to_owned()]),
        ]);
        let same = vec!["rosa@acme.test".to_owned(), "rosa.admin@acme.test".to_owned()];
        let same_person = BTreeMap::from([("rosa".to_owned(), same)]);
        let directory = Directory::new(People { roles, same_person, ..People::default() });
        let user = |id: &str, login: &str, machine: bool| ActingUser {
            id: id.to_owned(),
            login: login.to_owned(),
            name: String::new(),
            active: true,
            machine,
        };
        let mut users = directory.users.write().unwrap();
        for user in [
            user("1", "rosa@acme.test", false),
            user("2", "rosa.admin@acme.test", false),
            user("3", "bot@acme.test", true),
        ] {
            users.insert(user.id.clone(), Known { user: Some(user), asked: Timestamp::UNIX_EPOCH });
        }
        drop(users);
        directory
    }

    #[test]
    fn f02_one_person_under_two_logins_is_one_person() {
        let directory = directory();
        let (first, second) = (directory.actor(&ActorId::from("1")), directory.actor(&ActorId::from("2")));
        assert_eq!(first.person, second.person);
        assert!(first.roles.contains("onboarding_lead"));
        assert!(!second.roles.contains("onboarding_lead"));
    }

    #[test]
    fn an_unknown_user_is_powerless_and_a_machine_is_not_everyone() {
        let directory = directory();
        let unknown = directory.actor(&ActorId::from("9"));
        assert!(!unknown.active && unknown.roles.is_empty());
        assert!(directory.actor(&ActorId::from("3")).roles.is_empty());
        assert!(directory.actor(&ActorId::from("2")).roles.contains("everyone"));
    }
}
