//! Who is behind a CRM's user id: the CRM's own word on the user, the configuration's on persons and roles. Nobody that is not known can do
//! anything that counts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use handoff_connector::{ActingUser, Fault, Source};
use handoff_core::extract::{RawRecord, stranger};
use handoff_core::id::ActorId;
use handoff_core::mapping::{Mapping, Who};
use handoff_core::obligation::Holders;
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
    /// The newest answers of theirs that had been seen when they were asked for.
    answers: BTreeSet<Answered>,
}

/// An answer in a record's history: when, by the CRM's clock, and the history row.
pub(crate) type Answered = (Timestamp, String);

/// The people of one connection.
pub(crate) struct Directory {
    people: People,
    /// Roles that tasks may go to without a record naming who holds them.
    posts: BTreeSet<String>,
    users: RwLock<BTreeMap<String, Known>>,
    /// Login → the user that holds it, for the roles above; and when that was asked.
    logins: RwLock<(BTreeMap<String, String>, Option<Timestamp>)>,
    /// The user that our own session acts as.
    ourselves: RwLock<Option<String>>,
}

impl Directory {
    pub(crate) fn new(people: People, posts: BTreeSet<String>) -> Self {
        let (users, logins) = (RwLock::new(BTreeMap::new()), RwLock::default());
        Self { people, posts, users, logins, ourselves: RwLock::new(None) }
    }

    /// Makes sure that the holders of roles are known as of now. What fails here keeps a task from being written, and nothing else.
    pub(crate) async fn meet_posts(&self, source: &dyn Source, transport: &Transport, now: Timestamp) {
        let named = |role: &String| self.people.roles.get(role).into_iter().flatten();
        let logins: BTreeSet<String> =
            self.posts.iter().flat_map(named).filter(|login| *login != "*").map(|login| key(login)).collect();
        let asked = self.logins.read().unwrap_or_else(PoisonError::into_inner).1;
        let is_fresh = asked.and_then(|asked| asked.checked_add(FRESH).ok()).is_some_and(|until| until > now);
        if logins.is_empty() || is_fresh {
            return;
        }
        let logins: Vec<String> = logins.into_iter().collect();
        let mut found = Vec::new();
        for chunk in logins.chunks(BATCH) {
            match transport.run(source.people(chunk)).await {
                Ok(users) => found.extend(users),
                Err(fault) => {
                    tracing::warn!(fault = fault.kind(), "cannot look up who holds which role; later");
                    let mut known = self.logins.write().unwrap_or_else(PoisonError::into_inner);
                    known.1 = now.checked_sub(FRESH).and_then(|at| at.checked_add(RETRY)).ok();
                    return;
                }
            }
        }
        self.learn(found, now);
    }

    /// Takes up who has which login. Never holds both tables at once, as nobody here does: two who took them in turns would wait for each other.
    fn learn(&self, mut found: Vec<ActingUser>, now: Timestamp) {
        // Of several users with one login the one who can act counts.
        found.sort_by_key(|user| (!user.active, user.machine, user.id.clone()));
        let mut logins: BTreeMap<String, String> = BTreeMap::new();
        {
            let mut users = self.users.write().unwrap_or_else(PoisonError::into_inner);
            for user in found {
                logins.entry(key(&user.login)).or_insert_with(|| user.id.clone());
                // Whatever he answers is asked for anew.
                let answers = users.get(&user.id).map(|known| known.answers.clone()).unwrap_or_default();
                users.insert(user.id.clone(), Known { user: Some(user), asked: now, answers });
            }
        }
        *self.logins.write().unwrap_or_else(PoisonError::into_inner) = (logins, Some(now));
    }

    /// Who holds the roles that tasks may go to, in the order of the configuration; those who have somebody answer for them now come last. Nobody
    /// in particular holds a role that everybody holds.
    pub(crate) fn holders(&self, now: Timestamp) -> Holders {
        let logins = self.logins.read().unwrap_or_else(PoisonError::into_inner).0.clone();
        let seats = seats::seats(&self.people);
        let is_away = |actor: &Actor| {
            seats.delegates.iter().any(|delegate| {
                delegate.of == actor.person
                    && delegate.from.is_none_or(|from| from <= now)
                    && delegate.until.is_none_or(|until| now < until)
            })
        };
        let of_role = |role: &String| {
            let named = self.people.roles.get(role)?.iter();
            let ids = named.filter_map(|login| logins.get(&key(login)));
            let actors = ids.map(|id| handoff_core::extract::Directory::actor(self, &ActorId(id.clone())));
            let (away, mut here): (Vec<Actor>, Vec<Actor>) = actors.partition(|actor| is_away(actor));
            here.extend(away);
            Some((role.clone(), here)).filter(|(_, holders)| !holders.is_empty())
        };
        self.posts.iter().filter_map(of_role).collect()
    }

    /// Makes sure that all users in these records are known as of now, and whoever answered as of after his answer: a login that was switched off a
    /// moment ago answers nothing.
    pub(crate) async fn meet(
        &self,
        source: &dyn Source,
        transport: &Transport,
        ids: BTreeSet<String>,
        answers: &BTreeMap<String, BTreeSet<Answered>>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        if self.ourselves.read().unwrap_or_else(PoisonError::into_inner).is_none() {
            let id = transport.run(source.whoami()).await?;
            *self.ourselves.write().unwrap_or_else(PoisonError::into_inner) = Some(id);
        }
        let is_queue = |id: &String| self.people.queue.values().any(|queue| queue.id == *id);
        let ids: Vec<String> =
            ids.into_iter().filter(|id| !is_queue(id) && self.is_stale(id, answers.get(id), now)).collect();
        for chunk in ids.chunks(BATCH) {
            let found = transport.run(source.users(chunk)).await?;
            let mut users = self.users.write().unwrap_or_else(PoisonError::into_inner);
            if users.len() > MOST {
                users.clear();
            }
            for id in chunk {
                users.insert(id.clone(), Known { user: None, asked: now, answers: newest(answers.get(id)) });
            }
            for user in found {
                let answers = newest(answers.get(&user.id));
                users.insert(user.id.clone(), Known { user: Some(user), asked: now, answers });
            }
        }
        Ok(())
    }

    /// A person who speaks at the command line or the API, by login: persons and roles are the configuration's word. Nobody is behind a role that
    /// everyone holds.
    pub(crate) fn by_login(&self, login: &str) -> Actor {
        let login = login.trim();
        let holds = |logins: &Vec<String>| logins.iter().any(|other| other.eq_ignore_ascii_case(login));
        let roles = self.people.roles.iter().filter(|(_, logins)| holds(logins));
        let users = self.users.read().unwrap_or_else(PoisonError::into_inner);
        let mut known = users.values().filter_map(|known| known.user.as_ref());
        let known = known.find(|user| user.login.eq_ignore_ascii_case(login));
        Actor {
            id: ActorId(login.to_owned()),
            person: person_of(&self.people, login),
            machine: known.is_some_and(|user| user.machine),
            active: !login.is_empty() && login != "*" && known.is_none_or(|user| user.active),
            roles: roles.map(|(role, _)| role.clone()).collect(),
        }
    }

    fn is_stale(&self, id: &str, answers: Option<&BTreeSet<Answered>>, now: Timestamp) -> bool {
        let users = self.users.read().unwrap_or_else(PoisonError::into_inner);
        users.get(id).is_none_or(|known| {
            // Who was asked for after a later answer was asked for after this one too.
            let newest = known.answers.last().map(|(at, _)| *at);
            let is_new = |answer: &Answered| Some(answer.0) >= newest && !known.answers.contains(answer);
            if answers.is_some_and(|answers| answers.iter().any(is_new)) {
                return true;
            }
            let holds = if known.user.is_some() { FRESH } else { RETRY };
            known.asked.checked_add(holds).is_ok_and(|until| until <= now)
        })
    }

    /// The same people as they count in the past: whether somebody could act then nobody tells, and whoever has left since could.
    pub(crate) fn of_the_past(&self) -> Then<'_> {
        Then(self)
    }

    fn person(&self, id: &ActorId, then: bool) -> Actor {
        if let Some(queue) = seats::queue_actor(&self.people, id) {
            return queue;
        }
        let users = self.users.read().unwrap_or_else(PoisonError::into_inner);
        let Some(user) = users.get(id.as_str()).and_then(|known| known.user.as_ref()) else {
            return stranger(id);
        };
        let ourselves = self.ourselves.read().unwrap_or_else(PoisonError::into_inner);
        let machine = user.machine || ourselves.as_deref() == Some(id.as_str());
        let user = ActingUser { active: user.active || then, ..user.clone() };
        Actor {
            id: id.clone(),
            person: person_of(&self.people, &user.login),
            machine,
            active: user.active,
            roles: self.roles(&user, machine),
        }
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
        self.person(id, false)
    }
}

/// The people of one connection as they count in the past.
pub(crate) struct Then<'a>(&'a Directory);

impl handoff_core::extract::Directory for Then<'_> {
    fn actor(&self, id: &ActorId) -> Actor {
        self.0.person(id, true)
    }
}

/// The answers of the newest moment.
fn newest(answers: Option<&BTreeSet<Answered>>) -> BTreeSet<Answered> {
    let Some((last, answers)) = answers.and_then(|answers| Some((answers.last()?.0, answers))) else {
        return BTreeSet::new();
    };
    answers.iter().filter(|(at, _)| *at == last).cloned().collect()
}

/// Who answered on these records, and when: history of the fields in which mappings take answers, or the last change where there is none.
pub(crate) fn answers<'a>(
    raws: impl IntoIterator<Item = &'a RawRecord>,
    mappings: &[&'a Mapping],
) -> BTreeMap<String, BTreeSet<Answered>> {
    let mut found: BTreeMap<String, BTreeSet<Answered>> = BTreeMap::new();
    for raw in raws {
        let takes = |field: &str| {
            mappings.iter().any(|mapping| {
                mapping.decision.field == field
                    || mapping.reask.as_ref().is_some_and(|reask| reask.field == field)
            })
        };
        let changes = raw.history.iter().flatten().filter(|change| takes(&change.field));
        for change in changes.filter(|change| change.new.as_ref().is_some_and(|new| !new.is_null())) {
            found.entry(change.by.0.clone()).or_default().insert((change.at, change.id.clone()));
        }
        let weak = mappings.iter().any(|mapping| mapping.decision.who == Who::LastModifiedBy);
        if let Some((at, by)) = raw.last_modified.as_ref().filter(|_| weak || raw.history.is_none()) {
            found.entry(by.0.clone()).or_default().insert((*at, raw.record.to_string()));
        }
    }
    found
}

/// A login as it is compared.
fn key(login: &str) -> String {
    login.trim().to_lowercase()
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
        let directory = Directory::new(People { roles, same_person, ..People::default() }, BTreeSet::new());
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
            let (asked, answers) = (Timestamp::UNIX_EPOCH, BTreeSet::new());
            users.insert(user.id.clone(), Known { user: Some(user), asked, answers });
        }
        drop(users);
        directory
    }

    /// One asks who holds a role while another takes up who does: with both tables held in turns this never ended.
    #[test]
    fn who_asks_and_who_takes_up_never_wait_for_each_other() {
        let directory = Directory { posts: BTreeSet::from(["onboarding_lead".to_owned()]), ..directory() };
        let rosa = || directory.users.read().unwrap().get("1").and_then(|known| known.user.clone());
        let now = Timestamp::UNIX_EPOCH;
        let learn = || (0..5_000).for_each(|_| directory.learn(rosa().into_iter().collect(), now));
        let ask = || (0..5_000).for_each(|_| drop(directory.holders(now)));
        std::thread::scope(|threads| {
            threads.spawn(learn);
            threads.spawn(ask);
        });
        assert_eq!(directory.holders(now)["onboarding_lead"].len(), 1);
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
    fn f11_whoever_answers_is_asked_for_after_his_answer_and_then_not_again() {
        let directory = directory();
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let answers =
            |all: &[(i64, &str)]| all.iter().map(|(second, id)| (at(*second), (*id).to_owned())).collect();
        let is_stale = |answers: &BTreeSet<Answered>| directory.is_stale("1", Some(answers), at(20));
        assert!(!directory.is_stale("1", None, at(20)), "known for a moment");
        let first: BTreeSet<Answered> = answers(&[(15, "a")]);
        assert!(is_stale(&first));
        directory.users.write().unwrap().get_mut("1").unwrap().answers = newest(Some(&first));
        assert!(!is_stale(&first));
        assert!(!is_stale(&answers(&[(14, "of an earlier moment")])));
        assert!(is_stale(&answers(&[(15, "a"), (15, "in the same second")])));
        assert!(is_stale(&answers(&[(15, "a"), (16, "b")])));
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
