//! Stages entered while handoffd was down: closed by default, a grace that is checked again where the contract gives one, and no gate opened by it.

use handoff_core::contract::{Condition, OnOutage};
use handoff_core::event::Event;
use handoff_core::handoff::Handoff;
use handoff_core::id::GateName;
use handoff_core::sla::Interval;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::rows::{commission, fill, pass};
use crate::world::{Person, Step, Variant, World};
use crate::{histories, variants};

const HOUR: u32 = 3_600;

/// The stage gate is enforced, deals that pass it are put back, and four hours of grace follow an outage.
fn graced(variant: Variant) -> World {
    let mut world = World::reverting(variant);
    let gate = world.contract.gates.get_mut(&GateName::from("closed_won")).expect("it");
    gate.on_outage = OnOutage::GraceHours(4);
    world
}

fn now(world: &World) -> Timestamp {
    world.log.last().expect("something happened").stamp.time
}

/// A complete package, won while nobody looked for an hour.
fn won_unseen(mut world: World) -> World {
    world.play(&Step::Stage("Negotiation"));
    fill(&mut world, 1);
    let from = now(&world);
    world.terms.outages = vec![Interval { from, to: from + SignedDuration::from_hours(1) }];
    world.play(&Step::Stage("Closed Won"));
    world.play(&Step::Wait(HOUR));
    pass(&mut world);
    world
}

fn told(world: &World) -> Vec<&'static str> {
    let names = ["grace_granted", "grace_ended", "bypassed", "revert_ordered"];
    world.events().map(Event::name).filter(|name| names.contains(name)).collect()
}

#[test]
fn a_grace_opens_nothing_and_an_acceptance_in_time_makes_it_good() {
    let mut world = won_unseen(graced(Variant::History));
    assert_eq!(told(&world), ["grace_granted"]);
    assert!(!world.flag("closed_won") && !commission(&world), "no outage opens a gate");
    assert!(world.stage() == "Closed Won", "it is not put back");
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    assert_eq!(told(&world), ["grace_granted", "grace_ended"]);
    assert!(commission(&world) && world.state().expect("open").bypasses == 0);
}

#[test]
fn a_grace_that_is_not_made_good_is_a_bypass_in_the_end() {
    let mut world = won_unseen(graced(Variant::History));
    let until = world.state().and_then(|state| state.grace).expect("a grace").until;
    assert!(world.verdict().look_again_at.expect("a look") <= until);
    world.play(&Step::Wait(5 * HOUR));
    pass(&mut world);
    assert_eq!(told(&world), ["grace_granted", "grace_ended", "bypassed", "revert_ordered"]);
    pass(&mut world);
    pass(&mut world);
    assert_eq!(told(&world).iter().filter(|name| **name == "bypassed").count(), 1);
    // An acceptance that came too late does not make it good.
    let mut world = won_unseen(graced(Variant::History));
    world.play(&Step::Wait(5 * HOUR));
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    assert!(told(&world).contains(&"bypassed"));
}

#[test]
fn by_default_an_outage_changes_nothing() {
    let world = won_unseen(World::reverting(Variant::History));
    assert_eq!(told(&world), ["bypassed", "revert_ordered"]);
}

#[test]
fn what_was_entered_under_our_eyes_has_no_grace() {
    let mut world = graced(Variant::History);
    world.play(&Step::Stage("Negotiation"));
    fill(&mut world, 1);
    let from = now(&world);
    world.terms.outages = vec![Interval { from: from - SignedDuration::from_hours(1), to: from }];
    world.play(&Step::Stage("Closed Won"));
    pass(&mut world);
    assert_eq!(told(&world), ["bypassed", "revert_ordered"]);
}

#[test]
fn who_moves_the_deal_out_again_needs_no_grace() {
    let mut world = won_unseen(graced(Variant::History));
    world.play(&Step::Stage("Negotiation"));
    pass(&mut world);
    assert_eq!(told(&world), ["grace_granted", "grace_ended"]);
}

proptest! {
    #![proptest_config(Config { cases: 150, ..Config::default() })]

    #[test]
    fn l1_l2_l5_with_outages(variant in variants(), history in histories(), hours in prop::collection::vec((0..80_i64, 1..30_i64), 0..4)) {
        let mut world = graced(variant);
        let start: Timestamp = "2026-03-02T09:00:00Z".parse().expect("a date");
        let outage = |(from, length): (i64, i64)| {
            let from = start + SignedDuration::from_hours(from);
            Interval { from, to: from + SignedDuration::from_hours(length) }
        };
        world.terms.outages = hours.into_iter().map(outage).collect();
        for step in history {
            world.play(&step);
            world.observe();
            let again = world.decide_only();
            prop_assert!(again.is_empty(), "seen twice, decided twice: {again:?}");
            world.write();
            for (gate, open) in world.truth.flags_we_opened() {
                if open && world.contract.gates[&gate].opens_when == Condition::Accepted {
                    prop_assert!(world.is_legitimately_accepted(), "{gate} stands open");
                }
            }
        }
        let mut state = None;
        let mut granted = None;
        for entry in &world.log {
            if let Some(seen) = &entry.seen {
                let again = world.decide_on(state.as_ref(), seen, entry.stamp.time);
                prop_assert_eq!(&again, &entry.events);
            }
            state = Handoff::apply(state, entry.stamp, &entry.events);
            for event in &entry.events {
                match event {
                    Event::GraceGranted { grace } => {
                        prop_assert!(granted.is_none() && grace.until > entry.stamp.time);
                        granted = Some(grace.entry.clone());
                    }
                    Event::GraceEnded { entry, .. } => prop_assert_eq!(granted.take(), Some(entry.clone())),
                    Event::Voided { .. } => granted = None,
                    _ => {}
                }
            }
        }
    }
}
