//! The receiver's clock over random histories, and its stories: working hours, reminders once each, pauses, escalation.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::contract::{Returned, Sla};
use handoff_core::event::Event;
use handoff_core::handoff::{Handoff, Phase};
use handoff_core::obligation::{Holders, Obligation, ObligationKind, Posts, obligations};
use handoff_core::observation::Actor;
use handoff_core::sla::{Allowance, Calendar, Day, Hours, clock_obligations, worked};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::rows::{fill, pass, phase};
use crate::world::{Person, Step, Variant, World};
use crate::{histories, variants};

const HOUR: u32 = 3_600;

fn allow(text: &str) -> Allowance {
    Allowance::try_from(text.to_owned()).expect("an allowance")
}

/// Nine to five in Berlin, Monday to Friday.
fn office() -> Calendar {
    let day = || Hours::try_from("09:00-17:00".to_owned()).expect("hours");
    let week = [Day::Mon, Day::Tue, Day::Wed, Day::Thu, Day::Fri];
    Calendar {
        zone: "Europe/Berlin".to_owned(),
        hours: week.into_iter().map(|each| (each, day())).collect(),
        holidays: BTreeSet::new(),
    }
}

/// Eight working hours to answer, reminded after four and six, escalated after ten.
fn clocked(variant: Variant, when_returned: Returned) -> World {
    let mut world = World::of(variant);
    world.contract.sla = Sla {
        accept_within_hours: Some(8),
        calendar: Some("office".to_owned()),
        when_returned,
        remind_after: vec![allow("4h"), allow("6h")],
        escalate_after: Some(allow("10h")),
        escalate_to: Some("onboarding_manager".to_owned()),
        customer_stages: Vec::new(),
    };
    world.terms.calendars = BTreeMap::from([("office".to_owned(), office())]);
    world
}

/// A complete package that waits for Rita since about ten on Monday morning in Berlin.
fn waiting(when_returned: Returned) -> World {
    let mut world = clocked(Variant::History, when_returned);
    world.play(&Step::Stage("Negotiation"));
    fill(&mut world, 1);
    world
}

fn told(world: &World) -> Vec<String> {
    world
        .events()
        .filter_map(|event| match event {
            Event::Reminded { round, step, to } => {
                let to = to.as_ref().map_or("nobody", |to| to.person.as_str());
                Some(format!("reminder {step} of round {round} to {to}"))
            }
            Event::SlaBreached { round, .. } => Some(format!("round {round} overdue")),
            Event::Escalated { round, to, .. } => Some(format!("round {round} escalated to {to}")),
            _ => None,
        })
        .collect()
}

/// What the clock has people owe, as tasks: who holds the manager's role is Max.
fn owed(world: &World) -> Vec<Obligation> {
    let max = Actor {
        id: "005max".into(),
        person: "max".into(),
        machine: false,
        active: true,
        roles: BTreeSet::new(),
    };
    let holders = Holders::from([("onboarding_manager".to_owned(), vec![max])]);
    let state = world.state().expect("open");
    let posts = Posts { holders: &holders, signals: None };
    let mut owed = obligations(&world.contract, &state, posts, world.now());
    owed.retain(|one| matches!(one.kind, ObligationKind::Reminder | ObligationKind::Escalation));
    owed
}

fn asked(world: &World) -> Vec<String> {
    let state = world.state().expect("open");
    clock_obligations(&world.contract, &state).into_iter().map(|asked| asked.key).collect()
}

fn due(world: &World) -> Timestamp {
    world.state().and_then(|state| state.clock).and_then(|clock| clock.set.due).expect("a clock")
}

fn wait(world: &mut World, hours: u32) {
    world.play(&Step::Wait(hours * HOUR));
    pass(world);
}

#[test]
fn the_ladder_is_climbed_in_working_hours_each_step_once() {
    let mut world = waiting(Returned::Restart);
    assert!(told(&world).is_empty());
    wait(&mut world, 3);
    assert!(told(&world).is_empty(), "not four hours yet");
    wait(&mut world, 1);
    assert_eq!(told(&world), ["reminder 1 of round 1 to rita"]);
    pass(&mut world);
    assert_eq!(told(&world).len(), 1, "each step is told once");
    assert_eq!(asked(&world), ["round-1-step-1"]);
    wait(&mut world, 2);
    wait(&mut world, 14);
    assert_eq!(told(&world).len(), 2, "nobody works at night: {:?}", told(&world));
    wait(&mut world, 4);
    assert_eq!(told(&world)[1..], ["reminder 2 of round 1 to rita", "round 1 overdue"]);
    let status = world.verdict().status;
    assert_eq!(status, "Waiting for the receiver: overdue since 2026-03-03 09:00Z");
    wait(&mut world, 2);
    assert_eq!(told(&world)[3..], ["round 1 escalated to onboarding_manager"]);
    let status = world.verdict().status;
    assert_eq!(
        status,
        "Waiting for the receiver: overdue since 2026-03-03 09:00Z, escalated to onboarding manager"
    );
    for _ in 0..5 {
        wait(&mut world, 100);
    }
    assert_eq!(told(&world).len(), 4);
    assert_eq!(asked(&world), ["round-1-step-2", "round-1-escalation"]);
    let tasks = owed(&world);
    let by: Vec<(ObligationKind, &str)> =
        tasks.iter().map(|one| (one.kind, one.owner.person.as_str())).collect();
    assert_eq!(by, [(ObligationKind::Escalation, "max"), (ObligationKind::Reminder, "rita")]);
    assert!(tasks.iter().all(|one| one.due == Some(due(&world))));
    let nobody = obligations(&world.contract, &world.state().expect("open"), Posts::none(), world.now());
    let above = nobody.iter().find(|one| one.kind == ObligationKind::Escalation).expect("never dropped");
    assert_eq!(above.role.as_deref(), Some("onboarding_manager"));
    assert!(!above.owner.active, "nobody who could act");
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    assert!(asked(&world).is_empty(), "nothing is asked of anybody any more");
    assert!(owed(&world).is_empty());
    assert_eq!(phase(&world), Phase::Accepted, "late is not never");
}

#[test]
fn b05_after_a_long_sleep_only_the_newest_step_is_told() {
    let mut world = waiting(Returned::Restart);
    wait(&mut world, 6);
    wait(&mut world, 1);
    assert_eq!(told(&world), ["reminder 2 of round 1 to rita"]);
    let mut world = waiting(Returned::Restart);
    wait(&mut world, 24 * 30);
    assert_eq!(told(&world), ["round 1 overdue", "round 1 escalated to onboarding_manager"]);
}

#[test]
fn the_next_look_is_at_the_next_step() {
    let world = waiting(Returned::Restart);
    let state = world.state().expect("open");
    let started = state.clock.expect("a clock").set.started;
    let verdict = world.verdict();
    assert_eq!(verdict.look_again_at, Some(started + SignedDuration::from_hours(4)));
}

fn send_back_and_mend(world: &mut World) {
    world.play(&Step::Reject(Person::Receiver, 0));
    pass(world);
    world.play(&Step::Wait(3 * HOUR));
    world.play(&Step::Edit { field: 0, text: Some(2), who: Person::Sender });
    pass(world);
}

#[test]
fn a_clock_that_pauses_stands_while_the_package_is_with_the_sender() {
    let mut world = waiting(Returned::Pause);
    let before = due(&world);
    wait(&mut world, 1);
    send_back_and_mend(&mut world);
    assert_eq!(phase(&world), Phase::Complete);
    let clock = world.state().and_then(|state| state.clock).expect("a clock");
    let [pause] = clock.set.pauses[..] else { panic!("one pause: {clock:?}") };
    // It was due on Tuesday morning; three hours later still is Tuesday morning.
    assert_eq!(due(&world), before + pause.to.duration_since(pause.from));
    assert_eq!(
        worked(&office(), clock.set.started, due(&world), &clock.set.pauses),
        SignedDuration::from_hours(8)
    );
}

#[test]
fn a_clock_that_restarts_gives_the_next_round_its_own_time() {
    let mut world = waiting(Returned::Restart);
    wait(&mut world, 5);
    assert_eq!(told(&world).len(), 1);
    send_back_and_mend(&mut world);
    wait(&mut world, 24);
    let expected = ["reminder 1 of round 1 to rita", "round 2 overdue", "reminder 2 of round 2 to rita"];
    assert_eq!(told(&world), expected);
    let clock = world.state().and_then(|state| state.clock).expect("a clock");
    assert!(clock.set.pauses.is_empty());
}

#[test]
fn a_calendar_that_changes_moves_the_clock_and_one_that_is_lost_never_prolongs_it() {
    let mut world = waiting(Returned::Restart);
    let before = due(&world);
    let monday = jiff::civil::date(2026, 3, 3);
    world.terms.calendars.get_mut("office").expect("it").holidays.insert(monday);
    pass(&mut world);
    assert_eq!(due(&world), before + SignedDuration::from_hours(24));
    world.terms.calendars.clear();
    pass(&mut world);
    assert!(due(&world) < before);
    let entries = world.log.len();
    pass(&mut world);
    assert_eq!(world.log.len(), entries, "and then it is quiet");
}

#[test]
fn without_a_ladder_or_a_calendar_nothing_is_logged_about_the_clock() {
    let mut world = crate::rows::waiting();
    wait(&mut world, 48);
    let set = world.events().any(|event| matches!(event, Event::ClockSet { .. }));
    assert!(!set);
    assert_eq!(told(&world), ["round 1 overdue"]);
    assert_eq!(world.verdict().status, "Waiting for the receiver: overdue");
}

fn returned() -> impl Strategy<Value = Returned> {
    prop_oneof![Just(Returned::Restart), Just(Returned::Pause)]
}

proptest! {
    #![proptest_config(Config { cases: 150, ..Config::default() })]

    #[test]
    fn l1_l5_with_a_clock(variant in variants(), returned in returned(), history in histories()) {
        let mut world = clocked(variant, returned);
        for step in history {
            world.play(&step);
            world.observe();
            let again = world.decide_only();
            prop_assert!(again.is_empty(), "seen twice, decided twice: {again:?}");
            world.write();
        }
        let mut state = None;
        for entry in &world.log {
            if let Some(seen) = &entry.seen {
                let again = world.decide_on(state.as_ref(), seen, entry.stamp.time);
                prop_assert_eq!(&again, &entry.events);
            }
            state = Handoff::apply(state, entry.stamp, &entry.events);
        }
        prop_assert_eq!(
            serde_json::to_vec(&state).expect("state encodes"),
            serde_json::to_vec(&world.state()).expect("state encodes")
        );
    }

    #[test]
    fn nobody_is_told_twice_too_early_or_downwards(variant in variants(), returned in returned(), history in histories()) {
        let mut world = clocked(variant, returned);
        for step in history {
            world.play(&step);
            world.observe();
        }
        let mut clock: Option<handoff_core::sla::Settings> = None;
        let (mut step_told, mut escalated) = (0, false);
        for entry in &world.log {
            for event in &entry.events {
                match event {
                    Event::ClockSet { clock: set, .. } => {
                        if clock.as_ref().is_none_or(|clock| clock.started != set.started) {
                            (step_told, escalated) = (0, false);
                        }
                        clock = Some(set.clone());
                    }
                    Event::Accepted { .. } | Event::Voided { .. } | Event::Reopened { .. } => {
                        (clock, step_told, escalated) = (None, 0, false);
                    }
                    Event::Reminded { step, .. } => {
                        let set = clock.as_ref().expect("a reminder has a clock");
                        let at = set.remind_at[usize::try_from(*step).expect("small") - 1];
                        prop_assert!(at <= entry.stamp.time && *step > step_told && !escalated);
                        step_told = *step;
                    }
                    Event::Escalated { vacant, .. } => {
                        let set = clock.as_ref().expect("an escalation has a clock");
                        let over = set.escalate_at.expect("it") <= entry.stamp.time;
                        prop_assert!(over != *vacant && !escalated);
                        escalated = true;
                    }
                    _ => {}
                }
            }
        }
    }
}
