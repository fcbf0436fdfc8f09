//! Who answers on the receiver's side: delegates for a time, members of a queue, the fallback role. Law L8 with all of them.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::event::{Event, Refusal};
use handoff_core::handoff::{Handoff, Phase};
use handoff_core::id::PersonId;
use handoff_core::observation::Actor;
use handoff_core::seat::{Behalf, Delegate, Queue, Right, Seats};
use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::rows::{accepted, commission, fill, pass, phase, refusals};
use crate::variants;
use crate::world::{Person, Step, Variant, World, actor, step};

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn delegate(of: &str, to: &str) -> Delegate {
    Delegate { of: PersonId::from(of), to: PersonId::from(to), from: None, until: None }
}

/// Rolf answers for Rita, Maria where nobody can, and Sam has himself put down as everybody's delegate.
fn seated(variant: Variant) -> World {
    let mut world = World::of(variant);
    world.contract.roles.fallback = Some("onboarding_manager".to_owned());
    world.terms.seats = Seats {
        delegates: vec![delegate("rita", "rolf"), delegate("rita", "sam"), delegate("rolf", "sam")],
        queues: BTreeMap::new(),
    };
    world
}

fn waiting_in(mut world: World) -> World {
    world.play(&Step::Stage("Negotiation"));
    fill(&mut world, 1);
    world
}

fn behalf(world: &World) -> Option<Behalf> {
    world.state().and_then(|state| state.accepted).and_then(|acceptance| acceptance.behalf)
}

fn accept(world: &mut World, who: Person) {
    world.play(&Step::Accept(who));
    pass(world);
}

#[test]
fn a_delegate_accepts_for_the_receiver_and_the_log_says_for_whom() {
    let mut world = waiting_in(seated(Variant::History));
    accept(&mut world, Person::OtherReceiver);
    assert!(commission(&world));
    assert_eq!(behalf(&world), Some(Behalf { of: Some(PersonId::from("rita")), by: Right::Delegate }));
    world.terms.seats = Seats::default();
    pass(&mut world);
    assert!(commission(&world), "what a delegate accepted stays accepted when the delegation ends");
    world.play(&Step::Receiver(Some(Person::Stranger)));
    pass(&mut world);
    assert!(!commission(&world), "but it does not outlive the receiver");
}

#[test]
fn f02_the_sender_is_no_delegate_under_any_login() {
    let mut world = waiting_in(seated(Variant::History));
    for who in [Person::Sender, Person::SenderOtherLogin] {
        accept(&mut world, who);
    }
    assert_eq!(refusals(&world), [Refusal::OwnHandoff, Refusal::OwnHandoff]);
    assert!(!commission(&world));
}

#[test]
fn f02_who_stands_in_for_the_sender_accepts_nothing_of_his() {
    let mut world = World::new();
    world.terms.seats.delegates = vec![delegate("sam", "rita")];
    let mut world = waiting_in(world);
    accept(&mut world, Person::Receiver);
    assert_eq!(refusals(&world), [Refusal::OwnHandoff]);
    // When the sender is back she may.
    world.terms.seats.delegates[0].until = Some(at("2026-03-02T09:00:00Z"));
    accept(&mut world, Person::Receiver);
    assert!(commission(&world));
}

#[test]
fn a_delegation_holds_from_its_first_moment_and_before_its_last() {
    for (from, until, counts) in [
        (None, Some("2026-03-01T00:00:00Z"), false),
        (Some("2026-03-03T00:00:00Z"), None, false),
        (Some("2026-03-02T00:00:00Z"), Some("2026-03-03T00:00:00Z"), true),
    ] {
        let mut world = seated(Variant::History);
        world.terms.seats.delegates =
            vec![Delegate { from: from.map(at), until: until.map(at), ..delegate("rita", "rolf") }];
        let mut world = waiting_in(world);
        accept(&mut world, Person::OtherReceiver);
        assert_eq!(commission(&world), counts, "{from:?} {until:?}");
    }
}

#[test]
fn a_delegate_sends_back_too() {
    let mut world = waiting_in(seated(Variant::History));
    world.play(&Step::Reject(Person::OtherReceiver, 0));
    pass(&mut world);
    assert_eq!(phase(&world), Phase::Rejected);
}

#[test]
fn f11_when_the_receiver_leaves_the_fallback_role_answers_and_the_log_says_so_once() {
    let mut world = waiting_in(seated(Variant::History));
    accept(&mut world, Person::Manager);
    assert_eq!(refusals(&world), [Refusal::NotTheReceiver], "Rita can answer herself");
    world.play(&Step::Active(Person::Receiver, false));
    pass(&mut world);
    pass(&mut world);
    let status = world.verdict().status;
    assert!(status.contains("onboarding manager"), "{status}");
    let reassigned: Vec<_> = world
        .events()
        .filter_map(|event| match event {
            Event::Reassigned { to, .. } => Some(to.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(reassigned, [Some("onboarding_manager".to_owned())]);
    accept(&mut world, Person::Manager);
    assert!(commission(&world));
    assert_eq!(behalf(&world), Some(Behalf { of: Some(PersonId::from("rita")), by: Right::Fallback }));
}

#[test]
fn f11_a_leavers_own_acceptance_stays_and_his_later_word_does_not_count() {
    let mut world = accepted();
    world.play(&Step::Active(Person::Receiver, false));
    pass(&mut world);
    assert!(commission(&world));
    let mut world = waiting_in(seated(Variant::History));
    world.play(&Step::Active(Person::Receiver, false));
    accept(&mut world, Person::Receiver);
    assert_eq!(refusals(&world), [Refusal::Inactive]);
}

#[test]
fn where_nobody_is_named_the_fallback_role_answers_until_somebody_is() {
    let mut world = seated(Variant::History);
    world.play(&Step::Receiver(None));
    let mut world = waiting_in(world);
    accept(&mut world, Person::Manager);
    assert!(commission(&world));
    world.play(&Step::Receiver(Some(Person::Receiver)));
    pass(&mut world);
    assert!(!commission(&world), "a receiver who is named answers for himself");
}

fn queued(members: Option<&[&str]>) -> World {
    let mut world = World::new();
    let members =
        members.map(|members| members.iter().map(|each| PersonId::from(*each)).collect::<BTreeSet<_>>());
    // The record names Xaver's id: here it is a queue's.
    world.terms.seats.queues = BTreeMap::from([(actor(Person::Stranger).id, Queue { members })]);
    world.play(&Step::Receiver(Some(Person::Stranger)));
    waiting_in(world)
}

#[test]
fn a_queue_is_answered_by_its_members_and_by_nobody_else() {
    let mut world = queued(Some(&["rolf", "sam"]));
    for who in [Person::Receiver, Person::Sender, Person::Stranger] {
        accept(&mut world, who);
    }
    assert_eq!(refusals(&world), [Refusal::NotTheReceiver, Refusal::OwnHandoff, Refusal::Machine]);
    accept(&mut world, Person::OtherReceiver);
    assert!(commission(&world));
    world.play(&Step::Receiver(Some(Person::OtherReceiver)));
    pass(&mut world);
    assert!(commission(&world), "the member who accepted takes the record out of the queue");
}

#[test]
fn a_queue_without_members_is_everybody_with_the_receiving_role() {
    let mut world = queued(None);
    accept(&mut world, Person::Manager);
    assert_eq!(refusals(&world), [Refusal::LacksRole]);
    accept(&mut world, Person::Receiver);
    assert!(commission(&world));
}

#[test]
fn members_of_the_sending_queue_accept_nothing_of_it() {
    let mut world = World::new();
    let members = Some(BTreeSet::from([PersonId::from("rita")]));
    world.terms.seats.queues = BTreeMap::from([(actor(Person::Stranger).id, Queue { members })]);
    world.play(&Step::Sender(Some(Person::Stranger)));
    let mut world = waiting_in(world);
    accept(&mut world, Person::Receiver);
    assert_eq!(refusals(&world), [Refusal::OwnHandoff]);
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = || {
        prop::sample::select(vec![
            Person::Sender,
            Person::SenderOtherLogin,
            Person::Receiver,
            Person::OtherReceiver,
            Person::Stranger,
            Person::Machine,
            Person::Manager,
        ])
    };
    let more = prop_oneof![
        10 => step(),
        2 => who().prop_map(Step::Accept),
        1 => (who(), any::<bool>()).prop_map(|(who, active)| Step::Active(who, active)),
        1 => prop::option::of(who()).prop_map(Step::Receiver),
        1 => Just(Step::HandOver(1)),
    ];
    prop::collection::vec(more, 1..60)
}

/// Whether `who` may accept what `sender` handed to `receiver`, said anew and without looking at how the product says it.
fn may_accept(sender: &Actor, receiver: Option<&Actor>, who: &Actor) -> bool {
    let person = |actor: &Actor| actor.person.as_str().to_owned();
    let lead = who.roles.contains("onboarding_lead");
    let manager = who.roles.contains("onboarding_manager");
    if who.machine || !who.active || person(who) == person(sender) {
        return false;
    }
    // Sam stands in for Rita and Rolf: what they send, he does not accept.
    if person(who) == "sam" && ["rita", "rolf"].contains(&sender.person.as_str()) {
        return false;
    }
    if person(who) == "rolf" && sender.person.as_str() == "rita" {
        return false;
    }
    let vacant = receiver.is_none_or(|receiver| !receiver.active && receiver.person != sender.person);
    let named = receiver.is_some_and(|receiver| {
        let stands_in = match who.person.as_str() {
            "rolf" => receiver.person.as_str() == "rita",
            "sam" => ["rita", "rolf"].contains(&receiver.person.as_str()),
            _ => false,
        };
        receiver.person == who.person || (stands_in && receiver.person != sender.person)
    });
    (named && lead) || (vacant && manager)
}

#[test]
fn l8_a_sender_who_is_his_own_receiver_and_left_is_answered_for_by_nobody() {
    for variant in [Variant::History, Variant::Explicit, Variant::Reconfirm, Variant::NoHistory] {
        let mut world = seated(variant);
        let history = [
            Step::Receiver(Some(Person::Sender)),
            Step::HandOver(0),
            Step::Active(Person::Sender, false),
            Step::Accept(Person::Manager),
        ];
        for step in history {
            world.play(&step);
            world.observe();
            assert!(world.decide_only().is_empty(), "{step:?}");
            world.write();
        }
        assert!(world.state().is_none_or(|state| state.accepted.is_none()));
    }
}

proptest! {
    #![proptest_config(Config { cases: 200, ..Config::default() })]

    #[test]
    fn l8_with_delegates_and_a_fallback_role(variant in variants(), history in steps()) {
        let mut world = seated(variant);
        for step in history {
            world.play(&step);
            world.observe();
            let again = world.decide_only();
            prop_assert!(again.is_empty(), "seen twice, decided twice: {again:?}");
            world.write();
            let state = world.state();
            let Some(acceptance) = state.as_ref().filter(|state| state.acceptance_holds()).and_then(|state| state.accepted.as_ref()) else {
                continue;
            };
            let sender = state.as_ref().and_then(|state| state.sender.as_ref()).expect("named");
            prop_assert!(sender.person != acceptance.by.person);
        }
        let (mut sender, mut receiver) = (None, None);
        for event in world.events() {
            match event {
                Event::PeopleChanged { sender: s, receiver: r } => {
                    sender.clone_from(s);
                    receiver.clone_from(r);
                }
                Event::Accepted { by, behalf, .. } => {
                    let from = sender.as_ref().expect("a sender is named");
                    prop_assert!(may_accept(from, receiver.as_ref(), by), "{by:?} for {receiver:?}");
                    let himself = receiver.as_ref().is_some_and(|receiver: &Actor| receiver.person == by.person);
                    prop_assert_eq!(behalf.is_none(), himself);
                }
                _ => {}
            }
        }
        let mut state = None;
        for entry in &world.log {
            if let Some(seen) = &entry.seen {
                let again = world.decide_on(state.as_ref(), seen, entry.stamp.time);
                prop_assert_eq!(&again, &entry.events);
            }
            state = Handoff::apply(state, entry.stamp, &entry.events);
        }
        prop_assert_eq!(state, world.state());
    }
}
