//! The laws, judged from the record alone wherever that is possible.

use std::collections::BTreeSet;
use std::fmt;

use handoff_core::event::Event;
use handoff_core::handoff::Handoff;
use handoff_core::observation::Actor;

use crate::setting::OBSERVED;
use crate::subject::Core;
use crate::world::{Entry, Said, TrueAct, World, actor, time};

/// A law that does not hold.
#[derive(Debug, Clone)]
pub(crate) struct Broken {
    pub(crate) law: &'static str,
    pub(crate) how: String,
    pub(crate) path: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} after {}", self.law, self.how, self.path)
    }
}

fn broken(law: &'static str, how: impl Into<String>) -> Result<(), Broken> {
    Err(Broken { law, how: how.into(), path: String::new() })
}

/// Makes one pass and checks everything; the world is as it stands after the pass.
pub(crate) fn pass_and_check(core: &dyn Core, world: &mut World) -> Result<(), Broken> {
    let seen = world.look();
    let first = world.decide(core, &seen);
    if world.decide(core, &seen) != first {
        return broken("L5", "the same observation was decided in two ways");
    }
    world.pass(core);
    direction(core, world)?;
    fail_closed(world)?;
    for entry in &world.log {
        no_self_approval(entry)?;
    }
    each_act_once(world)?;
    // The CRM reads as we wrote it: from here on there is nothing to say and nothing to do.
    let seen = world.look();
    let mut after = world.clone();
    let again = after.decide(core, &seen);
    let settles = |event: &Event| matches!(event, Event::GateWritten { .. } | Event::Healed { .. });
    if let Some(event) = again.iter().find(|event| !settles(event)) {
        return broken("L1", format!("seen again, decided again: {}", event.name()));
    }
    after.pass(core);
    let seen = after.look();
    if after.truth.exists && after.plan(core, &seen).is_some_and(|plan| !plan.is_empty()) {
        return broken("L3", "a second pass wants to write again");
    }
    if !after.decide(core, &seen).is_empty() {
        return broken("L1", "a second pass decides again");
    }
    replay(core, world)
}

fn direction(core: &dyn Core, world: &World) -> Result<(), Broken> {
    // As the plan would be if the flags were as they were before anything was written.
    let mut fresh = world.clone();
    fresh.truth.flags.values_mut().for_each(|flag| flag.0 = false);
    for world in [world, &fresh] {
        let Some(plan) = world.plan(core, &world.look()) else { return Ok(()) };
        if plan.opens() != plan.guard.is_some() {
            return broken("L4", "an opening has no guard, or a closing has one");
        }
        if plan.writes.iter().any(|write| write.field == OBSERVED) {
            return broken("L4", "an observed gate is written");
        }
        let parts = plan.split();
        if parts.closing.is_some_and(|closing| closing.guard.is_some() || closing.opens()) {
            return broken("L4", "a closing depends on something");
        }
    }
    Ok(())
}

fn fail_closed(world: &World) -> Result<(), Broken> {
    let truth = &world.truth;
    if !truth.exists {
        return Ok(());
    }
    let known = ["Negotiation", "Closed Won"].contains(&truth.stage.0);
    let overridden = truth.overrides.iter().any(|each| each.from <= truth.now && truth.now < each.until);
    for (gate, (open, _, ours)) in &truth.flags {
        if !(*open && *ours) {
            continue;
        }
        if !known {
            return broken("L2", format!("{gate} stands open in stage {}", truth.stage.0));
        }
        let holds = match *gate {
            "commission" => accepted(world).is_some() || overridden,
            _ => is_complete(world, None) || accepted(world).is_some(),
        };
        if !holds {
            return broken("L2", format!("{gate} stands open, and nobody who may has said so"));
        }
    }
    Ok(())
}

fn person(world: &World) -> Option<(Actor, Actor)> {
    Some((actor(world.truth.sender?), actor(world.truth.receiver?)))
}

/// An act of the receiver in force that takes exactly what stands there now.
fn accepted(world: &World) -> Option<&TrueAct> {
    let (sender, receiver) = person(world)?;
    if sender.person == receiver.person {
        return None;
    }
    let acts = &world.truth.acts;
    let takes = |act: &&TrueAct| !matches!(act.said, Said::Reject(_));
    let mut own = acts.iter().enumerate().filter(|(_, act)| actor(act.by).person == receiver.person);
    own.clone().filter(|(_, act)| takes(act)).find_map(|(number, act)| {
        let later_no = own.any(|(other, said)| other > number && matches!(said.said, Said::Reject(_)));
        let covers = (0..2).all(|field| {
            let missing = |value: u8| value == 0 || value == 3;
            let excepted = act.said == Said::AcceptWith && missing(act.values[field]);
            world.truth.values[field] == act.values[field]
                || excepted
                || (field == 1 && confirmed(world, number, field))
        });
        (!later_no && covers && is_complete(world, Some(act))).then_some(act)
    })
}

/// Whether a later act of the same person takes this field as it stands.
fn confirmed(world: &World, after: usize, field: usize) -> bool {
    let later = world.truth.acts.iter().skip(after + 1);
    let first = world.truth.acts.get(after).map(|act| act.by);
    later
        .filter(|act| Some(act.by) == first && act.said == Said::Accept)
        .any(|act| act.values[field] == world.truth.values[field])
}

/// Whether every field is filled, or may be missing by this act until two days after it.
fn is_complete(world: &World, act: Option<&TrueAct>) -> bool {
    (0..3).all(|field| {
        let missing = |value: u8| value == 0 || value == 3;
        let excepted = act.is_some_and(|act| {
            act.said == Said::AcceptWith
                && missing(act.values[field])
                && time(world.truth.now) < time(act.at + 2 * 86_400)
        });
        !missing(world.truth.values[field]) || excepted
    })
}

fn no_self_approval(entry: &Entry) -> Result<(), Broken> {
    let mut state = entry.before.clone();
    for event in &entry.events {
        let sender = state.as_ref().and_then(|state| state.sender.clone());
        let receiver = state.as_ref().and_then(|state| state.receiver.clone());
        match event {
            Event::Accepted { by, at, .. }
            | Event::Confirmed { by, at, .. }
            | Event::ExceptionsGranted { by, at, .. } => {
                let own = sender
                    .as_ref()
                    .is_none_or(|sender| sender.person == by.person || is_sam(sender) && is_sam(by));
                let other = receiver.as_ref().is_none_or(|receiver| receiver.person != by.person);
                if own || other || by.machine || !by.roles.contains("onboarding_lead") {
                    return broken("L8", format!("{} by {}", event.name(), by.id));
                }
                let edited =
                    entry.seen.iter().flat_map(|seen| seen.edits.values()).any(|edit| edit.at >= *at);
                if edited {
                    return broken("L8", "an acceptance is not newer than the last edit");
                }
            }
            Event::CommissionReleased { .. }
                if state.as_ref().is_none_or(|state| !state.acceptance_holds()) =>
            {
                return broken("L8", "pay was released without an acceptance");
            }
            Event::Overridden { asked_by, confirmed_by, .. } => {
                let own = |by: &Actor| sender.as_ref().is_none_or(|sender| sender.person == by.person);
                if asked_by.person == confirmed_by.person || own(asked_by) || own(confirmed_by) {
                    return broken("L8", "one person, or the sender, opened a gate");
                }
            }
            _ => {}
        }
        state = Handoff::evolve(state, entry.stamp, event);
    }
    Ok(())
}

fn is_sam(actor: &Actor) -> bool {
    ["005S", "005T"].contains(&actor.id.as_str())
}

fn each_act_once(world: &World) -> Result<(), Broken> {
    let mut seen = BTreeSet::new();
    for event in world.log.iter().flat_map(|entry| &entry.events) {
        let (Event::Accepted { act, .. }
        | Event::Rejected { act, .. }
        | Event::Confirmed { act, .. }
        | Event::AnswerRefused { act, .. }) = event
        else {
            continue;
        };
        if !seen.insert(act.clone()) {
            return broken("L8", "an act counted twice");
        }
    }
    Ok(())
}

fn replay(core: &dyn Core, world: &World) -> Result<(), Broken> {
    let mut state = None;
    for entry in &world.log {
        if let Some(seen) = &entry.seen {
            let again = core.decide(world.case(), state.as_ref(), seen, entry.stamp.time);
            if again != entry.events {
                return broken("L5", "deciding again gives other events");
            }
        }
        state = core.apply(state, entry.stamp, &entry.events);
    }
    if serde_json::to_vec(&state).ok() != serde_json::to_vec(&world.state).ok() {
        return broken("L5", "folding again gives another state");
    }
    Ok(())
}
