//! H04 takes criteria from the accepted H03, and says when that one changed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::contract::Part;
use crate::event::{EditEffect, Event};
use crate::extract::{Existence, RelatedRow};
use crate::handoff::Stamp;
use crate::id::{HandoffId, RecordId};
use crate::mapping::ReadPath;
use crate::observation::Actor;
use crate::registry::{Registry, shipped};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn record(object: &str, id: &str) -> RecordRef {
    RecordRef { connection: "sf".into(), object: object.into(), record: RecordId::from(id) }
}

fn person(id: &str) -> Actor {
    Actor {
        id: id.into(),
        person: crate::id::PersonId(id.to_owned()),
        machine: false,
        active: true,
        roles: BTreeSet::new(),
    }
}

fn criteria(text: &str) -> Sourced {
    Sourced {
        value: Value::Text(text.to_owned()),
        from: record("Opportunity", "006A"),
        field: "Success_Criteria__c".to_owned(),
    }
}

fn package(text: &str) -> Event {
    let parts = BTreeMap::from([(PartKey::from("criteria"), criteria(text))]);
    Event::PackageChanged {
        set: BTreeMap::from([(FieldKey::from("success_criteria"), parts)]),
        cleared: BTreeSet::new(),
        edits: BTreeMap::new(),
        acceptance: EditEffect::BeforeAcceptance,
    }
}

fn accepted(round: u32) -> Event {
    Event::Accepted {
        act: format!("act{round}"),
        by: person("lead"),
        at: at("2026-11-02T00:00:00Z"),
        round,
        behalf: None,
    }
}

fn fold(contract: &str, object: &str, id: &str, events: &[Event]) -> Handoff {
    let registry = Registry::load(shipped()).unwrap();
    let pin = registry.latest(&contract.into()).unwrap().reference.clone();
    let handoff =
        HandoffId { contract: contract.into(), motion: "main".into(), subject: record(object, id), cycle: 1 };
    let opened = Event::Opened { handoff, contract: pin, stage: "commit".into(), at: None };
    let people = Event::PeopleChanged { sender: Some(person("ae")), receiver: Some(person("lead")) };
    let all: Vec<Event> = [opened, people].into_iter().chain(events.iter().cloned()).collect();
    Handoff::fold([(Stamp { position: 1, time: at("2026-11-01T00:00:00Z") }, all.as_slice())]).unwrap()
}

fn h03(events: &[Event]) -> Handoff {
    fold("h03-ae-to-onboarding", "Opportunity", "006A", events)
}

/// A mapping of H04's field that reads like this.
fn mapping(path: &str) -> Mapping {
    #[derive(serde::Deserialize)]
    struct File {
        path: ReadPath,
    }
    let registry = Registry::load(shipped()).unwrap();
    let mut mapping = registry.mapping("salesforce/h03-ae-to-onboarding").unwrap().clone();
    mapping.contract = "h04-onboarding-to-cs".into();
    let path = toml::from_str::<File>(&format!("path = {path}")).unwrap().path;
    mapping.read =
        BTreeMap::from([("year_one_criteria".into(), BTreeMap::from([("criteria".into(), path)]))]);
    mapping
}

const THROUGH: &str = r#"{ carried = { contract = "h03-ae-to-onboarding", through = "Deal__c" }, take = "success_criteria.criteria" }"#;
const RELATED: &str = r#"{ carried = { contract = "h03-ae-to-onboarding", related = "deals", where = { label = ["Sold", "Renewed"] } }, take = "success_criteria.criteria" }"#;

fn raw(deal: serde_json::Value) -> RawRecord {
    let row = |id: &str, label: &str| RelatedRow {
        record: record("deals", id),
        stamp: None,
        fields: BTreeMap::from([("label".to_owned(), json!(label))]),
    };
    RawRecord {
        record: record("Onboarding__c", "a01"),
        version: None,
        existence: Existence::Present,
        created_at: None,
        last_modified: None,
        fields: BTreeMap::from([("Deal__c".to_owned(), deal)]),
        found_on: BTreeMap::new(),
        shown: BTreeMap::new(),
        related: BTreeMap::from([(
            "deals".to_owned(),
            vec![row("9", "Sold"), row("7", "Sold"), row("1", "Lost")],
        )]),
        history: None,
    }
}

fn carried(other: Option<&Handoff>) -> (CarriedSeen, Option<Sourced>) {
    let mapping = mapping(THROUGH);
    let raw = raw(json!("006A"));
    let wanted = wanted(&mapping, &raw);
    carry(wanted.first().unwrap(), other.map(|other| other.id.subject.clone()), other)
}

#[test]
fn a_record_names_the_handoff_by_id_or_by_association() {
    let named = |path: &str, deal: serde_json::Value| {
        let mapping = mapping(path);
        wanted(&mapping, &raw(deal)).pop().unwrap().named
    };
    assert_eq!(named(THROUGH, json!(" 006A ")), Named::Id("006A".to_owned()));
    assert_eq!(named(THROUGH, json!(7)), Named::Id("7".to_owned()));
    for nothing in [json!(null), json!(""), json!("  ")] {
        assert_eq!(named(THROUGH, nothing), Named::Nothing);
    }
    assert_eq!(
        named(RELATED, json!(null)),
        Named::Record(record("deals", "7")),
        "the first that fits, by id"
    );
}

#[test]
fn only_an_accepted_package_is_carried_with_where_it_was_found() {
    let open = h03(&[package("Close the books in 3 days")]);
    let done = h03(&[package("Close the books in 3 days"), accepted(1)]);
    let (seen, value) = carried(Some(&done));
    assert_eq!(value, Some(criteria("Close the books in 3 days")));
    assert_eq!(seen.standing, Standing::Accepted { cycle: 1, package: done.package_digest() });
    assert_eq!(seen.record, Some(record("Opportunity", "006A")));
    let (seen, value) = carried(Some(&open));
    assert_eq!((seen.standing, value), (Standing::NotAccepted, None));
    let (seen, value) = carried(None);
    assert_eq!((seen.standing, value), (Standing::Broken, None));
    let empty = h03(&[accepted(1)]);
    assert_eq!(carried(Some(&empty)).1, None, "accepted, and says nothing");
    let other = fold("h02-sdr-to-ae", "Opportunity", "006A", &[package("x"), accepted(1)]);
    assert_eq!(carried(Some(&other)).0.standing, Standing::Broken, "another contract's package is not meant");
    // Edited since, and not accepted again.
    let edited = h03(&[package("a"), accepted(1), package("b")]);
    assert_eq!(carried(Some(&edited)).0.standing, Standing::NotAccepted);
}

fn observed(other: Option<&Handoff>) -> Observation {
    let registry = Registry::load(shipped()).unwrap();
    let contract = &registry.latest(&"h04-onboarding-to-cs".into()).unwrap().contract;
    let mut seen = Observation::gone(record("Onboarding__c", "a01"));
    seen.take_carried(contract, vec![carried(other)]);
    seen
}

#[test]
fn it_enters_the_package_through_the_observation_and_nothing_else_of_it_changes() {
    let done = h03(&[package("Close the books"), accepted(1)]);
    let seen = observed(Some(&done));
    let part = &seen.package[&FieldKey::from("year_one_criteria")][&PartKey::from("criteria")];
    assert_eq!(*part, criteria("Close the books"));
    assert_eq!(seen.carried.len(), 1);
    assert!(observed(None).package.is_empty(), "a broken link is an empty part");
    let registry = Registry::load(shipped()).unwrap();
    let h03 = &registry.latest(&"h03-ae-to-onboarding".into()).unwrap().contract;
    let mut other = Observation::gone(record("Onboarding__c", "a01"));
    other.take_carried(h03, vec![carried(Some(&done))]);
    assert!(other.package.is_empty(), "a part that the contract does not have is left out");
}

#[test]
fn words_of_another_kind_of_words_fit() {
    let kinds = [(Kind::Text, Value::Name("a".to_owned())), (Kind::Choice, Value::Text("a".to_owned()))];
    for (kind, value) in kinds {
        let rules = crate::quality::Rules::new(&crate::contract::Quality::default());
        let value = retyped(kind, value);
        assert_ne!(
            rules.problem(&Part::of(kind), Some(&value)),
            Some(crate::completeness::Problem::WrongKind)
        );
    }
    assert_eq!(retyped(Kind::Date, Value::Text("a".to_owned())), Value::Text("a".to_owned()));
}

fn h04(carried: Vec<CarriedSeen>, events: &[Event]) -> Handoff {
    let first = Event::CarriedChanged { carried };
    let all: Vec<Event> = [first].into_iter().chain(events.iter().cloned()).collect();
    fold("h04-onboarding-to-cs", "Onboarding__c", "a01", &all)
}

#[test]
fn what_changes_at_its_source_after_the_acceptance_is_drift() {
    let first = h03(&[package("a"), accepted(1)]);
    let then = observed(Some(&first)).carried;
    let again = h03(&[package("b"), accepted(1)]);
    let now = observed(Some(&again)).carried;
    let change = Event::CarriedChanged { carried: now.clone() };
    let open = h04(then.clone(), std::slice::from_ref(&change));
    assert!(open.drifted().is_empty(), "before the acceptance there is nothing to drift from");
    let held = h04(then.clone(), &[accepted(1)]);
    assert!(held.drifted().is_empty() && held.words_of_carried().is_empty());
    let drifted = h04(then.clone(), &[accepted(1), change]);
    assert_eq!(drifted.drifted(), now.iter().collect::<Vec<_>>());
    let words = drifted.words_of_carried().join("\n");
    assert_eq!(
        words,
        "year one criteria: criteria is carried from h03-ae-to-onboarding of sf/Opportunity/006A, which was changed since (cycle 1)"
    );
    let reopened = observed(Some(&h03(&[package("b")]))).carried;
    let lost = h04(then.clone(), &[accepted(1), Event::CarriedChanged { carried: reopened }]);
    assert_eq!(lost.drifted().len(), 1);
    assert!(lost.words_of_carried().join("").ends_with("which is not accepted"));
    let back = h04(
        then.clone(),
        &[accepted(1), Event::CarriedChanged { carried: now }, Event::CarriedChanged { carried: then }],
    );
    assert!(back.drifted().is_empty(), "what is as it was has not drifted");
}

#[test]
fn a_state_without_carried_parts_is_written_as_before() {
    let state = h03(&[package("a"), accepted(1)]);
    let text = serde_json::to_string(&state).unwrap();
    assert!(!text.contains("carried"), "{text}");
    let seen = serde_json::to_string(&Observation::gone(record("Opportunity", "006A"))).unwrap();
    assert!(!seen.contains("carried"));
}
