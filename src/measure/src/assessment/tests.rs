//! Organisations whose answers are known.

use std::collections::BTreeSet;

use super::*;
use crate::practice::tests::{Book, at};

fn now() -> Timestamp {
    at("2026-02-15T00:00:00Z")
}

fn of<'a>(assessment: &'a Assessment, key: &str) -> &'a Row {
    assessment.rows.iter().find(|row| row.key == key).unwrap()
}

fn governed(pay: Mode) -> GovernedNow {
    GovernedNow { mode: Mode::Enforce, pay: Some(pay), sender_may_accept: false, has_receiver: true }
}

#[test]
fn an_organisation_that_nobody_measures_knows_nothing_and_says_so() {
    let nothing = assess(&Practice::default(), &Inputs::default(), now());
    assert_eq!(nothing.rows.len(), 12);
    assert_eq!(nothing.rows.iter().map(|row| row.number).collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
    assert!(nothing.rows.iter().all(|row| row.answer == Answer::Unknown && row.basis == Basis::Unknown));
    assert!(nothing.rows.iter().all(|row| !row.evidence.is_empty() && row.link.starts_with("/api/v1/")));
    assert_eq!(nothing.noes, 0);
    let keys: BTreeSet<&str> = nothing.rows.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(keys.len(), 12);
    // As many per handoff as the sources ask: H03 and the governance twice, measurement twice.
    let twice: Vec<&str> =
        nothing.priority.iter().filter(|one| one.unknown == 2).map(|one| one.about.as_str()).collect();
    assert_eq!(twice, ["h03", "governance", "measurement"]);
}

#[test]
fn what_is_measured_counts_and_a_declaration_against_it_is_shown() {
    let mut book = Book::new("h03-x", "2026-01-01T00:00:00Z");
    book.bypassed("1", "2026-02-01T00:00:00Z");
    let declared = |yes| Declared { yes, by: "Ines".to_owned(), because: "we train for it".to_owned() };
    let inputs = Inputs {
        governed: BTreeMap::from([("h03-x".to_owned(), governed(Mode::Observe))]),
        declared: BTreeMap::from([
            ("h03_commitments".to_owned(), declared(true)),
            ("h02_no_reask".to_owned(), declared(false)),
        ]),
        weight_percent: Decimal::from(5),
        ..Inputs::default()
    };
    let made = assess(&book.practice, &inputs, now());
    let commitments = of(&made, "h03_commitments");
    assert_eq!(
        (commitments.answer, commitments.basis, commitments.contradicted),
        (Answer::No, Basis::Measured, true)
    );
    assert!(
        commitments.evidence.starts_with("0 of 1 (0.00 %)")
            || commitments.evidence.starts_with("0 of 1 (0 %)"),
        "{}",
        commitments.evidence
    );
    let reask = of(&made, "h02_no_reask");
    assert_eq!((reask.answer, reask.basis), (Answer::No, Basis::Declared));
    assert!(reask.evidence.contains("Ines"));
    assert_eq!(of(&made, "h03_accepted_before_pay").answer, Answer::No, "observed is not enforced");
    assert_eq!(of(&made, "governance_veto").answer, Answer::Yes);
    assert_eq!(of(&made, "incentive_quality").answer, Answer::No, "configured, and never exported");
    assert_eq!(made.noes, 4);
    let order: Vec<(&str, usize)> = made.priority.iter().map(|one| (one.about.as_str(), one.noes)).collect();
    assert_eq!(order[0], ("h03", 2));
    assert!(order[1..3].contains(&("h02", 1)) && order[1..3].contains(&("incentives", 1)), "{order:?}");
}

#[test]
fn a_well_run_organisation_is_told_yes_with_its_numbers() {
    let mut book = Book::new("h03-x", "2026-01-01T00:00:00Z");
    for number in 0..4 {
        book.accepted(&number.to_string(), "2026-02-01T00:00:00Z");
    }
    let inputs = Inputs {
        governed: BTreeMap::from([("h03-x".to_owned(), governed(Mode::Enforce))]),
        re_asked: BTreeMap::from([("h02-x".to_owned(), Share::of(0, 9))]),
        month: Some("2026-01".to_owned()),
        leak_to_churn: Some(Share::of(6, 9)),
        log: Some((20, 20)),
        ..Inputs::default()
    };
    let made = assess(&book.practice, &inputs, now());
    for key in [
        "h02_no_reask",
        "h03_accepted_before_pay",
        "h03_commitments",
        "governance_veto",
        "governance_audit",
        "measurement_monthly",
        "measurement_churn",
    ] {
        let row = of(&made, key);
        assert_eq!((row.answer, row.basis), (Answer::Yes, Basis::Measured), "{key}: {}", row.evidence);
    }
    assert_eq!(made.noes, 0);
    let re_asked = BTreeMap::from([("h02-x".to_owned(), Share::of(1, 9))]);
    let asked = assess(&book.practice, &Inputs { re_asked, ..inputs.clone() }, now());
    assert_eq!(of(&asked, "h02_no_reask").answer, Answer::No);
    // What is older than ninety days answers nothing.
    let later = assess(&book.practice, &inputs, at("2026-06-01T00:00:00Z"));
    assert_eq!(of(&later, "h03_commitments").answer, Answer::Unknown);
}

#[test]
fn equal_noes_are_ordered_by_what_leaks_most() {
    let declared =
        |key: &str| (key.to_owned(), Declared { yes: false, by: "x".to_owned(), because: "y".to_owned() });
    let inputs = Inputs {
        declared: BTreeMap::from([
            declared("h01_trigger"),
            declared("h04_telemetry"),
            declared("h06_primary"),
        ]),
        leaks: vec!["h06-x".to_owned(), "h04-y".to_owned()],
        ..Inputs::default()
    };
    let made = assess(&Practice::default(), &inputs, now());
    let order: Vec<&str> = made.priority.iter().take(3).map(|one| one.about.as_str()).collect();
    assert_eq!(order, ["h06", "h04", "h01"]);
}
