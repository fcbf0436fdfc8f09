//! Single stories; each is named after its row in the fault matrix, or says what it shows.

use handoff_core::contract::Mode;
use handoff_core::event::{Concern, EditEffect, Event, Refusal, ReopenCause};
use handoff_core::handoff::{Phase, Turn};
use handoff_core::id::GateName;

use crate::world::{Person, Step, World};

/// A won deal with a complete package, waiting for Rita.
pub(crate) fn waiting() -> World {
    let mut world = World::new();
    world.play(&Step::Stage("Negotiation"));
    fill(&mut world, 1);
    world
}

pub(crate) fn fill(world: &mut World, text: u8) {
    for field in 0..3 {
        world.play(&Step::Edit { field, text: Some(text), who: Person::Sender });
    }
    pass(world);
}

/// Some time later, one full pass.
pub(crate) fn pass(world: &mut World) {
    world.play(&Step::Wait(60));
    world.observe();
    world.write();
}

pub(crate) fn accepted() -> World {
    let mut world = waiting();
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    assert!(commission(&world), "the receiver's acceptance opens the flag");
    world
}

pub(crate) fn commission(world: &World) -> bool {
    world.flag("commission")
}

pub(crate) fn phase(world: &World) -> Phase {
    world.state().expect("open").phase
}

pub(crate) fn refusals(world: &World) -> Vec<Refusal> {
    world
        .events()
        .filter_map(|event| match event {
            Event::AnswerRefused { why, .. } => Some(why.clone()),
            _ => None,
        })
        .collect()
}

#[test]
fn a_complete_package_reaches_the_queue_but_not_the_pay() {
    let world = waiting();
    assert!(world.flag("queue"));
    assert!(!commission(&world));
    assert_eq!(world.state().expect("open").turn(), Turn::Receiver);
}

#[test]
fn e05_a_deal_whose_sender_is_its_receiver_cannot_be_accepted_by_anyone() {
    let mut world = waiting();
    world.play(&Step::Receiver(Some(Person::Sender)));
    world.play(&Step::Accept(Person::Sender));
    world.play(&Step::Wait(5));
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    assert_eq!(refusals(&world), [Refusal::OwnHandoff, Refusal::NotTheReceiver]);
    assert!(!commission(&world));
}

#[test]
fn e14_a_stage_that_the_mapping_does_not_know_shuts_every_gate() {
    let mut world = accepted();
    world.play(&Step::Stage("Renamed by an admin"));
    pass(&mut world);
    assert!(!commission(&world) && !world.flag("queue"));
    assert!(world.verdict().status.contains("not known"));
}

#[test]
fn f01_accepting_an_incomplete_package_is_refused_with_what_is_missing() {
    let mut world = waiting();
    world.play(&Step::Edit { field: 1, text: None, who: Person::Sender });
    pass(&mut world);
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    let refusals = refusals(&world);
    assert!(matches!(&refusals[..], [Refusal::Incomplete { missing }] if missing.len() == 1), "{refusals:?}");
    assert!(!commission(&world));
}

#[test]
fn f02_the_sender_accepts_under_no_login_and_no_machine_accepts() {
    let mut world = waiting();
    for who in [Person::Sender, Person::SenderOtherLogin, Person::Machine, Person::Stranger] {
        world.play(&Step::Accept(who));
        world.play(&Step::Wait(2));
    }
    pass(&mut world);
    let expected = [Refusal::OwnHandoff, Refusal::OwnHandoff, Refusal::Machine, Refusal::NotTheReceiver];
    assert_eq!(refusals(&world), expected);
    assert!(!commission(&world));
}

#[test]
fn f04_an_edit_after_acceptance_opens_the_next_cycle_and_holds_pay() {
    let mut world = accepted();
    world.play(&Step::Edit { field: 0, text: Some(2), who: Person::Sender });
    pass(&mut world);
    assert!(!commission(&world));
    let state = world.state().expect("open");
    assert_eq!((state.id.cycle, state.adjustments, state.phase), (2, 1, Phase::Complete));
    let held = world.events().any(|event| {
        matches!(event, Event::CommissionHeld { adjustment: 1, cause: ReopenCause::Edited { fields } } if fields.len() == 1)
    });
    assert!(held, "finance sees a numbered adjustment that names the cause");
}

#[test]
fn f04_an_edit_that_the_contract_only_notes_leaves_the_flag_open() {
    let mut world = accepted();
    world.play(&Step::Edit { field: 2, text: Some(2), who: Person::Sender });
    pass(&mut world);
    assert!(commission(&world));
    let noted = |event: &Event| matches!(event, Event::PackageChanged { acceptance: EditEffect::Noted, .. });
    assert!(world.events().any(noted));
}

#[test]
fn f05_an_acceptance_as_old_as_the_last_edit_is_refused() {
    let mut world = waiting();
    world.play(&Step::Accept(Person::Receiver));
    world.play(&Step::Edit { field: 0, text: Some(2), who: Person::Sender });
    pass(&mut world);
    assert_eq!(refusals(&world), [Refusal::PackageChanged]);
    assert!(!commission(&world));
}

#[test]
fn f06_an_act_counts_once_however_often_it_is_seen() {
    let mut world = accepted();
    for _ in 0..5 {
        pass(&mut world);
    }
    assert_eq!(world.events().filter(|event| matches!(event, Event::Accepted { .. })).count(), 1);
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    assert_eq!(refusals(&world), [Refusal::NotWaiting]);
}

#[test]
fn f07_an_acceptance_of_an_old_cycle_does_not_accept_the_next() {
    let mut world = accepted();
    world.play(&Step::Edit { field: 0, text: Some(2), who: Person::Sender });
    for _ in 0..3 {
        pass(&mut world);
    }
    assert!(!commission(&world));
    assert_eq!(phase(&world), Phase::Complete);
}

#[test]
fn f08_pay_is_released_once_per_cycle() {
    let mut world = accepted();
    world.play(&Step::Edit { field: 0, text: Some(2), who: Person::Sender });
    pass(&mut world);
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    assert!(commission(&world));
    let money: Vec<&str> = world
        .events()
        .filter(|event| matches!(event, Event::CommissionReleased { .. } | Event::CommissionHeld { .. }))
        .map(Event::name)
        .collect();
    assert_eq!(money, ["commission_released", "commission_held", "commission_released"]);
}

#[test]
fn f09_a_deal_won_past_its_gate_stands_in_the_ledger_once_and_is_not_paid() {
    let mut world = waiting();
    world.play(&Step::Stage("Closed Won"));
    for _ in 0..3 {
        pass(&mut world);
    }
    let bypasses: Vec<bool> = world
        .events()
        .filter_map(|event| match event {
            Event::Bypassed { ever_accepted, .. } => Some(*ever_accepted),
            _ => None,
        })
        .collect();
    assert_eq!(bypasses, [false]);
    assert!(!commission(&world));
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    assert!(commission(&world), "a late acceptance still counts for pay; the by-pass stays in the ledger");
}

#[test]
fn a_deal_won_after_acceptance_is_no_bypass_even_if_it_is_reopened_later() {
    let mut world = accepted();
    world.play(&Step::Stage("Closed Won"));
    pass(&mut world);
    world.play(&Step::Edit { field: 0, text: Some(2), who: Person::Sender });
    pass(&mut world);
    assert!(!world.events().any(|event| matches!(event, Event::Bypassed { .. })));
}

#[test]
fn f10_a_clone_that_carries_an_open_flag_is_shut_although_nobody_handed_it_over() {
    let mut world = World::new();
    world.play(&Step::Flag { gate: "commission", open: true });
    pass(&mut world);
    assert!(!commission(&world));
    assert!(world.events().any(|event| matches!(event, Event::Tampered { .. })));
}

#[test]
fn d15_a_flag_set_by_hand_is_undone_in_one_pass_and_stands_in_the_ledger_with_its_author() {
    let mut world = waiting();
    world.play(&Step::Flag { gate: "commission", open: true });
    pass(&mut world);
    assert!(!commission(&world));
    let named = world.events().any(|event| {
        matches!(event, Event::Tampered { by: Some(by), at: Some(_), seen_open: true, .. } if by.person.as_str() == "xaver")
    });
    assert!(named);
}

#[test]
fn d15_a_forged_clearance_under_an_open_flag_is_found() {
    let mut world = accepted();
    let genuine = world.clearance("commission");
    world.forge_clearance("commission", "0000");
    pass(&mut world);
    assert_eq!(world.clearance("commission"), genuine);
    assert!(world.events().any(|event| matches!(event, Event::Tampered { .. })));
}

#[test]
fn a05_our_own_write_is_known_again_after_a_crash_before_its_reply() {
    let mut world = waiting();
    world.play(&Step::Accept(Person::Receiver));
    world.play(&Step::Wait(60));
    world.observe();
    world.play(&Step::WriteAndDie);
    pass(&mut world);
    assert!(commission(&world));
    assert!(!world.events().any(|event| matches!(event, Event::Tampered { .. })));
}

#[test]
fn a_rejection_names_fields_and_takes_a_change_to_come_back() {
    let mut world = waiting();
    world.play(&Step::Reject(Person::Receiver, 0));
    pass(&mut world);
    assert_eq!(phase(&world), Phase::Rejected);
    world.play(&Step::Edit { field: 1, text: Some(2), who: Person::Sender });
    pass(&mut world);
    assert_eq!(phase(&world), Phase::Rejected, "another field than the rejected one was edited");
    world.play(&Step::Edit { field: 0, text: Some(2), who: Person::Sender });
    pass(&mut world);
    assert_eq!(phase(&world), Phase::Complete);
    assert_eq!(world.state().expect("open").round, 2);
}

#[test]
fn a_rejection_and_its_mending_seen_at_once_end_in_the_second_round() {
    let mut world = waiting();
    world.play(&Step::Reject(Person::Receiver, 0));
    world.play(&Step::Wait(30));
    world.play(&Step::Edit { field: 0, text: Some(2), who: Person::Sender });
    world.play(&Step::Wait(30));
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    let state = world.state().expect("open");
    assert_eq!((state.phase, state.round), (Phase::Accepted, 2));
    assert!(state.rejected.is_empty(), "nothing of it is left for the next cycle");
}

#[test]
fn the_receiver_takes_his_acceptance_back() {
    let mut world = accepted();
    world.play(&Step::Reject(Person::Receiver, 0));
    pass(&mut world);
    assert!(!commission(&world));
    assert_eq!((phase(&world), world.state().expect("open").id.cycle), (Phase::Rejected, 2));
}

#[test]
fn d17_a_lost_record_voids_its_handoff_and_a_returning_one_starts_the_next_cycle_shut() {
    let mut world = accepted();
    world.play(&Step::Lose(true));
    pass(&mut world);
    assert_eq!(phase(&world), Phase::Voided);
    world.play(&Step::Lose(false));
    pass(&mut world);
    assert!(!commission(&world));
    assert_eq!(world.state().expect("open").id.cycle, 2);
}

#[test]
fn the_receivers_clock_runs_out_once_per_round() {
    let mut world = waiting();
    world.play(&Step::Wait(49 * 3600));
    for _ in 0..3 {
        pass(&mut world);
    }
    assert_eq!(world.events().filter(|event| matches!(event, Event::SlaBreached { .. })).count(), 1);
    assert!(!commission(&world), "time opens nothing");
}

#[test]
fn older_deals_are_not_governed_unless_they_enter_a_stage_again() {
    let mut world = World::new();
    world.play(&Step::Stage("Closed Won"));
    world.terms.governed_since = Some("2026-03-03T00:00:00Z".parse().expect("a date"));
    pass(&mut world);
    assert!(world.state().is_none());
}

#[test]
fn j06_where_every_gate_is_observed_nothing_is_written_and_nothing_ordered() {
    let mut world = World::new();
    for gate in ["commission", "queue", "closed_won"] {
        world.terms.modes.insert(GateName::from(gate), Mode::Observe);
    }
    world.play(&Step::Stage("Negotiation"));
    fill(&mut world, 1);
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    let plan = world.plan().expect("governed");
    assert!(plan.is_empty() && !plan.shadow.is_empty());
    assert!(!world.events().any(|event| matches!(event, Event::GateOrdered { .. })));
}

#[test]
fn f11_a_handoff_without_receiver_is_named_and_cannot_be_accepted() {
    let mut world = waiting();
    world.play(&Step::Receiver(None));
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    assert_eq!(refusals(&world), [Refusal::NoReceiver]);
    assert!(world.state().expect("open").concerns.contains(&Concern::NoReceiver));
}

#[test]
fn a05_a_write_after_a_lost_record_returned_is_known_as_ours() {
    let mut world = accepted();
    world.play(&Step::Lose(true));
    world.observe();
    world.play(&Step::Lose(false));
    world.observe();
    world.play(&Step::WriteAndDie);
    pass(&mut world);
    assert!(!world.events().any(|event| matches!(event, Event::Tampered { .. })));
}

#[test]
fn the_state_stands_as_a_pick_list_and_an_unnamed_one_empties_it() {
    let mut world = waiting();
    assert_eq!(world.word("State__c"), "Waiting");
    world.play(&Step::Reject(Person::Receiver, 0));
    pass(&mut world);
    assert_eq!((phase(&world), world.word("State__c").as_str()), (Phase::Rejected, "-"));
    let world = accepted();
    assert_eq!(world.word("State__c"), "Accepted");
}
