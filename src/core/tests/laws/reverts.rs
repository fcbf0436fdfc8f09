//! Deals that are put back: seldom, never after an acceptance, and always to a fixed point.

use handoff_core::event::{Concern, Event, NotReverted};
use handoff_core::handoff::Handoff;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::world::{Person, Step, TODAY, Variant, World, step};

fn variants() -> impl Strategy<Value = Variant> {
    prop_oneof![3 => Just(Variant::History), 1 => Just(Variant::Explicit), 1 => Just(Variant::NoHistory)]
}

/// Histories in which deals are won more often than in life.
fn histories() -> impl Strategy<Value = Vec<Step>> {
    let pushy = prop_oneof![4 => step(), 1 => Just(Step::Stage("Closed Won")), 1 => (0..900_u32).prop_map(Step::Wait)];
    prop::collection::vec(pushy, 1..60)
}

fn pass(world: &mut World) {
    world.observe();
    world.write();
}

fn orders(world: &World) -> Vec<Timestamp> {
    let ordered = world
        .log
        .iter()
        .filter(|entry| entry.events.iter().any(|event| matches!(event, Event::RevertOrdered { .. })));
    ordered.map(|entry| entry.stamp.time).collect()
}

fn names(world: &World) -> Vec<&'static str> {
    let of_stages = ["bypassed", "revert_ordered", "stage_reverted", "revert_given_up", "revert_refused"];
    world.events().map(Event::name).filter(|name| of_stages.contains(name)).collect()
}

fn has(world: &World, concern: Concern) -> bool {
    world.state().expect("open").concerns.contains(&concern)
}

/// A filled package that waits for its receiver.
fn open(variant: Variant) -> World {
    let mut world = World::reverting(variant);
    world.play(&Step::Stage("Negotiation"));
    for field in 0..3 {
        world.play(&Step::Edit { field, text: Some(1), who: Person::Sender });
    }
    world.play(&Step::Wait(100));
    pass(&mut world);
    world
}

proptest! {
    #![proptest_config(Config { cases: 200, ..Config::default() })]

    #[test]
    fn l3_putting_back_reaches_the_fixed_point(variant in variants(), history in histories()) {
        let mut world = World::reverting(variant);
        for step in history {
            world.play(&step);
        }
        // Once for the stage, once for the words about the stage that it stands in again.
        pass(&mut world);
        let stage = world.stage();
        pass(&mut world);
        world.observe();
        prop_assert_eq!(world.stage(), stage);
        let plan = world.plan();
        prop_assert!(plan.as_ref().is_none_or(handoff_core::plan::Plan::is_empty), "{plan:?}");
        prop_assert!(world.decide_only().is_empty());
    }

    #[test]
    fn a_deal_is_put_back_at_most_twice_within_an_hour_and_never_once_it_is_accepted(
        variant in variants(), history in histories()
    ) {
        let mut world = World::reverting(variant);
        for step in history {
            world.play(&step);
            pass(&mut world);
        }
        let orders = orders(&world);
        for three in orders.windows(3) {
            prop_assert!(three[2].duration_since(three[0]) >= SignedDuration::from_hours(1), "{orders:?}");
        }
        prop_assert!(world.truth.put_back.len() <= orders.len(), "one order, one move");
        prop_assert!(!world.truth.put_back.contains(&true), "an accepted deal was put back");
    }

    #[test]
    fn our_own_move_is_neither_a_by_pass_nor_an_edit(variant in variants(), history in histories()) {
        let mut world = World::reverting(variant);
        for step in history {
            world.play(&step);
            pass(&mut world);
        }
        for entry in &world.log {
            if entry.events.iter().any(|event| matches!(event, Event::StageReverted { .. })) {
                let by_pass = entry.events.iter().any(|event| matches!(event, Event::Bypassed { .. }));
                prop_assert!(!by_pass, "{:?}", entry.events);
            }
        }
    }

    #[test]
    fn l5_replay_gives_the_same_orders(variant in variants(), history in histories()) {
        let mut world = World::reverting(variant);
        for step in history {
            world.play(&step);
            pass(&mut world);
        }
        let mut state = None;
        for entry in &world.log {
            if let Some(seen) = &entry.seen {
                let again = world.decide_on(state.as_ref(), seen, entry.stamp.time);
                prop_assert_eq!(&again, &entry.events);
            }
            state = Handoff::apply(state, entry.stamp, &entry.events);
        }
    }
}

#[test]
fn a_deal_won_past_its_gate_goes_back_with_its_close_date_and_the_words_say_why() {
    let mut world = open(Variant::History);
    world.play(&Step::CloseDate(3));
    world.play(&Step::Stage("Closed Won"));
    assert_eq!(world.truth.close_date, TODAY);
    pass(&mut world);
    assert_eq!((world.stage(), world.truth.close_date), ("Negotiation", 3));
    let words = "Closed Won waits for this handoff: back to Negotiation. Waiting for the receiver to accept or reject";
    assert_eq!(world.word("Status__c"), words);
    pass(&mut world);
    assert_eq!(world.word("Status__c"), words);
    assert_eq!(names(&world), ["bypassed", "revert_ordered", "stage_reverted"]);
    // Once the receiver accepts, the deal may be won, and nothing of it is left.
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    world.play(&Step::Wait(5));
    world.play(&Step::Stage("Closed Won"));
    for _ in 0..3 {
        pass(&mut world);
    }
    assert_eq!((world.stage(), world.truth.close_date), ("Closed Won", TODAY));
    assert_eq!(world.word("Status__c"), "Accepted by the receiver");
}

#[test]
fn a_close_date_that_somebody_set_after_the_move_stays() {
    let mut world = open(Variant::History);
    world.play(&Step::Stage("Closed Won"));
    world.play(&Step::CloseDate(2));
    pass(&mut world);
    assert_eq!((world.stage(), world.truth.close_date), ("Negotiation", 2));
}

#[test]
fn the_third_move_within_an_hour_stands_shut_and_named() {
    let mut world = open(Variant::History);
    for _ in 0..3 {
        world.play(&Step::Stage("Closed Won"));
        pass(&mut world);
        pass(&mut world);
    }
    assert_eq!(world.stage(), "Closed Won");
    assert!(!world.flag("closed_won") && !world.flag("commission"));
    assert!(has(&world, Concern::RevertLimit));
    assert!(world.word("Status__c").starts_with("Moved past its gate again and again"));
    let given_up = Event::RevertGivenUp {
        gate: "closed_won".into(),
        entry: world.state().expect("open").stage_entry,
        why: NotReverted::TooOften,
    };
    assert!(world.events().any(|event| *event == given_up));
    // An hour later it still stands: nobody's deal jumps back out of the blue. The next move is a new one.
    world.play(&Step::Wait(4_000));
    pass(&mut world);
    assert_eq!(world.stage(), "Closed Won");
    world.play(&Step::Stage("Negotiation"));
    pass(&mut world);
    assert!(!has(&world, Concern::RevertLimit));
    world.play(&Step::Stage("Closed Won"));
    pass(&mut world);
    assert_eq!(world.stage(), "Negotiation");
}

#[test]
fn a_deal_that_was_won_more_than_a_day_ago_is_not_torn_back() {
    let mut world = open(Variant::History);
    world.play(&Step::Stage("Closed Won"));
    world.play(&Step::Wait(25 * 3_600));
    pass(&mut world);
    assert_eq!(world.stage(), "Closed Won");
    assert!(has(&world, Concern::NotPutBack));
    assert_eq!(names(&world), ["bypassed", "revert_given_up"]);
}

#[test]
fn an_acceptance_after_the_order_cancels_it_for_good() {
    let mut world = open(Variant::History);
    world.play(&Step::Stage("Closed Won"));
    world.observe();
    world.play(&Step::Accept(Person::Receiver));
    world.write();
    assert_eq!(world.stage(), "Closed Won", "the answer came in between");
    pass(&mut world);
    world.play(&Step::Edit { field: 0, text: Some(2), who: Person::Sender });
    for _ in 0..3 {
        pass(&mut world);
    }
    assert_eq!(world.stage(), "Closed Won", "the acceptance is broken, but the deal had been accepted");
    assert_eq!(world.truth.put_back, Vec::<bool>::new());
}

#[test]
fn a_stage_that_somebody_else_put_back_is_not_claimed() {
    let mut world = open(Variant::History);
    world.play(&Step::Stage("Closed Won"));
    world.observe();
    world.play(&Step::Stage("Negotiation"));
    for _ in 0..2 {
        pass(&mut world);
    }
    assert_eq!(names(&world), ["bypassed", "revert_ordered"]);
    assert_eq!(world.word("Status__c"), "Waiting for the receiver to accept or reject");
}

#[test]
fn a_policy_that_was_taken_back_stops_an_order_that_was_not_carried_out() {
    let mut world = open(Variant::History);
    world.play(&Step::Stage("Closed Won"));
    world.observe();
    world.terms.on_bypass.clear();
    for _ in 0..2 {
        world.write();
        world.observe();
    }
    assert_eq!(world.stage(), "Closed Won");
}
