//! Who owes what in which phase, in which words, with which id.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::*;
use crate::contract::{Contract, ContractRef};
use crate::event::Event;
use crate::handoff::Stamp;
use crate::id::{ActorId, ConnectionId, HandoffId, MotionId, ObjectName, PersonId, RecordId, StageName};
use crate::registry::{Registry, shipped};

fn actor(name: &str, role: &str) -> Actor {
    Actor {
        id: ActorId::from(name),
        person: PersonId(name.to_owned()),
        machine: false,
        active: true,
        roles: BTreeSet::from([role.to_owned()]),
    }
}

fn contract() -> (Contract, ContractRef) {
    let registry = Registry::load(shipped()).unwrap();
    let mapping = registry.mapping("salesforce/h03-ae-to-onboarding").unwrap();
    let held = registry.contract_of(mapping).unwrap();
    (held.contract.clone(), held.reference.clone())
}

fn at(second: i64) -> Stamp {
    Stamp { position: 0, time: Timestamp::from_second(second).unwrap() }
}

fn draft(pin: &ContractRef) -> Handoff {
    let subject = RecordRef {
        connection: ConnectionId::from("sf"),
        object: ObjectName::from("Opportunity"),
        record: RecordId("006000000000001AAA".to_owned()),
    };
    let handoff = HandoffId { contract: pin.id.clone(), motion: MotionId::from("main"), subject, cycle: 1 };
    let opened = Event::Opened { handoff, contract: pin.clone(), stage: StageName::from("commit"), at: None };
    let people = Event::PeopleChanged {
        sender: Some(actor("ada", "account_executive")),
        receiver: Some(actor("olga", "onboarding_lead")),
    };
    let state = Handoff::evolve(None, at(1), &opened);
    Handoff::evolve(state, at(1), &people).unwrap()
}

fn then(state: Handoff, event: &Event) -> Handoff {
    Handoff::evolve(Some(state), at(2), event).unwrap()
}

fn complete(round: u32) -> Event {
    Event::Completed { round, at: Timestamp::from_second(3_600).unwrap() }
}

fn rejected(round: u32, fields: &[&str]) -> Event {
    Event::Rejected {
        act: format!("act-{round}"),
        by: actor("olga", "onboarding_lead"),
        at: Timestamp::from_second(7_200).unwrap(),
        round,
        fields: fields.iter().map(|field| (*field).into()).collect(),
        reason: "The CFO left, and his name is Secret".to_owned(),
        reasons: std::collections::BTreeMap::new(),
    }
}

fn now() -> Timestamp {
    Timestamp::from_second(10_000).unwrap()
}

fn kinds(owed: &[Obligation]) -> Vec<(ObligationKind, &str)> {
    owed.iter().map(|one| (one.kind, one.owner.id.as_str())).collect()
}

#[test]
fn the_sender_owes_what_is_missing_by_name() {
    let (contract, pin) = contract();
    let owed = obligations(&contract, &draft(&pin), Posts::none(), now());
    assert_eq!(kinds(&owed), [(ObligationKind::Fill, "ada")]);
    for field in &contract.fields {
        assert!(owed[0].text.contains(&field.label), "{}: {}", field.label, owed[0].text);
    }
    assert!(owed[0].title.chars().count() <= TITLE && owed[0].text.chars().count() <= TEXT);
}

#[test]
fn the_receiver_owes_an_answer_until_the_time_is_up_and_an_acceptance_ends_it() {
    let (contract, pin) = contract();
    let state = then(draft(&pin), &complete(1));
    let owed = obligations(&contract, &state, Posts::none(), now());
    assert_eq!(kinds(&owed), [(ObligationKind::Answer, "olga")]);
    assert_eq!(owed[0].due, Some(Timestamp::from_second(3_600 + 48 * 3_600).unwrap()));
    let accepted = Event::Accepted {
        act: "a".to_owned(),
        by: actor("olga", "onboarding_lead"),
        at: Timestamp::from_second(7_200).unwrap(),
        round: 1,
        behalf: None,
    };
    assert!(obligations(&contract, &then(state, &accepted), Posts::none(), now()).is_empty());
}

#[test]
fn a_mend_task_names_exactly_the_rejected_fields_and_repeats_nothing_of_the_record() {
    let (contract, pin) = contract();
    let some = [contract.fields[0].clone(), contract.fields[2].clone()];
    let keys: Vec<&str> = some.iter().map(|field| field.key.as_str()).collect();
    let state = then(then(draft(&pin), &complete(1)), &rejected(1, &keys));
    let owed = obligations(&contract, &state, Posts::none(), now());
    assert_eq!(kinds(&owed), [(ObligationKind::Mend, "ada")]);
    let sent_back = owed[0].text.split("\n\n").next().unwrap();
    let named: Vec<&str> = sent_back.lines().skip(1).map(|line| line.trim_start_matches("- ")).collect();
    assert_eq!(named, some.iter().map(|field| field.label.as_str()).collect::<Vec<_>>());
    assert!(!owed[0].text.contains("Secret") && !owed[0].title.contains("Secret"));
}

#[test]
fn every_round_has_its_own_mend_task_and_every_look_the_same() {
    let (contract, pin) = contract();
    let mut state = draft(&pin);
    let mut ids = BTreeSet::new();
    for round in 1..=5 {
        state = then(then(state, &complete(round)), &rejected(round, &[]));
        let first = obligations(&contract, &state, Posts::none(), now());
        let later = obligations(&contract, &state, Posts::none(), Timestamp::from_second(20_000).unwrap());
        assert_eq!(first[0].id, later[0].id);
        assert!(
            first[0].id.len() <= 64
                && first[0].id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        );
        assert_eq!(first[0].kind, ObligationKind::Mend);
        ids.insert(first[0].id.clone());
    }
    assert_eq!(ids.len(), 5);
}

#[test]
fn where_nobody_can_accept_the_sender_is_to_have_somebody_named() {
    let (contract, pin) = contract();
    let nobody = Event::PeopleChanged { sender: Some(actor("ada", "account_executive")), receiver: None };
    let state = then(then(draft(&pin), &complete(1)), &nobody);
    let owed = obligations(&contract, &state, Posts::none(), now());
    assert_eq!(kinds(&owed), [(ObligationKind::Name, "ada")]);
    assert!(owed[0].text.contains("no receiver is named"));
}

#[test]
fn nothing_is_owed_to_a_handoff_that_is_off_or_not_understood() {
    let (contract, pin) = contract();
    let state = draft(&pin);
    let voided = then(state.clone(), &Event::Voided { cause: crate::event::VoidCause::Deleted });
    assert!(obligations(&contract, &voided, Posts::none(), now()).is_empty());
    let unknown =
        Event::StageChanged { stage: None, raw: "Renamed".to_owned(), at: None, entry: "e".to_owned() };
    assert!(obligations(&contract, &then(state.clone(), &unknown), Posts::none(), now()).is_empty());
    let other = Contract { version: contract.version + 1, ..contract };
    assert!(obligations(&other, &state, Posts::none(), now()).is_empty());
}
