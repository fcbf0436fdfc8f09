//! Records with a known past, told as Salesforce and HubSpot tell it.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::contract::Contract;
use crate::decide::{Case, Terms, decide};
use crate::event::Event;
use crate::extract::{Directory, Existence, FieldChange, RecordVersion, RelatedRow, extract, stranger};
use crate::gate::evaluate;
use crate::handoff::{Handoff, Phase, Stamp};
use crate::id::{ActorId, FieldKey, MotionId, RecordRef};
use crate::mapping::Mapping;
use crate::observation::Actor;
use crate::registry::{Registry, shipped};

struct People;

impl Directory for People {
    fn actor(&self, id: &ActorId) -> Actor {
        let roles = BTreeSet::from(["onboarding_lead".to_owned()]);
        Actor { active: true, roles, ..stranger(id) }
    }
}

fn pair() -> (Mapping, Contract, crate::contract::ContractRef) {
    let registry = Registry::load(shipped()).unwrap();
    let mapping = registry.mapping("salesforce/h03-ae-to-onboarding").unwrap().clone();
    let held = registry.contract_of(&mapping).unwrap();
    (mapping.clone(), held.contract.clone(), held.reference.clone())
}

fn second(at: i64) -> Timestamp {
    Timestamp::from_second(1_760_000_000 + at).unwrap()
}

fn record() -> RecordRef {
    RecordRef { connection: "sf".into(), object: "Opportunity".into(), record: "006".into() }
}

fn change(number: usize, field: &str, old: Value, new: Value, by: &str, at: i64) -> FieldChange {
    let (old, new) = (Some(old), Some(new));
    FieldChange {
        id: format!("017{number:04}"),
        field: field.into(),
        old,
        new,
        by: by.into(),
        at: second(at),
    }
}

/// A save: at which second, by whom, and what.
type Save<'a> = (i64, &'a str, Vec<(&'a str, Value)>);

/// A record as it stands after these saves, each a set of fields at a second, with all that the CRM tells of them.
fn lived(start: &[(&str, Value)], saves: &[Save<'_>]) -> PastRecord {
    let mut fields: BTreeMap<String, Value> =
        start.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let mut history = Vec::new();
    for (at, by, set) in saves {
        for (name, value) in set {
            let old = fields.insert((*name).to_owned(), value.clone()).unwrap_or_default();
            if old != *value {
                history.push(change(history.len(), name, old, value.clone(), by, *at));
            }
        }
    }
    let last = saves.last().map_or(0, |(at, ..)| *at);
    let kept = fields.keys().map(|name| (name.clone(), Kept::Whole)).collect();
    let now = RawRecord {
        record: record(),
        version: Some(RecordVersion { stamp: second(last) }),
        existence: Existence::Present,
        created_at: Some(second(0)),
        last_modified: Some((second(last), "005AE".into())),
        fields,
        found_on: BTreeMap::new(),
        shown: BTreeMap::new(),
        related: BTreeMap::new(),
        history: Some(history),
    };
    PastRecord { now, kept, born: BTreeMap::new(), ended: None }
}

fn deal(saves: &[Save<'_>]) -> PastRecord {
    let people = [("OwnerId", json!("005AE")), ("Onboarding_Lead__c", json!("005LEAD"))];
    let mut start = vec![("StageName", json!("Prospecting"))];
    start.extend(people);
    lived(&start, saves)
}

fn run(past: &PastRecord, before: Option<(Handoff, Timestamp)>, since: Option<i64>, until: i64) -> Vec<Then> {
    let (mapping, contract, pin) = pair();
    let motion = MotionId::from("main");
    let motion = mapping.motion.candidates().into_iter().next().unwrap_or(motion);
    let own = Terms::default();
    let case = Case { contract: &contract, pin: &pin, motion: &motion, terms: &own };
    let terms = own.of_the_past(case, since.map(second));
    let frame = Frame { case: Case { terms: &terms, ..case }, mapping: &mapping, who: &People };
    let span = Span { since: since.map(second), until: second(until) };
    let none = |_raw: &RawRecord, _at: Timestamp, _seen: &mut crate::observation::Observation| {
        Ok::<(), Infallible>(())
    };
    reconstruct(frame, past, before, span, none).unwrap()
}

fn names(found: &[Then]) -> Vec<&'static str> {
    found.iter().flat_map(|then| then.events.iter().map(Event::name)).collect()
}

#[test]
fn a_value_stands_as_the_row_before_it_says() {
    let past = deal(&[
        (10, "005AE", vec![("NextStep", json!("call"))]),
        (20, "005AE", vec![("NextStep", json!("write"))]),
        (30, "005AE", vec![("NextStep", Value::Null)]),
    ]);
    let next = |at: i64| as_of(&past, second(at)).map(|then| then.raw.fields["NextStep"].clone());
    assert_eq!(next(-1), None);
    assert_eq!(next(9), Some(Value::Null));
    assert_eq!(next(10), Some(json!("call")));
    assert_eq!(next(29), Some(json!("write")));
    assert_eq!(next(31), Some(Value::Null));
    let then = as_of(&past, second(20)).unwrap();
    assert_eq!(then.raw.history.as_ref().map(Vec::len), Some(2));
    assert_eq!(then.raw.version, Some(RecordVersion { stamp: second(20) }));
    assert!(then.unknown.is_empty(), "{:?}", then.unknown);
}

#[test]
fn what_is_not_told_is_named_with_the_moment_from_which_on_it_is() {
    let mut past = deal(&[(100, "005AE", vec![("NextStep", json!("call")), ("Risks__c", json!("none"))])]);
    past.kept.remove("Risks__c");
    past.now.history.as_mut().unwrap().retain(|row| row.field != "Risks__c");
    past.kept.insert("OwnerId".to_owned(), Kept::Since { at: second(50) });
    let unknown = |at: i64| as_of(&past, second(at)).unwrap().unknown;
    assert_eq!(
        unknown(40),
        BTreeMap::from([("OwnerId".to_owned(), second(50)), ("Risks__c".to_owned(), second(100))])
    );
    assert_eq!(unknown(60), BTreeMap::from([("Risks__c".to_owned(), second(100))]));
    assert_eq!(unknown(100), BTreeMap::new());
}

#[test]
fn a_long_text_is_told_from_its_last_change_on() {
    let mut past = deal(&[
        (10, "005AE", vec![("Story__c", json!("first"))]),
        (90, "005AE", vec![("Story__c", json!("last"))]),
    ]);
    for row in past.now.history.iter_mut().flatten() {
        (row.old, row.new) = (None, None);
    }
    let unknown = |at: i64| as_of(&past, second(at)).unwrap().unknown.get("Story__c").copied();
    assert_eq!(unknown(5), Some(second(10)));
    assert_eq!(unknown(10), Some(second(90)));
    assert_eq!(unknown(90), None);
}

#[test]
fn a_history_that_was_cut_off_tells_nothing_before_its_oldest_entry() {
    let mut past = deal(&[(100, "005AE", vec![("NextStep", json!("call"))])]);
    past.now.history.as_mut().unwrap()[0].old = None;
    past.kept.insert("NextStep".to_owned(), Kept::Since { at: second(100) });
    let then = as_of(&past, second(50)).unwrap();
    assert_eq!(then.unknown.get("NextStep"), Some(&second(100)));
    // The same entry, where nothing was cut off, is the first value that there ever was.
    past.kept.insert("NextStep".to_owned(), Kept::Whole);
    let then = as_of(&past, second(50)).unwrap();
    assert_eq!((then.raw.fields["NextStep"].clone(), then.unknown.get("NextStep")), (Value::Null, None));
}

#[test]
fn a_child_row_is_there_from_its_birth_and_told_from_its_last_change() {
    let mut past = deal(&[]);
    let child = RecordRef { record: "00K1".into(), object: "OpportunityContactRole".into(), ..record() };
    let row = RelatedRow { record: child.clone(), stamp: Some(second(80)), fields: BTreeMap::new() };
    past.now.related.insert("OpportunityContactRoles".to_owned(), vec![row]);
    past.born.insert(child, second(40));
    let then = |at: i64| as_of(&past, second(at)).unwrap();
    assert_eq!(then(39).raw.related["OpportunityContactRoles"], vec![]);
    assert_eq!(then(39).unknown, BTreeMap::new());
    let early = then(50);
    assert_eq!(
        early.raw.related["OpportunityContactRoles"][0].stamp,
        Some(second(40)),
        "no claim from the future"
    );
    assert_eq!(early.unknown.get("OpportunityContactRoles"), Some(&second(80)));
    assert_eq!(then(80).unknown, BTreeMap::new());
}

#[test]
fn a_deal_that_nobody_handed_over_is_told_as_passed_by() {
    let past = deal(&[
        (100, "005AE", vec![("StageName", json!("Negotiation/Review"))]),
        (500, "005AE", vec![("StageName", json!("Closed Won"))]),
    ]);
    let found = run(&past, None, None, 1_000);
    assert_eq!(found[0].at, second(100));
    assert!(matches!(&found[0].events[0], Event::Opened { at, .. } if *at == Some(second(100))));
    assert!(names(&found).contains(&"bypassed"), "{:?}", names(&found));
    for forbidden in ["gate_ordered", "gate_written", "tampered", "revert_ordered", "overridden"] {
        assert!(!names(&found).contains(&forbidden), "{forbidden}");
    }
}

#[test]
fn what_entered_its_stage_before_watching_would_have_begun_does_not_count() {
    let past = deal(&[(100, "005AE", vec![("StageName", json!("Negotiation/Review"))])]);
    assert_eq!(run(&past, None, Some(200), 1_000), Vec::new());
    assert_eq!(run(&past, None, Some(100), 1_000).len(), 1);
}

#[test]
fn a_record_whose_stage_is_told_at_no_moment_says_nothing() {
    let mut past = deal(&[(100, "005AE", vec![("StageName", json!("Negotiation/Review"))])]);
    past.kept.remove("StageName");
    (past.now.version, past.now.last_modified) = (None, None);
    assert_eq!(run(&past, None, None, 1_000), Vec::new());
}

#[test]
fn a_lost_record_ends_its_handoff_when_it_was_lost() {
    let mut past = deal(&[(100, "005AE", vec![("StageName", json!("Negotiation/Review"))])]);
    past.now.existence = Existence::Deleted;
    past.ended = Some(second(300));
    let found = run(&past, None, None, 1_000);
    assert_eq!(found.last().map(|then| (then.at, then.state.phase)), Some((second(300), Phase::Voided)));
}

#[test]
fn unknown_fields_are_the_contracts_own() {
    let (mapping, contract, _) = pair();
    let (key, field) = mapping
        .read
        .iter()
        .find_map(|(key, parts)| {
            let own = parts.values().find_map(|path| path.way().ok()?.own_field().map(str::to_owned))?;
            Some((key.clone(), own))
        })
        .unwrap();
    let then = AsOf { raw: deal(&[]).now, unknown: BTreeMap::from([(field, second(7))]) };
    let unknown: BTreeMap<FieldKey, Timestamp> = then.unknown_fields(&mapping, &contract);
    assert_eq!(unknown.get(&key), Some(&second(7)));
}

/// A save: how long after the last one, by whom, and what.
fn save() -> impl Strategy<Value = (i64, &'static str, Vec<(&'static str, Value)>)> {
    let stage = prop::sample::select(vec!["Prospecting", "Negotiation/Review", "Closed Won", "Closed Lost"]);
    let set = prop_oneof![
        stage.prop_map(|stage| ("StageName", json!(stage))),
        prop::sample::select(vec!["Accept", "Reject"])
            .prop_map(|said| ("Handoff_03_Decision__c", json!(said))),
        prop::option::of("[a-z ]{12,40}").prop_map(|text| ("Signing_Authority__c", json!(text))),
        prop::sample::select(vec!["005AE", "005OTHER"]).prop_map(|who| ("OwnerId", json!(who))),
    ];
    (1_i64..200_000, prop::sample::select(vec!["005AE", "005LEAD"]), prop::collection::vec(set, 1..3))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    /// Whoever looks at every change sees what is reconstructed from the last look alone.
    #[test]
    fn what_is_reconstructed_is_what_was_watched(saves in prop::collection::vec(save(), 1..14)) {
        let mut at = 0;
        let saves: Vec<_> = saves.into_iter().map(|(gap, by, set)| { at += gap + 3; (at, by, set) }).collect();
        let until = at + 10;
        let told = run(&deal(&saves), None, None, until);

        let (mapping, contract, pin) = pair();
        let motion = mapping.motion.candidates().into_iter().next().unwrap();
        let own = Terms::default();
        let case = Case { contract: &contract, pin: &pin, motion: &motion, terms: &own };
        let terms = own.of_the_past(case, None);
        let case = Case { terms: &terms, ..case };
        let mut state: Option<Handoff> = None;
        let mut watched = Vec::new();
        let mut look = |state: &mut Option<Handoff>, so_far: usize, now: Timestamp| {
            let raw = RawRecord { existence: Existence::Present, ..deal(&saves[..so_far]).now };
            let mut seen = extract(&mapping, &contract, &raw, &People);
            seen.flags.clear();
            let events = decide(case, state.as_ref(), &seen, now);
            if !events.is_empty() {
                *state = Handoff::apply(state.take(), Stamp { position: u64::MAX, time: now }, &events);
                watched.push((now, events));
            }
        };
        let mut moments: Vec<(Timestamp, usize)> = vec![(second(0), 0)];
        moments.extend(saves.iter().enumerate().map(|(number, (at, ..))| (second(*at), number + 1)));
        for (number, (now, so_far)) in moments.iter().enumerate() {
            look(&mut state, *so_far, *now);
            let end = moments.get(number + 1).map_or(second(until) + SignedDuration::from_nanos(1), |(next, _)| *next);
            let mut here = *now;
            while let Some(next) = state.as_ref().and_then(|state| evaluate(&contract, state, here).look_again_at) {
                if next <= here || next >= end { break; }
                look(&mut state, *so_far, next);
                here = next;
            }
        }
        let told: Vec<_> = told.into_iter().map(|then| (then.at, then.events)).collect();
        prop_assert_eq!(told, watched);
    }

    /// Cut anywhere, what is told in two runs is what is told in one.
    #[test]
    fn two_runs_tell_what_one_tells(saves in prop::collection::vec(save(), 1..14), cut in 0_usize..14) {
        let mut at = 0;
        let saves: Vec<_> = saves.into_iter().map(|(gap, by, set)| { at += gap + 3; (at, by, set) }).collect();
        let whole = run(&deal(&saves), None, None, at + 10);
        let first = whole.get(..cut.min(whole.len())).unwrap_or_default();
        let before = first.last().map(|then| (then.state.clone(), then.at));
        let rest = run(&deal(&saves), before, None, at + 10);
        let both: Vec<Then> = first.iter().cloned().chain(rest).collect();
        prop_assert_eq!(both, whole);
    }
}
