use std::collections::BTreeSet;

use handoff_core::contract::ContractRef;
use handoff_core::decide::Terms;
use handoff_core::digest::Digest;
use handoff_core::event::Event;
use handoff_core::evidence::{CallRef, Withdrawal};
use handoff_core::id::{ActorId, FieldKey, HandoffId, PersonId, RecordRef};
use handoff_core::journal::LogEntry;
use handoff_core::observation::{Actor, Observation};
use handoff_core::reask::{Reask, ReportedBy};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::metric::Slice;
use crate::period::Period;

use crate::scorecard::Scorecard;

use super::{Accuracy, CycleStanding, Estimate, Reasks, estimate, rates};

const ACCURACY: Accuracy = Accuracy { sensitivity_percent: 90, specificity_percent: 95 };

fn hour(hours: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_hours(490_000 + hours)
}

fn handoff(record: &str, cycle: u32) -> HandoffId {
    HandoffId {
        contract: "h03-ae-to-onboarding".into(),
        motion: "main".into(),
        subject: RecordRef { connection: "sf".into(), object: "Opportunity".into(), record: record.into() },
        cycle,
    }
}

fn pin() -> ContractRef {
    ContractRef { id: "h03-ae-to-onboarding".into(), version: 1, digest: Digest::of(&1) }
}

fn decided(record: &str, cycle: u32, account: Option<&str>, at: i64, events: Vec<Event>) -> LogEntry {
    let handoff = handoff(record, cycle);
    let account = account.map(str::to_owned);
    let seen = Observation { account, ..Observation::gone(handoff.subject.clone()) };
    LogEntry::Decided {
        handoff,
        contract: pin(),
        terms: Terms::default(),
        at: hour(at),
        seen: Box::new(seen),
        events,
    }
}

fn accepted(at: i64) -> Event {
    let by = Actor {
        id: ActorId::from("005"),
        person: PersonId::from("rita"),
        machine: false,
        active: true,
        roles: BTreeSet::new(),
    };
    Event::Accepted { act: format!("a{at}"), by, at: hour(at), round: 1, behalf: None }
}

fn accepting(record: &str, account: Option<&str>, at: i64) -> LogEntry {
    decided(record, 1, account, at, vec![accepted(at)])
}

#[test]
fn an_acceptance_that_one_look_sees_together_with_its_end_is_of_the_cycle_that_ended() {
    let mut reasks = Reasks::new();
    let cause = handoff_core::event::ReopenCause::People;
    let events = vec![accepted(0), Event::Reopened { cycle: 2, cause }];
    reasks.apply(&decided("006", 2, None, 1, events));
    let stream = handoff("006", 1).stream();
    assert_eq!(reasks.standing(&stream, 1).accepted, Some(hour(0)));
    assert_eq!(reasks.standing(&stream, 2), CycleStanding::default());
    reasks.apply(&decided("006", 2, None, 5, vec![accepted(4)]));
    assert_eq!(reasks.standing(&stream, 2).accepted, Some(hour(4)));
}

fn reask(minute: u64, automatic: bool) -> Reask {
    Reask {
        field: FieldKey::from("go_live"),
        from_ms: minute * 60_000,
        to_ms: minute * 60_000 + 5_000,
        automatic,
        strict: true,
        complaint: false,
        question: 900,
        answer: 8_000,
        why: "asks when".to_owned(),
    }
}

fn call(id: &str) -> CallRef {
    CallRef { connection: "gong".into(), id: id.to_owned() }
}

fn scored(record: &str, id: &str, started: i64, found: Vec<Reask>) -> LogEntry {
    LogEntry::ReaskSuggested {
        handoff: handoff(record, 1),
        contract: pin(),
        call: call(id),
        url: None,
        started: hour(started),
        accepted: hour(0),
        lexicon: String::new(),
        found,
        at: hour(started + 1),
    }
}

fn said(record: &str, id: &str, confirmed: bool) -> LogEntry {
    LogEntry::ReaskAnswered {
        handoff: handoff(record, 1),
        call: call(id),
        field: FieldKey::from("go_live"),
        from_ms: 60_000,
        confirmed,
        by: "rita".to_owned(),
        act: None,
        at: hour(900),
    }
}

fn folded(entries: &[LogEntry]) -> Reasks {
    let mut reasks = Reasks::new();
    for entry in entries {
        reasks.apply(entry);
    }
    reasks
}

fn standing(entries: &[LogEntry]) -> CycleStanding {
    folded(entries).standing(&handoff("1", 1).stream(), 1)
}

#[test]
fn only_a_persons_word_makes_a_cycle_asked_again() {
    let base = [accepting("1", None, 0), scored("1", "c", 24, vec![reask(1, true)])];
    let waits = standing(&base);
    assert!(waits.waits && waits.scored && waits.automatic && !waits.asked_again);
    let [accepting, scored] = base;
    let confirmed = standing(&[accepting.clone(), scored.clone(), said("1", "c", true)]);
    assert!(confirmed.asked_again && !confirmed.waits);
    let dismissed = standing(&[accepting, scored, said("1", "c", false)]);
    assert!(
        !dismissed.asked_again && !dismissed.waits && dismissed.automatic,
        "the detector erred, and that is its business"
    );
}

#[test]
fn thirty_days_count_to_the_last_moment_and_not_beyond() {
    let last = 30 * 24 - 1;
    for (started, counts) in [(-1, false), (0, true), (last, true), (last + 1, false)] {
        let found = vec![reask(1, true)];
        let entries = [accepting("1", None, 0), scored("1", "c", started, found), said("1", "c", true)];
        assert_eq!(standing(&entries).asked_again, counts, "{started}");
    }
    let reported = |at: i64| LogEntry::ReaskReported {
        handoff: handoff("1", 1),
        source: ReportedBy::Receiver,
        stands: true,
        by: None,
        asked: Some(hour(at)),
        at: hour(at),
    };
    assert!(standing(&[accepting("1", None, 0), reported(5)]).asked_again);
    assert!(!standing(&[accepting("1", None, 0), reported(last + 1)]).asked_again);
    assert!(!standing(&[reported(5)]).asked_again, "nothing was accepted");
}

#[test]
fn a_withdrawn_call_counts_no_more() {
    let withdrawn = LogEntry::EvidenceWithdrawn {
        handoff: handoff("1", 1),
        call: call("c"),
        because: Withdrawal::Deleted,
        at: hour(99),
    };
    let entries = [
        accepting("1", None, 0),
        scored("1", "c", 24, vec![reask(1, true)]),
        said("1", "c", true),
        withdrawn,
    ];
    assert_eq!(standing(&entries), CycleStanding { accepted: Some(hour(0)), ..CycleStanding::default() });
}

#[test]
fn the_estimate_looks_at_the_first_three_calls() {
    let mut entries = vec![accepting("1", None, 0)];
    entries.extend((1..=3).map(|number| scored("1", &format!("c{number}"), number * 24, Vec::new())));
    entries.push(scored("1", "c4", 4 * 24, vec![reask(1, true)]));
    let standing = standing(&entries);
    assert!(!standing.automatic && standing.waits);
}

#[test]
fn the_unit_is_the_account_however_many_deals_it_has() {
    let entries = [
        accepting("1", Some("acme"), 0),
        accepting("2", Some("acme"), 1),
        accepting("3", Some("other"), 2),
        accepting("4", None, 3),
        scored("1", "c", 24, vec![reask(1, true)]),
        said("1", "c", true),
        scored("3", "d", 24, vec![reask(1, false)]),
    ];
    let reasks = folded(&entries);
    let all = reasks.incidence(None, Slice::All, hour(10));
    assert_eq!((all.accounts, all.asked_again, all.waiting, all.scored, all.automatic), (3, 1, 1, 2, 1));
    assert!(all.provisional);
    assert!(!reasks.incidence(None, Slice::All, hour(31 * 24)).provisional);
    let line = ("h03-ae-to-onboarding", "main");
    let month = Slice::of(Period::Month, hour(0));
    assert_eq!(reasks.asked_again(line.0, line.1, month), [(handoff("1", 1).stream(), 1)], "drills down");
    assert_eq!(reasks.incidence(Some(line), month, hour(10)), all);
    let later = reasks.incidence(Some(line), Slice::of(Period::Month, hour(24 * 62)), hour(10));
    assert_eq!(later, super::Incidence::default());
    let mut scorecard = Scorecard::new();
    for entry in &entries {
        scorecard.apply(entry);
    }
    let rows = rates(&scorecard, hour(30), ACCURACY);
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].percent, Some(Decimal::new(3_333, 2)));
    assert_eq!((rows[0].on_target, rows[0].calls.percent), (Some(false), None), "too few for an estimate");
}

#[test]
fn a_cycle_has_its_own_questions() {
    let reopened = Event::Reopened {
        cycle: 2,
        cause: handoff_core::event::ReopenCause::Edited { fields: BTreeSet::new() },
    };
    let reasks = folded(&[
        accepting("1", None, 0),
        scored("1", "c", 24, vec![reask(1, true)]),
        said("1", "c", true),
        decided("1", 2, None, 48, vec![reopened]),
        decided("1", 2, None, 50, vec![accepted(50)]),
    ]);
    let of = |cycle| reasks.standing(&handoff("1", 1).stream(), cycle).asked_again;
    assert_eq!((of(1), of(2)), (true, false));
}

#[test]
fn twenty_accounts_are_a_figure_and_it_is_corrected() {
    assert_eq!(estimate(3, 19, ACCURACY), Estimate::TooFew { accounts: 19, fewest: 20 });
    let Estimate::Figure { seen, corrected: Some(corrected), .. } = estimate(22, 100, ACCURACY) else {
        panic!()
    };
    assert_eq!((seen.percent.to_string(), corrected.percent.to_string()), ("22".into(), "20".into()));
    assert!(corrected.low < corrected.percent && corrected.percent < corrected.high);
    let coin = Accuracy { sensitivity_percent: 50, specificity_percent: 50 };
    assert!(matches!(estimate(22, 100, coin), Estimate::Figure { corrected: None, .. }));
}

#[test]
fn folding_twice_tells_the_same() {
    let entries = [accepting("1", None, 0), scored("1", "c", 24, vec![reask(1, true)]), said("1", "c", true)];
    assert_eq!(folded(&entries), folded(&entries));
    let mut reasks = Reasks::new();
    for entry in &entries {
        assert_eq!(
            reasks.apply(entry).as_deref(),
            Some(&*handoff("1", 1).stream()),
            "each names the stream it touched"
        );
    }
}

#[test]
fn a_deal_that_moves_to_another_account_takes_its_questions_along() {
    let mut entries = vec![
        accepting("1", Some("acme"), 0),
        accepting("2", Some("other"), 1),
        scored("1", "c", 24, vec![reask(1, true)]),
        said("1", "c", true),
    ];
    let before = folded(&entries).incidence(None, Slice::All, hour(10));
    assert_eq!((before.accounts, before.asked_again), (2, 1));
    entries.push(decided("1", 1, Some("other"), 30, Vec::new()));
    let after = folded(&entries).incidence(None, Slice::All, hour(10));
    assert_eq!((after.accounts, after.asked_again, after.scored), (1, 1, 1));
}
