use std::collections::{BTreeMap, BTreeSet};

use handoff_core::account::{AccountFacts, Amount, SurveyAnswer};
use handoff_core::contract::ContractRef;
use handoff_core::decide::Terms;
use handoff_core::digest::Digest;
use handoff_core::event::{EditEffect, Event};
use handoff_core::id::{GateName, HandoffId, RecordRef, StageName};
use handoff_core::journal::LogEntry;
use handoff_core::observation::{Actor, Observation};
use handoff_core::value::{Package, Sourced, Value};
use handoff_measure::account::Accounts;
use handoff_measure::scorecard::Scorecard;
use jiff::Timestamp;

use super::{Assembly, Dossier, Question, Weight, html, text};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn record(object: &str, id: &str) -> RecordRef {
    RecordRef { connection: "sf".into(), object: object.into(), record: id.into() }
}

fn handoff(id: &str, cycle: u32) -> HandoffId {
    let (contract, motion) = ("h03-ae-to-onboarding".into(), "main".into());
    HandoffId { contract, motion, subject: record("Opportunity", id), cycle }
}

fn pin() -> ContractRef {
    ContractRef { id: "h03-ae-to-onboarding".into(), version: 1, digest: Digest::of_bytes(b"") }
}

fn person(name: &str) -> Actor {
    Actor { id: name.into(), person: name.into(), machine: false, active: true, roles: BTreeSet::new() }
}

fn package() -> Package {
    let subject = record("Opportunity", "1");
    let value = Value::Text("the board wants <b>half</b> the time".to_owned());
    let sourced = Sourced { value, from: subject, field: "Success__c".to_owned() };
    [("success_criteria".into(), [("criteria".into(), sourced)].into())].into()
}

fn decided(id: &str, account: &str, when: &str, events: Vec<Event>) -> LogEntry {
    let seen = Observation {
        account: Some(account.to_owned()),
        package: package(),
        ..Observation::gone(record("Opportunity", id))
    };
    let (handoff, seen) = (handoff(id, 1), Box::new(seen));
    LogEntry::Decided { handoff, contract: pin(), terms: Terms::default(), at: at(when), seen, events }
}

fn entries() -> Vec<LogEntry> {
    let opened = |id: &str, when: &str| Event::Opened {
        handoff: handoff(id, 1),
        contract: pin(),
        stage: StageName::from("commit"),
        at: Some(at(when)),
    };
    let changed = Event::PackageChanged {
        set: package(),
        cleared: BTreeSet::new(),
        edits: BTreeMap::new(),
        acceptance: EditEffect::BeforeAcceptance,
    };
    let rejected = Event::Rejected {
        act: "1".to_owned(),
        by: person("rita"),
        at: at("2025-03-03T10:00:00Z"),
        round: 1,
        fields: BTreeSet::new(),
        reason: "no go-live date; the customer expects May".to_owned(),
        reasons: BTreeMap::new(),
    };
    let bypassed = Event::Bypassed {
        gate: GateName::from("closed_won"),
        stage: StageName::from("closed_won"),
        from: None,
        by: Some(person("sam")),
        at: Some(at("2025-03-31T22:00:00Z")),
        entry: "e".to_owned(),
        ever_accepted: false,
    };
    let account = record("Account", "001A");
    let answer = |score, when: &str| LogEntry::SurveyAnswered {
        account: account.clone(),
        answer: SurveyAnswer { id: Digest::of_bytes(when.as_bytes()), score, answered_at: at(when) },
        at: at(when),
    };
    vec![
        decided("1", "001A", "2025-03-01T09:00:00Z", vec![opened("1", "2025-03-01T08:59:00Z"), changed]),
        decided("9", "001B", "2025-03-01T09:30:00Z", vec![opened("9", "2025-03-01T09:30:00Z")]),
        decided("1", "001A", "2025-03-03T10:01:00Z", vec![rejected]),
        answer(9, "2025-03-20T00:00:00Z"),
        decided("1", "001A", "2025-03-31T22:05:00Z", vec![bypassed]),
        answer(3, "2025-04-10T00:00:00Z"),
        LogEntry::AccountSeen {
            account,
            source: "feed/customers".to_owned(),
            facts: AccountFacts {
                arr: Some(Amount { amount: 48_000.into(), currency: Some("EUR".to_owned()) }),
                customer_since: Some("2025-04-01".parse().unwrap()),
                churned_at: Some("2026-01-15".parse().unwrap()),
            },
            at: at("2026-01-20T00:00:00Z"),
        },
    ]
}

fn dossier(account: &str, values: bool) -> Dossier {
    let (mut accounts, mut scorecard) = (Accounts::new(), Scorecard::new());
    for entry in entries() {
        accounts.apply(&entry);
        scorecard.apply(&entry);
    }
    let question = Question { account: account.to_owned(), as_of: at("2026-06-01T00:00:00Z"), values };
    let meant = question.meant(&accounts);
    assert_eq!(meant.len(), 1);
    let mut assembly = Assembly::new(meant[0].clone(), &question, &accounts, &scorecard);
    for (position, entry) in (0..).zip(entries()) {
        assembly.apply(position, &entry);
    }
    assembly.finish()
}

#[test]
fn every_handoff_of_the_account_is_replayed_in_order_and_no_other() {
    let dossier = dossier("001A", false);
    assert_eq!(dossier.handoffs.len(), 1);
    let chapter = &dossier.handoffs[0].chapters[0];
    let positions: Vec<u64> = chapter.days.iter().map(|day| day.position).collect();
    assert_eq!(positions, [0, 0, 2, 4]);
    assert!(chapter.leaked && chapter.bypassed && chapter.rejections == 1);
    assert_eq!(chapter.days.last().unwrap().weight, Weight::Bad);
    assert_eq!(dossier.arr.as_deref(), Some("EUR 48,000"));
    let found = dossier.findings.join(" ");
    assert!(
        found.contains("It leaked") && found.contains("fell from 9 to 3") && found.contains("289 days"),
        "{found}"
    );
}

#[test]
fn values_of_packages_are_shown_where_asked_for_and_nowhere_else() {
    let silent = html(&dossier("sf/001A", false));
    assert!(!silent.contains("the board wants"));
    let told = dossier("sf/001A", true);
    let page = html(&told);
    assert!(page.contains("the board wants &lt;b&gt;half"));
    if let Some(dir) = std::env::var_os("HANDOFFD_PAGES") {
        std::fs::write(std::path::Path::new(&dir).join("dossier.html"), &page).unwrap();
    }
    assert!(text(&told).contains("success_criteria.criteria"));
}

#[test]
fn an_account_that_was_never_governed_is_told_as_that() {
    let (mut accounts, scorecard) = (Accounts::new(), Scorecard::new());
    let last = entries().pop().unwrap();
    accounts.apply(&last);
    let question = Question { account: "001A".to_owned(), as_of: at("2026-06-01T00:00:00Z"), values: false };
    let meant = question.meant(&accounts).remove(0);
    let dossier = Assembly::new(meant, &question, &accounts, &scorecard).finish();
    assert!(dossier.findings.iter().any(|finding| finding.contains("never governed")));
    assert!(html(&dossier).contains("never governed"));
}
