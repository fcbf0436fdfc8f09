//! The shared account over time: who owns it, how healthy motion A is, and when it comes back into one hand.

use jiff::Timestamp;

use super::owner::{primary, trigger};
use super::trigger::Trigger;
use crate::beside::{Because, Beside, BesideSeen, CrossMotion, Happening, LowHealth, Reunify, SharedAccount};
use crate::contract::Contract;
use crate::escalation::end_of;
use crate::handoff::{Handoff, Phase};
use crate::observation::{Actor, Observation};
use crate::value::{Package, Value};

/// What happened to the shared account; nothing where the mapping names nothing beside the package. The same things seen at the same time again: nothing.
pub fn advance(
    terms: &CrossMotion,
    reunify: Option<Reunify>,
    handoff: &Handoff,
    seen: &Observation,
    now: Timestamp,
) -> Vec<Happening> {
    let Some(beside) = seen.beside.as_deref().filter(|_| handoff.phase != Phase::Voided) else {
        return Vec::new();
    };
    let policy = reunify.unwrap_or(terms.reunify);
    let state = handoff.beside.clone();
    let mut walk = Walk { terms, policy, handoff, seen, beside, now, state, happened: Vec::new() };
    walk.run();
    walk.happened
}

/// When time alone will change something about the shared account.
pub fn look_again(terms: &CrossMotion, handoff: &Handoff, now: Timestamp) -> Option<Timestamp> {
    let shared = handoff.beside.shared.as_ref().filter(|_| handoff.is_accepted())?;
    if shared.due.is_some() {
        return None;
    }
    let latest = latest(terms, &handoff.package);
    let steady = shared
        .steady
        .as_ref()
        .and_then(|steady| trigger(&terms.trigger, &handoff.package)?.fires_when_steady(steady.since));
    // A moment that the record tells only as a date in the future is found when the latest date or a sweep looks again.
    let fires = shared.fires;
    [latest, steady, fires].into_iter().flatten().filter(|due| *due > now).min()
}

/// Whether low health of motion A shuts the handoff's gates.
pub fn shuts(contract: &Contract, handoff: &Handoff) -> bool {
    let Some(terms) = &contract.cross_motion else { return false };
    let low = handoff.beside.shared.as_ref().is_some_and(|shared| shared.low);
    low && terms.on_low_health == LowHealth::Shut
}

fn latest(terms: &CrossMotion, package: &Package) -> Option<Timestamp> {
    end_of(terms.latest.value(package)?.date()?)
}

struct Walk<'a> {
    terms: &'a CrossMotion,
    policy: Reunify,
    handoff: &'a Handoff,
    seen: &'a Observation,
    beside: &'a BesideSeen,
    now: Timestamp,
    state: Beside,
    happened: Vec<Happening>,
}

impl Walk<'_> {
    fn run(&mut self) {
        self.own();
        self.guard_health();
        self.keep_steady();
        self.come_due();
        self.reunite();
    }

    fn push(&mut self, happening: Happening) {
        self.state.apply(&happening);
        self.happened.push(happening);
    }

    fn shared(&self) -> SharedAccount {
        self.state.shared.as_deref().cloned().unwrap_or_default()
    }

    fn own(&mut self) {
        let owner = primary(self.terms, self.beside).cloned();
        let person = |actor: &Option<Actor>| actor.as_ref().map(|actor| actor.person.clone());
        if person(&self.shared().primary) != person(&owner) {
            self.push(Happening::PrimaryAssigned { owner });
        }
    }

    /// From the hand-over on until the relationship is in one hand again.
    fn guard_health(&mut self) {
        let shared = self.shared();
        if shared.reunified.is_some() {
            return;
        }
        let Some(health) = self.beside.measures.get(&self.terms.health).copied() else { return };
        let Some(line) = self.terms.stop_below.value(&self.seen.package).and_then(Value::number) else {
            return;
        };
        match (shared.low, health < line) {
            (false, true) => self.push(Happening::HealthFell { health, stop_below: line }),
            (true, false) => self.push(Happening::HealthRecovered { health }),
            (true, true) | (false, false) => {}
        }
    }

    fn trigger(&self) -> Option<Trigger> {
        trigger(&self.terms.trigger, &self.seen.package)
    }

    fn keep_steady(&mut self) {
        let holds = match self.trigger() {
            Some(Trigger::While { measure, comparison, bound, .. }) => {
                let value = self.beside.measures.get(&measure);
                value.is_some_and(|value| comparison.holds(*value, bound))
            }
            Some(Trigger::After { .. }) | None => false,
        };
        let shared = self.shared();
        match (&shared.steady, holds) {
            (None, true) if shared.due.is_none() => {
                self.push(Happening::SteadySince { since: Some(self.now) });
            }
            (Some(_), false) if shared.due.is_none() => self.push(Happening::SteadySince { since: None }),
            (Some(_) | None, _) => {}
        }
        let fires = match self.trigger() {
            Some(trigger @ Trigger::After { .. }) => self.fires(&trigger),
            Some(Trigger::While { .. }) | None => None,
        };
        if shared.due.is_none() && self.shared().fires != fires {
            self.push(Happening::TriggerSet { fires });
        }
    }

    fn fires(&self, trigger: &Trigger) -> Option<Timestamp> {
        match trigger {
            Trigger::After { event, .. } => trigger.fires_after(*self.beside.moments.get(event)?),
            Trigger::While { .. } => trigger.fires_when_steady(self.shared().steady?.since),
        }
    }

    fn come_due(&mut self) {
        let to = self.beside.persons.get(&self.terms.owner_after.0).cloned();
        let person = |actor: &Option<Actor>| actor.as_ref().map(|actor| actor.person.clone());
        let shared = self.shared();
        let stands = shared.due.as_ref().is_some_and(|due| person(&due.to) == person(&to));
        if stands || shared.reunified.is_some() || !self.handoff.is_accepted() {
            return;
        }
        let trigger = self.trigger().and_then(|trigger| self.fires(&trigger));
        let latest = latest(self.terms, &self.seen.package);
        let due = [(trigger, Because::Trigger), (latest, Because::Latest)]
            .into_iter()
            .filter_map(|(at, because)| Some((at?, because)))
            .filter(|(at, _)| *at <= self.now)
            .min_by_key(|(at, _)| *at);
        if let Some((at, because)) = due {
            self.push(Happening::ReunificationDue { because, at, to, policy: self.policy });
        }
    }

    fn reunite(&mut self) {
        let shared = self.shared();
        let Some(due) = shared.due.filter(|_| shared.reunified.is_none()) else { return };
        let (Some(to), Some(stands)) = (due.to, &self.beside.primary) else { return };
        if stands.person == to.person {
            self.push(Happening::Reunified { to, at: self.now });
        }
    }
}
