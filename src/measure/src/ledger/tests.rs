use std::collections::{BTreeMap, BTreeSet};

use handoff_core::decide::Terms;
use handoff_core::digest::Digest;
use handoff_core::event::{EditEffect, ReopenCause, VoidCause};
use handoff_core::id::{ActorId, ContractId, FieldKey, MotionId, PartKey, PersonId, RecordRef, StageName};
use handoff_core::observation::{Actor, Observation};
use handoff_core::pay::{Pay, Split};
use handoff_core::value::{Sourced, Value};
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::incentive::Rules;

mod edges;
mod properties;

pub(crate) const CONTRACT: &str = r#"
contract = "h03-ae-to-onboarding"
version = 1
title = "AE to Onboarding"
[opens]
when_stage_becomes = ["commit"]
[roles]
sender = "account_executive"
receiver = "onboarding_lead"
[gates.commission]
kind = "commission"
opens_when = "accepted"
mode = "enforce"
plan_clause = "4.2"
[[field]]
key = "why"
label = "Why"
ask = "Why?"
parts = { text = "text" }
"#;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn subject(record: &str) -> RecordRef {
    RecordRef { connection: "sf".into(), object: "Opportunity".into(), record: record.into() }
}

fn handoff(record: &str, cycle: u32) -> HandoffId {
    HandoffId {
        contract: ContractId::from("h03-ae-to-onboarding"),
        motion: MotionId::from("main"),
        subject: subject(record),
        cycle,
    }
}

fn pin() -> ContractRef {
    ContractRef {
        id: ContractId::from("h03-ae-to-onboarding"),
        version: 1,
        digest: Digest::of_bytes(CONTRACT.as_bytes()),
    }
}

fn actor(id: &str) -> Actor {
    Actor {
        id: ActorId::from(id),
        person: PersonId(format!("{id}@acme.example")),
        machine: false,
        active: true,
        roles: BTreeSet::from(["onboarding_lead".to_owned()]),
    }
}

fn sourced(record: &str, value: Value) -> Sourced {
    Sourced { value, from: subject(record), field: "X".into() }
}

fn money(record: &str, amount: &str) -> Pay {
    let value = match amount.parse() {
        Ok(amount) => Value::Money { amount, currency: Some("EUR".into()) },
        Err(_) => Value::Text(amount.to_owned()),
    };
    Pay { amount: Some(sourced(record, value)), ..Pay::default() }
}

fn split(mut pay: Pay, parts: &[(&str, &str)]) -> Pay {
    let row = |(payee, percent): &(&str, &str)| Split {
        payee: Some(sourced("row", Value::Person((*payee).to_owned()))),
        percent: Some(sourced("row", Value::Number(percent.parse().unwrap()))),
    };
    pay.splits = parts.iter().map(row).collect();
    pay
}

fn decided(record: &str, cycle: u32, logged: Timestamp, events: Vec<Event>) -> LogEntry {
    LogEntry::Decided {
        handoff: handoff(record, cycle),
        contract: pin(),
        terms: Terms::default(),
        at: logged,
        seen: Box::new(Observation::gone(subject(record))),
        events,
    }
}

fn opened(record: &str, cycle: u32) -> Vec<Event> {
    let why = sourced(record, Value::Text("because it saves a day".into()));
    let parts = BTreeMap::from([(PartKey::from("text"), why)]);
    vec![
        Event::Opened {
            handoff: handoff(record, cycle),
            contract: pin(),
            stage: StageName::from("commit"),
            at: None,
        },
        Event::PeopleChanged { sender: Some(actor("ann")), receiver: Some(actor("rita")) },
        Event::PackageChanged {
            set: BTreeMap::from([(FieldKey::from("why"), parts)]),
            cleared: BTreeSet::new(),
            edits: BTreeMap::new(),
            acceptance: EditEffect::BeforeAcceptance,
        },
    ]
}

fn paid(pay: Pay) -> Event {
    Event::PayChanged { pay: Some(Box::new(pay)) }
}

fn accepted(logged: Timestamp, cycle: u32) -> Vec<Event> {
    vec![
        Event::Completed { round: 1, at: logged },
        Event::Accepted { act: logged.to_string(), by: actor("rita"), at: logged, round: 1, behalf: None },
        Event::CommissionReleased { cycle },
    ]
}

fn reopened(cycle: u32, adjustment: u32) -> Vec<Event> {
    let cause = ReopenCause::Edited { fields: BTreeSet::from([FieldKey::from("go_live")]) };
    vec![Event::Reopened { cycle, cause: cause.clone() }, Event::CommissionHeld { adjustment, cause }]
}

fn published() -> LogEntry {
    LogEntry::ContractPublished { contract: pin(), text: CONTRACT.into(), at: at("2026-09-01T00:00:00Z") }
}

/// The state of an accepted deal.
pub(crate) fn cleared_deal() -> Handoff {
    let entries = cleared(money("1", "100"));
    let (_, events) = entries[1].handoff().unwrap();
    Handoff::apply(None, Stamp { position: 1, time: entries[1].at() }, events).unwrap()
}

fn statement(entries: &[LogEntry], period: &str) -> Statement {
    let mut ledger = Ledger::new(period.parse().unwrap());
    for (position, entry) in entries.iter().enumerate() {
        if !ledger.apply(u64::try_from(position).unwrap(), Some(entry)) {
            break;
        }
    }
    ledger.finish(Standing::Provisional, Decimal::from(5), Rules::NEWEST)
}

/// Published, opened and accepted on 5 September with this pay.
fn cleared(pay: Pay) -> Vec<LogEntry> {
    let when = at("2026-09-05T10:00:00Z");
    vec![published(), decided("1", 1, when, [opened("1", 1), vec![paid(pay)], accepted(when, 1)].concat())]
}

#[test]
fn a_cleared_deal_is_one_row_with_its_amount_and_is_stated_once() {
    let entries = cleared(money("1", "48000.50"));
    let now = statement(&entries, "2026-09");
    let row = now.rows.first().unwrap();
    assert_eq!(now.rows.len(), 1);
    assert_eq!(
        (row.state, row.payee.as_str(), row.currency.as_deref()),
        (State::Cleared, "ann", Some("EUR"))
    );
    assert_eq!(row.amount.unwrap().to_string(), "48000.5");
    assert_eq!(row.cleared_at, Some(at("2026-09-05T10:00:00Z")));
    assert_eq!(row.receipt, "log:1");
    assert_eq!(row.mode, "enforce");
    assert!(statement(&entries, "2026-10").rows.is_empty());
    assert!(statement(&entries, "2026-08").rows.is_empty());
}

#[test]
fn a_held_deal_says_why_and_who_must_act() {
    let when = at("2026-09-05T10:00:00Z");
    let entries =
        vec![published(), decided("1", 1, when, [opened("1", 1), vec![paid(money("1", "10"))]].concat())];
    let row = statement(&entries, "2026-09").rows.remove(0);
    assert_eq!(row.state, State::Held);
    assert_eq!(row.hold_reason.as_deref(), Some("Waiting for the account executive to hand over"));
    assert_eq!(row.who_must_act.as_deref(), Some("account executive ann"));
    assert_eq!(statement(&entries, "2026-12").rows.len(), 1, "it waits in every later month too");
    assert_eq!(statement(&entries, "2026-09").totals.first().unwrap().held.to_string(), "10");
}

#[test]
fn f08_a_reopen_after_the_period_is_adjustment_1_in_the_next_and_clears_once_more() {
    let mut entries = cleared(money("1", "100"));
    let before = csv(&statement(&entries, "2026-09")).unwrap();
    entries.push(decided("1", 2, at("2026-10-03T00:00:00Z"), reopened(2, 1)));
    assert_eq!(csv(&statement(&entries, "2026-09")).unwrap(), before, "September stays as it was");
    let october = statement(&entries, "2026-10");
    let row = october.rows.first().unwrap();
    assert_eq!((row.state, row.adjustment, row.cycle), (State::Adjusted, Some(1), 2));
    assert_eq!(row.amount.unwrap().to_string(), "-100");
    assert!(row.hold_reason.as_ref().unwrap().starts_with("held again: edited after acceptance: go live. "));
    let again = at("2026-11-02T00:00:00Z");
    entries.push(decided("1", 2, again, accepted(again, 2)));
    let row = statement(&entries, "2026-11").rows.remove(0);
    assert_eq!((row.adjustment, row.amount.unwrap().to_string()), (Some(2), "100".to_owned()));
    assert_eq!(row.cleared_at, Some(again));
}

#[test]
fn a_reopen_in_the_same_period_leaves_nothing_to_adjust() {
    let mut entries = cleared(money("1", "100"));
    entries.push(decided("1", 2, at("2026-09-20T00:00:00Z"), reopened(2, 1)));
    let states: Vec<State> = statement(&entries, "2026-09").rows.iter().map(|row| row.state).collect();
    assert_eq!(states, [State::Held]);
    assert_eq!(statement(&entries, "2026-10").rows.first().unwrap().state, State::Held);
}

#[test]
fn an_amount_that_changes_later_is_an_adjustment_by_the_difference() {
    let mut entries = cleared(money("1", "100"));
    entries.push(decided("1", 1, at("2026-10-03T00:00:00Z"), vec![paid(money("1", "130.25"))]));
    let row = statement(&entries, "2026-10").rows.remove(0);
    assert_eq!((row.state, row.amount.unwrap().to_string()), (State::Adjusted, "30.25".to_owned()));
    assert_eq!(row.hold_reason.as_deref(), Some("the amount or its shares changed"));
}

#[test]
fn a_deal_that_is_deleted_after_its_period_is_taken_back_by_an_adjustment() {
    let mut entries = cleared(money("1", "100"));
    let cause = ReopenCause::Voided { cause: VoidCause::Deleted };
    let gone =
        vec![Event::CommissionHeld { adjustment: 1, cause }, Event::Voided { cause: VoidCause::Deleted }];
    entries.push(decided("1", 1, at("2026-10-03T00:00:00Z"), gone));
    let row = statement(&entries, "2026-10").rows.remove(0);
    assert_eq!(row.amount.unwrap().to_string(), "-100");
    assert!(row.hold_reason.unwrap().contains("the record was deleted"));
    assert!(statement(&entries, "2026-11").rows.is_empty());
}

#[test]
fn splits_credit_several_people_with_exact_shares() {
    let pay = split(money("1", "1000000000000000000"), &[("ann", "33.34"), ("bob", "66.66")]);
    let rows = statement(&cleared(pay), "2026-09").rows;
    let told: Vec<String> = rows.iter().map(|row| format!("{} {}", row.payee, row.amount.unwrap())).collect();
    assert_eq!(told, ["ann 333400000000000000", "bob 666600000000000000"]);
}

#[test]
fn splits_that_do_not_sum_to_100_are_refused_with_words() {
    let refused = |parts: &[(&str, &str)]| {
        let rows = statement(&cleared(split(money("1", "90"), parts)), "2026-09").rows;
        assert_eq!((rows.len(), rows[0].state, rows[0].amount), (1, State::Refused, None));
        rows[0].hold_reason.clone().unwrap()
    };
    assert_eq!(
        refused(&[("ann", "50"), ("bob", "40")]),
        "the splits sum to 90 %, not 100: correct the split rows"
    );
    assert!(refused(&[("ann", "150"), ("bob", "-50")]).contains("negative"));
    assert!(refused(&[("ann", "33.333"), ("bob", "33.333"), ("eve", "33.333")]).contains("99.999 %"));
}

#[test]
fn e15_odd_amounts_do_not_touch_the_gate_and_are_told_exactly() {
    for amount in ["0", "-12.5", "1000000000000000000", "79228162514264337593543950335"] {
        let row = statement(&cleared(money("1", amount)), "2026-09").rows.remove(0);
        assert_eq!((row.state, row.amount.unwrap().to_string().as_str()), (State::Cleared, amount));
    }
    let row = statement(&cleared(money("1", "NaN")), "2026-09").rows.remove(0);
    assert_eq!(row.state, State::Refused);
    assert_eq!(row.hold_reason.as_deref(), Some("the amount is not a number: correct it on the record"));
    let row = statement(&cleared(Pay::default()), "2026-09").rows.remove(0);
    assert_eq!((row.state, row.amount), (State::Cleared, None));
}

#[test]
fn e12_what_a_spreadsheet_would_run_is_disarmed() {
    let mut made = statement(&cleared(money("1", "-5")), "2026-09");
    made.rows[0].payee = "=HYPERLINK(\"http://x\")\r\n".into();
    made.rows[0].stage = Some("@sum".into());
    let text = String::from_utf8(csv(&made).unwrap()).unwrap();
    assert!(text.contains("\"'=HYPERLINK(\"\"http://x\"\")  \""), "{text}");
    assert!(text.contains(",'@sum,"));
    assert!(text.contains(",-5,EUR,"), "a negative number stays a number");
    assert_eq!(text.lines().count(), 2);
}

#[test]
fn every_format_gives_the_same_bytes_twice() {
    let entries = cleared(split(money("1", "1000"), &[("ann", "50"), ("bob", "50")]));
    for format in Format::ALL {
        let bytes = format.write(&statement(&entries, "2026-09")).unwrap();
        assert_eq!(bytes, format.write(&statement(&entries, "2026-09")).unwrap(), "{}", format.name());
        assert!(!bytes.is_empty());
    }
    let bytes = xlsx(&statement(&entries, "2026-09")).unwrap();
    assert!(bytes.starts_with(b"PK"));
    let read: Statement = serde_json::from_slice(&json(&statement(&entries, "2026-09")).unwrap()).unwrap();
    assert_eq!(read, statement(&entries, "2026-09"));
}

#[test]
fn b02_a_clock_that_was_set_back_re_opens_no_period() {
    let mut entries = cleared(money("1", "100"));
    entries.push(decided("2", 1, at("2026-10-01T00:00:00Z"), opened("2", 1)));
    let before = json(&statement(&entries, "2026-09")).unwrap();
    entries.push(decided("1", 2, at("2026-09-30T00:00:00Z"), reopened(2, 1)));
    assert_eq!(json(&statement(&entries, "2026-09")).unwrap(), before);
    assert!(statement(&entries, "2026-10").rows.iter().any(|row| row.adjustment == Some(1)));
}

#[test]
fn the_same_deal_in_two_crms_counts_once() {
    let mut entries = cleared(money("1", "100"));
    let when = at("2026-09-06T00:00:00Z");
    let twin =
        handoff_core::twin::TwinSeen { record: subject("1"), word: handoff_core::twin::TwinWord::Accepted };
    let link = Event::TwinsChanged { link: Some(subject("1")), twins: vec![twin] };
    let events = [opened("2", 1), vec![link, paid(money("2", "100"))], accepted(when, 1)].concat();
    entries.push(decided("2", 1, when, events));
    let made = statement(&entries, "2026-09");
    assert_eq!(made.rows.len(), 1);
    assert_eq!(made.rows[0].deal, "sf/Opportunity/1");
}

#[test]
fn the_quality_factor_is_one_minus_w_plus_w_q_and_needs_five_decisions() {
    let mut entries = vec![published()];
    for number in 0..6_u32 {
        let record = number.to_string();
        let when = at("2026-09-05T10:00:00Z") + SignedDuration::from_hours(i64::from(number));
        let mut events = opened(&record, 1);
        if number < 3 {
            events.push(Event::Completed { round: 1, at: when });
            events.push(Event::Rejected {
                act: "r".into(),
                by: actor("rita"),
                at: when,
                round: 1,
                fields: BTreeSet::new(),
                reason: "thin".into(),
                reasons: std::collections::BTreeMap::new(),
            });
        }
        events.extend(accepted(when, 1));
        entries.push(decided(&record, 1, when, events));
        let made = statement(&entries, "2026-09");
        let ann = made.senders.first().unwrap();
        if number < 4 {
            assert_eq!(ann.factor, Decimal::ONE, "n = {}", ann.n);
        }
    }
    let made = statement(&entries, "2026-09");
    let ann = made.senders.first().unwrap();
    // Three of six accepted on the first submission, all complete: q = (1 + 0.5) / 2 = 0.75; 1 - 0.05 + 0.05 * 0.75.
    assert_eq!(
        (ann.n, ann.q.unwrap().to_string(), ann.factor.to_string()),
        (6, "0.75".into(), "0.9875".into())
    );
    assert_eq!(ann.re_discovery, None);
    assert!(made.rows.iter().all(|row| row.quality_factor == Some(ann.factor) && row.quality_n == 6));
    assert!(statement(&entries, "2026-12").senders.is_empty(), "older than three months");
}

#[test]
fn reconcile_names_every_planted_mismatch() {
    let mut entries = cleared(money("1", "100"));
    for (record, amount) in [("2", "200"), ("3", "300"), ("006000000000004AAA", "400")] {
        let when = at("2026-09-07T00:00:00Z");
        let events = [opened(record, 1), vec![paid(money(record, amount))], accepted(when, 1)].concat();
        entries.push(decided(record, 1, when, events));
    }
    let open = [opened("5", 1), vec![paid(money("5", "500"))]].concat();
    entries.push(decided("5", 1, at("2026-09-08T00:00:00Z"), open));
    let file = "deal,payee,amount\nsf/Opportunity/1,ann,100.00\n2,ann,150\n2,ann,49\n006000000000004,ann,400\n5,ann,500\nnone,ann,1\n1,ann,x\n";
    let payouts = payouts(file.as_bytes(), &Columns::default()).unwrap();
    let found = reconcile(&statement(&entries, "2026-09"), &payouts);
    let told: Vec<(FindingKind, &str)> = found.iter().map(|each| (each.kind, each.deal.as_str())).collect();
    assert_eq!(
        told,
        [
            (FindingKind::PaidButShut, "sf/Opportunity/5"),
            (FindingKind::OpenButUnpaid, "sf/Opportunity/3"),
            (FindingKind::AmountDiffers, "sf/Opportunity/2"),
            (FindingKind::UnknownDeal, "none"),
            (FindingKind::Unreadable, "1"),
        ]
    );
    assert_eq!(found[2].paid.unwrap().to_string(), "199");
    assert_eq!(found[4].line, Some(8));
    assert!(super::payouts(b"x,y\n1,2\n", &Columns::default()).is_err());
}

#[test]
fn an_export_reconciles_with_itself() {
    let pay = split(money("1", "100.10"), &[("ann", "30"), ("bob", "70")]);
    let made = statement(&cleared(pay), "2026-09");
    let payouts = payouts(&csv(&made).unwrap(), &Columns::default()).unwrap();
    assert!(reconcile(&made, &payouts).is_empty());
}

#[test]
fn months_are_read_strictly_and_end_where_the_next_begins() {
    let month: Month = "2026-12".parse().unwrap();
    assert_eq!(
        (month.next().to_string(), month.end().unwrap()),
        ("2027-01".into(), at("2027-01-01T00:00:00Z"))
    );
    for wrong in
        ["2026-13", "2026-1", "26-10", "2026-00", "2026/10", "", "2026-1x", "+026-10", "-026-10", "2026-+1"]
    {
        assert!(wrong.parse::<Month>().is_err(), "{wrong}");
    }
}
