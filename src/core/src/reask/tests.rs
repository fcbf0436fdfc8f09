use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Reask, ReaskMapping, ReportedBy, Said, is_taken, note, said};
use crate::contract::{Contract, ContractRef};
use crate::digest::Digest;
use crate::evidence::{CallRef, Evidence, Standing, Withdrawal};
use crate::extract::{Directory, Existence, FieldChange, RawRecord, stranger};
use crate::id::{ActorId, FieldKey, HandoffId, PersonId, RecordRef};
use crate::journal::LogEntry;
use crate::observation::Actor;
use crate::registry::{Registry, shipped};

const MINUTE: u64 = 60_000;

fn contract() -> Contract {
    let registry = Registry::load(shipped()).unwrap();
    registry.latest(&"h03-ae-to-onboarding".into()).unwrap().contract.clone()
}

fn mapping() -> ReaskMapping {
    let registry = Registry::load(shipped()).unwrap();
    registry.mapping("salesforce/h03-ae-to-onboarding").unwrap().reask.clone().unwrap()
}

fn handoff() -> HandoffId {
    HandoffId {
        contract: "h03-ae-to-onboarding".into(),
        motion: "main".into(),
        subject: RecordRef { connection: "sf".into(), object: "Opportunity".into(), record: "006".into() },
        cycle: 1,
    }
}

fn call(id: &str) -> CallRef {
    CallRef { connection: "gong".into(), id: id.to_owned() }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn reask(field: &str, minute: u64) -> Reask {
    Reask {
        field: FieldKey::from(field),
        from_ms: minute * MINUTE,
        to_ms: minute * MINUTE + 4_000,
        automatic: true,
        strict: true,
        complaint: false,
        question: 880,
        answer: 9_500,
        why: "asks who for economic_buyer (0.88)".to_owned(),
    }
}

fn suggested(id: &str, found: Vec<Reask>, second: i64) -> LogEntry {
    LogEntry::ReaskSuggested {
        handoff: handoff(),
        contract: ContractRef { id: "h03-ae-to-onboarding".into(), version: 1, digest: Digest::of(&1) },
        call: call(id),
        url: Some(format!("https://app.gong.io/call?id={id}")),
        started: at(-3_600),
        accepted: at(-86_400),
        lexicon: "ab".repeat(32),
        found,
        at: at(second),
    }
}

fn answered(id: &str, field: &str, minute: u64, confirmed: bool, act: Option<&str>) -> LogEntry {
    LogEntry::ReaskAnswered {
        handoff: handoff(),
        call: call(id),
        field: FieldKey::from(field),
        from_ms: minute * MINUTE,
        confirmed,
        by: "ines@acme.example".to_owned(),
        act: act.map(str::to_owned),
        at: at(500),
    }
}

fn folded(entries: &[LogEntry]) -> Evidence {
    let mut evidence = Evidence::default();
    for entry in entries {
        evidence.apply(entry);
    }
    evidence
}

/// Everybody whose id begins with `u` is a person who can act, `m` a machine; others are strangers.
struct People;

impl Directory for People {
    fn actor(&self, id: &ActorId) -> Actor {
        let kind = id.as_str().chars().next();
        if !matches!(kind, Some('u' | 'm')) {
            return stranger(id);
        }
        let person = PersonId(format!("{}@acme.example", id.as_str()));
        Actor { id: id.clone(), person, machine: kind == Some('m'), active: true, roles: BTreeSet::new() }
    }
}

/// A record in which somebody set the pick-list at a second.
fn record(fields: Value, acts: &[(&str, &str, &str, i64)]) -> RawRecord {
    let row = |(id, by, value, second): &(&str, &str, &str, i64)| FieldChange {
        id: (*id).to_owned(),
        field: "Handoff_03_Decision__c".to_owned(),
        old: None,
        new: Some(json!(value)),
        by: ActorId::from(*by),
        at: at(*second),
    };
    let Value::Object(fields) = fields else { panic!("an object") };
    RawRecord {
        record: handoff().subject,
        version: None,
        existence: Existence::Present,
        created_at: None,
        last_modified: None,
        fields: fields.into_iter().collect(),
        found_on: BTreeMap::new(),
        shown: BTreeMap::new(),
        related: BTreeMap::new(),
        history: Some(acts.iter().map(row).collect()),
    }
}

fn asked(by: &str, second: i64) -> RawRecord {
    record(json!({"Handoff_03_Decision__c": "Asked again"}), &[("a1", by, "Asked again", second)])
}

fn words(said: &[Said]) -> Vec<String> {
    let word = |one: &Said| match one {
        Said::Answer { call, field, confirmed, by, .. } => format!("{}/{field} {confirmed} {by}", call.id),
        Said::Report { source, stands, .. } => format!("{} {stands}", source.as_str()),
    };
    said.iter().map(word).collect()
}

#[test]
fn the_same_finding_is_no_news_and_another_one_takes_its_place() {
    let first = suggested("1", vec![reask("economic_buyer", 1), reask("go_live", 2)], 0);
    let known = folded(std::slice::from_ref(&first)).reasks;
    assert!(!known.is_news(&suggested("1", vec![reask("economic_buyer", 1), reask("go_live", 2)], 90)));
    let other = suggested("1", vec![reask("go_live", 2)], 90);
    assert!(known.is_news(&other));
    let after = folded(&[first, other]).reasks;
    let [only] = after.all()[..] else { panic!("{after:?}") };
    assert_eq!((only.suggested.reask.field.as_str(), only.suggested.since), ("go_live", at(0)));
}

#[test]
fn a_call_without_findings_is_known_as_scored_and_an_answer_outlives_another_finding() {
    assert!(folded(&[suggested("1", Vec::new(), 0)]).holds(&call("1")));
    let after = folded(&[
        suggested("1", vec![reask("go_live", 2)], 0),
        answered("1", "go_live", 2, true, None),
        suggested("1", Vec::new(), 90),
    ]);
    let [kept] = after.reasks.all()[..] else { panic!("{after:?}") };
    assert_eq!(kept.suggested.standing(), Standing::Confirmed);
    assert_eq!(after.version, 3);
}

#[test]
fn a_withdrawn_call_says_nothing_until_it_is_scored_again() {
    let withdrawn = LogEntry::EvidenceWithdrawn {
        handoff: handoff(),
        call: call("1"),
        because: Withdrawal::Private,
        at: at(600),
    };
    let first = suggested("1", vec![reask("go_live", 2)], 0);
    let mut known = folded(&[first.clone(), answered("1", "go_live", 2, true, None), withdrawn]);
    assert!(known.reasks.all().is_empty() && !known.holds(&call("1")));
    assert!(known.reasks.suggested(&call("1"), &"go_live".into(), 2 * MINUTE).is_none());
    known.apply(&first);
    assert_eq!(known.reasks.all().len(), 1);
}

#[test]
fn an_answer_on_the_record_is_about_what_was_suggested_before_it() {
    let known = folded(&[
        suggested("1", vec![reask("economic_buyer", 1)], 0),
        suggested("2", vec![reask("go_live", 2)], 100),
    ])
    .reasks;
    let told = |raw: &RawRecord| words(&said(&mapping(), &contract(), raw, &People, &known));
    assert_eq!(told(&asked("u1", 50)), ["1/economic_buyer true u1@acme.example"]);
    assert_eq!(told(&asked("u1", 150)).len(), 2);
    assert_eq!(told(&asked("u1", -10)), [""; 0], "older than everything that waits");
    let dismissed =
        record(json!({"Handoff_03_Decision__c": "Not asked again"}), &[("a1", "u1", "Not asked again", 50)]);
    assert_eq!(told(&dismissed), ["1/economic_buyer false u1@acme.example"]);
    let named = |fields: &str| {
        let raw = json!({"Handoff_03_Decision__c": "Asked again", "Handoff_03_Reask_Fields__c": fields});
        record(raw, &[("a1", "u1", "Asked again", 150)])
    };
    assert_eq!(told(&named("go_live")), ["2/go_live true u1@acme.example"]);
    assert_eq!(told(&named("go_live;nonsense")), [""; 0], "nobody knows what was meant");
}

#[test]
fn nobody_but_a_person_who_can_act_answers_and_history_says_who() {
    let known = folded(&[suggested("1", vec![reask("economic_buyer", 1)], 0)]).reasks;
    let told = |raw: &RawRecord| words(&said(&mapping(), &contract(), raw, &People, &known));
    assert_eq!(told(&asked("m1", 50)), [""; 0], "a machine");
    assert_eq!(told(&asked("gone", 50)), [""; 0], "a stranger");
    let mut untracked = asked("u1", 50);
    untracked.history = None;
    assert_eq!(told(&untracked), [""; 0], "no history");
    let stale = record(json!({"Handoff_03_Decision__c": "Asked again"}), &[("a1", "u1", "Accept", 50)]);
    assert_eq!(told(&stale), [""; 0], "history does not know of it yet");
    let accepts = record(json!({"Handoff_03_Decision__c": "Accept"}), &[("a1", "u1", "Accept", 50)]);
    assert_eq!(told(&accepts), [""; 0], "another answer");
}

#[test]
fn an_act_is_consumed_once_and_then_emptied() {
    let first = suggested("1", vec![reask("economic_buyer", 1)], 0);
    let (mapping, contract, raw) = (mapping(), contract(), asked("u1", 50));
    let before = folded(std::slice::from_ref(&first)).reasks;
    assert!(!is_taken(&mapping, &contract, &raw, &before), "it has to be logged first");
    let after = folded(&[
        first,
        answered("1", "economic_buyer", 1, true, Some("a1")),
        suggested("2", vec![reask("economic_buyer", 1)], 10),
    ])
    .reasks;
    assert!(said(&mapping, &contract, &raw, &People, &after).is_empty(), "the same act never counts twice");
    assert!(is_taken(&mapping, &contract, &raw, &after));
    let idle = folded(&[]).reasks;
    assert!(is_taken(&mapping, &contract, &raw, &idle), "an answer that nothing waits for");
    assert!(!is_taken(&mapping, &contract, &record(json!({}), &[]), &idle));
}

#[test]
fn a_mark_is_reported_when_it_is_set_and_when_it_is_taken_back() {
    let (mapping, contract) = (mapping(), contract());
    let told = |fields: Value, known: &Evidence| {
        words(&said(&mapping, &contract, &record(fields, &[]), &People, &known.reasks))
    };
    let nothing = folded(&[]);
    assert_eq!(told(json!({"Handoff_03_Asked_Again__c": true}), &nothing), ["receiver true"]);
    assert_eq!(told(json!({"Handoff_03_Had_To_Repeat__c": true}), &nothing), ["customer true"]);
    assert_eq!(told(json!({"Handoff_03_Asked_Again__c": false}), &nothing), [""; 0]);
    let reported = |stands| LogEntry::ReaskReported {
        handoff: handoff(),
        source: ReportedBy::Receiver,
        stands,
        by: None,
        asked: None,
        at: at(9),
    };
    let known = folded(&[reported(true)]);
    assert_eq!(told(json!({"Handoff_03_Asked_Again__c": true}), &known), [""; 0]);
    assert_eq!(told(json!({"Handoff_03_Asked_Again__c": false}), &known), ["receiver false"]);
    assert_eq!(told(json!({}), &known), [""; 0], "what cannot be read takes nothing back");
}

#[test]
fn people_read_fields_and_minutes_what_waits_first() {
    let known = folded(&[
        suggested("1", vec![reask("economic_buyer", 1), reask("go_live", 2), reask("risks", 3)], 0),
        answered("1", "economic_buyer", 1, true, None),
        answered("1", "risks", 3, false, None),
    ]);
    let text = note(&contract(), &known.reasks);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].contains("confirm or dismiss") && lines[0].contains("02:00–02:04"), "{text}");
    assert!(lines[1].contains("(asked again)") && lines[1].contains("https://app.gong.io"), "{text}");
}

#[test]
fn the_public_leaf_names_neither_call_nor_people_nor_what_was_found() {
    let entries = [
        suggested("7782342274025937895", vec![reask("go_live", 2)], 0),
        answered("7782342274025937895", "go_live", 2, true, Some("a1")),
        LogEntry::ReaskReported {
            handoff: handoff(),
            source: ReportedBy::Customer,
            stands: true,
            by: Some("ines@acme.example".to_owned()),
            asked: Some(at(1)),
            at: at(2),
        },
    ];
    for entry in entries {
        let encoded = entry.encode().unwrap();
        let leaf = String::from_utf8(encoded.leaf.clone()).unwrap();
        for word in ["7782342274025937895", "ines", "go_live", "gong", "customer"] {
            assert!(!leaf.contains(word), "{word} in {leaf}");
        }
        let open = |subject: &str| encoded.parts.get(subject).cloned();
        assert_eq!(LogEntry::decode(&encoded.leaf, open).unwrap(), Some(entry));
        assert_eq!(LogEntry::decode(&encoded.leaf, |_| None).unwrap(), None, "erased");
    }
}
