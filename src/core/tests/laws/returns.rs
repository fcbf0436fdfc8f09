//! The return loop, told as stories: rounds with reasons and versions, exceptions, confirmations, merged records, break-glass.

use std::collections::{BTreeMap, BTreeSet};

use handoff_core::break_glass::{Denied, ask, confirm};
use handoff_core::concrete::Contradicted;
use handoff_core::contract::AfterAcceptance;
use handoff_core::event::{Concern, Event, Refusal, ReopenCause};
use handoff_core::exception::{Asked, OnLapse};
use handoff_core::gate::Opening;
use handoff_core::handoff::{Phase, Turn};
use handoff_core::id::{FieldKey, GateName};
use handoff_core::obligation::{Obligation, ObligationKind, Posts, obligations};
use handoff_core::observation::{Actor, Answer};
use handoff_core::package_versions::package_versions;
use jiff::SignedDuration;

use crate::rows::{accepted, commission, fill, pass, phase, refusals, waiting};
use crate::world::{Person, Step, World};

fn key(name: &str) -> FieldKey {
    FieldKey::from(name)
}

fn edit(field: usize, text: Option<u8>) -> Step {
    Step::Edit { field, text, who: Person::Sender }
}

fn reject(world: &mut World, field: &str, why: &str) {
    let answer = Answer::Reject {
        fields: BTreeSet::from([key(field)]),
        reason: "see below".to_owned(),
        reasons: BTreeMap::from([(key(field), why.to_owned())]),
    };
    world.answer(Person::Receiver, answer);
    pass(world);
}

fn owed(world: &World) -> Vec<Obligation> {
    obligations(&world.contract, &world.state().expect("open"), Posts::none(), world.now())
}

fn kinds(owed: &[Obligation]) -> Vec<ObligationKind> {
    owed.iter().map(|one| one.kind).collect()
}

fn count(world: &World, name: &str) -> usize {
    world.events().filter(|event| event.name() == name).count()
}

/// A package without its second field, which Rita takes all the same until two days later.
fn excepted() -> World {
    let mut world = World::new();
    world.play(&Step::Stage("Negotiation"));
    world.play(&edit(0, Some(1)));
    world.play(&edit(2, Some(1)));
    pass(&mut world);
    world.play(&Step::AcceptWith(Person::Receiver));
    pass(&mut world);
    world
}

fn lapses(mut world: World, policy: OnLapse) -> World {
    world.contract.exceptions.on_lapse = policy;
    world
}

#[test]
fn five_rounds_of_return_each_have_a_version_a_diff_and_their_own_reason() {
    let mut world = waiting();
    for round in 1..=5_u8 {
        let why = format!("round {round}: the date is before signature");
        reject(&mut world, "outcome", &why);
        assert!(world.word("Missing__c").contains(&why), "{}", world.word("Missing__c"));
        assert_eq!(phase(&world), Phase::Rejected);
        let owed = owed(&world);
        assert_eq!(kinds(&owed), [ObligationKind::Mend]);
        let named: Vec<&str> = owed[0].text.lines().filter(|line| line.starts_with("- ")).collect();
        assert_eq!(named, ["- outcome"], "exactly the rejected field");
        assert!(!owed[0].text.contains(&why), "a list of tasks is read by more people than the record is");
        world.play(&edit(0, Some(if round % 2 == 0 { 1 } else { 2 })));
        pass(&mut world);
        assert_eq!(phase(&world), Phase::Complete);
        assert_eq!(kinds(&self::owed(&world)), [ObligationKind::Answer], "mended");
        let note = world.word("Changes__c");
        let expected = format!("Version {}, changed since version {round}:\noutcome changed", round + 1);
        assert_eq!(note, expected, "the receiver reads what changed, and no value");
    }
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    assert!(commission(&world));
    let state = world.state().expect("open");
    assert_eq!((state.round, state.id.cycle), (6, 1));
    let entries = world.journal();
    let versions = package_versions(entries.iter().map(|(position, entry)| (*position, entry)));
    let numbers: Vec<(u32, u32)> = versions.iter().map(|each| (each.number, each.round)).collect();
    assert_eq!(numbers, [(1, 1), (2, 2), (3, 3), (4, 4), (5, 5), (6, 6)]);
    assert_eq!(versions[3].changes.fields.keys().collect::<Vec<_>>(), [&key("outcome")]);
    assert_eq!(
        versions[1].digest, versions[3].digest,
        "a package that says the same again has the same digest"
    );
    assert_eq!(state.returns.version.expect("handed over").digest, versions[5].digest);
}

#[test]
fn an_edit_that_asks_for_confirmation_shuts_pay_until_exactly_it_is_confirmed() {
    let mut world = World::new();
    world.contract.fields[1].after_acceptance = AfterAcceptance::Reconfirm;
    world.play(&Step::Stage("Negotiation"));
    fill(&mut world, 1);
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    assert!(commission(&world));
    world.play(&edit(1, Some(2)));
    pass(&mut world);
    assert!(!commission(&world), "shut at once");
    assert!(world.flag("queue"), "the package is complete all the same");
    let state = world.state().expect("open");
    assert_eq!((state.phase, state.id.cycle, state.adjustments), (Phase::Accepted, 1, 1));
    assert_eq!(state.turn(), Turn::Receiver);
    assert!(world.word("Status__c").contains("confirm risks"), "{}", world.word("Status__c"));
    let owed = owed(&world);
    assert_eq!(kinds(&owed), [ObligationKind::Confirm]);
    assert_eq!(Some(&owed[0].owner), state.receiver.as_ref());
    assert_eq!(world.decision(), None, "the answer can be given again");

    world.play(&Step::Accept(Person::Sender));
    world.answer(Person::Receiver, Answer::Confirm { fields: BTreeSet::from([key("outcome")]) });
    pass(&mut world);
    assert_eq!(refusals(&world), [Refusal::OwnHandoff, Refusal::OtherFields]);
    assert!(!commission(&world));

    world.answer(Person::Receiver, Answer::Confirm { fields: BTreeSet::from([key("risks")]) });
    pass(&mut world);
    assert!(commission(&world));
    assert!(self::owed(&world).is_empty(), "confirmed");
    assert_eq!(count(&world, "confirmed"), 1);
    assert_eq!(world.state().expect("open").returns.version.expect("handed over").number, 2);

    world.play(&edit(1, Some(3)));
    pass(&mut world);
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    assert!(commission(&world), "accepting again confirms too");
    assert_eq!(count(&world, "commission_released"), 3);
}

#[test]
fn an_edit_that_is_taken_back_needs_no_confirmation() {
    let mut world = World::new();
    world.contract.fields[1].after_acceptance = AfterAcceptance::Reconfirm;
    world.play(&Step::Stage("Negotiation"));
    fill(&mut world, 1);
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    for text in [2, 1] {
        world.play(&edit(1, Some(text)));
        world.play(&edit(2, Some(text)));
        pass(&mut world);
        assert_eq!(commission(&world), text == 1, "a noted edit beside it opens nothing");
    }
}

#[test]
fn a_deal_won_while_edits_wait_for_confirmation_passed_its_gate() {
    let mut world = World::new();
    world.contract.fields[1].after_acceptance = AfterAcceptance::Reconfirm;
    world.play(&Step::Stage("Negotiation"));
    fill(&mut world, 1);
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    world.play(&edit(1, Some(2)));
    pass(&mut world);
    world.play(&Step::Stage("Closed Won"));
    pass(&mut world);
    assert_eq!(count(&world, "bypassed"), 1);
}

#[test]
fn only_the_receiver_grants_exceptions_and_each_needs_a_reason_and_a_day() {
    let mut world = World::new();
    world.play(&Step::Stage("Negotiation"));
    world.play(&edit(0, Some(1)));
    world.play(&edit(2, Some(1)));
    pass(&mut world);
    world.play(&Step::AcceptWith(Person::Sender));
    let nothing = Answer::AcceptWith { exceptions: BTreeMap::new() };
    world.answer(Person::Receiver, nothing);
    let no_day = Asked { reason: "later".to_owned(), due: None };
    world.answer(
        Person::Receiver,
        Answer::AcceptWith { exceptions: BTreeMap::from([(key("risks"), no_day)]) },
    );
    pass(&mut world);
    let refusals = refusals(&world);
    assert!(
        matches!(
            refusals.as_slice(),
            [Refusal::OwnHandoff, Refusal::Incomplete { .. }, Refusal::ExceptionUnclear { fields }]
                if *fields == BTreeSet::from([key("risks")])
        ),
        "{refusals:?}"
    );
    assert!(!commission(&world));
}

#[test]
fn an_exception_opens_pay_and_is_met_by_filling_the_field() {
    let mut world = excepted();
    assert!(commission(&world) && world.flag("queue"));
    assert_eq!(world.word("Status__c"), "Accepted by the receiver with 1 exception");
    assert!(
        world.word("Missing__c").contains("risks: accepted as missing until"),
        "{}",
        world.word("Missing__c")
    );
    let owed = owed(&world);
    assert_eq!(kinds(&owed), [ObligationKind::Exception]);
    assert_eq!(owed[0].due, world.state().expect("open").exception_due());
    assert!(owed[0].title.contains("risks") && !owed[0].text.contains("board"), "{owed:?}");
    world.play(&edit(1, Some(1)));
    pass(&mut world);
    assert!(self::owed(&world).is_empty(), "met");
    assert!(commission(&world), "the receiver asked for it: filling it re-opens nothing");
    assert_eq!((count(&world, "exceptions_met"), count(&world, "reopened")), (1, 0));
    assert_eq!(world.state().expect("open").returns.late, 0, "what was expected is no late find");
    world.play(&edit(1, Some(2)));
    pass(&mut world);
    assert!(!commission(&world), "from then on it is a field like any other");
}

#[test]
fn a_sender_cannot_widen_an_exception_by_emptying_other_fields() {
    let mut world = excepted();
    world.play(&edit(2, None));
    pass(&mut world);
    assert!(!commission(&world), "a noted field that is empty now is missing, exception or not");
}

#[test]
fn an_exception_that_lapses_is_said_and_holds_or_reopens_as_the_contract_says() {
    let mut noted = lapses(excepted(), OnLapse::Note);
    noted.play(&Step::Wait(3 * 86_400));
    pass(&mut noted);
    assert!(commission(&noted));
    assert!(noted.state().expect("open").concerns.contains(&Concern::ExceptionOverdue));
    assert_eq!(noted.word("Status__c"), "Accepted by the receiver with 1 exception, 1 overdue");
    assert_eq!(count(&noted, "exceptions_lapsed"), 1);

    let mut reopened = lapses(excepted(), OnLapse::Reopen);
    let due = reopened.state().expect("open").exception_due().expect("due");
    assert_eq!(reopened.verdict().look_again_at, Some(due), "the daemon wakes at that time");
    let before = due.checked_sub(SignedDuration::from_secs(1)).expect("in range");
    assert!(reopened.verdict_at(before).gates[&GateName::from("commission")]);
    assert!(!reopened.verdict_at(due).gates[&GateName::from("commission")], "shut exactly at its time");
    reopened.play(&Step::Wait(3 * 86_400));
    pass(&mut reopened);
    let state = reopened.state().expect("open");
    assert_eq!((commission(&reopened), state.id.cycle, state.adjustments), (false, 2, 1));
    let lapsed =
        |event: &Event| matches!(event, Event::Reopened { cause: ReopenCause::ExceptionsLapsed { .. }, .. });
    assert!(reopened.events().any(lapsed));
}

#[test]
fn things_that_are_added_only_after_acceptance_are_counted() {
    let mut world = World::new();
    world.contract.fields[2].required_when = Some("false".to_owned());
    world.play(&Step::Stage("Negotiation"));
    world.play(&edit(0, Some(1)));
    world.play(&edit(1, Some(1)));
    pass(&mut world);
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    assert!(commission(&world));
    world.play(&edit(2, Some(1)));
    pass(&mut world);
    assert_eq!(world.state().expect("open").returns.late, 1);
    world.play(&edit(2, Some(2)));
    pass(&mut world);
    assert_eq!(world.state().expect("open").returns.late, 1, "other words are no new find");
}

#[test]
fn d17_a_survivor_of_a_merge_is_shut_until_it_is_accepted_anew() {
    let mut world = accepted();
    world.absorbed.insert("006000000000009AAA".to_owned());
    pass(&mut world);
    assert!(!commission(&world));
    assert_eq!(phase(&world), Phase::Complete);
    assert_eq!(count(&world, "absorbed"), 1);
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    assert!(commission(&world), "its receiver looked at what it is now");
    assert_eq!(count(&world, "reopened"), 1);
}

#[test]
fn a_blind_test_that_contradicts_the_acceptance_reopens_its_cycle_once() {
    let mut world = accepted();
    let contradicted = |cycle| Some(Contradicted { test: "h06-1".to_owned(), cycle });
    // A test of another cycle says nothing about this acceptance.
    world.contradicted = contradicted(2);
    pass(&mut world);
    assert!(commission(&world));
    world.contradicted = contradicted(1);
    pass(&mut world);
    assert!(!commission(&world));
    assert_eq!((phase(&world), world.state().expect("open").id.cycle), (Phase::Complete, 2));
    pass(&mut world);
    assert_eq!(count(&world, "reopened"), 1, "it stays seen, and means nothing any more");
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    assert!(commission(&world));
    pass(&mut world);
    assert_eq!(count(&world, "reopened"), 1);
}

#[test]
fn f10_a_split_or_clone_of_an_accepted_deal_inherits_nothing() {
    let first = accepted();
    let mut child = World::new();
    // A copied record carries the flag, the clearance and the package, but none of the history.
    child.play(&Step::Stage("Negotiation"));
    child.play(&Step::Flag { gate: "commission", open: true });
    child.forge_clearance("commission", &first.clearance("commission").expect("cleared"));
    fill(&mut child, 1);
    assert!(!commission(&child), "its own gate is shut");
    let state = child.state().expect("open");
    assert!(state.accepted.is_none() && !state.ever_accepted && state.phase == Phase::Complete);
    assert_eq!(count(&child, "tampered"), 1);
    assert!(commission(&first));
}

fn keeper(id: &str, person: &str) -> Actor {
    Actor {
        id: id.into(),
        person: person.into(),
        machine: false,
        active: true,
        roles: BTreeSet::from(["break_glass".to_owned()]),
    }
}

#[test]
fn f12_two_people_open_a_gate_until_a_time_and_it_is_no_acceptance() {
    let mut world = waiting();
    let gate = GateName::from("commission");
    let (olga, ines) = (keeper("olga@acme", "olga"), keeper("ines@acme", "ines"));
    let until = world.now().checked_add(SignedDuration::from_hours(8)).expect("in range");
    let state = world.state().expect("open");
    let asked =
        ask(&world.contract, &state, &olga, (&gate, "quarter end, Rita is in hospital", until), world.now());
    world.log_events(vec![asked.expect("she may")]);
    pass(&mut world);
    assert!(!commission(&world), "nothing opens by one person's word");

    let state = world.state().expect("open");
    let same = Actor { id: "olga.admin@acme".into(), ..olga.clone() };
    assert_eq!(confirm(&world.contract, &state, &same, &gate, world.now()), Err(Denied::SamePerson));
    let confirmed = confirm(&world.contract, &state, &ines, &gate, world.now()).expect("another person");
    world.log_events(vec![confirmed]);
    pass(&mut world);
    assert!(commission(&world));
    let verdict = world.verdict();
    assert_eq!(verdict.because[&gate], Opening::Overridden);
    assert_eq!(verdict.look_again_at, Some(until).min(verdict.look_again_at));
    assert!(
        world.word("Status__c").starts_with("BREAK-GLASS: commission open until"),
        "{}",
        world.word("Status__c")
    );
    let hold = world.word("Commission_Open__c_Hold");
    assert!(hold.contains("olga") && hold.contains("ines") && hold.contains("hospital"), "{hold}");
    assert_eq!(
        (count(&world, "accepted"), count(&world, "commission_released")),
        (0, 0),
        "never an acceptance"
    );
    assert!(world.state().expect("open").concerns.contains(&Concern::Overridden));
    let clearance = world.clearance("commission").expect("bound to the override");

    let before = until.checked_sub(SignedDuration::from_secs(1)).expect("in range");
    assert!(world.verdict_at(before).gates[&gate]);
    assert!(!world.verdict_at(until).gates[&gate], "shut exactly at its time");
    world.play(&Step::Wait(9 * 3_600));
    pass(&mut world);
    assert!(!commission(&world));
    assert_eq!((count(&world, "override_ended"), world.clearance("commission")), (1, None));

    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    assert!(commission(&world) && world.clearance("commission").expect("cleared") != clearance);
}

#[test]
fn f12_an_acceptance_takes_the_place_of_an_override() {
    let mut world = waiting();
    let gate = GateName::from("commission");
    let until = world.now().checked_add(SignedDuration::from_hours(8)).expect("in range");
    world.break_glass(&keeper("olga@acme", "olga"), &keeper("ines@acme", "ines"), &gate, until);
    pass(&mut world);
    world.play(&Step::Stage("Closed Won"));
    pass(&mut world);
    let forged = world.clearance("commission");
    world.play(&Step::Accept(Person::Receiver));
    pass(&mut world);
    assert_eq!(world.verdict().because[&gate], Opening::Accepted);
    assert_ne!(world.clearance("commission"), forged, "the clearance is the acceptance's now");
    assert_eq!(count(&world, "tampered"), 0);
    world.play(&edit(0, Some(2)));
    pass(&mut world);
    assert!(!commission(&world), "the override does not come back");
}

#[test]
fn f12_who_may_not_break_the_glass() {
    let world = waiting();
    let state = world.state().expect("open");
    let gate = GateName::from("commission");
    let now = world.now();
    let until = now.checked_add(SignedDuration::from_hours(8)).expect("in range");
    let olga = keeper("olga@acme", "olga");
    let reason = "quarter end, Rita is in hospital";
    let denied = |by: &Actor, gate: &GateName, reason: &str, until| {
        ask(&world.contract, &state, by, (gate, reason, until), now).expect_err("denied")
    };
    let sender = keeper("sam@acme", "sam");
    assert_eq!(denied(&sender, &gate, reason, until), Denied::Sender);
    assert_eq!(denied(&Actor { machine: true, ..olga.clone() }, &gate, reason, until), Denied::LacksRole);
    assert_eq!(denied(&Actor { active: false, ..olga.clone() }, &gate, reason, until), Denied::LacksRole);
    assert_eq!(
        denied(&Actor { roles: BTreeSet::new(), ..olga.clone() }, &gate, reason, until),
        Denied::LacksRole
    );
    assert_eq!(denied(&olga, &GateName::from("moon"), reason, until), Denied::NoGate);
    assert_eq!(denied(&olga, &GateName::from("queue"), reason, until), Denied::Open);
    assert_eq!(denied(&olga, &gate, "please", until), Denied::Reason);
    assert_eq!(denied(&olga, &gate, reason, now), Denied::Expiry);
    let far = now.checked_add(SignedDuration::from_hours(24 * 31)).expect("in range");
    assert_eq!(denied(&olga, &gate, reason, far), Denied::Expiry);
    let ines = keeper("ines@acme", "ines");
    assert_eq!(confirm(&world.contract, &state, &ines, &gate, now), Err(Denied::NotAsked));
}
