//! Answers besides yes and no, through a mapping that knows them.

use super::*;
use crate::exception::Asked;

/// The shipped mapping with the keys of the return loop.
fn returning() -> (Mapping, Contract) {
    let (mut mapping, contract) = pair();
    mapping.decision.reasons = Some("Reasons__c".to_owned());
    mapping.decision.accept_with = Some("Accept with exceptions".to_owned());
    mapping.decision.exceptions = Some("Exceptions__c".to_owned());
    mapping.decision.confirm = Some("Confirm".to_owned());
    (mapping, contract)
}

fn answer_of(raw: &RawRecord) -> Vec<Answer> {
    let (mapping, contract) = returning();
    extract(&mapping, &contract, raw, &Book).acts.into_iter().map(|act| act.answer).collect()
}

fn decided(word: &str) -> RawRecord {
    let mut raw = raw();
    let decision =
        change("1", "Handoff_03_Decision__c", Json::Null, json!(word), "005LEAD", "2026-11-04T00:00:00Z");
    raw.history = Some(vec![decision]);
    raw
}

fn exceptions_by(raw: &mut RawRecord, who: &str, text: &str) {
    raw.fields.insert("Exceptions__c".to_owned(), json!(text));
    let row = change("2", "Exceptions__c", Json::Null, json!(text), who, "2026-11-04T00:00:00Z");
    raw.history.as_mut().unwrap().push(row);
}

#[test]
fn a_text_that_names_fields_rejects_them_with_their_reasons() {
    let mut raw = decided("Reject");
    raw.fields.insert("Handoff_03_Reject_Fields__c".to_owned(), json!("risks"));
    raw.fields.insert("Handoff_03_Reject_Reason__c".to_owned(), Json::Null);
    raw.fields.insert("Reasons__c".to_owned(), json!("go_live: date is before signature\nRisks: none named"));
    let answers = answer_of(&raw);
    let [Answer::Reject { fields, reason, reasons }] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!(*fields, BTreeSet::from([FieldKey::from("go_live"), FieldKey::from("risks")]));
    assert_eq!(reasons[&FieldKey::from("go_live")], "date is before signature");
    assert!(reason.contains("date is before signature"), "reasons at the fields are a reason: {reason}");
}

#[test]
fn exceptions_are_the_word_of_who_accepted_with_them_and_of_nobody_else() {
    let mut raw = decided("Accept with exceptions");
    exceptions_by(&mut raw, "005LEAD", "go_live: the board decides, by 2026-12-31\nrisks: later");
    let due = Some(at("2027-01-01T00:00:00Z"));
    let expected = BTreeMap::from([
        (FieldKey::from("go_live"), Asked { reason: "the board decides".to_owned(), due }),
        (FieldKey::from("risks"), Asked { reason: "later".to_owned(), due: None }),
    ]);
    assert_eq!(answer_of(&raw), [Answer::AcceptWith { exceptions: expected }]);

    let mut forged = decided("Accept with exceptions");
    exceptions_by(&mut forged, "005AE", "go_live: I forgot, by 2026-12-31");
    assert_eq!(answer_of(&forged), [Answer::Accept], "what the sender wrote there is nobody's exception");

    let empty = decided("Accept with exceptions");
    assert_eq!(answer_of(&empty), [Answer::AcceptWith { exceptions: BTreeMap::new() }]);
}

#[test]
fn a_confirmation_names_fields_or_means_all() {
    let mut raw = decided("Confirm");
    raw.fields.insert("Handoff_03_Reject_Fields__c".to_owned(), json!("risks"));
    assert_eq!(answer_of(&raw), [Answer::Confirm { fields: BTreeSet::from([FieldKey::from("risks")]) }]);
    raw.fields.insert("Handoff_03_Reject_Fields__c".to_owned(), Json::Null);
    assert_eq!(answer_of(&raw), [Answer::Confirm { fields: BTreeSet::new() }]);
}

#[test]
fn the_senders_unknown_is_read_as_a_part_of_its_own() {
    let (mut mapping, contract) = returning();
    let path = mapping.read[&FieldKey::from("risks")].values().next().unwrap().clone();
    let path = crate::mapping::ReadPath { field: Some("Risks_Unknown__c".to_owned()), ..path };
    mapping.read.get_mut(&FieldKey::from("risks")).unwrap().insert(PartKey::from("unknown"), path);
    assert!(crate::lint::mapping(&mapping, &contract).is_empty());
    let mut raw = raw();
    raw.fields.insert("Risks_Unknown__c".to_owned(), json!("security review runs, until 2026-12-31"));
    let seen = extract(&mapping, &contract, &raw, &Book);
    let claim = &crate::exception::claims(&seen.package)[&FieldKey::from("risks")];
    assert_eq!((claim.reason.as_str(), claim.due), ("security review runs", at("2027-01-01T00:00:00Z")));
    let plan = read_plan(&mapping);
    assert!(plan.history.contains("Risks_Unknown__c") && plan.history.contains("Exceptions__c"));
    assert!(plan.fields.contains("Reasons__c"));
}

#[test]
fn answers_that_cannot_be_told_apart_are_found() {
    let (mut mapping, contract) = returning();
    assert!(crate::lint::mapping(&mapping, &contract).is_empty());
    mapping.decision.confirm = Some(mapping.decision.accept.clone());
    mapping.decision.exceptions = None;
    assert_eq!(crate::lint::mapping(&mapping, &contract).len(), 2);
}
