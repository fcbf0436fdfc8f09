//! What reaches the log: leaves without personal data, parts per record, and the same entries again.

use std::collections::BTreeMap;

use handoff_core::decide::Terms;
use handoff_core::id::{FieldKey, ObjectName, PartKey, RecordRef};
use handoff_core::journal::{JournalError, LogEntry};
use handoff_core::value::Value;

use crate::world::{Person, Step, Variant, World, step};
use proptest::prelude::*;

fn contact() -> RecordRef {
    RecordRef { connection: "sf".into(), object: ObjectName::from("Contact"), record: "003/~1a".into() }
}

/// The log of a world, with the package's first field coming from a contact.
fn entries(world: &World) -> Vec<LogEntry> {
    let state = world.state();
    let Some(state) = &state else { return Vec::new() };
    let entry = |entry: &crate::world::Entry| match entry.seen.clone() {
        Some(seen) => LogEntry::Decided {
            handoff: state.id.clone(),
            contract: state.contract.clone(),
            terms: Terms::default(),
            at: entry.stamp.time,
            seen: Box::new(seen),
            events: entry.events.clone(),
        },
        None => LogEntry::Confirmed {
            handoff: state.id.clone(),
            at: entry.stamp.time,
            events: entry.events.clone(),
        },
    };
    world.log.iter().map(entry).map(|entry| with_contact(&entry)).collect()
}

/// Says that every value of the field `outcome` was read from a contact.
fn with_contact(entry: &LogEntry) -> LogEntry {
    let mut json = serde_json::to_value(entry).expect("encodes");
    let from = serde_json::to_value(contact()).expect("encodes");
    let mut places = vec!["/seen/package/outcome/text/from".to_owned()];
    places.extend((0..40).map(|event| format!("/events/{event}/set/outcome/text/from")));
    for place in places {
        if let Some(node) = json.pointer_mut(&place) {
            node.clone_from(&from);
        }
    }
    serde_json::from_value(json).expect("an entry")
}

fn decoded(leaf: &[u8], parts: &BTreeMap<String, Vec<u8>>) -> Option<LogEntry> {
    LogEntry::decode(leaf, |record| parts.get(record).cloned()).expect("readable")
}

fn waiting() -> World {
    let mut world = World::new();
    world.play(&Step::Stage("Negotiation"));
    for field in 0..3 {
        world.play(&Step::Edit { field, text: Some(1), who: Person::Sender });
    }
    world.observe();
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn an_entry_reads_as_it_was_written(history in prop::collection::vec(step(), 1..40)) {
        let mut world = World::of(Variant::History);
        for step in history {
            world.play(&step);
            world.observe();
            world.write();
        }
        for entry in entries(&world) {
            let encoded = entry.encode().expect("encodes");
            prop_assert_eq!(decoded(&encoded.leaf, &encoded.parts), Some(entry));
        }
    }
}

#[test]
fn i18_values_of_another_record_travel_in_its_part_and_read_as_erased_without_it() {
    let entry = entries(&waiting()).remove(0);
    let mut encoded = entry.encode().expect("encodes");
    let own = encoded.parts[&"sf/Opportunity/006000000000001AAA".to_owned()].clone();
    let wording = "The customer expects wording number 1 to hold";
    let count = |bytes: &[u8]| String::from_utf8_lossy(bytes).matches(wording).count();
    let theirs = encoded.parts[&contact().to_string()].clone();
    assert_eq!(count(&theirs), 2, "what was seen and what happened");
    assert_eq!(count(&own), 4, "the two fields that are the deal's own");
    encoded.parts.remove(&contact().to_string());
    let Some(LogEntry::Decided { seen, .. }) = decoded(&encoded.leaf, &encoded.parts) else {
        unreachable!("a decision")
    };
    let part = |key: &str| seen.package[&FieldKey::from(key)][&PartKey::from("text")].value.clone();
    assert_eq!(part("outcome"), Value::Erased);
    assert_eq!(part("risks"), Value::Text(wording.to_owned()));
}

#[test]
fn i18_an_entry_whose_own_record_was_erased_is_gone() {
    let encoded = entries(&waiting()).remove(0).encode().expect("encodes");
    let gone = LogEntry::decode(&encoded.leaf, |record| {
        encoded.parts.get(record).filter(|_| !record.contains("Opportunity")).cloned()
    });
    assert!(gone.expect("readable").is_none());
}

#[test]
fn g13_a_leaf_holds_nothing_of_a_person_or_a_package() {
    let mut world = waiting();
    world.play(&Step::Reject(Person::Receiver, 0));
    world.observe();
    for entry in entries(&world) {
        let leaf = String::from_utf8(entry.encode().expect("encodes").leaf).expect("text");
        let canaries =
            ["sam", "rita", "005S", "005R", "wording", "target has no date", "003/~1a", "onboarding_lead"];
        assert!(canaries.iter().all(|canary| !leaf.contains(canary)), "{leaf}");
    }
}

#[test]
fn a_newer_a_nameless_and_a_broken_leaf_are_refused() {
    let read = |leaf: &str| LogEntry::decode(leaf.as_bytes(), |_| None);
    assert!(matches!(read(r#"{"v":3,"entry":"started"}"#), Err(JournalError::Newer { found: 3 })));
    assert!(matches!(read(r#"{"entry":"started"}"#), Err(JournalError::NoVersion)));
    assert!(matches!(read("{"), Err(JournalError::Unreadable(_))));
}

#[test]
fn entries_of_no_record_are_their_own_leaf() {
    let at = waiting().log[0].stamp.time;
    let started = LogEntry::Started { version: "0.1.0".to_owned(), down_since: None, at };
    let encoded = started.encode().expect("encodes");
    assert!(encoded.parts.is_empty());
    assert_eq!(decoded(&encoded.leaf, &encoded.parts), Some(started));
}

#[test]
fn g13_who_threw_the_switch_is_sealed_and_the_switch_stays_known_without_his_name() {
    let at = waiting().log[0].stamp.time;
    let switched = |by: &str| LogEntry::Switched { on: false, by: by.to_owned(), at };
    let encoded = switched("dana@example.com").encode().expect("encodes");
    assert!(!String::from_utf8_lossy(&encoded.leaf).contains("dana"));
    assert_eq!(decoded(&encoded.leaf, &encoded.parts), Some(switched("dana@example.com")));
    assert_eq!(decoded(&encoded.leaf, &BTreeMap::new()), Some(switched("erased")));
}

#[test]
fn f12_an_override_has_a_log_kind_of_its_own_and_names_nobody_in_public() {
    let world = waiting();
    let handoff = world.state().expect("open").id;
    let by = |person: &str| handoff_core::observation::Actor {
        id: person.into(),
        person: person.into(),
        machine: false,
        active: true,
        roles: std::collections::BTreeSet::new(),
    };
    let event = handoff_core::event::Event::Overridden {
        gate: "commission".into(),
        reason: "Rita is in hospital".to_owned(),
        asked_by: by("olga"),
        confirmed_by: by("ines"),
        expires: world.now(),
        at: world.now(),
    };
    let entry = LogEntry::Overridden { handoff, at: world.now(), events: vec![event] };
    let encoded = entry.encode().expect("encodes");
    let leaf = String::from_utf8(encoded.leaf.clone()).expect("text");
    assert!(leaf.contains("\"entry\":\"overridden\"") && leaf.contains("\"v\":2"), "{leaf}");
    assert!(!leaf.contains("olga") && !leaf.contains("ines") && !leaf.contains("hospital"), "{leaf}");
    assert_eq!(decoded(&encoded.leaf, &encoded.parts), Some(entry));
}

#[test]
fn what_was_logged_before_there_were_returns_reads_and_writes_the_same_bytes() {
    let old = r#"{"id":"1","by":{"id":"a","person":"a","machine":false,"active":true,"roles":[]},"at":"2026-01-01T00:00:00Z","answer":{"kind":"reject","fields":["risks"],"reason":"thin"}}"#;
    let act: handoff_core::observation::Act = serde_json::from_str(old).expect("reads");
    assert_eq!(serde_json::to_string(&act).expect("writes"), old);
    let old = r#"{"event":"rejected","act":"1","by":{"id":"a","person":"a","machine":false,"active":true,"roles":[]},"at":"2026-01-01T00:00:00Z","round":1,"fields":["risks"],"reason":"thin"}"#;
    let event: handoff_core::event::Event = serde_json::from_str(old).expect("reads");
    assert_eq!(serde_json::to_string(&event).expect("writes"), old);
    let world = waiting();
    let seen = world.log[0].seen.clone().expect("decided");
    assert!(!serde_json::to_string(&seen).expect("writes").contains("absorbed"));
}
