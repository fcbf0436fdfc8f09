//! The laws of the house as properties over random histories: quiet (L1), fail closed (L2), converge (L3), direction (L4), replay (L5),
//! no self-approval (L8), and the alternation of released and held pay (I5).

#![expect(
    clippy::expect_used,
    clippy::wildcard_enum_match_arm,
    reason = "tests stop at the first surprise and pick single events"
)]

mod answers;
mod clock;
mod encoding;
mod outages;
mod people;
mod returns;
mod reverts;
mod rows;
mod seats;
mod setting;
mod tasks;
mod texts;
mod twins;
mod world;

use handoff_core::contract::Condition;
use handoff_core::event::Event;
use handoff_core::handoff::Handoff;
use proptest::prelude::*;
use proptest::test_runner::Config;

use world::{Step, Variant, World, step};

fn variants() -> impl Strategy<Value = Variant> {
    prop_oneof![
        3 => Just(Variant::History),
        2 => Just(Variant::Reconfirm),
        1 => Just(Variant::Explicit),
        1 => Just(Variant::NoHistory)
    ]
}

fn histories() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(step(), 1..60)
}

proptest! {
    #![proptest_config(Config { cases: 200, ..Config::default() })]

    #[test]
    fn l1_the_same_observation_again_is_quiet(variant in variants(), history in histories()) {
        let mut world = World::of(variant);
        for step in history {
            world.play(&step);
            world.observe();
            let again = world.decide_only();
            prop_assert!(again.is_empty(), "seen twice, decided twice: {again:?}");
        }
    }

    #[test]
    fn l2_a_gate_is_open_only_on_the_receivers_word_on_this_package(variant in variants(), history in histories()) {
        let mut world = World::of(variant);
        for step in history {
            world.play(&step);
            world.observe();
            world.write();
            for (gate, open) in world.truth.flags_we_opened() {
                let condition = world.contract.gates[&gate].opens_when;
                if open && condition == Condition::Accepted {
                    prop_assert!(world.is_legitimately_accepted(), "{gate} stands open; {:#?}", world.state());
                }
            }
        }
    }

    #[test]
    fn l3_one_application_reaches_the_fixed_point(variant in variants(), history in histories()) {
        let mut world = World::of(variant);
        for step in history {
            world.play(&step);
        }
        world.observe();
        world.write();
        world.observe();
        let plan = world.plan();
        prop_assert!(plan.is_none_or(|plan| plan.is_empty()), "a second pass wants to write again");
        prop_assert!(world.decide_only().is_empty());
    }

    #[test]
    fn l4_openings_are_guarded_closings_are_free_observed_gates_are_never_written(variant in variants(), history in histories()) {
        let mut world = World::of(variant);
        for step in history {
            world.play(&step);
            world.observe();
            let Some(plan) = world.plan() else { continue };
            prop_assert_eq!(plan.opens(), plan.guard.is_some());
            prop_assert!(plan.writes.iter().all(|write| write.field != world::OBSERVED_FLAG));
            let parts = plan.split();
            prop_assert!(parts.revert.is_none(), "the policy is to record");
            if let Some(closing) = parts.closing {
                prop_assert!(closing.guard.is_none() && !closing.opens());
            }
            if let Some(opening) = parts.opening {
                prop_assert!(opening.guard.is_some() && opening.opens() && !opening.expect.is_empty());
                prop_assert!(!opening.withdraw.is_empty());
            }
            world.write();
        }
    }

    #[test]
    fn l5_folding_again_gives_the_same_state_and_deciding_again_the_same_events(variant in variants(), history in histories()) {
        let mut world = World::of(variant);
        for step in history {
            world.play(&step);
            world.observe();
            world.write();
        }
        let folded = Handoff::fold(world.log.iter().map(|entry| (entry.stamp, entry.events.as_slice())));
        prop_assert_eq!(
            serde_json::to_vec(&folded).expect("state encodes"),
            serde_json::to_vec(&world.state()).expect("state encodes")
        );
        let mut state = None;
        for entry in &world.log {
            if let Some(seen) = &entry.seen {
                let again = world.decide_on(state.as_ref(), seen, entry.stamp.time);
                prop_assert_eq!(&again, &entry.events);
            }
            state = Handoff::apply(state, entry.stamp, &entry.events);
        }
    }

    #[test]
    fn l8_nobody_accepts_his_own_handoff_and_no_act_counts_twice(variant in variants(), history in histories()) {
        let mut world = World::of(variant);
        for step in history {
            world.play(&step);
            world.observe();
            world.write();
        }
        let mut acts = Vec::new();
        let mut sender = None;
        for event in world.log.iter().flat_map(|entry| &entry.events) {
            match event {
                Event::PeopleChanged { sender: now, .. } => sender.clone_from(now),
                Event::Accepted { act, by, .. } => {
                    prop_assert!(sender.as_ref().is_some_and(|sender| sender.person != by.person));
                    prop_assert!(by.roles.contains("onboarding_lead") && by.active && !by.machine);
                    acts.push(act.clone());
                }
                Event::Rejected { act, .. } | Event::AnswerRefused { act, .. } | Event::Submitted { act, .. } => {
                    acts.push(act.clone());
                }
                _ => {}
            }
        }
        let consumed = acts.len();
        acts.sort();
        acts.dedup();
        prop_assert_eq!(acts.len(), consumed, "an act of answering was consumed twice");
    }

    #[test]
    fn our_own_writes_are_never_taken_for_tampering(variant in variants(), history in histories()) {
        let mut world = World::of(variant);
        for step in history.into_iter().filter(|step| !matches!(step, Step::Flag { .. })) {
            world.play(&step);
            world.observe();
        }
        let tampered = world.events().find(|event| matches!(event, Event::Tampered { .. }));
        prop_assert!(tampered.is_none(), "{tampered:?}");
    }

    #[test]
    fn i5_released_and_held_alternate(variant in variants(), history in histories()) {
        let mut world = World::of(variant);
        for step in history {
            world.play(&step);
            world.observe();
            world.write();
        }
        let mut released = false;
        let mut adjustments = 0;
        for event in world.log.iter().flat_map(|entry| &entry.events) {
            match event {
                Event::CommissionReleased { .. } => {
                    prop_assert!(!released, "released twice without being held between");
                    released = true;
                }
                Event::CommissionHeld { adjustment, .. } => {
                    prop_assert!(released, "held without having been released");
                    prop_assert_eq!(*adjustment, adjustments + 1);
                    (released, adjustments) = (false, *adjustment);
                }
                _ => {}
            }
        }
    }
}
