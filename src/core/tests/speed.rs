//! How many handoffs one core judges in a second: `cargo test --release -p handoff-core --test speed -- --ignored --nocapture`.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement stops at the first surprise and prints its figure"
)]

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use handoff_core::contract::{Contract, Kind};
use handoff_core::event::{EditEffect, Event};
use handoff_core::gate::evaluate;
use handoff_core::handoff::{Handoff, Stamp};
use handoff_core::id::{HandoffId, MotionId, RecordRef};
use handoff_core::observation::Actor;
use handoff_core::registry::{Held, Registry};
use handoff_core::value::{Package, Sourced, Value};
use jiff::Timestamp;

const TEXT: &str = "/../../mappings/contracts/h03-ae-to-onboarding.v1.toml";

fn held() -> Held {
    let path = format!("{}{TEXT}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the shipped contract");
    let registry = Registry::load([(path, text)]).expect("loads");
    registry.contracts().next().expect("one").clone()
}

fn subject() -> RecordRef {
    RecordRef { connection: "sf".into(), object: "Opportunity".into(), record: "006000000000001AAA".into() }
}

fn package(contract: &Contract) -> Package {
    let value = |kind| {
        match kind {
        Kind::Text => Value::Text(
            "The VP of Operations signs alone up to 250,000 and wants 30 % shorter ramp-up before the audit in May".to_owned(),
        ),
        Kind::Name => Value::Name("Northwind Traders Suite".to_owned()),
        Kind::Person => Value::Person("0035g00000AbCdEAAV".to_owned()),
        Kind::Choice => Value::Choice("Strong".to_owned()),
        Kind::Date => Value::Date(jiff::civil::date(2026, 5, 4)),
        other @ (Kind::Number | Kind::Money | Kind::Record | Kind::Flag | Kind::List | Kind::Series) => unreachable!("{other:?} is not part of this contract"),
    }
    };
    let sourced = |kind| Sourced { value: value(kind), from: subject(), field: "Some_Field__c".to_owned() };
    let field = |field: &handoff_core::contract::Field| {
        let parts: BTreeMap<_, _> =
            field.parts.iter().map(|(key, part)| (key.clone(), sourced(part.kind))).collect();
        (field.key.clone(), parts)
    };
    contract.fields.iter().map(field).collect()
}

fn person(id: &str) -> Actor {
    let roles = ["onboarding_lead".to_owned()].into();
    Actor { id: id.into(), person: id.into(), machine: false, active: true, roles }
}

/// An accepted handoff with a full package.
fn accepted(held: &Held) -> Handoff {
    let at: Timestamp = "2026-03-02T09:00:00Z".parse().expect("a date");
    let handoff = HandoffId {
        contract: held.reference.id.clone(),
        motion: MotionId::from("main"),
        subject: subject(),
        cycle: 1,
    };
    let opened =
        Event::Opened { handoff, contract: held.reference.clone(), stage: "commit".into(), at: Some(at) };
    let people = Event::PeopleChanged { sender: Some(person("sam")), receiver: Some(person("rita")) };
    let changed = Event::PackageChanged {
        set: package(&held.contract),
        cleared: std::collections::BTreeSet::new(),
        edits: BTreeMap::new(),
        acceptance: EditEffect::BeforeAcceptance,
    };
    let taken = Event::Accepted { act: "017".to_owned(), by: person("rita"), at, round: 1, behalf: None };
    let events = [opened, people, changed, Event::Completed { round: 1, at }, taken];
    Handoff::fold([(Stamp { position: 0, time: at }, events.as_slice())]).expect("opened")
}

#[test]
fn the_full_package_of_the_measurement_is_accepted_and_open() {
    let held = held();
    let handoff = accepted(&held);
    let verdict = evaluate(&held.contract, &handoff, handoff.opened.time);
    assert!(verdict.gates.values().all(|open| *open), "{verdict:?}");
    assert_eq!(verdict.status, "Accepted by the receiver");
}

#[test]
#[ignore = "a measurement, not a test"]
fn evaluations_per_second() {
    let held = held();
    let handoff = accepted(&held);
    let now = handoff.opened.time;
    let best = (0..10)
        .map(|_| {
            let rounds = 200_000_u32;
            let start = Instant::now();
            for _ in 0..rounds {
                black_box(evaluate(black_box(&held.contract), black_box(&handoff), now));
            }
            f64::from(rounds) / start.elapsed().as_secs_f64()
        })
        .fold(0.0, f64::max);
    println!("{best:.0} evaluations/s on one core (best of ten)");
}
