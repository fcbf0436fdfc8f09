//! From log entries to numbers: who belongs to which group, and what an account's answers amount to.

use std::collections::BTreeSet;

use handoff_core::account::{AccountFacts, Amount, SurveyAnswer};
use handoff_core::contract::ContractRef;
use handoff_core::decide::Terms;
use handoff_core::digest::Digest;
use handoff_core::event::Event;
use handoff_core::id::{GateName, HandoffId, RecordRef, StageName};
use handoff_core::journal::LogEntry;
use handoff_core::observation::{Actor, Observation};
use handoff_measure::account::Accounts;
use handoff_measure::audit::{Audit, Question, audit};
use handoff_measure::metric::churn::LeakToChurn;
use handoff_measure::metric::{Band, Metric};
use handoff_measure::period::Period;
use handoff_measure::scorecard::Scorecard;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

const CONTRACT: &str = "h03-ae-to-onboarding";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn handoff(contract: &str, record: &str) -> HandoffId {
    HandoffId {
        contract: contract.into(),
        motion: "main".into(),
        subject: RecordRef { connection: "sf".into(), object: "Opportunity".into(), record: record.into() },
        cycle: 1,
    }
}

fn pin(contract: &str) -> ContractRef {
    ContractRef { id: contract.into(), version: 1, digest: Digest::of_bytes(b"") }
}

fn opened(contract: &str, record: &str, when: Timestamp) -> Event {
    let stage = StageName::from("commit");
    Event::Opened { handoff: handoff(contract, record), contract: pin(contract), stage, at: Some(when) }
}

fn decided(contract: &str, record: &str, account: &str, when: Timestamp, events: Vec<Event>) -> LogEntry {
    let handoff = handoff(contract, record);
    let seen =
        Observation { account: Some(account.to_owned()), ..Observation::gone(handoff.subject.clone()) };
    LogEntry::Decided {
        handoff,
        contract: pin(contract),
        terms: Terms::default(),
        at: when,
        seen: Box::new(seen),
        events,
    }
}

/// A deal that passed its stage without anybody's acceptance and with nothing filled: a leak.
fn leaks(record: &str, account: &str, when: &str) -> LogEntry {
    leaks_at(CONTRACT, record, account, at(when))
}

pub(crate) fn leaks_at(contract: &str, record: &str, account: &str, when: Timestamp) -> LogEntry {
    let bypassed = Event::Bypassed {
        gate: GateName::from("closed_won"),
        stage: StageName::from("closed_won"),
        from: None,
        by: None,
        at: Some(when),
        entry: record.to_owned(),
        ever_accepted: false,
    };
    decided(contract, record, account, when, vec![opened(contract, record, when), bypassed])
}

/// A deal that was complete and accepted.
fn is_sound(record: &str, account: &str, when: &str) -> LogEntry {
    sound_at(CONTRACT, record, account, at(when), 5)
}

/// Accepted so many hours after it was complete.
pub(crate) fn sound_at(contract: &str, record: &str, account: &str, when: Timestamp, hours: i64) -> LogEntry {
    let by = Actor {
        id: "005".into(),
        person: "rita".into(),
        machine: false,
        active: true,
        roles: BTreeSet::new(),
    };
    let completed = Event::Completed { round: 1, at: when - SignedDuration::from_hours(hours) };
    let accepted = Event::Accepted { act: record.to_owned(), by, at: when, round: 1, behalf: None };
    decided(contract, record, account, when, vec![opened(contract, record, when), completed, accepted])
}

fn told(account: &str, since: Option<&str>, left: Option<&str>) -> LogEntry {
    LogEntry::AccountSeen {
        account: RecordRef { connection: "sf".into(), object: "Account".into(), record: account.into() },
        source: "feed/customers".to_owned(),
        facts: AccountFacts {
            arr: Some(Amount { amount: Decimal::from(1_000), currency: Some("EUR".to_owned()) }),
            customer_since: since.map(|day| day.parse().unwrap()),
            churned_at: left.map(|day| day.parse().unwrap()),
        },
        at: at("2026-06-01T00:00:00Z"),
    }
}

pub(crate) fn answered(account: &str, score: u8, when: &str) -> LogEntry {
    let answer = SurveyAnswer {
        id: Digest::of_bytes(format!("{account}{when}").as_bytes()),
        score,
        answered_at: at(when),
    };
    let account = RecordRef { connection: "sf".into(), object: "Account".into(), record: account.into() };
    LogEntry::SurveyAnswered { account, answer, at: at("2026-06-01T00:00:00Z") }
}

fn audited(entries: &[LogEntry]) -> Audit {
    let (mut scorecard, mut accounts) = (Scorecard::new(), Accounts::new());
    for entry in entries {
        scorecard.apply(entry);
        accounts.apply(entry);
    }
    audit(&scorecard, &accounts, &Question::new(at("2026-06-01T00:00:00Z")))
}

fn churn(entries: &[LogEntry]) -> LeakToChurn {
    audited(entries).leak_to_churn().unwrap().clone()
}

#[test]
fn every_account_is_in_one_group_or_told_apart() {
    let found = churn(&[
        leaks("1", "stayed", "2025-01-10T00:00:00Z"),
        leaks("2", "left", "2025-01-10T00:00:00Z"),
        is_sound("3", "happy", "2025-01-10T00:00:00Z"),
        is_sound("4", "silent", "2025-01-10T00:00:00Z"),
        is_sound("5", "gone before", "2025-01-10T00:00:00Z"),
        told("stayed", None, None),
        told("left", None, Some("2025-09-01")),
        told("happy", None, None),
        told("gone before", None, Some("2024-12-31")),
        told("never asked", None, Some("2025-03-01")),
    ]);
    let share = |part: handoff_measure::metric::churn::Proportion| (part.share.met, part.share.n);
    assert_eq!(share(found.all.churned_leaked), (1, 1));
    assert_eq!(share(found.all.retained_leaked), (1, 2));
    assert_eq!(share(found.all.leaked_churned), (1, 2));
    assert_eq!(share(found.all.sound_churned), (0, 1));
    assert_eq!(share(found.outside.ungoverned), (1, 1));
    assert_eq!((found.outside.not_told, found.outside.left_before, found.outside.other_time), (1, 1, 0));
    assert_eq!(found.records.len(), 3);
    assert!(found.figure().value.is_none(), "of one churned account nothing is said");
}

#[test]
fn the_first_handoff_of_an_account_counts_and_later_ones_do_not_wash_it_clean() {
    let found = churn(&[
        is_sound("2", "left", "2025-05-10T00:00:00Z"),
        leaks("1", "left", "2025-01-10T00:00:00Z"),
        told("left", None, Some("2025-09-01")),
    ]);
    assert_eq!(found.records.len(), 1);
    assert!(found.records[0].leaked);
    assert!(found.records[0].stream.ends_with("/1"));
}

#[test]
fn a_first_year_counts_when_it_is_over_whatever_happened_in_it() {
    let found = churn(&[
        leaks("1", "in it", "2025-01-10T00:00:00Z"),
        leaks("2", "after it", "2025-01-10T00:00:00Z"),
        leaks("3", "on the day", "2025-01-10T00:00:00Z"),
        leaks("4", "young", "2026-01-10T00:00:00Z"),
        told("in it", Some("2025-01-15"), Some("2026-01-14")),
        told("after it", Some("2025-01-15"), Some("2026-03-01")),
        told("on the day", Some("2025-01-15"), Some("2026-01-15")),
        told("young", Some("2026-01-15"), Some("2026-02-01")),
    ]);
    let year = found.first_year.leaked_churned.share;
    assert_eq!((year.met, year.n), (1, 3));
    assert_eq!(found.outside.first_year_open, 1);
    assert_eq!(found.all.leaked_churned.share.met, 4);
}

#[test]
fn nps_is_a_mean_over_accounts_with_both_sides_and_says_who_is_missing() {
    let accepted = "2026-03-15T12:00:00Z";
    let deals = ["both", "twice", "before", "after", "none"];
    let mut entries: Vec<LogEntry> =
        deals.iter().map(|account| is_sound(&format!("6{account}"), account, accepted)).collect();
    for (account, score, when) in [
        ("both", 10, "2026-03-10T00:00:00Z"),
        ("both", 3, "2026-03-20T00:00:00Z"),
        ("twice", 9, "2026-03-02T00:00:00Z"),
        ("twice", 9, "2026-03-03T00:00:00Z"),
        ("twice", 2, "2026-03-04T00:00:00Z"),
        ("twice", 8, "2026-03-16T00:00:00Z"),
        ("before", 9, "2026-03-02T00:00:00Z"),
        ("after", 9, "2026-03-16T00:00:00Z"),
        ("none", 9, "2025-03-16T00:00:00Z"),
    ] {
        entries.push(answered(account, score, when));
    }
    let audit = audited(&entries);
    let row = audit.row(CONTRACT).unwrap();
    let nps = &row.nps_detail;
    assert_eq!((nps.n, nps.missing.before, nps.missing.after, nps.missing.both), (2, 1, 1, 1));
    // both: -100 - 100; twice: 0 - 100/3; their mean is -116.666...
    assert_eq!(nps.points.unwrap().to_string(), "-116.67");
    assert_eq!(nps.before.unwrap().to_string(), "66.67");
    assert_eq!(nps.after.unwrap().normalize().to_string(), "-50");
    assert_eq!((row.nps.metric, row.nps.band, row.nps.unmeasurable), (Metric::NpsDelta, Band::Below, 3));
    assert!(nps.interval.is_none() && !nps.provisional);
    // A handoff that nobody surveyed says so instead of a number.
    let silent = audited(&[is_sound("1", "quiet", accepted)]);
    let row = silent.row(CONTRACT).unwrap();
    assert!(row.nps.value.is_none() && row.nps.why.is_some());
}

#[test]
fn an_audit_of_one_deal_says_what_is_missing_instead_of_numbers() {
    let audit = audited(&[leaks("1", "left", "2025-01-10T00:00:00Z")]);
    let row = audit.row(CONTRACT).unwrap();
    assert_eq!((row.shape.leaked, row.shape.leaked_past_the_gate), (1, 1));
    assert_eq!(row.leak.accounts.share.met, 1);
    assert_eq!(row.leak.exposed.unknown, 1);
    assert!(row.leak.leaked.is_none() && audit.preserved.is_none());
    let first = audit.first.clone().unwrap();
    assert!(!first.clear);
    assert!(
        first.reasons.iter().any(|reason| reason.contains("what is missing is the gate")),
        "{:?}",
        first.reasons
    );
    assert!(audit.gaps.iter().any(|gap| gap.contains("nobody knows what they pay")));
    assert!(audited(&[]).first.is_none());
}

#[test]
fn the_scorecards_rows_have_all_six_metrics() {
    let mut entries: Vec<LogEntry> = Vec::new();
    for number in 0..12 {
        let (deal, account) = (format!("6{number}"), format!("a{number}"));
        let march = "2025-03-10T00:00:00Z";
        entries.push(if number < 9 {
            leaks(&deal, &account, march)
        } else {
            is_sound(&deal, &account, march)
        });
        entries.push(told(&account, None, (number < 11).then_some("2025-09-01")));
        entries.push(answered(&account, 9, "2025-03-08T00:00:00Z"));
        entries.push(answered(&account, 5, "2025-03-12T00:00:00Z"));
    }
    let mut scorecard = Scorecard::new();
    for entry in &entries {
        scorecard.apply(entry);
    }
    let now = at("2026-06-01T00:00:00Z");
    let mut report = scorecard.report(Period::Month, now);
    let frozen = scorecard.to_freeze(now);
    assert!(!frozen.is_empty());
    for entry in &frozen {
        scorecard.apply(entry);
    }
    // What customers do later is told as it is now, in frozen rows too.
    report.rows.extend(scorecard.report(Period::Month, now).rows);
    let rows: Vec<_> = report.rows.iter().filter(|row| row.contract == CONTRACT).collect();
    assert_eq!(rows.len(), 4, "March, and all time; before March was frozen, and after");
    for row in rows {
        let leaks = row.figure(Metric::LeakToChurn).unwrap();
        assert_eq!((leaks.met, leaks.n, leaks.value.unwrap().to_string()), (Some(9), 11, "81.82".to_owned()));
        let nps = row.figure(Metric::NpsDelta).unwrap();
        assert_eq!((nps.n, nps.value.unwrap(), nps.band), (12, Decimal::from(-200), Band::Below));
    }
}
