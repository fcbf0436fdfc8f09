//! Answers that are no answers: without a word, to what was never complete, to what was edited a moment later.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::event::{Event, Refusal};
use handoff_core::handoff::Phase;
use handoff_core::observation::Answer;
use handoff_core::seat::{Delegate, Seats};
use jiff::{SignedDuration, Timestamp};

use crate::rows::{commission, pass, phase, refusals, waiting};
use crate::setting::contract;
use crate::world::{Person, Step, World, actor};

#[test]
fn a_rejection_without_a_word_is_refused_and_shuts_nothing() {
    let mut world = waiting();
    let silent =
        Answer::Reject { fields: BTreeSet::new(), reason: " \n ".to_owned(), reasons: BTreeMap::new() };
    world.answer(Person::Receiver, silent);
    pass(&mut world);
    assert_eq!(refusals(&world), [Refusal::NoReason]);
    assert_eq!(phase(&world), Phase::Complete);
}

#[test]
fn f05_an_acceptance_before_an_edit_that_is_seen_with_it_releases_no_pay() {
    let mut world = waiting();
    world.play(&Step::Accept(Person::Receiver));
    world.play(&Step::Wait(5));
    world.play(&Step::Edit { field: 0, text: Some(2), who: Person::Sender });
    pass(&mut world);
    assert_eq!(refusals(&world), [Refusal::PackageChanged]);
    assert!(!commission(&world));
    assert!(!world.events().any(|event| matches!(event, Event::CommissionReleased { .. })));
}

#[test]
fn what_was_never_complete_cannot_be_sent_back() {
    let mut world = World::new();
    world.play(&Step::Stage("Negotiation"));
    world.play(&Step::Edit { field: 0, text: Some(1), who: Person::Sender });
    world.play(&Step::Wait(5));
    world.play(&Step::Reject(Person::Receiver, 3));
    pass(&mut world);
    assert_eq!(refusals(&world), [Refusal::NotWaiting]);
    assert_eq!(phase(&world), Phase::Draft);
}

#[test]
fn f02_a_delegation_runs_from_its_first_moment_to_before_its_last() {
    let [sender, receiver, other] = [Person::Sender, Person::Receiver, Person::OtherReceiver].map(actor);
    let from: Timestamp = "2026-06-01T00:00:00Z".parse().expect("a moment");
    let until: Timestamp = "2026-06-02T00:00:00Z".parse().expect("a moment");
    let (of, to) = (receiver.person.clone(), other.person.clone());
    let delegates = vec![Delegate { of, to, from: Some(from), until: Some(until) }];
    let seats = Seats { delegates, ..Seats::default() };
    let (contract, second) = (contract(), SignedDuration::from_secs(1));
    let right = |at| seats.right(&contract, Some(&sender), Some(&receiver), &other, at);
    assert!(right(from).is_ok() && right(until - second).is_ok());
    assert_eq!(right(until), Err(Refusal::NotTheReceiver));
    assert_eq!(right(from - second), Err(Refusal::NotTheReceiver));
}
