//! One deal in two CRMs, each with an authority of its own (D18): shut wins, whatever the order of events.

use handoff_core::event::{Concern, Event};
use handoff_core::handoff::Phase;
use handoff_core::twin::{TwinWord, rival_seen, twin_seen};
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::world::{Person, Step, Variant, World, step};

/// Two records of one deal.
struct Pair([World; 2]);

impl Pair {
    fn new() -> Self {
        Self([World::of(Variant::History), World::of(Variant::History)])
    }

    /// One side is read, with what the daemon knows of the other, and written.
    fn pass(&mut self, side: usize) {
        let other = self.0[1 - side].state();
        let ours = self.0[side].package();
        self.0[side].twins = other.and_then(|other| twin_seen(&ours, &other)).into_iter().collect();
        self.0[side].observe();
        self.0[side].write();
    }

    /// Whatever changed on one side marks the other due, until nothing changes any more.
    fn settle(&mut self) {
        for _ in 0..4 {
            self.pass(0);
            self.pass(1);
        }
        let log = self.entries();
        self.pass(0);
        self.pass(1);
        assert_eq!(self.entries(), log, "the two never settle");
    }

    fn entries(&self) -> usize {
        self.0.iter().map(|world| world.log.len()).sum()
    }

    fn pays(&self, side: usize) -> bool {
        self.0[side].flag("commission")
    }

    fn accepts(&self, side: usize) -> bool {
        self.0[side].state().is_some_and(|state| state.acceptance_holds())
    }

    /// Whether a side has a say: a handoff was opened, and its record is not lost.
    fn governs(&self, side: usize) -> bool {
        let ours = self.0[1 - side].package();
        self.0[side].state().is_some_and(|state| twin_seen(&ours, &state).is_some())
    }

    fn disagrees(&self, side: usize) -> bool {
        self.0[side].state().is_some_and(|state| state.concerns.contains(&Concern::AuthoritiesDisagree))
    }
}

/// Both open, filled with the same words.
fn filled() -> Pair {
    let mut pair = Pair::new();
    for world in &mut pair.0 {
        world.play(&Step::Stage("Negotiation"));
        for field in 0..3 {
            world.play(&Step::Edit { field, text: Some(1), who: Person::Sender });
        }
        world.play(&Step::Wait(100));
    }
    pair.settle();
    pair
}

fn accept(pair: &mut Pair, side: usize) {
    pair.0[side].play(&Step::Wait(5));
    pair.0[side].play(&Step::Accept(Person::Receiver));
    pair.settle();
}

fn money(world: &World) -> Vec<&'static str> {
    let names = ["commission_released", "commission_held"];
    world.events().map(Event::name).filter(|name| names.contains(name)).collect()
}

proptest! {
    #![proptest_config(Config { cases: 200, ..Config::default() })]

    #[test]
    fn d18_no_order_of_events_leaves_one_open_while_the_other_is_not_accepted(
        history in prop::collection::vec((0..2_usize, step(), prop::option::of(0..2_usize)), 1..50)
    ) {
        let mut pair = Pair::new();
        for (side, step, look) in history {
            if !matches!(step, Step::Observe | Step::Write | Step::WriteAndDie | Step::Flag { .. }) {
                pair.0[side].play(&step);
            }
            if let Some(side) = look {
                pair.pass(side);
            }
        }
        pair.settle();
        for side in [0, 1] {
            let open = pair.0[side].truth.flags_we_opened().into_iter().any(|(gate, open)| open && gate.as_str() == "commission");
            if open && pair.governs(1 - side) {
                prop_assert!(pair.accepts(1 - side), "side {side} pays, the other is {:?}", pair.0[1 - side].state().map(|state| state.phase));
            }
        }
    }

    #[test]
    fn d18_pay_is_released_and_held_in_turns(
        history in prop::collection::vec((0..2_usize, step()), 1..50)
    ) {
        let mut pair = Pair::new();
        for (side, step) in history {
            pair.0[side].play(&step);
            pair.pass(0);
            pair.pass(1);
        }
        for world in &pair.0 {
            for (at, name) in money(world).into_iter().enumerate() {
                prop_assert_eq!(name, ["commission_released", "commission_held"][at % 2]);
            }
        }
    }
}

#[test]
fn d18_pay_waits_for_both_and_both_say_so() {
    let mut pair = filled();
    accept(&mut pair, 0);
    assert!(!pair.pays(0) && !pair.pays(1));
    assert!(pair.0[0].flag("queue") && pair.0[1].flag("queue"), "only pay waits");
    assert!(pair.disagrees(0) && pair.disagrees(1));
    assert_eq!(money(&pair.0[0]), Vec::<&str>::new());
    assert!(
        pair.0[0].word("Status__c").starts_with("Not accepted in sf/Opportunity/"),
        "{}",
        pair.0[0].word("Status__c")
    );
    assert!(pair.0[0].word("Commission_Open__c_Hold").starts_with("Not accepted in"));
    assert!(pair.0[1].word("Status__c").starts_with("Accepted in sf/Opportunity/"));
    accept(&mut pair, 1);
    assert!(pair.pays(0) && pair.pays(1));
    assert!(!pair.disagrees(0) && !pair.disagrees(1));
    // One side falls back, and pay of both is held.
    pair.0[1].play(&Step::Wait(5));
    pair.0[1].play(&Step::Reject(Person::Receiver, 0));
    pair.settle();
    assert!(!pair.pays(0) && !pair.pays(1));
    assert_eq!(pair.0[0].state().expect("open").phase, Phase::Accepted, "its own acceptance stands");
    assert_eq!(money(&pair.0[0]), ["commission_released", "commission_held"]);
}

#[test]
fn d18_two_acceptances_of_different_packages_are_none() {
    let mut pair = filled();
    pair.0[1].play(&Step::Edit { field: 0, text: Some(2), who: Person::Sender });
    accept(&mut pair, 0);
    accept(&mut pair, 1);
    assert!(!pair.pays(0) && !pair.pays(1));
    assert_eq!(pair.0[0].twins[0].word, TwinWord::AcceptedOther);
    assert!(pair.disagrees(0) && pair.disagrees(1));
    assert!(pair.0[0].word("Status__c").starts_with("Another package was accepted in"));
}

#[test]
fn d18_a_record_that_is_lost_has_no_say_and_one_that_nobody_governs_has_none() {
    let mut pair = Pair::new();
    pair.0[0].play(&Step::HandOver(1));
    pair.settle();
    assert!(pair.pays(0), "the other record never had a handoff");
    pair.0[1].play(&Step::Stage("Negotiation"));
    pair.settle();
    assert!(!pair.pays(0), "now it has, and it is not accepted");
    pair.0[1].play(&Step::Lose(true));
    pair.settle();
    assert!(pair.pays(0));
}

#[test]
fn e13_two_records_that_name_the_same_deal_shut_each_others_pay_until_one_is_off() {
    let mut pair = filled();
    for side in [0, 1] {
        accept(&mut pair, side);
    }
    assert!(pair.pays(0) && pair.pays(1));
    let look = |pair: &mut Pair| {
        for side in [0, 1] {
            let other = pair.0[1 - side].state();
            pair.0[side].twins = other.and_then(|other| rival_seen(&other)).into_iter().collect();
            pair.0[side].observe();
            pair.0[side].write();
        }
    };
    look(&mut pair);
    assert!(!pair.pays(0) && !pair.pays(1), "both accepted, and neither is paid");
    assert!(pair.disagrees(0) && pair.disagrees(1));
    let status = pair.0[0].word("Status__c");
    assert!(status.contains("names the same deal: pay waits until only one does."), "{status}");
    pair.0[1].play(&Step::Lose(true));
    (0..3).for_each(|_| look(&mut pair));
    assert!(pair.pays(0) && !pair.pays(1));
}
