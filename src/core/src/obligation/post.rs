//! Who it is that owes something, where a rule names a role and no person.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, ObligationKind};
use crate::contract::Contract;
use crate::id::{ActorId, PersonId};
use crate::motion::SignalTable;
use crate::observation::Actor;

/// The role of whoever looks after the installation.
pub const ADMIN: &str = "admin";

/// Role → who holds it, the one who is to be asked first in front.
pub type Holders = BTreeMap<String, Vec<Actor>>;

static NOBODY: Holders = Holders::new();

/// Who owes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// Somebody.
    By(Actor),
    /// Whoever holds a role.
    ByRole(String),
}

/// What an installation says of roles and signals.
#[derive(Debug, Clone, Copy)]
pub struct Posts<'a> {
    /// Who holds which role.
    pub holders: &'a Holders,
    /// What signals mean in each motion; `None` = nobody says.
    pub signals: Option<&'a SignalTable>,
}

impl Posts<'static> {
    /// Nobody holds any role, and no signal means anything.
    pub fn none() -> Self {
        Self { holders: &NOBODY, signals: None }
    }
}

impl From<Actor> for Owner {
    fn from(actor: Actor) -> Self {
        Self::By(actor)
    }
}

impl Owner {
    /// The person, and the role that it was asked for by. A role that nobody holds who could act is a person who cannot act either: what
    /// he owes stays owed, and is shown to an admin.
    pub(super) fn resolve(self, case: &Case<'_>, kind: ObligationKind) -> (Actor, Option<String>) {
        match self {
            Self::By(actor) => (actor, None),
            Self::ByRole(role) => {
                let actor = holder(case, kind, &role).unwrap_or_else(|| vacant(&role));
                (actor, Some(role))
            }
        }
    }
}

/// The record's own people come first in their roles; what is taken above somebody does not go to himself while there is another.
fn holder(case: &Case<'_>, kind: ObligationKind, role: &str) -> Option<Actor> {
    let (roles, handoff) = (&case.contract.roles, case.handoff);
    let can_act = |actor: &&Actor| actor.active && !actor.machine;
    let holders = || case.posts.holders.get(role).into_iter().flatten().filter(can_act);
    if kind == ObligationKind::Escalation {
        let missed = |actor: &&Actor| {
            let concerned = [&handoff.receiver, &handoff.sender].into_iter().flatten();
            concerned.into_iter().any(|other| other.person == actor.person)
        };
        return holders().find(|actor| !missed(actor)).or_else(|| holders().next()).cloned();
    }
    let own = [(&roles.sender, &handoff.sender), (&roles.receiver, &handoff.receiver)];
    let own = own.into_iter().filter(|(own, _)| *own == role).find_map(|(_, actor)| actor.as_ref());
    own.filter(can_act).or_else(|| holders().next()).cloned()
}

/// Stands for a role that nobody can be found for.
fn vacant(role: &str) -> Actor {
    Actor {
        id: ActorId(format!("role:{role}")),
        person: PersonId(format!("role {role}")),
        machine: false,
        active: false,
        roles: BTreeSet::from([role.to_owned()]),
    }
}

/// The roles that may owe something under a contract without a record naming who holds them.
pub fn roles(contract: &Contract, signals: Option<&SignalTable>) -> BTreeSet<String> {
    let path = contract.return_path.as_ref();
    let above = [&contract.sla.escalate_to, &contract.roles.fallback]
        .into_iter()
        .chain(path.map(|path| &path.escalate_to));
    let mut roles: BTreeSet<String> = above.flatten().cloned().collect();
    if let Some(table) = signals {
        let actions = table.signal.values().flat_map(|signal| signal.action.values()).flatten();
        roles.extend(actions.map(|action| action.role.clone()));
        roles.insert(ADMIN.to_owned());
    }
    roles
}
