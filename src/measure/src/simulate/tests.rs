use std::collections::BTreeSet;

use handoff_core::decide::{Case, decide};
use handoff_core::digest::Digest;
use handoff_core::extract::Existence;
use handoff_core::id::{ActorId, ContractId, MotionId, PartKey, PersonId, RecordRef, StageName};
use handoff_core::observation::{Act, Actor, Answer, StageSeen};
use handoff_core::pay::Pay;
use handoff_core::value::{Package, Sourced};

use super::*;

const OLD: &str = r#"
contract = "c"
version = 1
title = "t"
[opens]
when_stage_becomes = ["commit"]
[roles]
sender = "ae"
receiver = "lead"
[gates.commission]
kind = "commission"
opens_when = "accepted"
mode = "observe"
[[field]]
key = "why"
label = "Why"
ask = "Why?"
parts = { text = "text" }
"#;

fn stricter() -> String {
    let field = "[[field]]\nkey = \"date\"\nlabel = \"Date\"\nask = \"When?\"\nparts = { day = \"text\" }\n";
    OLD.replace("version = 1", "version = 2") + field
}

fn parsed(text: &str) -> (Contract, ContractRef) {
    let contract = parse_contract("c", text).unwrap();
    let digest = Digest::of_bytes(text.as_bytes());
    let pin = ContractRef { id: ContractId::from("c"), version: contract.version, digest };
    (contract, pin)
}

fn at(hour: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + hour * 3_600).unwrap()
}

fn actor(id: &str) -> Actor {
    let roles = BTreeSet::from([if id == "rita" { "lead".to_owned() } else { "ae".to_owned() }]);
    Actor { id: ActorId::from(id), person: PersonId::from(id), machine: false, active: true, roles }
}

fn observed(record: &str, sender: &str, fields: &[&str], accepted: Option<i64>, hour: i64) -> Observation {
    let subject = RecordRef { connection: "sf".into(), object: "Opportunity".into(), record: record.into() };
    let sourced = |value| Sourced { value, from: subject.clone(), field: "X".into() };
    let mut package = Package::new();
    for field in fields {
        let part = if *field == "why" { "text" } else { "day" };
        let value = sourced(Value::Text("a whole sentence that informs".into()));
        package.insert(FieldKey::from(*field), BTreeMap::from([(PartKey::from(part), value)]));
    }
    let money = Value::Money { amount: Decimal::from(100), currency: Some("EUR".into()) };
    let gone = Observation::gone(subject.clone());
    Observation {
        existence: Existence::Present,
        stage: StageSeen {
            name: Some(StageName::from("commit")),
            raw: "Commit".into(),
            since: Some(at(hour - 2)),
            entry: "e".into(),
            ..gone.stage.clone()
        },
        package,
        sender: Some(actor(sender)),
        receiver: Some(actor("rita")),
        acts: accepted
            .map(|hour| Act {
                id: format!("a{hour}"),
                by: actor("rita"),
                at: at(hour),
                answer: Answer::Accept,
            })
            .into_iter()
            .collect(),
        pay: Some(Pay { amount: Some(sourced(money)), ..Pay::default() }),
        ..gone
    }
}

/// A log as the daemon writes it under the old contract.
fn log(seen: &[(i64, Observation)]) -> Vec<LogEntry> {
    let (contract, pin) = parsed(OLD);
    let mut entries =
        vec![LogEntry::ContractPublished { contract: pin.clone(), text: OLD.to_owned(), at: at(0) }];
    let mut states: BTreeMap<String, Handoff> = BTreeMap::new();
    let (motion, terms) = (MotionId::from("main"), Terms::default());
    for (hour, seen) in seen {
        let handoff = HandoffId {
            contract: pin.id.clone(),
            motion: motion.clone(),
            subject: seen.subject.clone(),
            cycle: 1,
        };
        let before = states.remove(&handoff.stream());
        let case = Case { contract: &contract, pin: &pin, motion: &motion, terms: &terms };
        let events = decide(case, before.as_ref(), seen, at(*hour));
        let stamp = Stamp { position: u64::try_from(entries.len()).unwrap(), time: at(*hour) };
        if let Some(state) = Handoff::apply(before, stamp, &events) {
            states.insert(handoff.stream(), state);
        }
        if !events.is_empty() {
            let (contract, seen) = (pin.clone(), Box::new(seen.clone()));
            entries.push(LogEntry::Decided {
                handoff,
                contract,
                terms: terms.clone(),
                at: at(*hour),
                seen,
                events,
            });
        }
    }
    entries
}

fn simulated(text: &str, entries: &[LogEntry], since: Timestamp) -> Simulated {
    let (contract, pin) = parsed(text);
    let mut simulation = Simulation::new(contract, pin, since);
    for (position, entry) in entries.iter().enumerate() {
        simulation.apply(u64::try_from(position).unwrap(), entry);
    }
    simulation.finish()
}

fn history() -> Vec<LogEntry> {
    log(&[
        (1, observed("1", "ann", &["why"], None, 1)),
        (3, observed("1", "ann", &["why"], Some(2), 1)),
        (4, observed("2", "bob", &["why", "date"], None, 4)),
        (6, observed("2", "bob", &["why", "date"], Some(5), 4)),
        (7, observed("3", "ann", &["why"], None, 7)),
    ])
}

#[test]
fn a_stricter_contract_names_the_deals_that_would_have_waited() {
    let told = simulated(&stricter(), &history(), at(0));
    assert_eq!((told.deals, told.cleared, told.held, told.delayed, told.freed), (3, 2, 1, 0, 0));
    let record = told.records.first().unwrap();
    assert_eq!(record.stream, "c/main/sf/Opportunity/1");
    assert_eq!(
        (record.missing.as_slice(), record.sender.as_deref()),
        (&["date".to_owned()][..], Some("ann"))
    );
    assert_eq!(told.held_amounts, [Amount { currency: Some("EUR".into()), sum: Decimal::from(100) }]);
    let ann = told.senders.iter().find(|sender| sender.person == "ann").unwrap();
    assert_eq!((ann.held, ann.deals), (1, 2));
    assert!(told.never_recorded.is_empty());
}

#[test]
fn the_contract_in_force_changes_nothing() {
    let told = simulated(OLD, &history(), at(0));
    assert_eq!((told.held, told.delayed, told.freed, told.records.len()), (0, 0, 0, 0));
}

#[test]
fn deals_from_before_are_left_out_and_fields_nobody_recorded_are_named() {
    assert_eq!(simulated(&stricter(), &history(), at(4)).deals, 2);
    let text = stricter().replace("\"date\"", "\"unheard\"");
    assert_eq!(simulated(&text, &history(), at(0)).never_recorded, ["unheard"]);
}

#[test]
fn the_same_log_gives_the_same_words() {
    assert_eq!(simulated(&stricter(), &history(), at(0)), simulated(&stricter(), &history(), at(0)));
}
