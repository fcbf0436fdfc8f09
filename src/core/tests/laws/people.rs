//! Stories of people who change, leave, answer at the wrong moment, or are the same person twice.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::event::{EditEffect, Event, Refusal, ReopenCause};
use handoff_core::gate::evaluate;
use handoff_core::handoff::{Handoff, Phase};

use crate::rows::{accepted, commission, fill, pass, phase, refusals, waiting};
use crate::world::{Person, Step, Variant, World};

fn reopened_by_people(world: &World) -> bool {
    world.events().any(|event| matches!(event, Event::Reopened { cause: ReopenCause::People, .. }))
}

#[test]
fn f11_another_receiver_has_to_accept_for_himself() {
    let mut world = accepted();
    world.play(&Step::Receiver(Some(Person::OtherReceiver)));
    pass(&mut world);
    assert!(!commission(&world) && reopened_by_people(&world));
    assert_eq!(phase(&world), Phase::Complete);
    world.play(&Step::Accept(Person::OtherReceiver));
    pass(&mut world);
    assert!(commission(&world));
}

#[test]
fn f11_a_gate_is_shut_while_no_receiver_is_named_and_the_word_of_the_same_receiver_holds_again() {
    let mut world = accepted();
    world.play(&Step::Receiver(None));
    pass(&mut world);
    assert!(!commission(&world));
    assert!(world.verdict().status.contains("no receiver"), "{}", world.verdict().status);
    world.play(&Step::Receiver(Some(Person::Receiver)));
    pass(&mut world);
    assert!(commission(&world));
}

#[test]
fn f02_an_acceptance_does_not_outlive_its_receiver_becoming_the_sender() {
    let mut world = accepted();
    world.play(&Step::Sender(Some(Person::Receiver)));
    pass(&mut world);
    assert!(!commission(&world) && reopened_by_people(&world));
    assert!(world.verdict().status.contains("same person"), "{}", world.verdict().status);
}

#[test]
fn f02_the_sender_who_accepts_and_then_hands_the_record_over_accepted_his_own() {
    let mut world = waiting();
    world.play(&Step::Receiver(Some(Person::Sender)));
    world.play(&Step::Accept(Person::Sender));
    world.play(&Step::Wait(5));
    world.play(&Step::Sender(Some(Person::Stranger)));
    pass(&mut world);
    assert_eq!(refusals(&world), [Refusal::OwnHandoff]);
    assert!(!commission(&world));
}

#[test]
fn i6_who_handed_over_cannot_accept_even_when_he_is_no_longer_the_sender() {
    let mut world = waiting();
    world.play(&Step::Sender(Some(Person::Stranger)));
    world.play(&Step::Receiver(Some(Person::Sender)));
    pass(&mut world);
    world.play(&Step::Accept(Person::SenderOtherLogin));
    pass(&mut world);
    assert_eq!(refusals(&world), [Refusal::OwnHandoff]);
    assert!(!commission(&world));
}

#[test]
fn i6_who_handed_over_by_mistake_sends_it_back_and_accepts_the_next_round() {
    let mut world = World::new();
    world.play(&Step::Sender(Some(Person::Receiver)));
    world.play(&Step::Stage("Negotiation"));
    fill(&mut world, 1);
    world.play(&Step::Sender(Some(Person::Sender)));
    pass(&mut world);
    world.play(&Step::Reject(Person::Receiver, 3));
    pass(&mut world);
    world.play(&Step::Edit { field: 0, text: Some(2), who: Person::Sender });
    pass(&mut world);
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    assert!(commission(&world));
}

#[test]
fn h16_a_role_that_is_lost_before_the_answer_is_read_makes_it_void_and_later_it_does_not() {
    let mut world = waiting();
    world.play(&Step::Accept(Person::Receiver));
    world.play(&Step::Role(Person::Receiver, false));
    pass(&mut world);
    assert_eq!(refusals(&world), [Refusal::LacksRole]);
    assert!(!commission(&world));
    assert!(world.verdict().status.contains("role"), "{}", world.verdict().status);
    let mut world = accepted();
    world.play(&Step::Role(Person::Receiver, false));
    pass(&mut world);
    assert!(commission(&world), "he held the role when he accepted");
}

#[test]
fn f05_a_rejection_in_the_same_second_as_the_acceptance_shuts() {
    let mut world = waiting();
    world.play(&Step::Accept(Person::Receiver));
    world.play(&Step::SameSecond);
    world.play(&Step::Reject(Person::Receiver, 0));
    pass(&mut world);
    assert!(!commission(&world));
    assert_eq!(phase(&world), Phase::Rejected);
}

#[test]
fn f07_an_acceptance_given_before_the_record_was_lost_does_not_accept_the_next_cycle() {
    let mut world = waiting();
    world.play(&Step::Accept(Person::Receiver));
    world.play(&Step::Lose(true));
    pass(&mut world);
    world.play(&Step::Lose(false));
    pass(&mut world);
    assert!(!commission(&world));
    assert_eq!(phase(&world), Phase::Complete);
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    assert!(commission(&world));
}

#[test]
fn a_rejection_counts_although_the_package_fell_incomplete_before_it_was_read() {
    let mut world = World::of(Variant::NoHistory);
    world.play(&Step::Stage("Negotiation"));
    fill(&mut world, 1);
    assert_eq!(phase(&world), Phase::Complete);
    world.play(&Step::Edit { field: 1, text: None, who: Person::Sender });
    world.play(&Step::Wait(5));
    world.play(&Step::Reject(Person::Receiver, 3));
    pass(&mut world);
    assert_eq!(phase(&world), Phase::Rejected);
    assert_eq!(refusals(&world), []);
}

#[test]
fn f09_a_deal_won_while_accepted_is_no_bypass_although_the_edit_after_it_is_seen_with_it() {
    let mut world = accepted();
    world.play(&Step::Stage("Closed Won"));
    world.play(&Step::Wait(60));
    world.play(&Step::Edit { field: 0, text: Some(2), who: Person::Sender });
    pass(&mut world);
    assert!(!commission(&world));
    assert!(!world.events().any(|event| matches!(event, Event::Bypassed { .. })));
}

#[test]
fn f06_a_year_of_answers_keeps_the_state_small_and_every_act_counts_once() {
    let mut world = accepted();
    for _ in 0..300 {
        world.play(&Step::Accept(Person::Stranger));
        world.play(&Step::Wait(3600));
        world.observe();
    }
    pass(&mut world);
    assert!(commission(&world));
    assert!(world.decide_only().is_empty());
    let size = serde_json::to_vec(&world.state()).expect("encodes").len();
    assert!(size < 8 * 1024, "{size} bytes");
    assert_eq!(world.events().filter(|event| matches!(event, Event::Accepted { .. })).count(), 1);
    assert_eq!(refusals(&world).len(), 300);
}

#[test]
fn a_strangers_answer_under_an_acceptance_is_taken_off_the_pick_list() {
    let mut world = accepted();
    assert_eq!(world.decision(), Some("Accept"));
    world.play(&Step::Reject(Person::Stranger, 0));
    pass(&mut world);
    assert!(commission(&world));
    assert_eq!(world.decision(), None, "the receiver could not choose it again");
}

#[test]
fn words_tell_a_filled_package_that_nobody_handed_over() {
    let mut world = World::of(Variant::Explicit);
    world.play(&Step::Stage("Negotiation"));
    fill(&mut world, 1);
    assert_eq!(world.verdict().status, "With the sender: filled, but not handed over yet");
    world.play(&Step::Submit(Person::Sender));
    pass(&mut world);
    assert_eq!(phase(&world), Phase::Complete);
}

#[test]
fn words_tell_that_nobody_can_accept_his_own_handoff() {
    let mut world = waiting();
    world.play(&Step::Receiver(Some(Person::Sender)));
    pass(&mut world);
    assert_eq!(
        world.verdict().status,
        "Nobody can accept: sender and receiver are the same person. Name another receiver."
    );
}

#[test]
fn f05_without_history_the_stamp_of_a_row_does_not_date_the_edit_beside_it() {
    let mut world = World::of(Variant::NoHistory);
    world.play(&Step::Stage("Negotiation"));
    fill(&mut world, 1);
    let edit = Step::Edit { field: 0, text: Some(2), who: Person::Sender };
    for step in [Step::Row, Step::Accept(Person::Receiver), edit, Step::Touch(Person::Receiver)] {
        world.play(&step);
        world.play(&Step::Wait(5));
    }
    pass(&mut world);
    assert_eq!(refusals(&world), [Refusal::PackageChanged]);
    assert!(!commission(&world));
}

#[test]
fn judged_by_another_contract_than_the_pinned_one_nothing_is_open() {
    let mut world = accepted();
    world.contract.version = 2;
    assert!(world.verdict().gates.values().all(|open| !open));
}

/// Folds a further event that no decision of ours would leave alone, and says whether the commission gate is open.
fn open_after(event: Event) -> bool {
    let world = accepted();
    let before = world.state();
    let stamp = world.log.last().expect("accepted").stamp;
    let state = Handoff::apply(before, stamp, &[event]).expect("open");
    evaluate(&world.contract, &state, stamp.time).gates[&"commission".into()]
}

#[test]
fn i1_a_log_in_which_something_else_follows_the_acceptance_leaves_the_gate_shut() {
    let state = accepted().state().expect("open");
    let mut changed = state.package.clone();
    let parts = changed.remove(&"risks".into()).expect("filled");
    let edit = |parts| Event::PackageChanged {
        set: [("outcome".into(), parts)].into(),
        cleared: BTreeSet::new(),
        edits: BTreeMap::new(),
        acceptance: EditEffect::BeforeAcceptance,
    };
    let people = |sender, receiver| Event::PeopleChanged { sender, receiver };
    let (sam, rita) = (state.sender.clone(), state.receiver.clone());
    assert!(open_after(people(sam.clone(), rita.clone())));
    assert!(!open_after(edit(parts)), "another package");
    assert!(!open_after(people(sam.clone(), sam.clone())), "another receiver");
    assert!(!open_after(people(rita.clone(), rita.clone())), "his own");
    assert!(!open_after(people(sam, None)) && !open_after(people(None, rita)), "nobody named");
}

#[test]
fn f07_an_acceptance_given_before_the_handoff_opened_does_not_count() {
    let mut world = World::new();
    for field in 0..3 {
        world.play(&Step::Edit { field, text: Some(1), who: Person::Sender });
    }
    for step in [Step::Wait(60), Step::Accept(Person::Receiver), Step::Wait(60), Step::Stage("Negotiation")] {
        world.play(&step);
    }
    pass(&mut world);
    assert_eq!(refusals(&world), [Refusal::PackageChanged]);
    assert!(!commission(&world));
}
