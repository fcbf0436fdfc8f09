//! Packages against contracts.

use std::collections::BTreeSet;

use super::{Completeness, Problem, Situation, assess};
use crate::contract::Contract;
use crate::id::{FieldKey, MotionId, ObjectName, PartKey, RecordId, RecordRef, StageName};
use crate::registry::{parse_contract, shipped};
use crate::value::{Package, Sourced, Value};

fn h03() -> Contract {
    let (path, text) =
        shipped().find(|(path, _)| path.contains("h03") && path.starts_with("contracts")).unwrap();
    parse_contract(path, text).unwrap()
}

fn put(package: &mut Package, field: &str, part: &str, value: Value) {
    let from = RecordRef {
        connection: "sf".into(),
        object: ObjectName::from("Opportunity"),
        record: RecordId::from("006A"),
    };
    let sourced = Sourced { value, from, field: "X__c".to_owned() };
    package.entry(FieldKey::from(field)).or_default().insert(PartKey::from(part), sourced);
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn full() -> Package {
    let mut package = Package::new();
    let prose = "The CFO signs alone up to 50,000 EUR.";
    put(&mut package, "economic_buyer", "person", Value::Person("003A".to_owned()));
    put(&mut package, "economic_buyer", "authority", text(prose));
    put(&mut package, "sponsor_map", "champion", Value::Person("003B".to_owned()));
    put(&mut package, "sponsor_map", "strength", Value::Choice("Strong".to_owned()));
    put(&mut package, "sponsor_map", "dynamics", text(prose));
    put(&mut package, "commitments", "promises", text(prose));
    put(&mut package, "success_criteria", "criteria", text(prose));
    put(&mut package, "success_criteria", "metric", text("Days to invoice"));
    put(&mut package, "success_criteria", "target", text("2"));
    put(&mut package, "success_criteria", "by", Value::Date(jiff::civil::date(2027, 3, 1)));
    put(&mut package, "risks", "risks", text(prose));
    put(&mut package, "displacement", "incumbent", Value::Name("SAP".to_owned()));
    put(&mut package, "displacement", "sticky_points", text(prose));
    put(&mut package, "go_live", "date", Value::Date(jiff::civil::date(2027, 1, 1)));
    put(&mut package, "go_live", "anchor", text(prose));
    put(&mut package, "expansion", "hypothesis", text(prose));
    package
}

fn run(contract: &Contract, package: &Package, rejected: &[&str]) -> Completeness {
    let still_rejected: BTreeSet<FieldKey> = rejected.iter().map(|key| FieldKey::from(*key)).collect();
    let (stage, motion) = (StageName::from("commit"), MotionId::from("main"));
    assess(
        contract,
        package,
        &Situation {
            stage: Some(&stage),
            motion: &motion,
            still_rejected: &still_rejected,
            disputed: &std::collections::BTreeMap::new(),
            as_of: None,
        },
    )
}

fn told(outcome: &Completeness) -> Vec<String> {
    outcome.missing.iter().map(ToString::to_string).collect()
}

#[test]
fn a_full_package_is_complete() {
    let outcome = run(&h03(), &full(), &[]);
    assert_eq!(told(&outcome), Vec::<String>::new());
    assert!(outcome.is_complete());
    assert_eq!(outcome.filled.len(), 8);
}

#[test]
fn every_part_of_every_field_is_needed() {
    let contract = h03();
    for field in &contract.fields {
        for part in field.parts.keys() {
            let mut package = full();
            package.get_mut(&field.key).unwrap().remove(part);
            let outcome = run(&contract, &package, &[]);
            assert!(!outcome.is_complete(), "{}.{part}", field.key);
            assert_eq!(outcome.missing.len(), 1, "{}.{part}", field.key);
            assert_eq!(outcome.filled.len(), 7);
        }
    }
}

#[test]
fn findings_are_words_in_the_contracts_order() {
    let outcome = run(&h03(), &Package::new(), &[]);
    let lines = told(&outcome);
    assert_eq!(lines.len(), 16);
    assert_eq!(lines.first().unwrap(), "Economic buyer + signing authority: authority is empty");
    assert_eq!(lines.last().unwrap(), "Expansion hypothesis (where does year-2 growth come from) is empty");
    assert_eq!(outcome.required.len(), 8);
}

#[test]
fn e02_findings_never_carry_the_value() {
    let mut package = full();
    put(&mut package, "risks", "risks", text("sEcReT"));
    let outcome = run(&h03(), &package, &[]);
    assert_eq!(told(&outcome), ["Implementation risks the AE is aware of is too short (at least 15)"]);
    assert!(!format!("{outcome:?}").contains("sEcReT"));
}

#[test]
fn none_is_an_answer_only_when_ticked_and_alone() {
    let contract = h03();
    let with = |ticked: Option<bool>, risks: Option<&str>| {
        let mut package = full();
        package.remove(&FieldKey::from("risks"));
        if let Some(ticked) = ticked {
            put(&mut package, "risks", "none", Value::Flag(ticked));
        }
        if let Some(risks) = risks {
            put(&mut package, "risks", "risks", text(risks));
        }
        run(&contract, &package, &[])
    };
    assert!(with(Some(true), None).is_complete());
    assert!(with(Some(true), None).attested_none.contains(&FieldKey::from("risks")));
    assert!(with(Some(true), Some("n/a")).is_complete(), "filler beside the tick contradicts nothing");
    assert!(!with(Some(false), None).is_complete());
    assert!(!with(None, Some("none")).is_complete(), "the word is not the attestation");
    assert!(!with(Some(false), Some("none")).is_complete());
    let both = with(Some(true), Some("Legacy ERP has no API at all."));
    assert_eq!(both.missing.first().unwrap().problem, Problem::Contradiction);
    let short = with(Some(true), Some("legacy ERP"));
    assert_eq!(short.missing.first().unwrap().problem, Problem::Contradiction, "too short still names one");
}

#[test]
fn none_does_not_count_where_the_contract_does_not_offer_it() {
    let mut package = full();
    package.remove(&FieldKey::from("expansion"));
    put(&mut package, "expansion", "none", Value::Flag(true));
    assert!(!run(&h03(), &package, &[]).is_complete());
}

#[test]
fn a_rejected_field_is_not_filled_until_it_changed() {
    let outcome = run(&h03(), &full(), &["risks", "not_a_field"]);
    assert_eq!(
        told(&outcome),
        ["Implementation risks the AE is aware of was sent back and not changed since"]
    );
    assert!(!outcome.is_complete());
    assert!(!outcome.filled.contains(&FieldKey::from("risks")));
}

#[test]
fn e07_empty_contract_is_never_complete() {
    let mut contract = h03();
    contract.fields.clear();
    assert!(!run(&contract, &full(), &[]).is_complete());
    let mut partless = h03();
    partless.fields.first_mut().unwrap().parts.clear();
    assert!(!run(&partless, &full(), &[]).is_complete());
}

fn with_rule(rule: &str) -> Contract {
    let mut contract = h03();
    contract.fields.last_mut().unwrap().required_when = Some(rule.to_owned());
    contract
}

fn without_expansion(contract: &Contract) -> Completeness {
    let mut package = full();
    package.remove(&FieldKey::from("expansion"));
    run(contract, &package, &[])
}

#[test]
fn a_rule_says_whether_a_field_is_required() {
    for (rule, complete) in [
        ("motion == 'enterprise'", true),
        ("motion == 'main'", false),
        ("stage == 'closed_won'", true),
        ("stage in ['commit', 'closed_won']", false),
        ("fields.displacement.incumbent == 'SAP'", false),
        ("fields.displacement.incumbent != 'SAP'", true),
        ("fields.commitments.none == true", true),
        ("fields.expansion.hypothesis == null", false),
        ("false", true),
        ("true", false),
    ] {
        let outcome = without_expansion(&with_rule(rule));
        assert_eq!(outcome.is_complete(), complete, "{rule}");
        assert_eq!(outcome.required.len(), if complete { 7 } else { 8 }, "{rule}");
    }
}

#[test]
fn e11_a_rule_that_fails_or_loops_makes_its_field_required_and_missing() {
    for rule in [
        "fields.nowhere.part == 1",
        "1 / 0 == 1",
        "fields.expansion.hypothesis > 5",
        "'text'",
        "1",
        "stage ==",
        "unknown_function(stage)",
        "[1,2,3].all(x, [1,2,3].all(y, x > y))",
        "situation('HOME') == ''",
        &format!("{}true", "!".repeat(600)),
        &format!("{}true{}", "(".repeat(240), ")".repeat(240)),
        &"-".repeat(499),
        &"[".repeat(499),
    ] {
        let contract = with_rule(rule);
        let outcome = run(&contract, &full(), &[]);
        assert!(!outcome.is_complete(), "{rule}");
        assert_eq!(outcome.missing.last().unwrap().problem, Problem::RuleFailed, "{rule}");
    }
}

proptest::proptest! {
    #[test]
    fn e11_any_expression_is_answered_or_fails_closed(rule in "[a-z0-9 .()\\[\\]{}<>=!&|?:'+*/%,-]{0,120}") {
        let outcome = without_expansion(&with_rule(&rule));
        let said_no = !outcome.required.contains(&FieldKey::from("expansion"));
        proptest::prop_assert_eq!(outcome.is_complete(), said_no);
    }
}

fn ruled(expression: &str) -> Contract {
    let mut contract = h03();
    contract.fields[7].required_when = Some(expression.to_owned());
    contract
}

#[test]
fn rules_are_made_ready_once_and_shared_by_clones() {
    fn is_shared_between_threads<T: Send + Sync>(_: &T) {}
    let contract = ruled("motion == \"main\"");
    is_shared_between_threads(&contract);
    run(&contract, &full(), &[]);
    let clone = contract.clone();
    assert!(std::sync::Arc::ptr_eq(
        &super::prepared::Prepared::of(&contract),
        &super::prepared::Prepared::of(&clone)
    ));
    assert_eq!(contract, h03_like(&contract));
}

/// The same contract, never used.
fn h03_like(contract: &Contract) -> Contract {
    let mut fresh = h03();
    fresh.fields.clone_from(&contract.fields);
    fresh
}

#[test]
fn a_contract_that_is_changed_after_use_is_judged_by_what_it_says_now() {
    let mut contract = ruled("motion == \"nobody\"");
    let mut package = full();
    package.remove(&FieldKey::from("expansion"));
    assert!(run(&contract, &package, &[]).is_complete());
    contract.fields[7].required_when = None;
    assert!(!run(&contract, &package, &[]).is_complete(), "a stale rule would let it pass");
    let full = full();
    assert!(run(&contract, &full, &[]).is_complete());
    contract.quality.min_chars = 500;
    assert!(!run(&contract, &full, &[]).is_complete(), "stale quality rules would let it pass");
    let mut swapped = ruled("motion == \"nobody\"");
    run(&swapped, &full, &[]);
    swapped.fields.reverse();
    assert_eq!(run(&swapped, &full, &[]).required.len(), 7);
}

#[test]
fn the_short_judgement_agrees_with_the_long_one() {
    let contract = ruled("fields.go_live.anchor != null");
    let mut package = full();
    for key in ["", "go_live", "risks", "expansion", "economic_buyer"] {
        package.remove(&FieldKey::from(key));
        let long = run(&contract, &package, &[]);
        let (stage, motion) = (StageName::from("commit"), MotionId::from("main"));
        let situation = Situation {
            stage: Some(&stage),
            motion: &motion,
            still_rejected: &BTreeSet::new(),
            disputed: &std::collections::BTreeMap::new(),
            as_of: None,
        };
        let (missing, complete) = super::shortfall(&contract, &package, &situation);
        assert_eq!((missing, complete), (long.missing.clone(), long.is_complete()));
    }
    let mut empty = h03();
    empty.fields.clear();
    let situation = Situation {
        stage: None,
        motion: &MotionId::from("main"),
        still_rejected: &BTreeSet::new(),
        disputed: &std::collections::BTreeMap::new(),
        as_of: None,
    };
    assert!(!super::shortfall(&empty, &full(), &situation).1, "an empty contract is never complete");
}

#[test]
fn what_is_too_old_on_the_day_of_the_opening_is_missing_with_its_reason() {
    let mut contract = h03();
    let field = contract.fields.iter_mut().find(|field| field.key.as_str() == "go_live").unwrap();
    field.parts.get_mut(&PartKey::from("date")).unwrap().max_age_days = Some(30);
    let package = full();
    let judged = |day: Option<jiff::civil::Date>| {
        let (stage, motion) = (StageName::from("commit"), MotionId::from("main"));
        let none = BTreeSet::new();
        let situation = Situation {
            stage: Some(&stage),
            motion: &motion,
            still_rejected: &none,
            disputed: &std::collections::BTreeMap::new(),
            as_of: day,
        };
        let missing = assess(&contract, &package, &situation).missing;
        missing.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(judged(None), Vec::<String>::new());
    assert_eq!(judged(Some(jiff::civil::date(2027, 1, 31))), Vec::<String>::new());
    let told = judged(Some(jiff::civil::date(2027, 2, 1))).join("");
    assert!(told.ends_with("date holds nothing of the 30 days before the handoff opened"), "{told}");
}
